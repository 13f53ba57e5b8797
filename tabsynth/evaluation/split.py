"""Real parts, such as train and holdout: how to part rows without parting people, and what two given parts share.

Every number of the report leans on the holdout being rows that the generator never saw. Rows of one person are alike,
so a person's rows stay together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tabsynth.errors import InsufficientDataError, UsageError
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.copies import row_codes
from tabsynth.evaluation.part import Part
from tabsynth.randomness import child

Array = np.ndarray[Any, Any]

SHARED_PEOPLE = 0.05
"""Share of a part's people who may have rows in another part before nothing that leans on it can pass."""


class Overlap(Part):
    """Rows of one real part that are identical to a row of another in all modelled columns."""

    part: str = "holdout"
    other: str = "train"
    """The part that rows are looked for in."""
    share: float
    """Of rows of `part`."""
    n_rows: int
    """Rows of `part`."""
    expected: float
    """Share of rows of `other` that have a twin there: what the table itself repeats."""
    shared_entities: int | None = None
    """People with rows in both; None where the schema names no `entity_key`."""
    warning: str | None = None


def split_rows(n_rows: int, *, holdout: float = 0.2, groups: Array | None = None, seed: int = 0) -> tuple[Array, Array]:
    """Part the rows of a table into train and holdout.

    Args:
        n_rows: Rows of the table.
        holdout: Share of rows for the holdout; with `groups`, as near to it as whole groups allow.
        groups: Person each row belongs to, shape (n_rows,), any comparable values; None: rows are independent.
        seed: Seed of the draw.

    Returns:
        Row numbers of train and of holdout, each sorted; together all rows, in common none.

    Raises:
        UsageError: `holdout` is not strictly between 0 and 1, or `groups` has another length.
        InsufficientDataError: There are fewer than two rows, or fewer than two groups.
    """
    if not 0 < holdout < 1:
        raise UsageError("holdout: must be a share strictly between 0 and 1, such as 0.2")
    if groups is not None and len(groups) != n_rows:
        raise UsageError("groups: must have one entry per row")
    codes = np.arange(n_rows) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    n_groups = len(np.unique(codes))
    if n_groups < 2:
        what = "rows" if groups is None else "people"
        raise InsufficientDataError(f"the table has fewer than two {what}; a holdout needs at least two")
    order = child(seed, "split").permutation(n_groups)
    sizes = np.cumsum(np.bincount(codes)[order])
    n_chosen = int(np.argmin(np.abs(sizes - holdout * n_rows))) + 1
    chosen = order[: min(n_chosen, n_groups - 1)]
    held = np.isin(codes, chosen)
    return np.flatnonzero(~held), np.flatnonzero(held)


def split_people(groups: Array, shares: Mapping[str, float], *, seed: int) -> dict[str, Array]:
    """Part rows into several parts, each person in one of them.

    Args:
        groups: Person each row belongs to, shape (n_rows,), any comparable values.
        shares: Share of people of each part, by name; together 1.
        seed: Seed of the draw.

    Returns:
        Row numbers of each part, sorted; together all rows, in common none.

    Raises:
        UsageError: A share is not above 0, or they are not 1 together.
        InsufficientDataError: There are fewer people than parts.
    """
    if min(shares.values()) <= 0 or abs(sum(shares.values()) - 1) > 1e-9:
        raise UsageError("shares: must lie above 0, and be 1 together")
    codes = np.unique(np.asarray(groups), return_inverse=True)[1]
    n_people = int(codes.max(initial=-1)) + 1
    if n_people < len(shares):
        raise InsufficientDataError(f"the table has {n_people} people; {len(shares)} parts need at least one each")
    order = child(seed, "split", "parts").permutation(n_people)
    ends = np.round(np.cumsum(list(shares.values())) * n_people).astype(np.int64)
    ends = np.maximum(ends, np.arange(1, len(shares) + 1))  # at least one person each
    ends = np.minimum(ends, n_people - np.arange(len(shares))[::-1])
    part_of = np.empty(n_people, dtype=np.int64)
    part_of[order] = np.searchsorted(ends, np.arange(n_people), side="right")
    return {name: np.flatnonzero(part_of[codes] == number) for number, name in enumerate(shares)}


def other_folds(rows: Array, groups: Array | None, *, share: float, seed: int) -> list[Array]:
    """Part the rows besides a holdout into folds of about its size, by people.

    Args:
        rows: Row numbers of train.
        groups: Person of each row of the whole table; None: rows are independent.
        share: Share of people in the holdout.
        seed: Seed of the draw.

    Returns:
        Row numbers of each fold; with the holdout, everybody is in one.

    Raises:
        InsufficientDataError: There are fewer people than folds.
    """
    people = rows if groups is None else groups[rows]
    n_folds = max(1, round(1 / share) - 1)
    if n_folds == 1:
        return [rows]
    folds = split_people(people, {str(n): 1 / n_folds for n in range(n_folds)}, seed=seed)
    return [rows[own] for own in folds.values()]


def strangers_are_known(comparison: Comparison, overlaps: Iterable[Overlap]) -> bool:
    """Whether real parts have so much in common that no number which leans on strangers may pass a limit.

    That is: one part seems to be taken from another one, or more than SHARED_PEOPLE of its people have rows there.
    """
    for overlap in overlaps:
        if _seems_taken(overlap.share, overlap.expected, overlap.n_rows):
            return True
        n_people = len(set(comparison.people(overlap.part).tolist()))  # type: ignore[arg-type]
        if (overlap.shared_entities or 0) > SHARED_PEOPLE * n_people:
            return True
    return False


def _seems_taken(share: float, expected: float, n: int) -> bool:
    # Three standard errors of a share, so that twenty rows with one twin raise no alarm.
    return bool(share - expected > 0.05 + 3 * np.sqrt(0.25 / n))


def measure_overlaps(comparison: Comparison) -> tuple[Overlap, ...]:
    """What every real part has in common with train, and the parts with each other; the holdout's with train first."""
    parts = ["train", "holdout", *comparison.apart]
    return tuple(
        measure_overlap(comparison, part=part, other=other)
        for number, other in enumerate(parts)
        for part in parts[number + 1 :]
    )


def measure_overlap(comparison: Comparison, *, part: str = "holdout", other: str = "train") -> Overlap:
    """Count what two real parts have in common; to be shown before any number that leans on them.

    Some overlap is a fact of the table: where few different rows are possible, strangers are identical. Much more of it
    than a part repeats itself means that one was taken from the other.

    Args:
        comparison: The tables.
        part: One part, such as `holdout`.
        other: The part that its rows are looked for in.

    Privacy:
        Leaves shares and counts.
    """
    tables = {"train": comparison.train, "holdout": comparison.holdout, **comparison.apart}
    n = tables[part].n_rows
    share, expected = 0.0, 0.0
    if comparison.columns:
        known, asked = row_codes(tables[other], tables[part])
        times = np.bincount(known, minlength=int(max(known.max(), asked.max())) + 1)
        share, expected = float((times[asked] > 0).mean()), float((times[known] > 1).mean())
    shared = _shared_entities(comparison, part, other)
    return Overlap(
        part=part, other=other, share=share, n_rows=n, expected=expected, shared_entities=shared,
        warning=_warning(part, other, share, expected, shared, n),
    )  # fmt: skip


def _shared_entities(comparison: Comparison, part: str, other: str) -> int | None:
    key = comparison.table.entity_key
    if key is None:
        return None
    first, second = (comparison.typed[which].columns[key] for which in (other, part))
    return len(set(second.array[~second.missing]) & set(first.array[~first.missing]))


def _warning(part: str, other: str, share: float, expected: float, shared: int | None, n: int) -> str | None:
    where = f"the {part} rows"
    if _seems_taken(share, expected, n):
        row = "a training row" if other == "train" else f"a {other} row"
        return (
            f"{share:.0%} of {where} are identical to {row}, where the table repeats itself in "
            f"{expected:.0%}: the {part} seems to be part of {other}. No number that leans on it can be trusted."
        )
    if shared:
        return (
            f"{shared:,} people have rows in both {other} and {part}: the {part} is no table of strangers, "
            "and numbers that lean on it look better than they are."
        )
    return None

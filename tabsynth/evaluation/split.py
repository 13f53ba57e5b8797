"""Train and holdout: how to part rows without parting people, and what two given parts share.

Every number of the report leans on the holdout being rows that the generator never saw. Rows of one person are alike,
so a person's rows stay together.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tabsynth.errors import InsufficientDataError, UsageError
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.copies import row_codes
from tabsynth.evaluation.part import Part
from tabsynth.randomness import child

Array = np.ndarray[Any, Any]


class Overlap(Part):
    """Holdout rows that are identical to a training row in all modelled columns."""

    share: float
    """Of holdout rows."""
    n_rows: int
    """Holdout rows."""
    expected: float
    """Share of training rows that have a twin among the other training rows: what the table itself repeats."""
    shared_entities: int | None = None
    """People of the holdout who are also in train; None where the schema names no `entity_key`."""
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


def measure_overlap(comparison: Comparison) -> Overlap:
    """Count what holdout and train have in common; to be shown before any number that leans on the holdout.

    Some overlap is a fact of the table: where few different rows are possible, strangers are identical. Much more of it
    than train repeats itself means that the holdout was taken from train.

    Privacy:
        Leaves shares and counts.
    """
    n = comparison.holdout.n_rows
    share, expected = 0.0, 0.0
    if comparison.columns:
        train, holdout = row_codes(comparison.train, comparison.holdout)
        times = np.bincount(train, minlength=int(max(train.max(), holdout.max())) + 1)
        share, expected = float((times[holdout] > 0).mean()), float((times[train] > 1).mean())
    shared = _shared_entities(comparison)
    return Overlap(
        share=share, n_rows=n, expected=expected, shared_entities=shared, warning=_warning(share, expected, shared, n)
    )


def _shared_entities(comparison: Comparison) -> int | None:
    key = comparison.table.entity_key
    if key is None:
        return None
    train, holdout = (comparison.typed[which].columns[key] for which in ("train", "holdout"))
    return len(set(holdout.array[~holdout.missing]) & set(train.array[~train.missing]))


def _warning(share: float, expected: float, shared: int | None, n: int) -> str | None:
    # Three standard errors of a share, so that twenty rows with one twin raise no alarm.
    if share - expected > 0.05 + 3 * np.sqrt(0.25 / n):
        return (
            f"{share:.0%} of the holdout rows are identical to a training row, where the table repeats itself in "
            f"{expected:.0%}: the holdout seems to be part of train. No number that leans on it can be trusted."
        )
    if shared:
        return (
            f"{shared:,} people have rows in both train and holdout: the holdout is no table of strangers, "
            "and numbers that lean on it look better than they are."
        )
    return None

"""`tabsynth split`: part a real table into the roles of an evaluation, each person in one of them.

    train.<format>  holdout.<format>                                 below 5,000 people besides train
    train.<format>  holdout.<format>  reference.<format>  test.<format>     from there on, or where asked for

Decisions
- By people, where the schema names them, and checked after the fact: what parts have in common is counted in the files'
  rows, not taken from how they were made.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tabsynth.errors import UsageError
from tabsynth.generators.base import choose_table
from tabsynth.outputs import atomic_folder, require_apart
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed
from tabsynth.schema.files import as_schema
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import require_valid, validate_table
from tabsynth.schema.values import TypedTable
from tabsynth.tables.files import detect_format, read_table, source_name, write_table

if TYPE_CHECKING:
    from tabsynth.evaluation.split import Overlap

PartCount = Literal["auto", "two", "four"]
PART_COUNTS: tuple[PartCount, ...] = ("auto", "two", "four")


@dataclass(frozen=True)
class SplitResult:
    """What `split` made."""

    folder: Path
    files: dict[str, str]
    """Name of the file of each part."""
    n_rows: dict[str, int]
    n_people: dict[str, int]
    overlaps: tuple[Overlap, ...]
    """What every two parts have in common."""
    seed: int


def split(
    schema: Schema | str | Path,
    data: str | Path,
    out: str | Path,
    *,
    holdout: float = 0.2,
    parts: PartCount = "auto",
    seed: int = 0,
    table_name: str | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    overwrite: bool = False,
    progress: Progress = SILENT,
) -> SplitResult:
    """Part a table by people into train and holdout, or into train, holdout, attack reference and test.

    Args:
        schema: The schema, or its path.
        data: The table's file.
        out: Folder to make.
        holdout: Share of people besides train, in (0, 1).
        parts: "two": train and holdout. "four": of the people besides train two fifths each become holdout and
            attack reference, a fifth test rows. "auto": four from 5,000 people besides train on.
        seed: The same seed gives the same parts.
        table_name: Which table of a schema with several.
        delimiter: Field separator of a text table.
        encoding: Encoding of a text table.
        overwrite: Whether a folder that is not empty is replaced.
        progress: Told about stages.

    Raises:
        UsageError: `holdout` or `parts` is impossible.
        DataError: The table does not fit the schema.
        InsufficientDataError: It has fewer people than parts.

    Privacy:
        Writes real rows.
    """
    from tabsynth.evaluation.comparison import compare
    from tabsynth.evaluation.roles import MIN_APART, SHARES, person_codes
    from tabsynth.evaluation.split import measure_overlaps, split_people, split_rows

    if parts not in PART_COUNTS:
        raise UsageError(f"parts: unknown; choose from {', '.join(PART_COUNTS)}")
    seed = check_seed(seed)
    require_apart(out, (schema, data))
    declared = as_schema(schema)
    table = declared.tables[choose_table(declared, table_name)]
    progress.stage("Reading")
    frame = read_table(data, delimiter=delimiter, encoding=encoding)
    validation = validate_table(frame, table, name=source_name(data))
    require_valid(validation)
    typed = validation.typed
    people = person_codes(typed, table)
    train, apart = split_rows(len(frame), holdout=holdout, groups=people, seed=seed)
    rows = {"train": train, "holdout": apart}
    n_apart = len(np.unique(people[apart]))
    if parts == "four" or (parts == "auto" and n_apart >= MIN_APART):
        rows |= {name: apart[own] for name, own in split_people(people[apart], SHARES, seed=seed).items()}
    progress.stage("Counting what the parts have in common")
    pieces = {name: typed.take(own) for name, own in rows.items()}
    others: dict[str, TypedTable] = {name: pieces[name] for name in ("reference", "test") if name in pieces}
    comparison = compare(pieces["train"], pieces["holdout"], pieces["holdout"], table, seed=seed, apart=others)
    file_format = detect_format(data)
    files = {name: f"{name}{file_format.suffix}" for name in rows}
    progress.stage("Writing")
    with atomic_folder(out, overwrite=overwrite) as folder:
        for name, own in rows.items():
            write_table(frame.iloc[own].reset_index(drop=True), folder / files[name])
    return SplitResult(
        folder=Path(out),
        files=files,
        n_rows={name: len(own) for name, own in rows.items()},
        n_people={name: len(np.unique(people[own])) for name, own in rows.items()},
        overlaps=measure_overlaps(comparison),
        seed=seed,
    )

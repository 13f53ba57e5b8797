"""Draft a schema from tables: kinds, spellings, roles, keys, relationships, and questions where the data do not tell.

The draft is meant to be read and corrected by a person. Rules stand with what they decide: `infer_columns` (kinds),
`infer_numbers`, `infer_datetimes`, `patterns` (shape of keys), `column_names` (what names suggest), `infer_measure`
(categories and bounds), `infer_keys` (entities and relationships).

Privacy: What leaves is listed at `infer_measure` and `patterns`. Questions hold counts and shares, never a cell.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tabsynth.errors import DataError, UsageError
from tabsynth.schema.detection import Detect, Detection
from tabsynth.schema.infer_cells import Array
from tabsynth.schema.infer_columns import infer_column
from tabsynth.schema.infer_keys import adopt_keys, propose_entity_key, propose_primary_key, propose_relationships
from tabsynth.schema.infer_measure import measure
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.values import Values, parse_column

__all__ = ["Detect", "Detection", "infer_schema", "infer_table"]


def infer_table(frame: pd.DataFrame, *, detect: Detect | None = None, k: int = 10) -> Table:
    """Draft the schema of one table.

    Args:
        frame: The table, shape (n_rows, n_columns): text cells as a CSV file has them (None for empty ones), or native
            dtypes.
        detect: Detector of direct identifiers, as `identifiers.detect.detect_identifier`; None to go by keys alone.
        k: People (rows, where no entity key is found) that a category or a bound must rest on to be listed.

    Returns:
        The draft. It validates the table it came from, except for infinite cells in native floats, which it asks about.

    Raises:
        DataError: No columns, a name used twice or that is not text, or nested values.
        UsageError: `k` is not a positive whole number.

    Privacy:
        Reads every cell. Lists only categories of at least `k` people and the k-th smallest and largest value, marked
        `provenance: data`; no identifier, rare category or extreme.
    """
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise UsageError("k: must be a whole number of at least 1, such as 10")
    _check_names(frame)
    drafts = {name: infer_column(frame[name], name, detect=detect, k=k) for name in frame.columns}
    values = {name: parse_column(frame[name], draft).values for name, draft in drafts.items()}
    owner = propose_entity_key(frame, drafts)
    entities = _entity_codes(values[owner]) if owner is not None else None
    columns = {name: measure(draft, values[name], k=k, entities=entities) for name, draft in drafts.items()}
    if owner is not None and columns[owner].nullable:
        columns[owner] = columns[owner].model_copy(update={"question": _INCOMPLETE_OWNER})
    return Table(columns=columns, primary_key=propose_primary_key(frame, columns), entity_key=owner)


_INCOMPLETE_OWNER = (
    "Rows belong to the values of this column, but some cells are empty, and such rows count as people of their own. "
    "Is that right? If not, fill the cells or drop the rows."
)


def infer_schema(
    frames: Mapping[str, pd.DataFrame], *, detect: Detect | None = None, k: int = 10, name: str | None = None
) -> Schema:
    """Draft the schema of one or more tables, with the relationships between them.

    A relationship is proposed where a column is named like the primary key of another table (`account_id`), or like
    that table (`PATIENT`), and at least 95 % of its present cells are among that table's keys.

    Args:
        frames: Tables by name.
        detect: As for `infer_table`.
        k: As for `infer_table`.
        name: Name of the schema.

    Raises:
        DataError: No tables, or one that `infer_table` refuses.
        UsageError: As for `infer_table`.

    Privacy: As for `infer_table`.
    """
    if not frames:
        raise DataError("no tables: give at least one")
    tables = {title: infer_table(frame, detect=detect, k=k) for title, frame in frames.items()}
    relationships = propose_relationships(frames, tables)
    return Schema(name=name, tables=adopt_keys(frames, tables, relationships), relationships=relationships)


def _check_names(frame: pd.DataFrame) -> None:
    if not len(frame.columns):
        raise DataError("the table has no columns")
    if not all(isinstance(name, str) for name in frame.columns):
        raise DataError("column names must be text; rename the columns that are not")
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise DataError(f"column names used twice: {', '.join(map(repr, twice))}; rename one of each")


def _entity_codes(owners: Values) -> Array:
    """Number of the entity of each row, shape (n_rows,); rows without one share a number."""
    codes, _ = pd.factorize(np.where(owners.missing, "", owners.array))
    return np.asarray(codes)

"""Copies: do synthetic rows, identifiers or texts repeat real ones?

Decisions
- Rows are compared at the precision of the schema, over all modelled columns: a copy with a changed identifier is a
  copy.
- The holdout's own rate beside it. In a table of a few categories, honest strangers share all their values; only what
  goes beyond that speaks of memory.
- A copy rate of zero does not prove privacy; near copies and membership are other questions.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison, Rows
from tabsynth.evaluation.intervals import Interval, newcombe, wilson
from tabsynth.schema.columns import Identifier, Text
from tabsynth.schema.values import TypedTable

MIN_TEXT = 6


class CopyCounts(Detail):
    """Rows that equal a training row; counts only."""

    synthetic_rows: int
    synthetic_copies: int
    synthetic_copies_of_unique: int
    """Copies of training rows that occur once in train."""
    holdout_rows: int
    holdout_copies: int
    holdout_copies_of_unique: int


class ReuseCounts(Detail):
    """Cells per column whose value occurs in train; counts only."""

    reused: dict[str, int]
    cells: dict[str, int]


class ExactCopies:
    """Share of synthetic rows that equal a training row in all modelled columns.

    Formula:
        P(s in T); judged: P(s in T) - P(h in T).
    Units:
        A share of rows, 0 to 1.
    Cost:
        A sort of every column: 0.1 s at 20,000 rows x 15 columns.
    Source:
        Replicated rows against a holdout, Platzer & Reutterer 2021, doi:10.3389/fdata.2021.679939.
    """

    name = "exact-copies"
    family = Family.COPIES
    question = "Are there more exact copies of real rows than chance explains?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "share"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Count rows of synthetic and of holdout that equal a training row.

        Privacy:
            Leaves counts.
        """
        if not comparison.columns:
            return Findings([unmeasured(self, "The table has no modelled columns, only identifiers or text.")])
        train, synthetic, holdout, independent = row_codes(
            comparison.train, comparison.synthetic, comparison.holdout, comparison.compared("independent")
        )
        times = np.bincount(
            train, minlength=int(max(part.max() for part in (train, synthetic, holdout, independent))) + 1
        )
        copies = {"synthetic": int((times[synthetic] > 0).sum()), "holdout": int((times[holdout] > 0).sum())}
        n, m = len(synthetic), len(holdout)
        share, reference = copies["synthetic"] / n, copies["holdout"] / m
        notes = ["Rows are compared in all modelled columns, at the precision of the schema."]
        if reference > 0.5:
            notes.append("Most real rows have a twin, as the columns allow few different rows; copies say little here.")
        whole = answer(
            self,
            value=share,
            interval=wilson(copies["synthetic"], n, level=level),
            n=min(n, m),
            reference=reference,
            baseline=float((times[independent] > 0).mean()),
            judged=Judged(
                what="excess over the holdout",
                value=share - reference,
                interval=newcombe(copies["synthetic"], n, copies["holdout"], m, level=level),
            ),
            notes=tuple(notes),
        )
        detail = CopyCounts(
            synthetic_rows=n,
            synthetic_copies=copies["synthetic"],
            synthetic_copies_of_unique=int((times[synthetic] == 1).sum()),
            holdout_rows=m,
            holdout_copies=copies["holdout"],
            holdout_copies_of_unique=int((times[holdout] == 1).sum()),
        )
        return Findings([whole], detail)


class IdentifierReuse:
    """Number of synthetic identifier cells whose value is an identifier of train.

    Formula:
        Sum over identifier columns of #{synthetic cells whose text, trimmed and with case folded, occurs in train}.
    Units:
        A count of cells.
    Cost:
        One set per column: 0.1 s per column at 20,000 rows.
    Source:
        45 CFR 164.514(b)(2): direct identifiers must not remain.
    """

    name = "identifier-reuse"
    family = Family.COPIES
    question = "Does any real identifier appear in the synthetic table?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "count"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Count cells of identifier columns that occur in the same column of train.

        Privacy:
            Leaves counts, never a value.
        """
        names = comparison.named(Identifier)
        if not names:
            return Findings([unmeasured(self, "The schema names no identifier columns.")])
        return _reuse(self, comparison, names, level=level, min_length=1)


class TextReuse:
    """Number of synthetic text cells of six or more characters that occur verbatim in train.

    Formula:
        Sum over text columns of #{synthetic cells whose text, trimmed and with case folded, occurs in train}.
    Units:
        A count of cells.
    Cost:
        One set per column: 0.1 s per column at 20,000 rows.
    Source:
        Verbatim memory as a sign of leakage, Carlini et al. 2021, "Extracting training data from large language
        models", arXiv:2012.07805.
    """

    name = "text-reuse"
    family = Family.COPIES
    question = "Does any real free text appear word for word in the synthetic table?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "count"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Count cells of text columns that occur in the same column of train.

        Privacy:
            Leaves counts, never a value.
        """
        names = comparison.named(Text)
        if not names:
            return Findings([unmeasured(self, "The schema names no text columns.")])
        return _reuse(self, comparison, names, level=level, min_length=MIN_TEXT)


def _reuse(
    metric: IdentifierReuse | TextReuse,
    comparison: Comparison,
    names: tuple[str, ...],
    *,
    level: float,
    min_length: int,
) -> Findings:
    train, synthetic, holdout = (comparison.typed[which] for which in ("train", "synthetic", "holdout"))
    counts = {name: _reused(train, synthetic, name, min_length) for name in names}
    cells = {name: len(_texts(synthetic, name, min_length)) for name in names}
    total, n_cells = sum(counts.values()), sum(cells.values())
    result = answer(
        metric,
        value=float(total),
        interval=Interval(low=total, high=total, level=level),
        n=n_cells,
        reference=float(sum(_reused(train, holdout, name, min_length) for name in names)),
        notes=(
            f"Cells that repeat a real value, out of {n_cells:,} in {len(names)} columns. All cells were searched.",
        ),
    )
    return Findings([result], ReuseCounts(reused=counts, cells=cells))


def _texts(table: TypedTable, name: str, min_length: int) -> pd.Series:
    """Present cells of one column, trimmed and with case folded, so that a change of spelling hides no copy."""
    values = table.columns.get(name)
    if values is None:
        return pd.Series([], dtype=object)
    cells = pd.Series(values.array[~values.missing], dtype=object)
    folded = cells.map(lambda cell: " ".join(str(cell).split()).casefold())
    return folded[folded.str.len() >= min_length] if len(folded) else folded


def _reused(train: TypedTable, other: TypedTable, name: str, min_length: int) -> int:
    return int(_texts(other, name, min_length).isin(set(_texts(train, name, min_length))).sum())


def row_codes(*tables: Rows) -> tuple[Array, ...]:
    """One code per distinct row over several tables: equal codes are equal rows. Shapes (n_rows,) each.

    Exact, column by column; a hash would be shorter and would have to be argued about.
    """
    sizes = [table.n_rows for table in tables]
    codes = np.zeros(sum(sizes), dtype=np.int64)
    for name in tables[0].columns:
        cells = np.concatenate([table.columns[name] for table in tables])
        own = pd.factorize(cells, use_na_sentinel=True)[0].astype(np.int64) + 1  # 0 is "missing"
        codes = pd.factorize(codes * (int(own.max()) + 1) + own)[0].astype(np.int64)
    return tuple(np.split(codes, np.cumsum(sizes)[:-1]))

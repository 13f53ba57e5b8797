"""Categories, ordinals and booleans as codes.

Code 0 .. n_codes - 1 for a category, -1 for a missing cell. Categories that fewer than k people have are pooled into
one last code, unless the schema declares the list; on the way back that code becomes `rare_label`, or a draw from the
kept ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from tabsynth.schema.columns import Boolean, Categorical, Column, Ordinal
from tabsynth.schema.values import Values, category_text

Array = np.ndarray[Any, Any]

RARE_LABEL = "_rare_"


@dataclass(frozen=True)
class DiscreteEncoder:
    """Categories of one column, in code order, and how common each is among present cells."""

    labels: tuple[str, ...]
    shares: Array  # (n_codes,), sum 1
    ordered: bool
    pooled: bool
    """Whether the last code stands for the pooled rare categories."""
    rare_label: str | None

    @classmethod
    def fit(
        cls, column: Categorical | Ordinal | Boolean, values: Values, *, k: int, entities: Array | None
    ) -> DiscreteEncoder:
        """Choose the codes.

        Args:
            column: The declared kind.
            values: Cells of the training table, shape (n_rows,).
            k: People a category needs to be kept.
            entities: Code of the person of each row, shape (n_rows,), or None.

        Privacy:
            Names of categories that at least k people have (or that the schema declares) and the share of each
            leave; rarer ones leave as one pooled share, if at least k people have any of them.
        """
        present = ~values.missing
        if isinstance(column, Boolean):
            share = float(values.array[present].mean()) if present.any() else 0.5
            return cls(("false", "true"), np.array([1 - share, share]), ordered=True, pooled=False, rare_label=None)
        codes, names = pd.factorize(values.array[present])
        counts = np.bincount(codes, minlength=len(names))
        declared = _declared(column)
        if declared is not None:
            count_of = dict(zip(names, counts, strict=True))
            shares = np.array([count_of.get(name, 0) for name in declared], np.float64)
            total = shares.sum()
            shares = shares / total if total else np.full(len(declared), 1 / len(declared))
            return cls(declared, shares, isinstance(column, Ordinal), pooled=False, rare_label=None)
        people = counts
        if entities is not None and len(names):
            pairs = np.unique(np.stack([codes, entities[present]], axis=1), axis=0)
            people = np.bincount(pairs[:, 0], minlength=len(names))
        order = np.lexsort((np.asarray(names, dtype=object).astype(str), -counts))
        kept = [code for code in order if people[code] >= k]
        rare = int(counts.sum() - counts[kept].sum())
        labels = [str(names[code]) for code in kept]
        sizes = [int(counts[code]) for code in kept]
        rare_label = column.rare_label if isinstance(column, Categorical) else None
        if not labels:
            rare_label = rare_label or RARE_LABEL
        behind = rare
        if entities is not None:  # a person with a hundred rare cells is one person
            behind = len(np.unique(entities[present][~np.isin(codes, kept)]))
        pooled = rare > 0 and (behind >= k or not labels)
        if pooled:
            labels.append(rare_label or RARE_LABEL)
            sizes.append(rare)
        if not labels:  # no cell at all
            labels, sizes = [RARE_LABEL], [1]
        shares = np.array(sizes, np.float64) / sum(sizes)
        return cls(tuple(labels), shares, ordered=False, pooled=pooled, rare_label=rare_label)

    @property
    def n_codes(self) -> int:
        """Number of codes, the pooled one included."""
        return len(self.labels)

    @property
    def numbers(self) -> Array | None:
        """The categories as numbers, shape (n_codes,), the pooled one as inf; None where any is no number."""
        try:
            known = [float(label) for label in self._known]
        except ValueError:
            return None
        if not known or not np.isfinite(known).all():
            return None
        return np.array([*known, np.inf] if self.pooled else known)

    def encode(self, values: Values) -> Array:
        """Codes of the cells, shape (n_rows,), int32; rare categories get the pooled code (or the commonest one)."""
        if values.array.dtype == np.bool_:
            return np.where(values.missing, -1, values.array.astype(np.int32)).astype(np.int32)
        code_of = {label: code for code, label in enumerate(self._known)}
        other = self.n_codes - 1 if self.pooled else int(np.argmax(self.shares))
        codes, names = pd.factorize(values.array)
        mapped = np.array([code_of.get(name, other) for name in names], np.int32)
        return np.where(values.missing, -1, mapped[codes] if len(mapped) else -1).astype(np.int32)

    def knows(self, values: Values) -> Array:
        """Cells that have a code, their own or that of the pooled rare categories; shape (n_rows,), bool."""
        if self.pooled or values.array.dtype == np.bool_:
            return np.ones(len(values), bool)
        return pd.Series(values.array, dtype=object).isin(self.labels).to_numpy(bool)

    def decode(self, codes: Array, *, rng: np.random.Generator, boolean: bool) -> Values:
        """Cells of the codes, shape (n_rows,); -1 becomes a missing cell."""
        missing = codes < 0
        if boolean:
            return Values((codes == 1), missing)
        codes = self.spread(np.where(missing, 0, codes), rng=rng)
        texts = np.array(self.labels, dtype=object)[codes]
        return Values(np.where(missing, "", texts).astype(object), missing)

    def spread(self, codes: Array, *, rng: np.random.Generator) -> Array:
        """Codes with the pooled one drawn from the others, where it has no label to stand for itself."""
        if not self.pooled or self.rare_label is not None:
            return codes
        rare = codes == self.n_codes - 1
        kept = self.shares[:-1] / self.shares[:-1].sum()
        codes = codes.copy()
        codes[rare] = np.searchsorted(np.cumsum(kept)[:-1], rng.random(int(rare.sum())), side="right")
        return codes

    @property
    def _known(self) -> tuple[str, ...]:
        """Labels that stand for themselves."""
        return self.labels[:-1] if self.pooled else self.labels

    def state(self) -> dict[str, Any]:
        """What a model file holds of this column."""
        return {
            "labels": list(self.labels),
            "shares": self.shares,
            "ordered": self.ordered,
            "pooled": self.pooled,
            "rare_label": self.rare_label,
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> DiscreteEncoder:
        """The encoder that `state` describes."""
        return cls(tuple(state["labels"]), state["shares"], state["ordered"], state["pooled"], state["rare_label"])


def _declared(column: Column) -> tuple[str, ...] | None:
    if isinstance(column, Ordinal):
        return tuple(category_text(item) for item in column.categories)
    if isinstance(column, Categorical) and column.categories and column.is_rule("categories"):
        return tuple(category_text(item) for item in column.categories)
    return None

"""What a network sees of a row: one slot chosen in every block, and one number per numeric column.

A discrete column is a block with a slot for each code that occurs. A numeric column is a block whose slots are its
modes (heavy point masses, then components of a Gaussian mixture) and a number in [-1, 1], the position inside the
component: (value - mean) / (4 deviations). A missing cell is one more slot of either. A column with a single slot is
constant and is not shown to the network.

The network's vector is: the numbers, then the blocks, narrow ones first, so that blocks of equal width lie side by
side and a softmax over all of them is one operation per width.

Decisions
- Point masses (zeros, sentinels, usual hours) are modes of their own and come back exactly; a bell around zero would
  turn 'none' into 'a little'.
- Everything is computed from the domains, which a model file holds anyway; the rows add only whether a cell is ever
  missing and ever there, and how often.

Source: Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, "Modeling Tabular Data using Conditional GAN", section
4.2 (mode-specific normalisation).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from tabsynth.encoding.marginal import Marginal
from tabsynth.encoding.table import Continuous, Discrete, Domain, EncodedTable
from tabsynth.generators.independent import is_missing
from tabsynth.generators.networks.mixture import Mixture, fit_mixture

Array = np.ndarray[Any, Any]

ATOM_SHARE = 0.05
"""A point mass at least this heavy is a mode of its own."""
FEW_VALUES = 20
"""A column of at most so many values has each as a mode, and needs no number."""
REACH = 4.0
"""Deviations of a component that the numbers -1 and 1 stand for."""


@dataclass(frozen=True)
class ColumnCode:
    """Slots of one column, in order: missing (where it occurs), codes or point masses, components."""

    missing: float
    """Share of missing cells in the training table."""
    codes: Array  # (n_codes,) int32 of a discrete column, else empty
    atoms: Array  # (n_atoms,) values of a numeric column, rising
    mixture: Mixture | None
    shares: Array  # (n_slots,) share of the training rows, about

    @property
    def width(self) -> int:
        """Number of slots."""
        return len(self.shares)

    @property
    def gap(self) -> int:
        """1 where the first slot stands for a missing cell, else 0."""
        return int(self.missing > 0)

    @property
    def first_component(self) -> int:
        """Slot of the first component of the mixture."""
        return self.gap + len(self.codes) + len(self.atoms)

    def state(self) -> dict[str, Any]:
        """What a model file holds: modes, and shares of missing cells."""
        mixture = self.mixture
        components = None if mixture is None else np.stack([mixture.means, mixture.deviations, mixture.shares])
        return {
            "missing": self.missing,
            "codes": self.codes,
            "atoms": self.atoms,
            "components": components,
            "shares": self.shares,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The column that `state` describes."""
        components = state["components"]
        mixture = None if components is None else Mixture(*components)
        return cls(state["missing"], state["codes"], state["atoms"], mixture, state["shares"])


@dataclass(frozen=True)
class Representation:
    """Slots and numbers of every column, and where they stand in the network's vector."""

    columns: Mapping[str, ColumnCode]

    @classmethod
    def fit(cls, data: EncodedTable, *, max_modes: int) -> Self:
        """Choose slots.

        Args:
            data: The training rows.
            max_modes: Components of a mixture, at most.

        Privacy: The share of missing cells of each column leaves; the rest is computed from the domains.
        """
        return cls(
            {
                name: _column_code(domain, float(is_missing(data.columns[name]).mean()), max_modes)
                for name, domain in data.domains.items()
            }
        )

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        """Columns with a choice, in the order of their blocks."""
        names = [name for name, column in self.columns.items() if column.width > 1]
        return tuple(sorted(names, key=lambda name: self.columns[name].width))

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Columns with a number, in the order of their numbers."""
        return tuple(name for name, column in self.columns.items() if column.mixture is not None)

    @cached_property
    def choices(self) -> tuple[str, ...]:
        """Columns whose slots say all: what a conditional vector speaks of."""
        return tuple(name for name in self.blocks if self.columns[name].mixture is None)

    @cached_property
    def widths(self) -> Array:
        """Slots of each block; shape (n_blocks,)."""
        return np.array([self.columns[name].width for name in self.blocks], np.int64)

    @cached_property
    def offsets(self) -> Array:
        """First slot of each block among all slots, and their total at the end; shape (n_blocks + 1,)."""
        return np.concatenate([[0], np.cumsum(self.widths)]).astype(np.int64)

    @cached_property
    def groups(self) -> list[tuple[int, int, int]]:
        """Runs of blocks of equal width: (first slot, number of blocks, width)."""
        widths, counts = np.unique(self.widths, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(widths * counts)])
        return [
            (int(start), int(count), int(width)) for start, count, width in zip(starts, counts, widths, strict=False)
        ]

    @cached_property
    def slot_shares(self) -> Array:
        """Share of the training rows in each slot, about; shape (n_slots,)."""
        return np.concatenate([np.zeros(0), *(self.columns[name].shares for name in self.blocks)])

    @cached_property
    def component_slots(self) -> Array:
        """Which slots give each number its meaning; shape (n_slots, n_numbers), 0 or 1, float32."""
        mask = np.zeros((int(self.offsets[-1]), len(self.numbers)), np.float32)
        for number, name in enumerate(self.numbers):
            column = self.columns[name]
            if name in self.blocks:
                start = self.offsets[self.blocks.index(name)]
                mask[start + column.first_component : start + column.width, number] = 1.0
        return mask

    def encode(self, data: EncodedTable, *, rng: np.random.Generator) -> tuple[Array, Array]:
        """Slots and numbers of rows.

        Args:
            data: Rows of the domains that this was fitted for.
            rng: Chooses a component by its probability, as the paper does.

        Returns:
            Slots inside their blocks, (n_rows, n_blocks) int64, and numbers, (n_rows, n_numbers) float32, 0 where
            the slot is no component.
        """
        slots = np.zeros((data.n_rows, len(self.blocks)), np.int64)
        numbers = np.zeros((data.n_rows, len(self.numbers)), np.float32)
        for name, column in self.columns.items():
            domain, array = data.domains[name], data.columns[name]
            missing = is_missing(array)
            if isinstance(domain, Continuous):
                chosen, position = _encode_numbers(np.where(missing, 0.0, array), column, domain.marginal, rng)
                if column.mixture is not None:
                    numbers[:, self.numbers.index(name)] = np.where(missing, 0.0, position)
            else:
                chosen = column.gap + np.searchsorted(column.codes, np.maximum(array, 0))
            if name in self.blocks:
                slots[:, self.blocks.index(name)] = np.where(missing, 0, chosen)
        return slots, numbers

    def decode(self, slots: Array, numbers: Array, domains: Mapping[str, Domain]) -> dict[str, Array]:
        """Encoded columns of slots (n_rows, n_blocks) and numbers (n_rows, n_numbers); values stay in the marginal."""
        n_rows = len(slots)
        arrays: dict[str, Array] = {}
        for name, column in self.columns.items():
            chosen = slots[:, self.blocks.index(name)] if name in self.blocks else np.zeros(n_rows, np.int64)
            missing = chosen < column.gap
            domain = domains[name]
            if isinstance(domain, Discrete):
                codes = column.codes if len(column.codes) else np.zeros(1, np.int32)
                inside = np.clip(chosen - column.gap, 0, len(codes) - 1)
                arrays[name] = np.where(missing, -1, codes[inside]).astype(np.int32)
                continue
            values = np.zeros(n_rows)
            if len(column.atoms):
                values = column.atoms[np.clip(chosen - column.gap, 0, len(column.atoms) - 1)]
            if column.mixture is not None:
                component = chosen - column.first_component
                inside = np.maximum(component, 0)
                position = np.clip(numbers[:, self.numbers.index(name)].astype(np.float64), -1.0, 1.0)
                smooth = column.mixture.means[inside] + position * REACH * column.mixture.deviations[inside]
                values = np.where(component >= 0, settle(smooth, domain.marginal), values)
            arrays[name] = np.where(missing, np.nan, values)
        return arrays

    def state(self) -> dict[str, Any]:
        """What a model file holds."""
        return {name: column.state() for name, column in self.columns.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        """The representation that `state` describes."""
        return cls({name: ColumnCode.from_state(column) for name, column in state.items()})


def settle(values: Array, marginal: Marginal) -> Array:
    """Values moved into the support of a marginal: to the nearest point of the nearest segment."""
    segment = marginal.segment(values)
    return np.clip(values, marginal.lowers[segment], marginal.uppers[segment])


def _column_code(domain: Domain, missing: float, max_modes: int) -> ColumnCode:
    nothing, gap = np.zeros(0), [missing] if missing > 0 else []
    codes, atoms, mixture = np.zeros(0, np.int32), nothing, None
    if missing == 1.0:
        shares = nothing
    elif isinstance(domain, Discrete):
        codes = np.flatnonzero(domain.shares > 0).astype(np.int32)
        shares = domain.shares[codes]
    else:
        atoms, atom_shares, rest = _heavy_atoms(domain.marginal)
        shares = atom_shares
        if rest is not None:
            mixture = fit_mixture(rest, max_components=max_modes)
            shares = np.concatenate([atom_shares, mixture.shares * (1.0 - atom_shares.sum())])
    return ColumnCode(missing, codes, atoms, mixture, np.concatenate([gap, shares * (1.0 - missing)]))


def _heavy_atoms(marginal: Marginal) -> tuple[Array, Array, Marginal | None]:
    """Point masses that are modes of their own, their masses, and the marginal of the rest (None: nothing is left)."""
    point = marginal.lowers == marginal.uppers
    if point.all() and len(point) <= FEW_VALUES:
        heavy = point
    else:
        heavy = point & (marginal.masses >= ATOM_SHARE)
    if heavy.all():
        return marginal.lowers[heavy], marginal.masses[heavy], None
    masses = marginal.masses[~heavy]
    rest = Marginal(marginal.lowers[~heavy], marginal.uppers[~heavy], masses / masses.sum())
    return marginal.lowers[heavy], marginal.masses[heavy], rest


def _encode_numbers(
    values: Array, column: ColumnCode, marginal: Marginal, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Slots and positions of present values; both of shape (n_rows,)."""
    values = settle(values, marginal)
    chosen, position = np.full(len(values), column.gap), np.zeros(len(values))
    is_atom = np.zeros(len(values), bool)
    if len(column.atoms):
        after = np.clip(np.searchsorted(column.atoms, values), 1, max(len(column.atoms) - 1, 1))
        near = np.minimum(after, len(column.atoms) - 1)
        nearest = np.where(
            np.abs(values - column.atoms[after - 1]) <= np.abs(values - column.atoms[near]), after - 1, near
        )
        is_atom = (column.atoms[nearest] == values) | (column.mixture is None)
        chosen = column.gap + nearest
    if column.mixture is not None:
        log = column.mixture.log_densities(values)
        component = np.argmax(log + rng.gumbel(size=log.shape), axis=1)
        scale = REACH * column.mixture.deviations[component]
        position = np.where(is_atom, 0.0, np.clip((values - column.mixture.means[component]) / scale, -1.0, 1.0))
        chosen = np.where(is_atom, chosen, column.first_component + component)
    return chosen, position

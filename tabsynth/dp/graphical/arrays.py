"""Tables with named axes, as plain arrays beside a tuple of column names in the order of the domain."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Clique = tuple[str, ...]


def in_order(columns: Collection[str], sizes: Mapping[str, int]) -> Clique:
    """The columns in the order of the domain."""
    wanted = set(columns)
    return tuple(name for name in sizes if name in wanted)


def shape_of(clique: Sequence[str], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Number of codes of each column."""
    return tuple(sizes[name] for name in clique)


def sum_to(values: Array, axes: Clique, keep: Sequence[str]) -> Array:
    """Sum out what is not kept; the kept axes stay in their order."""
    gone = tuple(i for i, name in enumerate(axes) if name not in keep)
    return values.sum(axis=gone) if gone else values


def stretch(values: Array, axes: Sequence[str], onto: Sequence[str]) -> Array:
    """A view that broadcasts over `onto`; both in the order of the domain, `axes` a part of `onto`."""
    lengths = dict(zip(axes, values.shape, strict=True))
    return values.reshape([lengths.get(name, 1) for name in onto])


def reorder(values: Array, axes: Sequence[str], wanted: Sequence[str]) -> Array:
    """The same table with its axes in another order."""
    return values.transpose([list(axes).index(name) for name in wanted])

"""Which earlier columns a column looks at, where there are many: those that tell most about it.

Without a limit the work grows with the square of the number of columns, and on wide tables most of it goes into columns
that tell nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_GROUPS = 12
"""Groups of equal size that a column's codes are put into."""
_ROWS = 4000


def telling_features(own: Array, codes: Array, *, most: int) -> Array:
    """The features with the largest mutual information with a column.

    Args:
        own: Cell of each row in the column, shape (n_rows,).
        codes: Codes of the features, shape (n_features, n_rows).
        most: How many to keep.

    Returns:
        Positions of the kept features, rising, shape (min(most, n_features),).
    """
    n_features, n_rows = codes.shape
    if n_features <= most:
        return np.arange(n_features)
    rows = spread_rows(n_rows)
    target = groups(own[rows])
    told = np.array([information(target, groups(feature[rows])) for feature in codes])
    return np.sort(np.argsort(-told, kind="stable")[:most])


def spread_rows(n_rows: int) -> Array:
    """At most 4,000 rows, evenly spread over the table; shape (n,)."""
    return np.unique(np.linspace(0, n_rows - 1, min(n_rows, _ROWS)).astype(np.int64))


def groups(codes: Array) -> Array:
    """Codes in groups of about equal size, in their order; a common code is a group of its own; shape (n_rows,)."""
    _, rank, counts = np.unique(codes, return_inverse=True, return_counts=True)
    if len(counts) <= _GROUPS:
        return rank
    middle = (np.cumsum(counts) - counts / 2) / len(codes)
    return np.minimum((middle * _GROUPS).astype(np.int64), _GROUPS - 1)[rank]


def information(a: Array, b: Array) -> float:
    """Mutual information of two columns of small codes, in nats, less what chance would show."""
    n_a, n_b = int(a.max()) + 1, int(b.max()) + 1
    joint = np.bincount(a * n_b + b, minlength=n_a * n_b).reshape(n_a, n_b) / len(a)
    expected = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    there = joint > 0
    found = float(np.sum(joint[there] * np.log(joint[there] / expected[there])))
    used_a, used_b = (joint.sum(axis=1) > 0).sum(), (joint.sum(axis=0) > 0).sum()
    return found - float((used_a - 1) * (used_b - 1)) / (2 * len(a))

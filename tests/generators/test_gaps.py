"""Missing cells hang on what they hang on in the data."""

from __future__ import annotations

import numpy as np

from tabsynth.encoding.table import Discrete, EncodedTable
from tabsynth.generators.gaps import learn_gaps

RNG = np.random.default_rng(3)
N = 5000


def _table(**columns: np.ndarray) -> EncodedTable:
    domains = {}
    for name, array in columns.items():
        counts = np.bincount(array[array >= 0], minlength=max(int(array.max()) + 1, 1))
        domains[name] = Discrete(counts / max(counts.sum(), 1), ordered=False)
    return EncodedTable({n: a.astype(np.int32) for n, a in columns.items()}, domains, N)


def test_a_structural_gap_finds_its_group() -> None:
    """A column missing in one group only hangs on the group, with rates 1 and 0."""
    group = RNG.integers(0, 3, N)
    other = RNG.integers(0, 5, N)
    value = np.where(group == 1, -1, RNG.integers(0, 4, N))
    rule = learn_gaps(_table(other=other, group=group, value=value), k=10)["value"]
    assert rule.parent == "group"
    np.testing.assert_allclose(rule.rates[:3], [0.0, 1.0, 0.0])


def test_gaps_that_go_together_hang_on_each_other() -> None:
    """Two columns that are missing together stay so."""
    gone = RNG.random(N) < 0.3
    a, b = (np.where(gone, -1, RNG.integers(0, 4, N)) for _ in range(2))
    rules = learn_gaps(_table(a=a, b=b), k=10)
    later = list(rules)[-1]
    assert rules[later].parent == next(iter(rules))
    assert rules[later].rates[-1] == 1.0 and (rules[later].rates[:-1] == 0.0).all()


def test_random_gaps_hang_on_nothing() -> None:
    """A column that is missing at random has a rate and no parent."""
    a = np.where(RNG.random(N) < 0.2, -1, RNG.integers(0, 4, N))
    rule = learn_gaps(_table(group=RNG.integers(0, 3, N), a=a), k=10)["a"]
    assert rule.parent is None
    assert abs(rule.share - 0.2) < 0.02


def test_a_handful_of_exceptions_is_hidden() -> None:
    """One, three or nine exceptions in a state give the same rate."""
    rates = []
    for exceptions in (1, 3, 9):
        group = np.repeat([0, 1], N // 2)
        value = np.where(group == 1, -1, 0)
        value[:exceptions] = -1
        rates.append(learn_gaps(_table(group=group, value=value), k=10)["value"].rates[0])
    assert len(set(rates)) == 1 and rates[0] > 0

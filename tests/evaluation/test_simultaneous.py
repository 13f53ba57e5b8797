"""Intervals that hold together: as wide as needed, no wider than Bonferroni's."""

from __future__ import annotations

import numpy as np

from tabsynth.evaluation.intervals import each_of, standard_error_of_mean, z_value
from tabsynth.evaluation.simultaneous import MAX_CELLS, joint_level, person_parts


def test_squares_of_the_parts_are_the_variance() -> None:
    """With people and without, the parts give the standard error of the mean."""
    rng = np.random.default_rng(0)
    influence, people = rng.normal(size=60), rng.integers(0, 20, 60)
    for clusters in (None, np.unique(people, return_inverse=True)[1]):
        parts = person_parts(influence, clusters)
        np.testing.assert_allclose(np.sqrt((parts**2).sum()), standard_error_of_mean(influence, clusters))


def test_related_estimates_need_less_and_unrelated_ones_as_much() -> None:
    """One estimate a hundred times needs the level of one; a hundred of their own need Bonferroni's, nearly."""
    rng = np.random.default_rng(0)
    one = person_parts(rng.normal(size=500))
    same = joint_level([[one] * 100], level=0.95, rng=np.random.default_rng(1))
    assert abs(z_value(same) - z_value(0.95)) < 0.1
    own = [person_parts(rng.normal(size=500)) for _ in range(100)]
    apart = joint_level([own], level=0.95, rng=np.random.default_rng(1))
    assert 0 <= z_value(each_of(0.95, 100)) - z_value(apart) < 0.15


def test_large_tables_and_estimates_without_error_keep_bonferroni() -> None:
    """Where simulation would cost more than it brings, and where there is nothing to simulate."""
    assert joint_level([[np.zeros(10)] * 4], level=0.95, rng=np.random.default_rng(0)) == each_of(0.95, 4)
    wide = [np.broadcast_to(np.float32(1), MAX_CELLS)] * 2
    assert joint_level([wide], level=0.95, rng=np.random.default_rng(0)) == each_of(0.95, 2)


def test_all_intervals_hold_together_as_often_as_they_say() -> None:
    """Means of eight related columns in two samples: all 95 % intervals of 150 draws hold in about 95 % of them."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(150):
        samples = [rng.normal(size=(80, 1)) + 0.5 * rng.normal(size=(80, 8)) for _ in range(2)]
        parts = [[person_parts(column) for column in sample.T] for sample in samples]
        level = joint_level(parts, level=0.95, rng=np.random.default_rng(seed))
        errors = np.sqrt(sum(np.array([(part**2).sum() for part in sample]) for sample in parts))
        held += bool(np.all(np.abs(samples[0].mean(axis=0) - samples[1].mean(axis=0)) <= z_value(level) * errors))
    assert held >= 0.9 * 150

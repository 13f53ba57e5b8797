"""Junction trees hold what they were asked to hold, and keep the running intersection."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.dp.graphical.junction import junction_tree, n_cells

NAMES = "abcdefgh"
graphs = st.lists(st.sets(st.sampled_from(NAMES), min_size=1, max_size=3), max_size=10)


@given(graphs)
@settings(max_examples=60, deadline=None)
def test_every_asked_clique_has_a_home_and_columns_hang_together(cliques):
    sizes = {name: 2 + i for i, name in enumerate(NAMES)}
    tree = junction_tree(sizes, [tuple(clique) for clique in cliques])
    assert all(tree.home(clique) is not None for clique in cliques)
    assert {name for clique in tree.cliques for name in clique} == set(NAMES)
    for i, (clique, parent, separator) in enumerate(zip(tree.cliques, tree.parents, tree.separators, strict=True)):
        assert parent < i
        if i:
            earlier = {name for other in tree.cliques[:i] for name in other}
            assert set(clique) & earlier == set(separator) == set(clique) & set(tree.cliques[parent])


def test_a_cycle_needs_a_chord():
    sizes = dict.fromkeys("abcd", 10)
    cycle = [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")]
    tree = junction_tree(sizes, cycle)
    assert sorted(map(len, tree.cliques)) == [3, 3]
    assert n_cells(sizes, cycle) == 2000
    assert n_cells(sizes, cycle[:3]) == 300


def test_columns_that_nothing_joins_hang_on_an_empty_separator():
    tree = junction_tree({"a": 2, "b": 3}, [])
    assert tree.separators == ((), ())

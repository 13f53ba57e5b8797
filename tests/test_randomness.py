"""Seeds and streams: replayable, independent, and the same bits everywhere."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from tabsynth.errors import UsageError
from tabsynth.randomness import check_seed, child, deterministic_threads, global_numpy

SEEDS = st.integers(0, 2**63 - 1)
NAMES = st.lists(st.text(max_size=8), max_size=3)


@pytest.mark.parametrize(("seed", "usable"), [(0, 0), (2**63 - 1, 2**63 - 1), (np.int64(7), 7), (np.uint8(3), 3)])
def test_usable_seeds_become_plain_integers(seed: int, usable: int) -> None:
    """Whole numbers of Python and numpy are accepted, up to the largest."""
    assert check_seed(seed) == usable
    assert type(check_seed(seed)) is int


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", True, np.bool_(True), np.float64(1), [1]])
def test_other_seeds_are_refused_by_name(seed: object) -> None:
    """What is no whole number from 0 is refused before any work."""
    with pytest.raises(UsageError, match="seed: must be a whole number"):
        check_seed(seed)  # type: ignore[arg-type]


def test_no_seed_draws_a_fresh_one() -> None:
    """Without a seed two runs differ, and the seed drawn is one that can be given again."""
    drawn = {check_seed(None) for _ in range(20)}
    assert len(drawn) == 20
    assert all(check_seed(seed) == seed for seed in drawn)


def test_stream_bits_are_fixed_for_ever() -> None:
    """The raw bits of named streams are those of the first release; numpy promises them for every platform."""
    assert [int(bits) for bits in child(0, "fit", "copula").bit_generator.random_raw(2)] == [
        1739842617374316825,
        11746833916399631827,
    ]
    assert int(child(2**63 - 1, "sample").bit_generator.random_raw()) == 2065038694523024015


@given(SEEDS, NAMES)
def test_stream_replays(seed: int, names: list[str]) -> None:
    """The same seed and names give the same numbers."""
    assert child(seed, *names).random(3).tolist() == child(seed, *names).random(3).tolist()


@given(st.sets(st.tuples(SEEDS, st.text("abc", max_size=3), st.text("abc", max_size=3)), min_size=2, max_size=8))
def test_streams_differ(streams: set[tuple[int, str, str]]) -> None:
    """Different seeds or names give different numbers, also where the names joined would be alike."""
    first = [int(child(seed, *names).bit_generator.random_raw()) for seed, *names in streams]
    assert len(set(first)) == len(streams)


def test_streams_of_neighbouring_seeds_are_uncorrelated() -> None:
    """Seeds 0, 1, 2, ... give streams that have nothing to do with each other."""
    draws = np.array([child(seed, "fit").random(20_000) for seed in range(4)] + [child(0, "sample").random(20_000)])
    correlation = np.corrcoef(draws) - np.eye(5)
    assert np.abs(correlation).max() < 5 / np.sqrt(20_000)


def test_child_leaves_the_global_stream_alone() -> None:
    """Drawing from a named stream does not move numpy's global one."""
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    child(0, "fit").random(10)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]  # noqa: NPY002


def test_global_state_of_numpy_is_lent_and_taken_back() -> None:
    """Inside the block it is seeded; afterwards it is what it was, also after an error."""
    before = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    with pytest.raises(ZeroDivisionError), global_numpy(3):
        first = np.random.random()  # noqa: NPY002
        raise ZeroDivisionError
    with global_numpy(3):
        assert np.random.random() == first  # noqa: NPY002
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]  # noqa: NPY002


def test_threads_are_held_and_given_back() -> None:
    """Inside the block every loaded pool has one thread; afterwards as many as before, also after an error."""
    before = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
    with pytest.raises(ZeroDivisionError), deterministic_threads():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        raise ZeroDivisionError
    after = {pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}
    assert {path: after[path] for path in before} == before


def test_threads_are_held_for_scipy_loaded_late() -> None:
    """scipy brings its own BLAS; it is held even where nothing has imported scipy before the block."""
    program = (
        "from tabsynth.randomness import deterministic_threads\n"
        "from threadpoolctl import threadpool_info\n"
        "with deterministic_threads():\n"
        "    import scipy.linalg\n"
        "    assert all(pool['num_threads'] == 1 for pool in threadpool_info()), threadpool_info()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

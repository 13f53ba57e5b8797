"""One seed outside, named child streams inside.

`child(seed, "fit", "copula")` and `child(seed, "sample")` are independent streams: adding a draw to one stage never
moves the numbers of another, and every stage can be replayed alone.

Decisions
- Streams are named, not numbered: an insertion in the code does not renumber the rest.
- numpy's PCG64 through `SeedSequence`: the same bits on every platform and with every numpy. What numpy makes of the
  bits (normal draws, permutations) may change with a numpy release, so bytes are promised for one numpy version.
- BLAS is held to one thread inside fits and draws. Sums in another order round differently, and one last bit is
  enough to break the promise "same seed, same bytes"; at our matrix sizes the second thread gains nothing.
- numpy's global state is touched by one function alone, for code of others that draws from it, and put back.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from tabsynth.errors import UsageError


def check_seed(seed: int | None) -> int:
    """Return a usable seed; None draws a fresh one from the operating system.

    Raises:
        UsageError: The seed is not an integer in 0 .. 2**63 - 1.
    """
    if seed is None:
        return secrets.randbits(63)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= int(seed) < 2**63:
        raise UsageError("seed: must be a whole number from 0 to 2**63 - 1, or be left out")
    return int(seed)


def child(seed: int, *names: str) -> np.random.Generator:
    """Return the random stream that belongs to `names` under `seed`.

    Args:
        seed: A seed that `check_seed` accepts.
        names: Path of the stream, from the stage to the detail.

    Example:
        >>> float(child(0, "fit").random()) == float(child(0, "fit").random())
        True
        >>> float(child(0, "fit").random()) == float(child(0, "sample").random())
        False
    """
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    key = tuple(int.from_bytes(digest[i : i + 4], "little") for i in range(0, 16, 4))
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy=seed, spawn_key=key)))


@contextmanager
def deterministic_threads() -> Iterator[None]:
    """Hold BLAS and OpenMP pools to one thread, so that results do not depend on the machine's thread count.

    Only libraries that are loaded by then can be held: import scikit-learn before entering, where its loops matter.
    """
    import scipy.linalg  # noqa: F401  (has a BLAS of its own, which the limit below must find)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield


@contextmanager
def global_numpy(seed: int) -> Iterator[None]:
    """Seed numpy's global random state for the block, and put back what it was.

    Only for packages of others that draw from the global state; nothing of ours does.

    Args:
        seed: From 0 to 2**32 - 1.
    """
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002

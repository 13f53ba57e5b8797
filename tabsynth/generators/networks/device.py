"""torch as these generators use it: optional, on one thread, and with its global state left as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from tabsynth.errors import UsageError

Device = Literal["auto", "cpu", "cuda"]


def choose_device(device: Device) -> str:
    """`cpu` or `cuda`; `auto` takes a GPU where there is one.

    Raises:
        UsageError: `cuda` is asked for and there is none.
    """
    import torch

    found = torch.cuda.is_available()
    if device == "cuda" and not found:
        raise UsageError("device: torch finds no GPU here; use device=cpu or device=auto")
    return "cuda" if found and device != "cpu" else "cpu"


@contextmanager
def torch_session(seed: int, device: str) -> Iterator[None]:
    """Seed torch for the block, on one thread; its random state and thread count are restored afterwards.

    One thread, because sums that are split otherwise round otherwise, and "same seed, same bytes" is promised
    whatever the thread count.
    """
    import torch

    threads = torch.get_num_threads()
    gpus = [torch.cuda.current_device()] if device == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        if gpus:
            torch.cuda.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)

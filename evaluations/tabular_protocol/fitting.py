"""One fit in a process of its own, so that its peak of memory and its CPU time are its own."""

from __future__ import annotations

import resource
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import pandas as pd

from tabsynth.schema.model import Schema


def fit_and_sample(
    system: str, parameters: dict[str, Any], train: pd.DataFrame, schema: Schema, seed: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """As many synthetic rows as training rows, and what they cost.

    Returns:
        The rows, and wall seconds, CPU seconds and the peak memory in MB of the process (with what it imports and the
        training table). Where a network was trained on a GPU: `gpu`, its name, and `gpu_seconds` in place of these.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_make, system, parameters, train, schema.model_dump_json(), seed).result()


def _make(
    system: str, parameters: dict[str, Any], train: pd.DataFrame, schema: str, seed: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    import tabsynth as ts

    warnings.simplefilter("ignore")
    declared = Schema.model_validate_json(schema)
    make: Any = ts.make_generator
    generator = make(system, parameters)
    started, spent = time.perf_counter(), time.process_time()
    synthetic = generator.fit(train, declared, seed=seed).sample(len(train), seed=seed)
    seconds = time.perf_counter() - started
    if (gpu := gpu_of(generator)) is not None:
        return synthetic[list(train.columns)], {"gpu": gpu, "gpu_seconds": seconds}
    cost = {
        "seconds": seconds,
        "cpu_seconds": time.process_time() - spent,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    return synthetic[list(train.columns)], cost


def gpu_of(generator: Any) -> str | None:
    """Name of the GPU that a generator trains on; None where it trains on none."""
    from tabsynth.generators.networks.network import NetworkGenerator

    if not isinstance(generator, NetworkGenerator):
        return None
    import torch

    from tabsynth.generators.networks.device import choose_device

    return torch.cuda.get_device_name() if choose_device(generator.device) == "cuda" else None

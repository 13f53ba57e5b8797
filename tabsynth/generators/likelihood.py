"""How probable the rows of a table are under a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tabsynth.encoding.derivations.joint import Joint
from tabsynth.encoding.discrete import DiscreteEncoder
from tabsynth.encoding.table import always_missing
from tabsynth.errors import UsageError
from tabsynth.generators.capabilities import Likelihood
from tabsynth.generators.imputation import readable
from tabsynth.randomness import deterministic_threads
from tabsynth.tables.frames import to_pandas

if TYPE_CHECKING:
    from tabsynth.generators.model import Model

Array = np.ndarray[Any, Any]


def log_likelihood(model: Model, table: object) -> Array:
    """Log-probability of rows. See `Model.log_likelihood`."""
    if not isinstance(model.fitted, Likelihood):
        raise UsageError(
            f"log_likelihood: {model.generator.name} gives no probability of rows; fit trees, "
            "autoregressive or independent for that"
        )
    frame, _ = to_pandas(table)
    typed = readable(model, frame, whole_rows=True)
    derivation, encoder = model.derivation, model.encoder
    modelled = derivation.forward(typed)
    possible = np.ones(typed.n_rows, bool)
    for rewrite in derivation.rewrites:
        if isinstance(rewrite, Joint):  # a combination that was not learned would pass for the nearest one
            possible &= ~rewrite.rare_rows(typed)
    for name, values in modelled.columns.items():
        known = encoder.encoders[name]
        if isinstance(known, DiscreteEncoder):
            possible &= known.knows(values) | values.missing
        elif always_missing(known):
            possible &= values.missing
    with deterministic_threads():
        found = model.fitted.log_likelihood(encoder.encode(modelled).columns)
    return np.where(possible, found, -np.inf)

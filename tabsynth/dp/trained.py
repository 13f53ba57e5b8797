"""Private generators that are trained on noisy gradients in place of being made of noisy counts."""

from __future__ import annotations

from typing import Any, ClassVar

from tabsynth.dp.bins import Numeric
from tabsynth.dp.generator import PrivateGenerator
from tabsynth.encoding.derived import Derivation
from tabsynth.schema.columns import Ordinal


class TrainedGenerator(PrivateGenerator):
    """Private generators that are trained by noisy gradients of random batches (DP-SGD)."""

    trains: ClassVar[bool] = True

    def mechanism_parameters(self, derivation: Derivation) -> dict[str, Any]:
        """Which codes follow an order, and which last ones are missing cells. See `PrivateGenerator`."""
        ordered = [name for name, column in derivation.columns.items() if isinstance(column, Numeric | Ordinal)]
        return {
            "ordered": tuple(ordered),
            "nullable": tuple(name for name in ordered if derivation.columns[name].nullable),
        }


class DPAutoregressive(TrainedGenerator):
    """Differentially private: each column a regression on those before it, trained on noisy gradients; seconds."""

    name: ClassVar[str] = "dp-autoregressive"
    mechanism: ClassVar[str] = "tabsynth.dp.autoregressive"


class DPCTGAN(TrainedGenerator):
    """Differentially private: a generator against a critic behind noise; for comparison, use dp-aim for the rows."""

    name: ClassVar[str] = "dp-ctgan"
    mechanism: ClassVar[str] = "tabsynth.dp.ctgan"
    needs: ClassVar[tuple[str, str] | None] = ("torch", "deep")

"""What all generators that are trained with torch share: where and how long to train, and the checkpoint."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
from pydantic import Field

from tabsynth.encoding.table import EncodedTable
from tabsynth.generators.base import Fitted, Generator
from tabsynth.generators.networks.checkpoint import Checkpoint
from tabsynth.generators.networks.device import Device, choose_device, torch_session
from tabsynth.generators.networks.training import Limits, Run
from tabsynth.progress import SILENT, Progress

PATIENCE = (
    "Checks on held-out rows (one per epoch, at least 50 steps apart) without a clearly better one before training "
    "stops; 0 trains all epochs."
)


class NetworkGenerator(Generator):
    """Parameters of a generator that is trained with torch, and sampled without it."""

    needs: ClassVar[tuple[str, str] | None] = ("torch", "deep")
    min_rows: ClassVar[int] = 200

    epochs: int = Field(default=300, ge=1, description="Passes over the training rows, at most.")
    patience: int = Field(default=20, ge=0, description=PATIENCE)
    time_limit: float | None = Field(
        default=None, gt=0, description="Seconds after which training stops; two fits may then differ. Default: none."
    )
    device: Device = Field(default="auto", description="Where to train: cpu, cuda, or auto (a GPU where there is one).")
    checkpoint: Path | None = Field(
        default=None,
        exclude=True,
        description="File that keeps the state of the training, so that a fit that was killed goes on from there when "
        "it is run again; removed at the end. As private as the table.",
    )
    checkpoint_seconds: float = Field(
        default=60.0, ge=0, exclude=True, description="Seconds between two writes of the checkpoint, at least."
    )

    @abstractmethod
    def train_network(self, data: EncodedTable, run: Run) -> Fitted:
        """Train on encoded rows; torch is there, seeded and on one thread."""

    def n_epochs(self, n_rows: int) -> int:
        """Epochs to train a table of `n_rows`, at most."""
        return self.epochs

    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> Fitted:
        """Train the networks and keep what sampling needs.

        Raises:
            MissingExtraError: torch is not installed.
            UsageError: A GPU is asked for and there is none.
            ArtifactError: The checkpoint is damaged or belongs to another training.
            OutputError: The checkpoint cannot be written.

        Privacy: Weights that were moved by every training row leave, the share of missing cells or of cells of each
        column, and the losses by epoch. No row leaves; that no row can be guessed from the weights is not promised.
        """
        self.require_installed()
        device = choose_device(self.device)
        checkpoint = None
        if self.checkpoint is not None:
            parameters = {"generator": self.name, **self.model_dump(mode="json")}
            checkpoint = Checkpoint.of(
                self.checkpoint,
                data,
                every=self.checkpoint_seconds,
                parameters=parameters,
                rng=rng,
                device=device,
            )
        limits = Limits(self.n_epochs(data.n_rows), self.patience, self.time_limit)
        with torch_session(int(rng.integers(2**63)), device):
            fitted = self.train_network(data, Run(self.name, limits, device, rng, progress, checkpoint))
        if checkpoint is not None:
            checkpoint.remove()
        return fitted

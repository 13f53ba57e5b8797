"""The state of a training in a file, so that one that is killed goes on where it was, to the same bytes.

The file is safetensors: tensors, and a header that holds one JSON text with what is to be compared before anything is
taken from it. It is written beside its place and moved there, so it is a whole state or the one before.

Decisions
- What a checkpoint belongs to is told by parameters, columns, number of rows, seed, device and versions, never by a
  digest of the rows: a digest would confirm a guessed table. Other rows under the same schema, seed and row count are
  therefore not noticed; do not reuse the name of a file for them.
- It is removed when the training has ended well. Until then it is as private as the table: it holds weights and
  running averages of gradients, and no row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from tabsynth.encoding.table import Continuous, EncodedTable
from tabsynth.errors import ArtifactError, MissingExtraError, OutputError
from tabsynth.outputs import atomic_file

FORMAT = "tabsynth-checkpoint-1"


@dataclass(frozen=True)
class Checkpoint:
    """A file for the state of one training."""

    path: Path
    every: float
    """Seconds between two writes, at least."""
    belongs_to: Mapping[str, str]
    """What must be the same for a state to be taken up again: a short text for each thing, by its name."""

    @classmethod
    def of(
        cls,
        path: Path,
        data: EncodedTable,
        *,
        every: float,
        parameters: Mapping[str, Any],
        rng: np.random.Generator,
        device: str,
    ) -> Self:
        """The checkpoint of a training on `data`.

        Args:
            path: The file; its folder must be there.
            data: The training rows.
            every: Seconds between two writes, at least.
            parameters: Name and parameters of the generator, as JSON values.
            rng: The generator of the fit as it is before anything is drawn; stands for the seed.
            device: Where the network is trained.

        Raises:
            OutputError: The folder is absent, or `path` is one.
            MissingExtraError: safetensors is not installed.

        Privacy: Of the rows only their number, and of the columns only names, kinds and numbers of codes or segments
        (which a model file holds, too) go into the digests.
        """
        if path.is_dir():
            raise OutputError(f"checkpoint: {path}: is a folder; give the name of a file in it")
        if not path.parent.is_dir():
            raise OutputError(f"checkpoint: {path.parent}: no such folder; create it first")
        try:
            import safetensors  # noqa: F401
        except ImportError as error:
            raise MissingExtraError(
                'checkpoint: needs safetensors, which is not installed; run: pip install "tabsynth[deep]"'
            ) from error
        import torch

        from tabsynth import __version__

        columns = [
            (name, isinstance(domain, Continuous), len(domain.marginal.masses))
            if isinstance(domain, Continuous)
            else (name, domain.ordered, domain.n_codes)
            for name, domain in data.domains.items()
        ]
        belongs_to = {
            "parameters": _digest(parameters),
            "columns": _digest(columns),
            "number of rows": str(data.n_rows),
            "seed": _digest(rng.bit_generator.state),
            "device": device,
            "version of tabsynth": __version__,
            "version of torch": str(torch.__version__),
        }
        return cls(path, every, belongs_to)

    def read(self) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """The saved state, or None where there is no file.

        Returns:
            Tensors by name, and the JSON values beside them.

        Raises:
            ArtifactError: The file is damaged, is no checkpoint, or belongs to another training.
        """
        from safetensors import SafetensorError, safe_open

        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                header = json.loads((file.metadata() or {}).get("state", "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, ValueError, OSError) as error:
            raise ArtifactError(
                f"checkpoint: {self.path}: is damaged or no checkpoint; delete it to start training anew"
            ) from error
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise ArtifactError(f"checkpoint: {self.path}: is no checkpoint of a training; choose another name")
        if "state" not in header or _sum(tensors, header["state"]) != header.get("sha256"):
            raise ArtifactError(f"checkpoint: {self.path}: is damaged; delete it to start training anew")
        others = [name for name, text in self.belongs_to.items() if header["belongs_to"].get(name) != text]
        if others:
            raise ArtifactError(
                f"checkpoint: {self.path}: belongs to another training (not the same {', '.join(others)}); fit with "
                "what it was made with, choose another file, or delete it"
            )
        return tensors, header["state"]

    def write(self, tensors: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Replace the saved state.

        Raises:
            OutputError: The file cannot be written; the state before it is unchanged.
        """
        from safetensors.torch import save

        kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        header = {
            "format": FORMAT,
            "belongs_to": dict(self.belongs_to),
            "state": dict(state),
            "sha256": _sum(kept, state),
        }
        with atomic_file(self.path) as partial:
            partial.write_bytes(save(kept, metadata={"state": json.dumps(header)}))

    def remove(self) -> None:
        """Delete the file, which is of no use once the training has ended."""
        self.path.unlink(missing_ok=True)


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, default=lambda item: np.asarray(item).tolist())
    return hashlib.sha256(text.encode()).hexdigest()


def _sum(tensors: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    """Checksum of a state."""
    digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode())
    for name in sorted(tensors):
        array = tensors[name].numpy()
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()

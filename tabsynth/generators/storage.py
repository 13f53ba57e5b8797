"""Saving and loading models: which parts of a model go into its file, and how they come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tabsynth.artifact import read_artifact, write_artifact
from tabsynth.encoding.derived import Derivation
from tabsynth.encoding.table import TableEncoder
from tabsynth.errors import ArtifactError, UsageError
from tabsynth.generators import GENERATORS
from tabsynth.generators.entities import EntityInfo
from tabsynth.generators.model import Model
from tabsynth.schema.model import Schema
from tabsynth.tables.frames import FrameKind


def save_model(model: Model, path: str | Path) -> None:
    """Write a model file. See `Model.save`.

    Privacy: The file holds the schema, what `Derivation.state`, `TableEncoder.state`, `EntityInfo.state` and the
    generator's `state` list, the number of training rows and the seed.
    """
    model.generator.require_savable()
    header = {
        "generator": model.generator.name,
        "keeps_training_values": model.generator.keeps_training_values,
        "guarantee": model.generator.guarantee,
        "table": model.table_name,
        "n_rows_fitted": model.n_rows_fitted,
    }
    state: dict[str, Any] = {
        "parameters": model.generator.model_dump(mode="json"),
        "schema": model.schema.model_dump(mode="json", by_alias=True),
        "derivation": model.derivation.state(),
        "encoders": model.encoder.state(),
        "fitted": model.fitted.state(),
        "entities": model.entity_info.state(),
        "storage": dict(model.storage),
        "frame_kind": model.frame_kind.state(),
        "seed": model.seed,
        "notes": list(model.notes),
    }
    write_artifact(path, kind="model", header=header, state=state)


def load(path: str | Path) -> Model:
    """Read a model file.

    Raises:
        ArtifactError: The file is absent, damaged, of another version, or made by a generator that is not installed.
    """
    import json

    manifest, state = read_artifact(path, kind="model")
    try:
        generator_type = GENERATORS[manifest["generator"]]
    except UsageError as error:
        raise ArtifactError(f"{path}: {error}") from error
    generator = generator_type.model_validate(state["parameters"])
    schema = Schema.model_validate_json(json.dumps(state["schema"]))
    derivation = Derivation.from_state(state["derivation"], schema.tables[manifest["table"]])
    encoder = TableEncoder.from_state(state["encoders"], derivation.columns)
    return Model(
        generator=generator,
        fitted=generator.fitted_type.from_state(state["fitted"], encoder.domains),
        schema=schema,
        table_name=manifest["table"],
        derivation=derivation,
        encoder=encoder,
        entity_info=EntityInfo.from_state(state["entities"]),
        storage=state["storage"],
        frame_kind=FrameKind.from_state(state["frame_kind"]),
        n_rows_fitted=manifest["n_rows_fitted"],
        seed=state["seed"],
        notes=tuple(state["notes"]),
    )

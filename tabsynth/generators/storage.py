"""Saving and loading models: which parts of a model go into its file, and how they come back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tabsynth.artifact import read_artifact, write_artifact
from tabsynth.errors import ArtifactError, UsageError
from tabsynth.generators import GENERATORS
from tabsynth.generators.model import Model
from tabsynth.schema.model import Schema


def save_model(model: Model, path: str | Path) -> None:
    """Write a model file. See `Model.save`.

    Privacy: The file holds the schema, the parameters, what `Generator.record` lists, and the number of training rows
    (for a differentially private model: the number that was released).
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
        **model.generator.record(model),
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
    restored: Model = generator.restore(
        state, schema=schema, table_name=manifest["table"], n_rows_fitted=manifest["n_rows_fitted"]
    )
    return restored

"""The base of everything that a schema file holds: frozen, strict, and silent about its input."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator


class Part(BaseModel):
    """A part of a schema. Unknown keys are refused, and errors do not repeat the input, which may be a patient's."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _lists_as_tuples(cls, value: Any) -> Any:
        """Let Python callers write lists where the model keeps tuples; everything else stays strict."""
        return {key: _frozen(item) for key, item in value.items()} if isinstance(value, dict) else value


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list) else value

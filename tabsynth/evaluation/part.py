"""The base of all data that leaves an evaluation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Base of everything an evaluation or a report is made of: plain, frozen data that may be printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

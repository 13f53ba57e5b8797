"""Text cells from declared templates: `"{age}-year-old reports {symptom}."`, with slots for lists and columns."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from tabsynth.schema.part import Part

SLOT = re.compile(r"\{([^{}]*)\}")
"""A slot in a template: a name in braces."""


class Template(Part):
    """Sentences with slots. Nothing in them is learned: they say what you write here."""

    texts: Annotated[tuple[str, ...], Field(min_length=1)]
    """Sentences, each as likely as any other; `{name}` is a slot."""
    slots: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """What may stand in a slot, by its name. A slot that is not listed here is the column of that name."""

    @field_validator("slots", mode="before")
    @classmethod
    def _lists_inside(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: tuple(item) if isinstance(item, list) else item for name, item in value.items()}

    @model_validator(mode="after")
    def _slots_used(self) -> Template:
        used = {name for text in self.texts for name in SLOT.findall(text)}
        if any(not text.strip() for text in self.texts) or any(not words for words in self.slots.values()):
            raise ValueError("holds an empty text or an empty slot; write something, or delete it")
        if unused := sorted(set(self.slots) - used):
            raise ValueError(f"no text uses the slot {unused[0]!r}; write {{{unused[0]}}} in a text, or delete it")
        if any("{" in SLOT.sub("", text) or "}" in SLOT.sub("", text) for text in self.texts):
            raise ValueError("a brace stands alone; write {name} for a slot")
        return self

    def reads(self) -> tuple[str, ...]:
        """Columns that fill slots, each once."""
        names = (name for text in self.texts for name in SLOT.findall(text))
        return tuple(dict.fromkeys(name for name in names if name not in self.slots))

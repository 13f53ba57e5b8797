"""Placeholder text: invented words where free text stood.

Free text is never learned: it names people, places and rare events in ways that no column type can bound. Cells are
filled with pseudo-Latin instead, so that programs which need a text find one and nobody takes it for content.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from tabsynth.errors import UsageError
from tabsynth.schema.columns import Column
from tabsynth.schema.templates import SLOT, Template
from tabsynth.schema.values import Values, category_text, format_column

_FEWEST_WORDS = 3
_MOST_WORDS = 9


def fill_text(n_rows: int, *, rng: np.random.Generator, max_length: int | None) -> np.ndarray[Any, Any]:
    """Make sentences of invented words.

    Args:
        n_rows: How many, >= 0.
        rng: Source of the draw; the same state gives the same texts.
        max_length: Most characters of a text, >= 1; longer ones are cut. None: no bound.

    Returns:
        Object array of str, shape (n_rows,); no text is empty.

    Raises:
        UsageError: `n_rows` is negative, or `max_length` below 1.

    Privacy:
        Reads no data.
    """
    if n_rows < 0:
        raise UsageError("n_rows: must be 0 or more")
    if max_length is not None and max_length < 1:
        raise UsageError("max_length: must be 1 or more")
    words = _words()
    counts = rng.integers(_FEWEST_WORDS, _MOST_WORDS, size=n_rows, endpoint=True)
    capitals = np.array([word.capitalize() for word in words], dtype=object)
    # The empty text at the end stands for "no further word".
    spaced = np.array([*(f" {word}" for word in words), ""], dtype=object)
    texts = capitals[rng.integers(len(words), size=n_rows)]
    for place in range(1, _MOST_WORDS):
        chosen = rng.integers(len(words), size=n_rows)
        texts = texts + spaced[np.where(place < counts, chosen, len(words))]
    return _shortened(texts + ".", max_length)


def fill_template(
    template: Template,
    columns: Mapping[str, np.ndarray[Any, Any]],
    n_rows: int,
    *,
    rng: np.random.Generator,
    max_length: int | None,
) -> np.ndarray[Any, Any]:
    """Make sentences from declared templates.

    Args:
        template: Sentences with slots.
        columns: Texts of the columns that fill slots, object arrays of str, shape (n_rows,).
        n_rows: How many, >= 0.
        rng: Source of the draw; the same state gives the same texts.
        max_length: Most characters of a text, >= 1; longer ones are cut. None: no bound.

    Returns:
        Object array of str, shape (n_rows,).

    Privacy:
        Holds what the schema says and the cells of `columns`, which must be invented ones.
    """
    which = rng.integers(len(template.texts), size=n_rows)
    texts = np.full(n_rows, "", dtype=object)
    for number, sentence in enumerate(template.texts):
        rows = np.flatnonzero(which == number)
        filled = np.full(len(rows), "", dtype=object)
        for place, piece in enumerate(SLOT.split(sentence)):
            if place % 2 == 0:
                filled = filled + piece
            elif piece in template.slots:
                words = np.array(template.slots[piece], dtype=object)
                filled = filled + words[rng.integers(len(words), size=len(rows))]
            else:
                filled = filled + columns[piece][rows]
        texts[rows] = filled
    return _shortened(texts, max_length)


def _shortened(texts: np.ndarray[Any, Any], max_length: int | None) -> np.ndarray[Any, Any]:
    if max_length is None:
        return texts
    shortened = np.empty(len(texts), dtype=object)
    shortened[:] = [text if len(text) <= max_length else text[:max_length].rstrip() for text in texts]
    return shortened


@cache
def _words() -> tuple[str, ...]:
    from faker.providers.lorem.la import Provider

    return tuple(sorted(Provider.word_list))


def spelled(values: Values, column: Column, *, name: str) -> np.ndarray[Any, Any]:
    """A column as it is written, for the slot of a template; object array of str, shape (n_rows,).

    Args:
        values: Its cells; those that are empty are spelled "unknown".
        column: Its declaration.
        name: Its name, for messages.
    """
    texts = format_column(values, column, name=name).astype(object)
    return np.where(values.missing, "unknown", texts.map(category_text).to_numpy(object))

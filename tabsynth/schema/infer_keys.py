"""Propose keys: which column tells rows apart, whose rows they are, and which column points to another table.

Decisions
- An entity key must repeat: a column with one row per value says nothing about whose the rows are. Names of people
  and accounts (patient, customer) go before other keys.
- Rows of one store, region or product are no entity: many people share it.
- A bare `id` matches no other table's `id`: keys are matched by a name that says whose they are.
- A column that points to a parent takes over the parent's kind, so that both get the same surrogates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from tabsynth.schema.column_names import Evidence, key_evidence, names_person, names_place_or_good, words
from tabsynth.schema.columns import Column, Identifier
from tabsynth.schema.model import Relationship, Table
from tabsynth.schema.values import category_text

CONTAINED = 0.95
"""Share of a child's present cells that must be keys of the parent."""
MOST_DIFFERENT = 0.9
"""Different values per present cell from which a key does not count as repeating."""

_ENTITY_SURROGATES = frozenset({"key", "uuid", "ssn", "email", "user_name", "iban", "card_number"})
_BARE = frozenset({"id", "ids", "key", "no", "nr", "num", "number", "code", "uuid", "guid", "pk", "uid"})


def propose_entity_key(frame: pd.DataFrame, columns: Mapping[str, Column]) -> str | None:
    """The column that says whose a row is, where some have several rows; None where there is none."""
    best: tuple[tuple[bool, bool, int], str] | None = None
    for position, (name, column) in enumerate(columns.items()):
        if not isinstance(column, Identifier) or column.surrogate not in _ENTITY_SURROGATES:
            continue
        if column.question is not None or not _repeats(frame[name]):
            continue
        person = names_person(name)
        telling = key_evidence(name) is Evidence.STRONG or column.surrogate != "key"
        if not person and (not telling or names_place_or_good(name)):
            continue
        rank = (not person, bool(frame[name].isna().any()), position)
        if best is None or rank < best[0]:
            best = (rank, name)
    return best[1] if best else None


def _repeats(raw: pd.Series) -> bool:
    present = int(raw.notna().sum())
    return raw.nunique() < MOST_DIFFERENT * present


def propose_primary_key(frame: pd.DataFrame, columns: Mapping[str, Column]) -> tuple[str, ...]:
    """The identifier that is complete and unique; the one with the most telling name where several are."""
    best: tuple[tuple[bool, int, int], str] | None = None
    for position, (name, column) in enumerate(columns.items()):
        if (
            not isinstance(column, Identifier)
            or column.nullable
            or column.surrogate in ("name", "first_name", "last_name")
        ):
            continue
        if not len(frame) or not frame[name].is_unique:
            continue
        shapeless = column.surrogate == "key" and column.pattern is None
        rank = (column.surrogate not in ("key", "uuid"), -int(key_evidence(name)) + 2 * shapeless, position)
        if best is None or rank < best[0]:
            best = (rank, name)
    return (best[1],) if best else ()


def propose_relationships(frames: Mapping[str, pd.DataFrame], tables: Mapping[str, Table]) -> tuple[Relationship, ...]:
    """Relationships by name and values; each child column points to one parent at most."""
    keys = {
        title: (table.primary_key[0], _texts(frames[title][table.primary_key[0]]))
        for title, table in tables.items()
        if len(table.primary_key) == 1
    }
    order = list(tables)
    found: list[Relationship] = []
    for child, table in tables.items():
        for column in table.columns:
            candidates = []
            for parent, (key, values) in keys.items():
                if parent == child or not _names_match(column, key, parent):
                    continue
                if table.primary_key == (column,) and order.index(parent) > order.index(child):
                    continue  # one row each on both sides: the table that comes first is the parent
                contained = _contained(frames[child][column], values)
                if contained >= CONTAINED:
                    candidates.append((-contained, not _named_after(key, parent), order.index(parent), parent, key))
            if candidates:
                *_, parent, key = min(candidates)
                found.append(Relationship(parent=parent, parent_key=(key,), child=child, child_key=(column,)))
    return tuple(found)


def adopt_keys(
    frames: Mapping[str, pd.DataFrame], tables: Mapping[str, Table], relationships: tuple[Relationship, ...]
) -> dict[str, Table]:
    """Tables whose pointing columns are identifiers of the parent's kind; cells that point nowhere are asked about."""
    adopted = dict(tables)
    for relationship in relationships:
        parent = tables[relationship.parent].columns[relationship.parent_key[0]]
        table = adopted[relationship.child]
        name = relationship.child_key[0]
        child = table.columns[name]
        assert isinstance(parent, Identifier)
        provenance = {
            "nullable": child.provenance["nullable"],
            **{key: parent.provenance[key] for key in parent.provenance},
        }
        pointing = Identifier(
            surrogate=parent.surrogate,
            pattern=parent.pattern,
            nullable=child.nullable,
            missing_values=child.missing_values,
            question=_orphans(frames, relationship),
            provenance=provenance,
        )
        adopted[relationship.child] = table.model_copy(update={"columns": {**table.columns, name: pointing}})
    return adopted


def _orphans(frames: Mapping[str, pd.DataFrame], relationship: Relationship) -> str | None:
    keys = _texts(frames[relationship.parent][relationship.parent_key[0]])
    contained = _contained(frames[relationship.child][relationship.child_key[0]], keys)
    if contained == 1:
        return None
    orphans = f"{1 - contained:.1%} of the cells point to no row of {relationship.parent}"
    return f"{orphans}; drop those rows, or the relationship."


def _texts(raw: pd.Series) -> frozenset[str]:
    return frozenset(category_text(value).strip() for value in raw.dropna().unique())


def _contained(raw: pd.Series, keys: frozenset[str]) -> float:
    codes, uniques = pd.factorize(raw, use_na_sentinel=True)
    if not len(uniques):
        return 0.0
    counts = np.bincount(codes[codes >= 0], minlength=len(uniques))
    inside = np.array([category_text(value).strip() in keys for value in uniques], bool)
    return float(counts[inside].sum() / counts.sum())


def _names_match(column: str, key: str, parent: str) -> bool:
    """Whether a column is named like the key of the parent, or like the parent itself."""
    child_words, key_words, parent_words = _bare_prefix(words(column)), _bare_prefix(words(key)), words(parent)
    singular = tuple(_singular(word) for word in parent_words)
    child_joined = "".join(_singular(word) for word in child_words)
    if child_words == key_words:
        return not set(key_words) <= _BARE
    thing = "".join(singular)
    if child_joined == thing or child_joined == _singular(singular[-1] if singular else ""):
        return True
    ending = "".join(key_words) if set(key_words) <= _BARE else ""
    return bool(ending) and child_joined in (thing + ending, (singular[-1] if singular else "") + ending)


def _named_after(key: str, parent: str) -> bool:
    """Whether the key's name holds the parent's (account_id of accounts)."""
    return any(_singular(word) in "".join(words(key)) for word in words(parent))


def _bare_prefix(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Words without a leading letter or two that only repeats the table (`c_custkey`)."""
    return parts[1:] if len(parts) > 1 and len(parts[0]) <= 2 and parts[0] not in _BARE else parts


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return re.sub(r"(?<=[^s])s$", "", word)

"""SDV metadata to a schema and back, without importing SDV.

Known specifications are `SINGLE_TABLE_V1`, `MULTI_TABLE_V1`, `V1` and `V2`. The way there and back is lossless: what a
schema has no word for is kept under `extra: {sdv: ...}` of the column, table or schema, and put back on the way out.
Where the file says otherwise than the schema would, `sdv_instead_of` and `sdv_left_out` hold what the schema would say.

What SDV has no word for is dropped by `to_sdv`: constraints other than `unique`, roles, provenance, privacy, units,
labels of booleans, spellings of missing cells, decimal commas, time zones and second formats of datetimes,
`max_length`, names and descriptions, and all but the first of several `order_by` columns. `V1` drops bounds, lists of
values and decimals too.

Decisions
- Bounds and lists of values (`range_*`) are marked as read from data: SDV's own detection writes the smallest and
  largest real value into the file, and nothing in it tells these from declared ones. Pass `ranges` where you know.
- A column that SDV would invent values for (`pii`, the default of every faker type) is never learned here either.
  Where there is no surrogate of the kind, it becomes a key, and a question says so.
- After an edit of the schema, the edit wins over what was kept from the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tabsynth.errors import SchemaError, UsageError
from tabsynth.schema.columns import Column, Provenance
from tabsynth.schema.constraints import Unique
from tabsynth.schema.documents import read_json
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.sdv_columns import ONLY_NEW, ONLY_OLD, could_be, read_column, write_column
from tabsynth.schema.wording import validate

VERSION_KEY = "METADATA_SPEC_VERSION"
VERSIONS = ("SINGLE_TABLE_V1", "MULTI_TABLE_V1", "V1", "V2")


def is_sdv(plain: Any) -> bool:
    """Whether a document is SDV metadata: it states the specification, or its columns have an `sdtype`."""
    if not isinstance(plain, dict):
        return False
    tables = plain.get("tables")
    holders = [plain, *(tables.values() if isinstance(tables, dict) else ())]
    columns = [holder["columns"] for holder in holders if isinstance(holder, dict) and "columns" in holder]
    fields = [field for group in columns if isinstance(group, dict) for field in group.values()]
    has_sdtypes = any(isinstance(field, dict) and "sdtype" in field for field in fields)
    return VERSION_KEY in plain or has_sdtypes or any(isinstance(h, dict) and "fields" in h for h in holders)


def from_sdv(metadata: Mapping[str, Any], *, ranges: Provenance = Provenance.DATA) -> Schema:
    """Convert SDV metadata.

    Args:
        metadata: The metadata as `json.load` gives it.
        ranges: Where its bounds and lists of values came from.

    Returns:
        A schema from which `to_sdv` with the same version makes equal metadata again.

    Raises:
        SchemaError: The metadata is of an unknown version, has the wrong shape, or contradicts itself.
    """
    metadata = _as_json(metadata)
    version = _version_of(metadata)
    nested = version != "SINGLE_TABLE_V1" or "tables" in metadata
    if not nested:
        originals = {"table": {key: value for key, value in metadata.items() if key != VERSION_KEY}}
        top = {key: value for key, value in metadata.items() if key == VERSION_KEY}
        relationships = []
    else:
        originals = _mapping(metadata.get("tables"), "tables")
        top = {key: value for key, value in metadata.items() if key != "tables"}
        relationships = [_relationship(entry) for entry in metadata.get("relationships") or []]
    plain: dict[str, Any] = {
        "tables": {name: _table(fields, f"tables.{name}", ranges) for name, fields in originals.items()},
        "relationships": relationships,
    }
    schema = _checked(plain)
    for name, table in schema.tables.items():
        for column_name, column in table.columns.items():
            fields = originals[name]["columns"][column_name]
            plain["tables"][name]["columns"][column_name]["extra"] = _rest(
                fields, write_column(column, version), column
            )
        rest = {key: value for key, value in originals[name].items() if key != "columns"}
        plain["tables"][name]["extra"] = _rest(rest, _keys_to_sdv(table))
    plain["extra"] = _rest(top, _top_to_sdv(schema, version, nested))
    if nested and version == "SINGLE_TABLE_V1":  # SDMetrics writes such files
        plain["extra"]["sdv_nested"] = True
    plain["extra"]["sdv"] = {VERSION_KEY: version, **plain["extra"].get("sdv", {})}
    return _checked(plain)


def to_sdv(schema: Schema, *, version: str = "V1") -> dict[str, Any]:
    """Convert a schema to SDV metadata; the module's head lists what SDV has no word for.

    Args:
        schema: The schema.
        version: `V1`, `V2`, `SINGLE_TABLE_V1` or `MULTI_TABLE_V1`.

    Returns:
        Metadata to be written as JSON and loaded by SDV.

    Raises:
        UsageError: The version is unknown.
        SchemaError: The version holds one table, and the schema has several.
    """
    if version not in VERSIONS:
        raise UsageError(f"version: unknown SDV specification; choose from: {', '.join(VERSIONS)}")
    same_version = _part(schema.extra, "sdv").get(VERSION_KEY) == version
    nested = version != "SINGLE_TABLE_V1" or (same_version and schema.extra.get("sdv_nested") is True)
    if not nested:
        top = _merge(_top_to_sdv(schema, version, nested), schema.extra, same_version=same_version, version=version)
        return {**_table_to_sdv(schema.only_table, version, same_version), **top}
    tables = {name: _table_to_sdv(table, version, same_version) for name, table in schema.tables.items()}
    top = _merge(_top_to_sdv(schema, version, nested), schema.extra, same_version=same_version, version=version)
    return {"tables": tables, **top}


# --- from SDV --------------------------------------------------------------------------------------------------------


def _as_json(metadata: Mapping[str, Any]) -> dict[str, Any]:
    try:
        copied = json.loads(json.dumps(metadata))
    except (TypeError, ValueError):
        raise SchemaError("SDV metadata: holds a value that JSON cannot; pass what json.load gives") from None
    return _mapping(copied, "")


def _version_of(metadata: dict[str, Any]) -> str:
    if any(isinstance(holder, dict) and "fields" in holder for holder in (metadata, *_tables_of(metadata))):
        raise SchemaError("SDV metadata: is from before SDV 1.0; convert it with SDV's own upgrade_metadata first")
    shape = "V1" if "tables" in metadata else "SINGLE_TABLE_V1"
    version = metadata.get(VERSION_KEY, shape)
    if version not in VERSIONS:
        raise SchemaError(f"SDV metadata: its {VERSION_KEY} is unknown; known are {', '.join(VERSIONS)}")
    return str(version)


def _tables_of(metadata: dict[str, Any]) -> list[Any]:
    tables = metadata.get("tables")
    return list(tables.values()) if isinstance(tables, dict) else []


def _mapping(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SchemaError(f"SDV metadata: {where + ': ' if where else ''}must be a mapping of keys to values")
    return value


def _checked(plain: dict[str, Any]) -> Schema:
    root, _ = read_json(json.dumps(plain), source="SDV metadata")
    return validate(root, source="SDV metadata", with_lines=False)


def _relationship(entry: Any) -> dict[str, Any]:
    fields = _mapping(entry, "relationships")
    names = ("parent_table_name", "parent_primary_key", "child_table_name", "child_foreign_key")
    if missing := [name for name in names if name not in fields]:
        raise SchemaError(f"SDV metadata: relationships: an entry lacks {', '.join(missing)}")
    parent, parent_key, child, child_key = (fields[name] for name in names)
    return {"parent": parent, "parent_key": _as_list(parent_key), "child": child, "child_key": _as_list(child_key)}


def _as_list(key: Any) -> list[Any]:
    return key if isinstance(key, list) else [key]


def _table(fields: Any, where: str, ranges: Provenance) -> dict[str, Any]:
    fields = _mapping(fields, where)
    columns = _mapping(fields.get("columns"), f"{where}.columns")
    table: dict[str, Any] = {
        "columns": {name: read_column(column, f"{where}.columns.{name}", ranges) for name, column in columns.items()}
    }
    if key := _names(fields.get("primary_key")):
        table["primary_key"] = key
    if len(key := _names(fields.get("sequence_key"))) == 1:
        table["entity_key"] = key[0]
    if len(key := _names(fields.get("sequence_index"))) == 1:
        table["order_by"] = key
    alternates = fields.get("alternate_keys")
    if isinstance(alternates, list) and all(_names(key) for key in alternates):
        table["constraints"] = [{"type": "unique", "columns": _names(key)} for key in alternates]
    return table


def _names(key: Any) -> list[str]:
    """One name or a list of names as a list; empty where it is neither."""
    names = key if isinstance(key, list) else [key]
    return names if all(isinstance(name, str) for name in names) else []


# --- to SDV ----------------------------------------------------------------------------------------------------------


def _top_to_sdv(schema: Schema, version: str, nested: bool) -> dict[str, Any]:
    if not nested:
        return {VERSION_KEY: version}
    relationships = [
        {
            "parent_table_name": relationship.parent,
            "parent_primary_key": _as_key(relationship.parent_key),
            "child_table_name": relationship.child,
            "child_foreign_key": _as_key(relationship.child_key),
        }
        for relationship in schema.relationships
    ]
    return {"relationships": relationships, VERSION_KEY: version}


def _as_key(names: tuple[str, ...]) -> str | list[str]:
    return names[0] if len(names) == 1 else list(names)


def _table_to_sdv(table: Table, version: str, same_version: bool) -> dict[str, Any]:
    columns = {
        name: _merge(write_column(c, version), c.extra, same_version=same_version, version=version, column=c)
        for name, c in table.columns.items()
    }
    return {
        "columns": columns,
        **_merge(_keys_to_sdv(table), table.extra, same_version=same_version, version=version),
    }


def _keys_to_sdv(table: Table) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if table.primary_key:
        keys["primary_key"] = _as_key(table.primary_key)
    if alternates := [_as_key(rule.columns) for rule in table.constraints if isinstance(rule, Unique)]:
        keys["alternate_keys"] = alternates
    if table.entity_key is not None:
        keys["sequence_key"] = table.entity_key
    if table.order_by:
        keys["sequence_index"] = table.order_by[0]
    return keys


# --- what a schema has no word for -----------------------------------------------------------------------------------


def _rest(original: dict[str, Any], written: dict[str, Any], column: Column | None = None) -> dict[str, Any]:
    """What has to be remembered to get from `written`, our own wording, back to `original`."""
    kept = {key: value for key, value in original.items() if key not in written or not _exact(value, written[key])}
    at_odds = {
        key: written[key]
        for key, value in kept.items()
        if key in written and not _means_the_same(key, value, written[key], column)
    }
    left_out = [key for key in written if key not in original]
    parts = {"sdv": kept, "sdv_instead_of": at_odds, "sdv_left_out": left_out}
    return {name: part for name, part in parts.items() if part}


def _merge(
    written: dict[str, Any],
    extra: dict[str, Any],
    *,
    same_version: bool,
    version: str,
    column: Column | None = None,
) -> dict[str, Any]:
    """Our own wording, with what was remembered; where the schema was edited since, the edit wins."""
    left_out = extra.get("sdv_left_out") if same_version else None
    at_odds = _part(extra, "sdv_instead_of") if same_version else {}
    result = {key: value for key, value in written.items() if not (isinstance(left_out, list) and key in left_out)}
    foreign = frozenset() if same_version else (ONLY_OLD if version == "V2" else ONLY_NEW)
    for key, value in _part(extra, "sdv").items():
        if key == VERSION_KEY or (column is not None and key in foreign):
            continue
        if (
            key not in written
            or _means_the_same(key, value, written[key], column)
            or (key in at_odds and _exact(at_odds[key], written[key]))
        ):
            result[key] = value
    return result


def _part(extra: dict[str, Any], name: str) -> dict[str, Any]:
    part = extra.get(name)
    return part if isinstance(part, dict) else {}


def _exact(left: Any, right: Any) -> bool:
    return json.dumps(left, sort_keys=True) == json.dumps(right, sort_keys=True)


def _means_the_same(key: str, kept: Any, written: Any, column: Column | None) -> bool:
    """Whether what was kept is another spelling of what the schema says now."""
    if key == "sdtype" and column is not None:
        return could_be(kept, column)
    if key == "pii":
        return (kept is not False) == (written is not False)
    if key == "computer_representation":
        return isinstance(kept, str) and re.fullmatch("U?Int[0-9]*", kept) is not None
    if key in ("primary_key", "sequence_key", "sequence_index"):
        return _names(kept) == _names(written)
    if key == "alternate_keys":
        return isinstance(kept, list) and [_names(names) for names in kept] == [_names(names) for names in written]
    if key == "relationships":
        return [_relationship(entry) for entry in kept or []] == [_relationship(entry) for entry in written]
    return type(kept) is not bool and type(written) is not bool and bool(kept == written)

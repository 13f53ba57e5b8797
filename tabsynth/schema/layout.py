"""Schemas as text that people read and edit: defaults left out, `type` first, short lists on one line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any, Literal

import yaml

from tabsynth.schema.columns import Text
from tabsynth.schema.documents import read_yaml, resolve_plain
from tabsynth.schema.model import FORMAT_VERSION, Schema

_WIDTH = 110
_SHORT = 90  # characters of a list or mapping that stays on one line
_TABLE_ORDER = (
    "description",
    "primary_key",
    "entity_key",
    "rows_per_entity",
    "entity_columns",
    "order_by",
    "columns",
    "constraints",
    "scenarios",
    "extra",
)
_TEXT, _LIST, _MAP = (f"tag:yaml.org,2002:{name}" for name in ("str", "seq", "map"))


def format_schema(
    schema: Schema,
    *,
    style: Literal["yaml", "json"] = "yaml",
    notes: Mapping[tuple[str, str], str] | None = None,
) -> str:
    """The schema as YAML or JSON text, which `parse_schema` reads back to an equal schema.

    Args:
        schema: The schema.
        style: YAML or JSON.
        notes: Comments above columns, by table and column; YAML only, as JSON has none.
    """
    plain = plain_schema(schema)
    if style == "json":
        return json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    # yaml.serialize is typed for its own dumpers only.
    serialize: Any = yaml.serialize
    text = str(serialize(_node(plain), Dumper=_Dumper, allow_unicode=True, width=_WIDTH))
    return _with_comments(text, notes) if notes else text


def _with_comments(text: str, notes: Mapping[tuple[str, str], str]) -> str:
    """YAML text of a schema with a comment above some of its columns."""
    tables = read_yaml(text, source="schema")[0].value["tables"].value
    above: dict[int, str] = {}
    for (table, column), note in notes.items():
        above[tables[table].value["columns"].key_lines[column]] = note
    lines = []
    for number, line in enumerate(text.splitlines(), start=1):
        if number in above:
            indent = line[: len(line) - len(line.lstrip())] + "# "
            flat = "".join(sign if sign.isprintable() else " " for sign in above[number])
            lines += textwrap.wrap(flat, _WIDTH, initial_indent=indent, subsequent_indent=indent)
        lines.append(line)
    return "\n".join(lines) + "\n"


def plain_schema(schema: Schema) -> dict[str, Any]:
    """The schema as dicts and lists, in the order in which a person reads it.

    Without defaults, but for `fill`: whether text is left out is what a reader of the file asks first.
    """
    plain: dict[str, Any] = schema.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for name, table in schema.tables.items():
        written = plain["tables"][name]
        for column_name, column in table.columns.items():
            first = {"type": column.type, **({"fill": column.fill} if isinstance(column, Text) else {})}
            written["columns"][column_name] = {**first, **written["columns"][column_name]}
        if table.constraints:
            written["constraints"] = [
                {"type": constraint.type, **fields}
                for constraint, fields in zip(table.constraints, written["constraints"], strict=True)
            ]
        plain["tables"][name] = {key: written[key] for key in _TABLE_ORDER if key in written}
    return {"format": FORMAT_VERSION, **{key: value for key, value in plain.items() if key != "format"}}


class _Dumper(yaml.SafeDumper):
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent lists below their key."""
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _node(value: Any, key: str = "") -> yaml.Node:
    if isinstance(value, dict):
        pairs = [(_text(name), _node(child, name)) for name, child in value.items()]
        leaf = all(not isinstance(child, dict | list) for child in value.values())
        return yaml.MappingNode(_MAP, pairs, flow_style=key == "provenance" and leaf and _is_short(value))
    if isinstance(value, list):
        leaf = all(not isinstance(child, dict | list) for child in value)
        return yaml.SequenceNode(_LIST, [_node(child) for child in value], flow_style=leaf and _is_short(value))
    if isinstance(value, str):
        return _text(value, quoted=resolve_plain(value) is not value or _is_number(value))
    if key in ("lower", "upper") and isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value) if str(value) != "-0.0" else value
    return _scalar(value)


def _text(value: str, *, quoted: bool = False) -> yaml.ScalarNode:
    # Other styles fold line breaks, and not all of them come back.
    broken = any(sign in value for sign in "\n\r\x85\u2028\u2029")
    return yaml.ScalarNode(_TEXT, value, style='"' if broken else "'" if quoted else None)


def _scalar(value: float | bool | None) -> yaml.ScalarNode:
    if isinstance(value, float):
        spelled = repr(value)
        if spelled in ("inf", "-inf", "nan"):
            spelled = spelled.replace("inf", ".inf").replace("nan", ".nan")
        elif "." not in spelled:
            spelled = spelled.replace("e", ".0e")
        return yaml.ScalarNode("tag:yaml.org,2002:float", spelled)
    if isinstance(value, bool):
        return yaml.ScalarNode("tag:yaml.org,2002:bool", "true" if value else "false")
    if value is None:
        return yaml.ScalarNode("tag:yaml.org,2002:null", "null")
    return yaml.ScalarNode("tag:yaml.org,2002:int", str(value))


def _is_number(text: str) -> bool:
    """Whether some YAML reader takes the text for a number (1e5, 0x1F, 1_000): quotes make all of them agree."""
    try:
        float(text.replace("_", ""))
    except ValueError:
        return text[:2].lower() in ("0x", "0o", "0b")
    return True


def _is_short(value: Any) -> bool:
    return len(json.dumps(value, ensure_ascii=False)) <= _SHORT

"""What is wrong with a schema, in sentences that name the place and the remedy and never show a value.

pydantic's errors become problems here, each at its line; names that point nowhere are found by a walk of our own, since
pydantic stops at the first of them.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from tabsynth.errors import SchemaError
from tabsynth.schema.columns import Column
from tabsynth.schema.conditions import Condition
from tabsynth.schema.constraints import Constraint
from tabsynth.schema.distributions import Case, Distribution, Share, Span
from tabsynth.schema.documents import Node, Problem
from tabsynth.schema.model import FORMAT_VERSION, Privacy, Relationship, Schema, Table, Unit
from tabsynth.schema.scenarios import Missingness, RateCase, Scenario
from tabsynth.schema.templates import Template

Path = tuple[str | int, ...]

_COLUMNS: dict[str, type[BaseModel]] = {c.model_fields["type"].default: c for c in get_args(get_args(Column)[0])}
_CONSTRAINTS: dict[str, type[BaseModel]] = {
    c.model_fields["type"].default: c for c in get_args(get_args(Constraint)[0])
}
_DISTRIBUTIONS: dict[str, type[BaseModel]] = {
    c.model_fields["type"].default: c for c in get_args(get_args(Distribution)[0])
}
_CONSTRAINT: TypeAdapter[Any] = TypeAdapter(Constraint)

_NOUNS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list in square brackets",
    "list_type": "a list in square brackets",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}

_SENTENCES: dict[str, Callable[[Any], str]] = {
    "value_error": lambda context: str(context["error"]),
    "literal_error": lambda context: f"must be {context['expected']}",
    "enum": lambda context: f"must be {context['expected']}",
    "finite_number": lambda _: "must be a finite number",
    "too_short": lambda context: f"has too few entries; it needs at least {context['min_length']}",
    "too_long": lambda context: f"has too many entries; it takes at most {context['max_length']}",
    "greater_than": lambda context: f"must be above {context['gt']:g}",
    "greater_than_equal": lambda context: f"must be at least {context['ge']:g}",
    "less_than": lambda context: f"must be below {context['lt']:g}",
    "less_than_equal": lambda context: f"must be at most {context['le']:g}",
}


def validate(root: Node, *, source: str, problems: Sequence[Problem] = (), with_lines: bool = True) -> Schema:
    """Turn a document into a schema.

    Args:
        root: The document.
        source: Name of its file, for messages.
        problems: What reading it has already found.
        with_lines: Whether messages name lines.

    Raises:
        SchemaError: Everything that is wrong, at once, each with file, line, place and remedy.
    """
    if not isinstance(root.value, dict):
        raise SchemaError(f"{source}:{root.line}: must be a mapping; a schema begins with `tables:`")
    _check_version(root, source)
    try:
        # Through JSON, since Python input would be refused where a list stands for a tuple.
        schema = Schema.model_validate_json(json.dumps(root.plain()))
    except ValidationError as error:
        found = [*problems, *_from_pydantic(error, root), *unknown_names(root)]
        raise SchemaError(listing(found, source=source, with_lines=with_lines)) from None
    if problems:
        raise SchemaError(listing(problems, source=source, with_lines=with_lines))
    return schema


def _check_version(root: Node, source: str) -> None:
    version = _child(root, "format")
    if version is None or (type(version.value) is int and version.value == FORMAT_VERSION):
        return
    known = f"this version of tabsynth reads format {FORMAT_VERSION}"
    stated = f"format {version.value} is unknown; " if type(version.value) is int else "must be a number; "
    raise SchemaError(f"{source}:{root.key_lines['format']}: format: {stated}{known}")


def listing(problems: Iterable[Problem], *, source: str, with_lines: bool = True) -> str:
    """Problems as text, one a line, in the order of the file."""
    unique = sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
    lines = []
    for problem in unique:
        place = f"{source}:{problem.line}" if with_lines else source
        lines.append(": ".join(part for part in (place, dotted(problem.path), problem.message) if part))
    return lines[0] if len(lines) == 1 else "\n".join([f"{source}: {len(lines)} problems", *lines])


def dotted(path: Path) -> str:
    """A place in the tree, such as `tables.patients.columns.age`; entries of lists count from 1."""
    parts = []
    for part in path:
        if isinstance(part, int):
            parts.append(str(part + 1))
        else:
            parts.append(part if re.fullmatch(r"[\w-]+", part) else repr(part))
    return ".".join(parts)


def unknown_names(root: Node) -> list[Problem]:
    """Every name of a table or column that the document mentions and does not declare."""
    tables = _child(root, "tables")
    found: list[Problem] = []
    columns_of: dict[str, list[str]] = {}
    for table_name, table in _entries(tables):
        columns = [name for name, _ in _entries(_child(table, "columns"))]
        columns_of[table_name] = columns
        if not columns:
            continue
        path: Path = ("tables", table_name)
        for key in ("primary_key", "order_by", "entity_key"):
            found += _check_names(table, (*path, key), key, columns)
        for number, constraint in enumerate(_items(_child(table, "constraints"))):
            found += _check_constraint(constraint, (*path, "constraints", number), columns)
    for number, relationship in enumerate(_items(_child(root, "relationships"))):
        for side in ("parent", "child"):
            found += _check_pair(relationship, ("relationships", number), side, f"{side}_key", columns_of)
    unit = _child(_child(root, "privacy"), "unit")
    if unit is not None:
        found += _check_pair(unit, ("privacy", "unit"), "table", "key", columns_of)
    return found


def _check_pair(
    holder: Node, path: Path, table_key: str, column_key: str, columns_of: dict[str, list[str]]
) -> list[Problem]:
    """The name of a table under one key, and names of its columns under another."""
    if unknown := _check_names(holder, (*path, table_key), table_key, list(columns_of), kind="table"):
        return unknown
    table = _child(holder, table_key)
    if table is None or not isinstance(table.value, str):
        return []
    return _check_names(holder, (*path, column_key), column_key, columns_of[table.value])


def _check_names(holder: Node, path: Path, key: str, known: Sequence[str], *, kind: str = "column") -> list[Problem]:
    node = _child(holder, key)
    if node is None:
        return []
    names = [item.value for item in node.value] if isinstance(node.value, list) else [node.value]
    line = holder.key_lines[key]
    return [
        Problem(line, path, unknown_name(kind, name, known))
        for name in dict.fromkeys(name for name in names if isinstance(name, str))
        if name not in known
    ]


def column_keys(kind: str) -> frozenset[str] | None:
    """Keys that a column of this kind may have; None where there is no such kind."""
    return frozenset(_COLUMNS[kind].model_fields) if kind in _COLUMNS else None


def unknown_name(kind: str, name: str, known: Sequence[str]) -> str:
    """A sentence about a name that points nowhere."""
    return f"names no {kind} of this schema: {name!r}{_did_you_mean(name, known)}"


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    """` (did you mean 'x'?)`, or nothing where no known name is near."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _check_constraint(constraint: Node, path: Path, columns: Sequence[str]) -> list[Problem]:
    try:
        involved = _CONSTRAINT.validate_json(json.dumps(constraint.plain())).involved
    except ValidationError:  # told by pydantic with everything else
        return []
    except SchemaError as error:  # a formula that cannot be parsed
        return [Problem(constraint.line, path, str(error))]
    return [
        Problem(constraint.line, path, unknown_name("column", name, columns))
        for name in involved
        if name not in columns
    ]


def _child(node: Node | None, key: str) -> Node | None:
    found = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return found if isinstance(found, Node) else None


def _entries(node: Node | None) -> list[tuple[str, Node]]:
    return list(node.value.items()) if node is not None and isinstance(node.value, dict) else []


def _items(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


def _from_pydantic(error: ValidationError, root: Node) -> list[Problem]:
    """One problem for each place, the members of a union taken together."""
    problems: list[Problem] = []
    mismatches: dict[Path, tuple[int, Node, list[str]]] = {}
    for item in error.errors(include_url=False, include_input=False):
        kind, context = item["type"], item.get("ctx", {})
        path, line, node, in_union = _locate(item["loc"], root)
        noun = context["expected"] if kind == "literal_error" and in_union else _NOUNS.get(kind)
        if noun is not None:
            mismatches.setdefault(path, (line, node, []))[2].append(noun)
        elif kind == "extra_forbidden":
            problems.append(Problem(line, path[:-1], _unknown_key(str(path[-1]), _known_keys(path[:-1], root))))
        elif _points_nowhere(kind, context, path):
            continue  # a name that points nowhere: `unknown_names` finds them all
        elif kind == "too_short" and len(list(node.children())) >= context["min_length"]:
            continue  # an echo of a wrong entry
        else:
            last = item["loc"][-1] if item["loc"] else ""
            problems.append(Problem(line, path, _sentence(kind, context, last, path, node)))
    for path, (line, node, nouns) in mismatches.items():
        # Where one member of a union got further than the others, only its errors help.
        deeper = [other for other in mismatches if len(other) > len(path)] + [problem.path for problem in problems]
        if not any(other[: len(path)] == path for other in deeper):
            problems.append(Problem(line, path, _mismatch(nouns, node)))
    return problems


def _points_nowhere(kind: str, context: Any, path: Path) -> bool:
    whole = len(path) == 0 or (len(path) == 2 and path[0] == "tables")
    return kind == "value_error" and whole and " of this schema: " in str(context["error"])


def _locate(loc: Path, root: Node) -> tuple[Path, int, Node, bool]:
    """Where an error is: path, line, node, and whether pydantic's path ends in the member of a union."""
    path: list[str | int] = []
    node, line, in_union = root, root.line, False
    for part in loc:
        below = _below(node, part)
        if below is None or _is_tag(part, path, node):
            in_union = below is None
            continue
        line = node.key_lines.get(part, below.line) if isinstance(part, str) else below.line
        node, in_union = below, False
        path.append(part)
    return tuple(path), line, node, in_union


def _below(node: Node, part: str | int) -> Node | None:
    if isinstance(part, str):
        return _child(node, part)
    items = _items(node)
    return items[part] if part < len(items) else None


def _is_tag(part: str | int, path: Sequence[str | int], node: Node) -> bool:
    """Whether `part` is the type of a column, constraint or distribution, which pydantic puts before its keys."""
    stated = _child(node, "type")
    return len(path) >= 2 and stated is not None and stated.value == part


def _known_keys(path: Path, root: Node) -> list[str]:
    node = root
    for part in path:
        node = _below(node, part) or node
    match path:
        case ():
            part_of: type[BaseModel] = Schema
        case ("tables", _):
            part_of = Table
        case ("tables", _, "columns", _):
            part_of = _COLUMNS[node.value["type"].value]
        case ("tables", _, "constraints", _):
            part_of = _CONSTRAINTS[node.value["type"].value]
        case ("tables", _, "constraints", _, "if" | "then", _):
            part_of = Condition
        case (*_, "scenarios", _):
            part_of = Scenario
        case (*_, "cases", _):
            part_of = RateCase if "missing" in path else Case
        case (*_, "parts", _):
            part_of = Share
        case (*_, "when", _):
            part_of = Span
        case ("tables", _, "columns", _, "missing"):
            part_of = Missingness
        case ("tables", _, "columns", _, "template"):
            part_of = Template
        case _ if _is_distribution(path):
            part_of = _DISTRIBUTIONS[node.value["type"].value]
        case ("relationships", _):
            part_of = Relationship
        case ("privacy", "unit"):
            part_of = Unit
        case _:
            part_of = Privacy
    return [field.alias or name for name, field in part_of.model_fields.items()]


def _is_distribution(path: Path) -> bool:
    keys = ("distribution", "otherwise", "distance", "children", "rows_per_entity")
    return path[-1:] != () and (path[-1] in keys or (path[-1] == "then" and "cases" in path) or path[-2:-1] == ("set",))


def _unknown_key(key: str, known: Sequence[str]) -> str:
    return f"unknown key {key!r}{_did_you_mean(key, known) or '; known here: ' + ', '.join(known)}"


def _sentence(kind: str, context: Any, last: str | int, path: Path, node: Node) -> str:
    if kind == "missing":
        return f"lacks the key {last!r}" if isinstance(last, str) else "has too few entries"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        columns = _COLUMNS if path[-2:-1] == ("columns",) else _CONSTRAINTS
        types = _DISTRIBUTIONS if _is_distribution(path) else columns
        stated = _child(node, "type")
        if stated is None:
            return f"has no type; choose from: {', '.join(types)}"
        near = _did_you_mean(stated.value, types) if isinstance(stated.value, str) else ""
        return f"is of an unknown type{near}; choose from: {', '.join(types)}"
    write = _SENTENCES.get(kind)
    return write(context) if write else f"is not valid ({kind.replace('_', ' ')})"


def _mismatch(nouns: list[str], node: Node) -> str:
    if node.value is None:
        return "is empty; give a value, or delete the line"
    wanted = [noun for noun in dict.fromkeys(nouns) if noun != "a whole number" or "a number" not in nouns]
    sentence = f"must be {' or '.join(wanted)}"
    if "text" in wanted and isinstance(node.value, bool):
        return f"{sentence}; YAML reads NO, YES, on and off as true or false: put it in quotes"
    if "text" in wanted and isinstance(node.value, int | float):
        return f"{sentence}; put it in quotes"
    if isinstance(node.value, str) and ("a number" in wanted or "a whole number" in wanted):
        return f"{sentence}, in digits and without quotes (100000, not 1e5)"
    return sentence

"""YAML and JSON text as a tree of plain values that knows its lines.

Decisions
- YAML is read event by event. Keys are their raw text, so a column may be called `no`, `on` or `1`. Of the values
  only what is plainly a number is one: dates, times (12:30), codes with leading zeros (010), 1_000, 1e5 stay text.
- `NO`, `yes`, `on` and `off` are still booleans, as in every YAML 1.1 reader. The schema then refuses them by name
  where text is due; else two tools would read one file in two ways.
- Aliases are followed, but a document may not grow beyond its limits through them. Tags and merge keys are refused.
- JSON is read by its own rules, since YAML refuses tabs and reads some escapes differently.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from tabsynth.errors import SchemaError

MAX_DEPTH = 50
MAX_SIZE = 2_000_000
"""Values in a document, aliases counted as often as they are used."""

_YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})
_FALSE = frozenset({"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,300})")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float"))
_TEXT_TAG = "tag:yaml.org,2002:str"
_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True)
class Problem:
    """Something wrong in a document: the line, where in the tree (empty: the whole), and a sentence."""

    line: int
    path: tuple[str | int, ...]
    message: str


@dataclass
class Node:
    """A value and its line: a scalar, a list of nodes, or a dict of nodes by key."""

    line: int
    value: Any
    key_lines: dict[str, int] = field(default_factory=dict)
    depth: int = 1
    size: int = 1

    def plain(self) -> Any:
        """The value without lines: what `json.load` would give."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value

    def children(self) -> Iterator[Node]:
        """The nodes right below."""
        if isinstance(self.value, dict):
            yield from self.value.values()
        elif isinstance(self.value, list):
            yield from self.value

    def close(self, source: str) -> Node:
        """Count what lies below, and refuse documents that grow out of hand."""
        self.depth = 1 + max((child.depth for child in self.children()), default=0)
        self.size = 1 + sum(child.size for child in self.children())
        if self.depth > MAX_DEPTH:
            raise SchemaError(_too_deep(f"{source}:{self.line}"))
        if self.size > MAX_SIZE:
            raise SchemaError(
                f"{source}:{self.line}: holds more than {MAX_SIZE:,} values; write fewer, or fewer aliases"
            )
        return self


def read_yaml(text: str, *, source: str) -> tuple[Node, list[Problem]]:
    """Read one YAML document.

    Returns:
        The tree, and what is wrong with it although it could be read (duplicate keys, tags).

    Raises:
        SchemaError: The text is no YAML, is empty, holds several documents, or is too deep or too large.
    """
    try:
        return _YamlReader(text, source).document()
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        place = f"{source}:{mark.line + 1}:{mark.column + 1}"
        reason = error.problem or "the text breaks off"
        if "nesting depth" in reason:  # newer parsers have a limit of their own, which they meet before we see a node
            raise SchemaError(_too_deep(f"{source}:{mark.line + 1}")) from None
        hint = ""
        if "cannot start any token" in reason:
            sign = text.splitlines()[mark.line][mark.column : mark.column + 1]
            hint = "; indent with blanks, not tabs" if sign == "\t" else "; put the value in quotes"
        raise SchemaError(f"{place}: is no valid YAML ({reason}){hint}") from None
    except (yaml.YAMLError, UnicodeError):
        raise SchemaError(f"{source}: is no valid YAML (it holds control characters); write them as escapes") from None


def _too_deep(place: str) -> str:
    return f"{place}: is nested more than {MAX_DEPTH} levels deep; a schema needs ten"


def read_json(text: str, *, source: str) -> tuple[Node, list[Problem]]:
    """Read one JSON document; see `read_yaml`.

    Raises:
        SchemaError: The text is no JSON, is empty, or is too deep or too large.
    """
    try:
        return _JsonReader(text, source).document()
    except json.JSONDecodeError as error:
        raise SchemaError(
            f"{source}:{error.lineno}:{error.colno}: is no valid JSON ({error.msg[0].lower()}{error.msg[1:]})"
        ) from None


def resolve_plain(text: str) -> str | int | float | bool | None:
    """What a YAML scalar without quotes stands for."""
    if text in _NULLS:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float("nan") if special[3] else float(f"{special[1]}inf")
    return text


class _YamlReader:
    def __init__(self, text: str, source: str) -> None:
        self._source = source
        self._events: Iterator[Any] = yaml.parse(text, Loader=_YAML_LOADER)
        self._anchors: dict[str, Node | None] = {}  # None while the node is still open
        self._problems: list[Problem] = []

    def document(self) -> tuple[Node, list[Problem]]:
        next(self._events)  # the stream begins
        if isinstance(next(self._events), yaml.StreamEndEvent):
            raise SchemaError(f"{self._source}: is empty; a schema begins with `tables:`")
        root = self._node(next(self._events), (), 1)
        next(self._events)  # the document ends
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            line = after.start_mark.line + 1
            raise SchemaError(f"{self._source}:{line}: a second document begins; keep one schema in a file")
        return root, self._problems

    def _node(self, event: Any, path: tuple[str | int, ...], depth: int) -> Node:
        line = event.start_mark.line + 1
        if depth > MAX_DEPTH:
            raise SchemaError(_too_deep(f"{self._source}:{line}"))
        if isinstance(event, yaml.AliasEvent):
            target = self._anchors.get(str(event.anchor))
            if target is None:
                raise SchemaError(f"{self._source}:{line}: an alias names an anchor that is not defined above it")
            return target
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.MappingStartEvent):
            node = self._mapping(event, line, path, depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._refuse_tag(event, line, path)
            items: list[Node] = []
            while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
                items.append(self._node(item, (*path, len(items)), depth + 1))
            node = Node(line, items)
        else:
            node = Node(line, self._scalar(event, line, path))
        node.close(self._source)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _mapping(self, start: Any, line: int, path: tuple[str | int, ...], depth: int) -> Node:
        self._refuse_tag(start, line, path)
        node = Node(line, {})
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key_line = event.start_mark.line + 1
            if not isinstance(event, yaml.ScalarEvent):
                raise SchemaError(f"{self._source}:{key_line}: a key is no plain text; write `name: value`")
            key = event.value
            value = self._node(next(self._events), (*path, key), depth + 1)
            if key == "<<" and event.implicit[0]:
                self._problems.append(Problem(key_line, path, "merge keys (<<) are not read; write the keys out"))
            elif key in node.value:
                first = node.key_lines[key]
                self._problems.append(
                    Problem(key_line, path, f"duplicate key {key!r}, first on line {first}; keep one")
                )
            else:
                node.value[key], node.key_lines[key] = value, key_line
        return node

    def _scalar(self, event: Any, line: int, path: tuple[str | int, ...]) -> Any:
        if event.tag in _PLAIN_TAGS:
            return resolve_plain(event.value)
        if event.tag not in (None, "!", _TEXT_TAG):
            self._refuse_tag(event, line, path)
        is_plain = event.implicit[0] and event.tag is None
        return resolve_plain(event.value) if is_plain else event.value

    def _refuse_tag(self, event: Any, line: int, path: tuple[str | int, ...]) -> None:
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            self._problems.append(Problem(line, path, "YAML tags (!name) are not read; delete the tag"))


class _JsonReader:
    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._breaks = [match.start() for match in re.finditer("\n", text)]
        self._scalars = json.JSONDecoder(parse_constant=self._refuse_constant, parse_int=self._integer)
        self._problems: list[Problem] = []
        self._at = 0

    def document(self) -> tuple[Node, list[Problem]]:
        self._skip()
        if self._at == len(self._text):
            raise SchemaError(f'{self._source}: is empty; a schema begins with {{"tables": ...')
        root = self._node((), 1)
        self._skip()
        if self._at < len(self._text):
            raise json.JSONDecodeError("extra text after the end", self._text, self._at)
        return root, self._problems

    def _node(self, path: tuple[str | int, ...], depth: int) -> Node:
        line = self._line()
        if depth > MAX_DEPTH:
            raise SchemaError(_too_deep(f"{self._source}:{line}"))
        opening = self._text[self._at : self._at + 1]
        if opening == "{":
            node = self._object(line, path, depth)
        elif opening == "[":
            items: list[Node] = []
            while self._has_next("]", first=not items):
                items.append(self._node((*path, len(items)), depth + 1))
            node = Node(line, items)
        else:
            node = Node(line, self._scalar())
        return node.close(self._source)

    def _object(self, line: int, path: tuple[str | int, ...], depth: int) -> Node:
        node = Node(line, {})
        first = True
        while self._has_next("}", first=first):
            first = False
            key_line = self._line()
            if self._text[self._at : self._at + 1] != '"':
                raise json.JSONDecodeError("a key must be text in double quotes", self._text, self._at)
            key = self._scalar()
            self._skip()
            if self._text[self._at : self._at + 1] != ":":
                raise json.JSONDecodeError("a colon is missing after a key", self._text, self._at)
            self._at += 1
            self._skip()
            value = self._node((*path, key), depth + 1)
            if key in node.value:
                message = f"duplicate key {key!r}, first on line {node.key_lines[key]}; keep one"
                self._problems.append(Problem(key_line, path, message))
            else:
                node.value[key], node.key_lines[key] = value, key_line
        return node

    def _has_next(self, closing: str, *, first: bool) -> bool:
        """Step over the opening bracket or the comma; False at the closing bracket, which is stepped over too."""
        if first:
            self._at += 1
        self._skip()
        sign = self._text[self._at : self._at + 1]
        if sign == closing:
            self._at += 1
            return False
        if not first:
            if sign != ",":
                raise json.JSONDecodeError(f"a comma or {closing} is missing", self._text, self._at)
            self._at += 1
            self._skip()
        return True

    def _scalar(self) -> Any:
        start = self._at
        value, self._at = self._scalars.raw_decode(self._text, self._at)
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise json.JSONDecodeError("half of a surrogate pair", self._text, start) from None
        return value

    def _refuse_constant(self, name: str) -> Any:
        raise json.JSONDecodeError(f"the word {name} is no number in JSON", self._text, self._at)

    def _integer(self, digits: str) -> int:
        if len(digits) > 300:
            raise json.JSONDecodeError("a number with more than 300 digits", self._text, self._at)
        return int(digits)

    def _skip(self) -> None:
        self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]

    def _line(self) -> int:
        return bisect_right(self._breaks, self._at - 1) + 1

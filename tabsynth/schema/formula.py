"""The formula language of a schema: `total - discount * price`, `where(stay > 30, 'long', 'short')`, `days(b - a)`.

Own tokenizer and parser, own evaluation on numpy arrays; Python never sees the text, so that a schema file from
elsewhere can do arithmetic and nothing else. Precedence is that of Python. Names are columns; one that is not a word
stands in backquotes. Text and dates stand in quotes. What operators and functions do is in `operations.py`.

Decisions
- Limits on length and depth: a formula is read by people, and a parser must not be a way to use up memory.
- Numbers are float64 throughout: whole numbers are exact up to 2**53, and no power can grow without end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tabsynth.errors import SchemaError
from tabsynth.schema.columns import Boolean, Column, DateTime, Integer, Number
from tabsynth.schema.operations import (
    FUNCTIONS,
    Array,
    Kind,
    Operand,
    OperandError,
    arithmetic,
    call,
    compare,
    logic,
    minus,
    negate,
)
from tabsynth.schema.ordering import has_numeric_categories, numeric_texts
from tabsynth.schema.values import Values

MAX_LENGTH = 2_000
"""Most characters of a formula."""
MAX_DEPTH = 60
"""Most brackets, functions and signs inside each other."""
MAX_STEPS = 400
"""Most operators and functions in a row."""

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[^\W\d]\w*)
    |`(?P<quoted>[^`]+)`
    |'(?P<single>[^']*)'|"(?P<double>[^"]*)"
    |(?P<symbol>\*\*|//|==|!=|<=|>=|[-+*/%<>(),])
    )""",
    re.VERBOSE,
)
_POWER = {
    "or": 1,
    "and": 2,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), 4),
    **dict.fromkeys(("+", "-"), 5),
    **dict.fromkeys(("*", "/", "//", "%"), 6),
    "**": 8,
}
_NOT, _SIGN = 3, 7
_WORDS = frozenset({"and", "or", "not", "true", "false"})


@dataclass(frozen=True)
class _Token:
    kind: str  # number, name, text, symbol, word (and, or, not, true, false), end
    text: str
    position: int


@dataclass(frozen=True)
class _Node:
    """One step of the calculation; `kind` is number, text, truth, column, operator, not, minus or call."""

    kind: str
    text: str
    position: int
    parts: tuple[_Node, ...] = ()


@dataclass(frozen=True)
class Expression:
    """A parsed formula."""

    text: str
    columns: tuple[str, ...]
    """Columns that it reads, each once, in order of appearance."""
    root: _Node

    def evaluate(self, columns: Mapping[str, Values], kinds: Mapping[str, Column]) -> Values:
        """Calculate every row.

        Args:
            columns: Canonical values of at least `self.columns`, shape (n_rows,) each.
            kinds: The declared kinds of the same columns.

        Returns:
            Numbers (float64), truth values (bool), texts (object) or datetimes (int64 microseconds), shape (n_rows,);
            missing where a cell that is needed is missing and where the result is no finite number.

        Raises:
            SchemaError: A column is unknown, or an operator or function does not fit the kinds of its operands.
        """
        result = _evaluate(self.root, columns, kinds)
        if result.kind == "duration":
            raise SchemaError("formula: is a difference of datetimes; say in what unit, as in days(end - start)")
        n_rows = len(next(iter(columns.values()))) if columns else 1
        array = np.broadcast_to(result.array, n_rows)
        missing = np.broadcast_to(result.missing, n_rows)
        empty = "" if result.kind == "text" else array.dtype.type(0)
        return Values(np.where(missing, empty, array), missing.copy())

    def kind(self, kinds: Mapping[str, Column]) -> Kind:
        """What the formula gives for columns of these kinds.

        Raises:
            SchemaError: As `evaluate`.
        """
        nothing = {name: _no_rows(kinds[name]) for name in self.columns if name in kinds}
        result = _evaluate(self.root, nothing, kinds)
        if result.kind == "duration":
            raise SchemaError("formula: is a difference of datetimes; say in what unit, as in days(end - start)")
        return result.kind


@lru_cache(maxsize=256)
def parse(expression: str) -> Expression:
    """Read a formula.

    Args:
        expression: The text, as in `price * (1 - discount)`.

    Raises:
        SchemaError: The text is no formula; the message names the place, counted in characters from 1.
    """
    if len(expression) > MAX_LENGTH:
        raise SchemaError(
            f"formula: has {len(expression)} characters; at most {MAX_LENGTH} are read, so split it in two columns"
        )
    root = _Parser(list(_tokens(expression))).parse()
    return Expression(expression, tuple(dict.fromkeys(_column_names(root))), root)


def _error(position: int, what: str) -> SchemaError:
    return SchemaError(f"formula, character {position + 1}: {what}")


def _tokens(text: str) -> Iterator[_Token]:
    position, end = 0, len(text.rstrip())
    if not end:
        raise SchemaError("formula: is empty; write one such as price * quantity")
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.lastgroup is None:
            at = position + len(text[position:]) - len(text[position:].lstrip())
            raise _error(at, _hint(text[at:]))
        kind = match.lastgroup
        start, content = match.start(kind), match[kind]
        if kind == "word":
            yield _Token("word" if content in _WORDS else "name", content, start)
        elif kind in ("single", "double"):
            yield _Token("text", content, start - 1)
        elif kind == "quoted":
            yield _Token("name", content, start - 1)
        else:
            yield _Token(kind, content, start)
        position = match.end()
    yield _Token("end", "", end)


def _hint(rest: str) -> str:
    if rest[0] == "=":
        return "= alone is no operator; compare with =="
    if rest[0] in "'\"`":
        return f"the {'name' if rest[0] == '`' else 'text'} is not closed; add {rest[0]}"
    if rest[0] == ".":
        return "a dot stands only inside numbers; put a column name with a dot in backquotes"
    if rest[0] in "&|!":
        return "write and, or, not in letters"
    if rest[0] == "^":
        return "a power is written **"
    return "this character has no meaning here; put column names that are not plain words in backquotes"


class _Parser:
    """Precedence climbing: a prefix (value, sign, function), then operators of at least the asked power."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.place = 0
        self.depth = 0
        self.steps = 0

    def parse(self) -> _Node:
        node = self._expression(0)
        token = self._token
        if token.kind != "end":
            what = (
                "this bracket closes nothing; remove it" if token.text == ")" else "an operator is missing before this"
            )
            raise _error(token.position, what)
        return node

    @property
    def _token(self) -> _Token:
        return self.tokens[self.place]

    def _take(self) -> _Token:
        token = self._token
        self.place += 1
        return token

    def _step(self, position: int) -> None:
        self.steps += 1
        if self.steps > MAX_STEPS:
            raise _error(position, f"more than {MAX_STEPS} operations; split the formula in two columns")

    def _expression(self, least: int) -> _Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _error(self._token.position, f"more than {MAX_DEPTH} levels inside each other; split the formula")
        left = self._prefix()
        while (power := self._operator_power()) >= max(least, 1):
            operator = self._take()
            self._step(operator.position)
            # ** groups from the right and binds tighter than a sign on its left only.
            right = self._expression(power if operator.text == "**" else power + 1)
            if power == 4 and self._operator_power() == 4:
                raise _error(self._token.position, "comparisons do not chain; write a < b and b < c")
            left = _Node("operator", operator.text, operator.position, (left, right))
        self.depth -= 1
        return left

    def _operator_power(self) -> int:
        token = self._token
        return _POWER.get(token.text, 0) if token.kind in ("symbol", "word") else 0

    def _prefix(self) -> _Node:
        token = self._take()
        if token.kind in ("number", "text"):
            return _Node(token.kind, token.text, token.position)
        if token.kind == "name":
            if self._token.text == "(" and self._token.kind == "symbol":
                return self._call(token)
            return _Node("column", token.text, token.position)
        if token.text in ("true", "false") and token.kind == "word":
            return _Node("truth", token.text, token.position)
        if token.text == "not" and token.kind == "word":
            self._step(token.position)
            return _Node("not", token.text, token.position, (self._expression(_NOT),))
        if token.text in ("-", "+"):
            self._step(token.position)
            inner = self._expression(_SIGN)
            return _Node("minus", token.text, token.position, (inner,)) if token.text == "-" else inner
        if token.text == "(":
            inner = self._expression(0)
            self._close("a bracket")
            return inner
        if token.kind == "end":
            raise _error(token.position, "ends too early; a value or column is missing")
        raise _error(token.position, "a value or column is missing before this")

    def _call(self, name: _Token) -> _Node:
        if name.text not in FUNCTIONS:
            raise _error(name.position, f"there is no function {name.text}(); there are {', '.join(FUNCTIONS)}")
        self._step(name.position)
        self._take()
        arguments: list[_Node] = []
        if self._token.text != ")":
            arguments.append(self._expression(0))
            while self._token.text == "," and self._token.kind == "symbol":
                self._take()
                arguments.append(self._expression(0))
        self._close(f"{name.text}(")
        return _Node("call", name.text, name.position, tuple(arguments))

    def _close(self, what: str) -> None:
        token = self._take()
        if token.kind != "symbol" or token.text != ")":
            raise _error(token.position, f"{what} is not closed here; add )")


def _column_names(node: _Node) -> Iterator[str]:
    if node.kind == "column":
        yield node.text
    for part in node.parts:
        yield from _column_names(part)


def _evaluate(node: _Node, columns: Mapping[str, Values], kinds: Mapping[str, Column]) -> Operand:
    if node.kind == "number":
        return _constant("number", np.array([float(node.text)]))
    if node.kind == "truth":
        return _constant("truth", np.array([node.text == "true"]))
    if node.kind == "text":
        return Operand("text", np.array([node.text], dtype=object), np.zeros(1, bool), literal=node.text)
    if node.kind == "column":
        if node.text not in columns or node.text not in kinds:
            raise _error(node.position, f"there is no column {node.text!r}; put text values in quotes")
        return _operand(columns[node.text], kinds[node.text])
    parts = [_evaluate(part, columns, kinds) for part in node.parts]
    try:
        if node.kind == "call":
            return call(node.text, parts)
        if node.kind == "not":
            return negate(parts[0])
        if node.kind == "minus":
            return minus(parts[0])
        left, right = parts
        if node.text in ("and", "or"):
            return logic(node.text, left, right)
        if _POWER[node.text] == 4:
            return compare(node.text, left, right)
        return arithmetic(node.text, left, right)
    except OperandError as error:
        raise _error(node.position, str(error)) from None


def _constant(kind: Kind, array: Array) -> Operand:
    return Operand(kind, array, ~np.isfinite(array))


def _operand(values: Values, column: Column) -> Operand:
    if isinstance(column, DateTime):
        return Operand("datetime", values.array, values.missing, column.time_zone)
    if isinstance(column, Boolean):
        return Operand("truth", values.array, values.missing)
    if isinstance(column, Integer | Number):
        return Operand("number", values.array.astype(np.float64), values.missing)
    if has_numeric_categories(column):
        numbers = numeric_texts(values)
        return Operand("number", numbers.array, numbers.missing)
    return Operand("text", values.array, values.missing)


def _no_rows(column: Column) -> Values:
    missing = np.zeros(0, bool)
    if isinstance(column, Boolean):
        return Values(np.zeros(0, bool), missing)
    if isinstance(column, Integer | DateTime):
        return Values(np.zeros(0, np.int64), missing)
    if isinstance(column, Number):
        return Values(np.zeros(0, np.float64), missing)
    return Values(np.zeros(0, dtype=object), missing)

r"""Keys in a declared shape: a simple regular expression, read as the finite set of texts that match it.

Understood: literal characters, a backslash before a special character, `\d`, `\w`, classes such as `[A-Z0-9]`, groups
`( )` and `(?: )` with alternatives `|`, and the repeats `?`, `*`, `+`, `{n}`, `{m,n}`. All else is refused by name.

Decisions
- Own parser: the pattern is turned into a counted set of texts, never matched, so that no pattern can run for ever.
- `*` and `+` end at eight repeats, `.` and negated classes are refused: a key needs a bounded, printable shape.
- `\d` and `\w` are the ASCII digits, letters and underscore.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from tabsynth.errors import SchemaError, UsageError
from tabsynth.identifiers.texts import TextSet, joined, one_of, repeated, words

OPEN_REPEAT_LIMIT = 8
"""Most repeats that `*` and `+` stand for."""
LONGEST_KEY = 200
"""Most characters that a pattern may produce."""

_DEEPEST_GROUP = 16
_SHORTHANDS = {"d": string.digits, "w": string.ascii_letters + string.digits + "_"}
_SPECIAL = frozenset("\\^$.|?*+()[]{}")


@dataclass(frozen=True)
class Pattern:
    """A shape for keys."""

    regex: str
    """The expression as written."""
    texts: TextSet
    """What it matches."""

    @classmethod
    def parse(cls, regex: str) -> Pattern:
        """Read a pattern.

        Raises:
            SchemaError: The expression is empty, malformed, too long, or uses something that is not understood.
        """
        return cls(regex, _Parser(regex).parse())

    @cached_property
    def capacity(self) -> int:
        """How many different keys the pattern can make (ways to compose one, where a text fits in several ways)."""
        return self.texts.size

    def sample(self, n_rows: int, *, rng: np.random.Generator, unique: bool) -> np.ndarray[Any, Any]:
        """Draw keys.

        Args:
            n_rows: How many, >= 0.
            rng: Source of the draw; the same state gives the same keys.
            unique: Whether no two keys may be equal.

        Returns:
            Object array of str, shape (n_rows,).

        Raises:
            UsageError: More unique keys are asked for than the pattern can make.
        """
        if not unique:
            return self.texts.draw(n_rows, rng=rng)
        if self.capacity < n_rows:
            raise UsageError(
                f"pattern {self.regex!r}: makes {self.capacity:,} different keys{self.texts.remark}, but "
                f"{n_rows:,} unique ones are needed; lengthen the pattern, or ask for fewer rows"
            )
        return self.texts.draw_distinct(n_rows, rng=rng)


class _Parser:
    """Recursive descent: alternatives > sequence > repeat > atom."""

    def __init__(self, regex: str) -> None:
        self.regex = regex
        self.position = 0
        self.depth = 0

    def parse(self) -> TextSet:
        if self._peek() == "^":
            self.position += 1
        texts = self._alternatives()
        if self._peek() == "$" and self.position == len(self.regex) - 1:
            self.position += 1
        if self.position < len(self.regex):
            raise self._error("')' closes no group" if self._peek() == ")" else "'$' may only stand at the end")
        if not texts.length:
            raise SchemaError("pattern: describes only the empty text; write a shape such as MRN-[0-9]{6}")
        return texts

    def _alternatives(self) -> TextSet:
        options = [self._sequence()]
        while self._peek() == "|":
            self.position += 1
            options.append(self._sequence())
        return one_of(*options)

    def _sequence(self) -> TextSet:
        parts: list[TextSet] = []
        while (following := self._peek()) and following not in "|)$":
            parts.append(self._repeat(self._atom()))
            if sum(part.length for part in parts) > LONGEST_KEY:
                raise self._error(f"keys would have more than {LONGEST_KEY} characters")
        return joined(*parts)

    def _repeat(self, part: TextSet) -> TextSet:
        following = self._peek()
        if following in ("?", "*", "+"):
            self.position += 1
            fewest, most = {"?": (0, 1), "*": (0, OPEN_REPEAT_LIMIT), "+": (1, OPEN_REPEAT_LIMIT)}[following]
        elif following == "{":
            fewest, most = self._counts()
        else:
            return part
        if (again := self._peek()) and again in "?*+{":
            raise self._error("a repeat of a repeat is not understood; put the inner one in a group")
        if most * part.length > LONGEST_KEY:
            raise self._error(f"keys would have more than {LONGEST_KEY} characters")
        return repeated(part, fewest, most)

    def _counts(self) -> tuple[int, int]:
        end = self.regex.find("}", self.position)
        body = self.regex[self.position + 1 : end] if end >= 0 else ""
        low, comma, high = body.partition(",")
        counts = [low, high] if comma else [low]
        if not all(count.isascii() and count.isdigit() and len(count) <= 4 for count in counts):
            raise self._error("the repeat must be {n} or {m,n}, with both numbers")
        fewest, most = int(low), int(high if comma else low)
        if fewest > most:
            raise self._error("the repeat counts are in the wrong order")
        if most > LONGEST_KEY:
            raise self._error(f"keys would have more than {LONGEST_KEY} characters")
        self.position = end + 1
        return fewest, most

    def _atom(self) -> TextSet:
        character = self.regex[self.position]
        if character == "(":
            return self._group()
        if character == "[":
            return words(*self._class())
        if character == "\\":
            return words(*self._escape())
        if character == ".":
            raise self._error("'.' matches anything; write a class such as [A-Z0-9], or \\. for a dot")
        if character in _SPECIAL:
            raise self._error(f"{character!r} is not understood here; write \\{character} for the character itself")
        self.position += 1
        return words(self._printable(character))

    def _group(self) -> TextSet:
        opened = self.position
        self.depth += 1
        if self.depth > _DEEPEST_GROUP:
            raise self._error(f"groups may be nested {_DEEPEST_GROUP} deep at most")
        self.position += 1
        if self._peek() == "?":
            if self.regex[self.position : self.position + 2] != "?:":
                raise self._error("look-around, flags and named groups are not understood; use ( ) or (?: )")
            self.position += 2
        texts = self._alternatives()
        if self._peek() != ")":
            self.position = opened
            raise self._error("the group is not closed")
        self.position += 1
        self.depth -= 1
        return texts

    def _class(self) -> list[str]:
        opened = self.position
        self.position += 1
        if self._peek() == "^":
            raise self._error("negated classes are not understood; list what is allowed")
        characters: list[str] = []
        while (following := self._peek()) != "]" or not characters:
            if not following:
                self.position = opened
                raise self._error("the class is not closed")
            members = self._member()
            ranges = self._peek() == "-" and self.regex[self.position + 1 : self.position + 2] not in ("", "]")
            if ranges:
                self.position += 1
                last = self._member()
                if len(members) != 1 or len(last) != 1 or members[0] > last[0]:
                    raise self._error("the range must go from a lower to a higher character")
                members = [self._printable(chr(code)) for code in range(ord(members[0]), ord(last[0]) + 1)]
            characters += members
        self.position += 1
        return characters

    def _member(self) -> list[str]:
        if self._peek() == "\\":
            return self._escape()
        character = self.regex[self.position]
        self.position += 1
        return [self._printable(character)]

    def _escape(self) -> list[str]:
        self.position += 1
        character = self._peek()
        if not character:
            raise self._error("a lone \\ at the end")
        if character not in _SHORTHANDS and character.isalnum():
            raise self._error(f"\\{character} is not understood; of the letters only \\d and \\w are")
        self.position += 1
        return list(_SHORTHANDS.get(character) or self._printable(character))

    def _printable(self, character: str) -> str:
        if not character.isprintable():
            raise self._error("holds a character that cannot be printed")
        return character

    def _peek(self) -> str:
        return self.regex[self.position : self.position + 1]

    def _error(self, what: str) -> SchemaError:
        return SchemaError(f"pattern {self.regex!r}, character {self.position + 1}: {what}")

"""Surrogates: invented values that stand where direct identifiers stood.

Each kind looks like the real thing and is fictional by construction where its system allows it:

kind           why no real one can be meant                                        unique values
key, uuid      random; a key follows the column's `pattern`                        by pattern; 10^18; 10^36
phone          555-0100 to 555-0199, kept free for fiction in every area code      71,200; with extension 7 * 10^8
email, url     example.org, .com and .net, reserved by RFC 2606                    2 * 10^8; 3 * 10^9
ssn            area numbers 900-999, never issued                                  48,995,100
postcode       ZIP prefixes 000-004, never assigned                                500; with ZIP+4 4,999,500
ip_address     documentation blocks of RFC 5737; when they are too few, RFC 3849   768; 10^28
mac_address    locally administered, so that no maker owns it                      7 * 10^13
iban           check digits that fail ISO 7064 mod 97                              10^18
card_number    a check digit that fails Luhn                                       10^14
address        a five-digit house number in a town whose name is put together      10^13
name, first_name, last_name, user_name, company                                    10^6 and more

The last line cannot be fictional by construction: these are random combinations of common names, and one may coincide
with the name of a living person. It says nothing about that person, and was not chosen by looking at the data.

Decisions
- Words are Faker's lists; draws are ours. Asking Faker row by row is a hundred times slower and has a state of its own.
  Lists are sorted, so that only a change of their content changes the output.
- SSN groups are 01-49: with areas 900-999 the groups 50-99 also serve as taxpayer numbers (ITIN, ATIN) that are issued.
- When distinct values are needed and the short form is too small, all rows get the longer form: form tells nothing.
- Drawn at random, a surrogate may equal a real value by chance. `KeptApart` rules that out for the values of a training
  table: it leaves out the parts of the possible values in which the table has any.

Source: 555 line numbers: ATIS-0300115; RFC 2606, RFC 5737, RFC 3849; SSA, "Social Security Number Randomization"; IRS
Publication 1915; ISO 13616 (IBAN); ISO/IEC 7812-1 (Luhn).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tabsynth.errors import SchemaError, UsageError
from tabsynth.identifiers.pattern import Pattern
from tabsynth.identifiers.texts import TextSet, joined, words
from tabsynth.schema.model import Identifier

if TYPE_CHECKING:
    from tabsynth.identifiers.apart import KeptApart

_Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Recipe:
    """How values of one kind are made."""

    forms: tuple[TextSet, ...]
    """From the usual form to longer ones that hold more distinct values."""
    finish: Callable[[_Array, np.random.Generator], _Array] | None = None
    """Adds check digits; keeps distinct values distinct."""
    body: slice = field(default_factory=lambda: slice(None))
    """The characters of a finished value that a form made."""


def make_surrogates(
    column: Identifier, n_rows: int, *, rng: np.random.Generator, unique: bool, apart: KeptApart | None = None
) -> _Array:
    """Invent the values of an identifier column.

    Args:
        column: What the values should look like.
        n_rows: How many, >= 0.
        rng: Source of the draw; the same state gives the same values.
        unique: Whether no two values may be equal.
        apart: The part of the possible values to draw from, so that none equals a training value; None for all.

    Returns:
        Object array of str, shape (n_rows,).

    Raises:
        SchemaError: The column's `pattern` cannot be read, or stands at a kind other than `key`.
        UsageError: `n_rows` is negative, or more unique values are asked for than there are.
        ArtifactError: `apart` was made with other word lists than those that are installed.

    Privacy:
        Reads no data: the values depend on the declared column, on `apart` and on `rng` alone.
    """
    if n_rows < 0:
        raise UsageError("n_rows: must be 0 or more")
    recipe = recipe_of(column)
    forms = recipe.forms if apart is None else apart.limit(recipe.forms)
    if column.pattern is not None:
        return Pattern(column.pattern, forms[0]).sample(n_rows, rng=rng, unique=unique)
    if unique:
        form = next((form for form in forms if form.size >= n_rows), None)
        if form is None:
            largest = max(forms, key=lambda form: form.size)
            raise UsageError(
                f"surrogate {column.surrogate!r}: {largest.size:,} different values are possible{largest.remark}, but "
                f"{n_rows:,} unique ones are needed; ask for fewer rows, or use surrogate: key or uuid"
            )
        values = form.draw_distinct(n_rows, rng=rng)
    else:
        values = forms[0].draw(n_rows, rng=rng)
    return recipe.finish(values, rng) if recipe.finish else values


def recipe_of(column: Identifier) -> Recipe:
    """How the values of a column are made.

    Raises:
        SchemaError: The column's `pattern` cannot be read, or stands at a kind other than `key`.
    """
    if column.pattern is None:
        return _RECIPES[column.surrogate]()
    if column.surrogate != "key":
        raise SchemaError(
            f"surrogate {column.surrogate!r}: takes no pattern; write surrogate: key, or remove the pattern"
        )
    return Recipe((Pattern.parse(column.pattern).texts,))


def _of_pattern(*regexes: str) -> Callable[[], Recipe]:
    @cache
    def recipe() -> Recipe:
        return Recipe(tuple(Pattern.parse(regex).texts for regex in regexes))

    return recipe


@cache
def _first_names() -> tuple[str, ...]:
    from faker.providers.person.en_US import Provider

    return tuple(sorted({*Provider.first_names_female, *Provider.first_names_male}))


@cache
def _last_names() -> tuple[str, ...]:
    from faker.providers.person.en_US import Provider

    return tuple(sorted(Provider.last_names))


def _plain(names: tuple[str, ...]) -> TextSet:
    """The names as they stand in addresses on the net: lower-case ASCII letters."""
    return words(*("".join(c for c in name.lower() if c.isascii() and c.isalpha()) for name in names))


@cache
def _names() -> Recipe:
    first, last = words(*_first_names()), words(*_last_names())
    initial = joined(words(" "), Pattern.parse("[A-Z]").texts, words(". "))
    return Recipe(
        (
            joined(first, words(" "), last),
            joined(first, initial, last),
            joined(first, initial, last, words("-"), last),
        )
    )


@cache
def _first_name() -> Recipe:
    first = words(*_first_names())
    return Recipe((first, joined(first, words("-"), first), joined(first, words("-"), first, words(" "), first)))


@cache
def _last_name() -> Recipe:
    last = words(*_last_names())
    return Recipe((last, joined(last, words("-"), last), joined(last, words("-"), last, words(" "), last)))


@cache
def _email() -> Recipe:
    number = Pattern.parse("[1-9][0-9]").texts
    host = words("@example.org", "@example.com", "@example.net")
    return Recipe((joined(_plain(_first_names()), words("."), _plain(_last_names()), number, host),))


@cache
def _user_name() -> Recipe:
    initial = Pattern.parse("[a-z]").texts
    return Recipe((joined(initial, _plain(_last_names()), Pattern.parse("[1-9][0-9]{3}").texts),))


@cache
def _company() -> Recipe:
    from faker.providers.company.en_US import Provider

    last = words(*_last_names())
    suffix = words(*(f" {word}" for word in sorted(Provider.company_suffixes)))
    return Recipe((joined(last, words("-"), last, suffix), joined(last, words(", "), last, words(" and "), last)))


@cache
def _url() -> Recipe:
    last = _plain(_last_names())
    host = words(".example.org/", ".example.com/", ".example.net/")
    return Recipe((joined(words("https://"), last, host, last, Pattern.parse("/[0-9]{3}").texts),))


@cache
def _phone() -> Recipe:
    area = [f"{n}-" for n in range(200, 990) if n // 10 % 10 != 9 and n % 100 != 11]
    number = joined(words(*area), Pattern.parse("555-01[0-9]{2}").texts)
    return Recipe((number, joined(number, Pattern.parse(" x[0-9]{4}").texts)))


@cache
def _address() -> Recipe:
    from faker.providers.address.en_US import Provider

    last = words(*_last_names())
    street = words(*(f" {word}, " for word in sorted(set(Provider.street_suffixes))))
    town = joined(
        words(*(f"{word} " for word in sorted(set(Provider.city_prefixes)))),
        last,
        words(*sorted(set(Provider.city_suffixes))),
    )
    return Recipe((joined(Pattern.parse("[1-9][0-9]{4} ").texts, last, street, town),))


@cache
def _ip_address() -> Recipe:
    tail = words(*(str(n) for n in range(256)))
    group = Pattern.parse("(:[1-9a-f][0-9a-f]{3}){6}").texts
    return Recipe((joined(words("192.0.2.", "198.51.100.", "203.0.113."), tail), joined(words("2001:db8"), group)))


@cache
def _ssn() -> Recipe:
    group = words(*(f"-{n:02d}-" for n in range(1, 50)))
    serial = words(*(f"{n:04d}" for n in range(1, 10_000)))
    return Recipe((joined(Pattern.parse("9[0-9]{2}").texts, group, serial),))


@cache
def _postcode() -> Recipe:
    prefix = Pattern.parse("00[0-4][0-9]{2}").texts
    return Recipe((prefix, joined(prefix, words(*(f"-{n:04d}" for n in range(1, 10_000))))))


@cache
def _iban() -> Recipe:
    return Recipe((Pattern.parse("[0-9]{18}").texts,), finish=_failing_iban, body=slice(4, 22))


@cache
def _card_number() -> Recipe:
    return Recipe((Pattern.parse("4[0-9]{14}").texts,), finish=_failing_card, body=slice(0, 15))


def _failing_iban(accounts: _Array, rng: np.random.Generator) -> _Array:
    """German layout, DE + two check digits + 18 digits, with check digits that are not the right ones."""
    numbers = accounts.astype(np.int64)  # (n_rows,), below 10**18
    # ISO 13616: check = 98 - (account followed by "DE00" as 131400) mod 97, so right ones are 02..98.
    right = 98 - (numbers % 97 * (10**6 % 97) + 131400) % 97
    wrong = 2 + (right - 2 + rng.integers(1, 97, size=len(numbers))) % 97
    check = np.array([f"DE{n:02d}" for n in range(100)], dtype=object)
    ibans: _Array = check[wrong] + accounts
    return ibans


def _failing_card(payloads: _Array, rng: np.random.Generator) -> _Array:
    """Fifteen digits and a last one that is not the right one."""
    digits = np.array(payloads, dtype="U15").view("U1").reshape(len(payloads), 15).astype(np.int64)
    doubled = digits[:, ::2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(axis=1) + digits[:, 1::2].sum(axis=1)
    wrong = (10 - total + rng.integers(1, 10, size=len(payloads))) % 10
    cards: _Array = payloads + np.array([str(n) for n in range(10)], dtype=object)[wrong]
    return cards


_RECIPES: dict[str, Callable[[], Recipe]] = {
    "key": _of_pattern("[A-Z2-7]{12}"),
    "uuid": _of_pattern("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    "name": _names,
    "first_name": _first_name,
    "last_name": _last_name,
    "email": _email,
    "phone": _phone,
    "ssn": _ssn,
    "address": _address,
    "postcode": _postcode,
    "user_name": _user_name,
    "company": _company,
    "url": _url,
    "ip_address": _ip_address,
    "mac_address": _of_pattern("[0-9a-f][26ae](:[0-9a-f]{2}){5}"),
    "iban": _iban,
    "card_number": _card_number,
}

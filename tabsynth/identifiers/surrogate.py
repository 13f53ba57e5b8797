"""Surrogates: invented values that stand where direct identifiers stood.

Each kind looks like the real thing and is fictional by construction where its system allows it:

kind           why no real one can be meant                                        unique values
key, uuid      random; a key follows the column's `pattern`                        by pattern; 10^18; 10^36
phone, fax     555-0100 to 555-0199, kept free for fiction in every area code      71,200; with extension 7 * 10^8
email, url     example.org, .com and .net, reserved by RFC 2606                    2 * 10^8; 3 * 10^9
ssn            area numbers 900-999, never issued                                  48,995,100
postcode       ZIP prefixes 000-004, never assigned                                500; with ZIP+4 4,999,500
ip_address     documentation blocks of RFC 5737; when they are too few, RFC 3849   768; 10^28
mac_address    locally administered, so that no maker owns it                      7 * 10^13
iban           check digits that fail ISO 7064 mod 97                              10^18
card_number    a check digit that fails Luhn                                       10^14
address        a five-digit house number in a town whose name is put together      10^13
name, first_name, last_name, user_name, company                                    10^6 and more

Official numbers (NPI, DEA, MBI, VIN, IMEI, UDI and others) are in `numbers.py`, names and addresses of seven countries
(`locale`) in `people.py`.

The last line cannot be fictional by construction: these are random combinations of common names, and one may coincide
with the name of a living person. It says nothing about that person, and was not chosen by looking at the data.

Decisions
- SSN groups are 01-49: with areas 900-999 the groups 50-99 also serve as taxpayer numbers (ITIN, ATIN) that are issued.
- When distinct values are needed and the short form is too small, all rows get the longer form: form tells nothing.
- Running numbers fill their pattern, so that all that it can make may be real. Where the pattern was read from data,
  and is no rule, keys then have four digits more.
- Drawn at random, a surrogate may equal a real value by chance. `KeptApart` rules that out for the values of a training
  table: it leaves out the parts of the possible values in which the table has any.

Source: 555 line numbers: ATIS-0300115; RFC 2606, RFC 5737, RFC 3849; SSA, "Social Security Number Randomization"; IRS
Publication 1915; ISO 13616 (IBAN); ISO/IEC 7812-1 (Luhn).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tabsynth.errors import SchemaError, UsageError
from tabsynth.identifiers import numbers, people
from tabsynth.identifiers.pattern import Pattern
from tabsynth.identifiers.recipe import Recipe
from tabsynth.identifiers.texts import joined, words
from tabsynth.schema.columns import Identifier, Provenance

if TYPE_CHECKING:
    from tabsynth.identifiers.apart import KeptApart

_Array = np.ndarray[Any, Any]
_MORE_DIGITS = "[0-9]{4}"
_LONGEST_KEY = 150


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
        shape = next((form for form in forms if not unique or form.size >= n_rows), forms[-1])
        return Pattern(column.pattern, shape).sample(n_rows, rng=rng, unique=unique)
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


def n_possible(column: Identifier, apart: KeptApart | None = None) -> int:
    """How many different values `make_surrogates` can give at most.

    Raises:
        SchemaError: The column's `pattern` cannot be read, or stands at a kind other than `key`.
        ArtifactError: `apart` was made with other word lists than those that are installed.
    """
    forms = recipe_of(column).forms if apart is None else apart.limit(recipe_of(column).forms)
    return max(form.size for form in forms)


def recipe_of(column: Identifier) -> Recipe:
    """How the values of a column are made.

    Raises:
        SchemaError: The column's `pattern` cannot be read, or stands at a kind other than `key`.
    """
    if column.pattern is None:
        if column.surrogate in _LOCAL:
            return _LOCAL[column.surrogate](column.locale)
        return _RECIPES[column.surrogate]()
    if column.surrogate not in ("key", "mrn", "health_plan_id"):
        raise SchemaError(
            f"surrogate {column.surrogate!r}: takes no pattern; write surrogate: key, or remove the pattern"
        )
    texts = Pattern.parse(column.pattern).texts
    if column.source("pattern") is not Provenance.DATA or texts.length > _LONGEST_KEY:
        return Recipe((texts,))
    return Recipe((texts, joined(texts, Pattern.parse(_MORE_DIGITS).texts)))


def _of_pattern(*regexes: str) -> Callable[[], Recipe]:
    @cache
    def recipe() -> Recipe:
        return Recipe(tuple(Pattern.parse(regex).texts for regex in regexes))

    return recipe


@cache
def _phone() -> Recipe:
    area = [f"{n}-" for n in range(200, 990) if n // 10 % 10 != 9 and n % 100 != 11]
    number = joined(words(*area), Pattern.parse("555-01[0-9]{2}").texts)
    return Recipe((number, joined(number, Pattern.parse(" x[0-9]{4}").texts)))


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
    payloads = accounts.astype(np.int64)  # (n_rows,), below 10**18
    # ISO 13616: check = 98 - (account followed by "DE00" as 131400) mod 97, so right ones are 02..98.
    right = 98 - (payloads % 97 * (10**6 % 97) + 131400) % 97
    wrong = 2 + (right - 2 + rng.integers(1, 97, size=len(payloads))) % 97
    check = np.array([f"DE{n:02d}" for n in range(100)], dtype=object)
    ibans: _Array = check[wrong] + accounts
    return ibans


def _failing_card(payloads: _Array, rng: np.random.Generator) -> _Array:
    """Fifteen digits and a last one that is not the right one."""
    right = -numbers.luhn_sum(numbers.digits_of(payloads, 15)) % 10
    cards: _Array = payloads + numbers.wrong_digit(right, rng)
    return cards


_RECIPES: dict[str, Callable[[], Recipe]] = {
    "key": _of_pattern("[A-Z2-7]{12}"),
    "uuid": _of_pattern("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    "phone": _phone,
    "fax": _phone,
    "ssn": _ssn,
    "postcode": _postcode,
    "ip_address": _ip_address,
    "mac_address": _of_pattern("[0-9a-f][26ae](:[0-9a-f]{2}){5}"),
    "iban": _iban,
    "card_number": _card_number,
    "npi": numbers.npi,
    "dea": numbers.dea,
    "mbi": numbers.mbi,
    "vin": numbers.vin,
    "imei": numbers.imei,
    "udi": numbers.udi,
    "aba_routing": numbers.aba_routing,
    "license_plate": numbers.license_plate,
    "mrn": numbers.mrn,
    "health_plan_id": numbers.health_plan_id,
}
_LOCAL: dict[str, Callable[[str], Recipe]] = {
    "name": people.name,
    "first_name": people.first_name,
    "last_name": people.last_name,
    "email": people.email,
    "address": people.address,
    "user_name": people.user_name,
    "company": people.company,
    "url": people.url,
}
"""Kinds that look like those of a country."""

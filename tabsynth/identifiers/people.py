"""Names and addresses by locale, put together from Faker's lists of words.

Decisions
- Words are Faker's lists; draws are ours. Asking Faker row by row is a hundred times slower and has a state of its own.
  Lists are sorted, so that only a change of their content changes the output.
- An address cannot be real: its house number has five digits, and its town is put together from a family name.
- In addresses on the net, letters with marks lose them (`Müller` becomes `muller`), and what is no letter goes.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib import import_module
from typing import Any

from tabsynth.identifiers.pattern import Pattern
from tabsynth.identifiers.recipe import Recipe
from tabsynth.identifiers.texts import TextSet, joined, words

US = "en_US"

_TOWNS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "de_DE": (("",), ("stadt", "dorf", "hausen", "berg")),
    "fr_FR": (("Saint-", "Bourg-", "Villiers-"), ("-sur-Lac", "-le-Vieux", "-les-Bois")),
    "es_ES": (("Villa ", "Puebla de ", "San "), ("",)),
    "it_IT": (("Borgo ", "Castel ", "Villa "), ("",)),
    "nl_NL": (("",), ("dam", "veen", "hoven", "dijk")),
    "pt_PT": (("Vila ", "Quinta de ", "Santo "), ("",)),
}
"""What stands before and after a family name in the name of a town."""


def _lists(kind: str, locale: str) -> Any:
    return import_module(f"faker.providers.{kind}.{locale}").Provider


@cache
def first_names(locale: str) -> tuple[str, ...]:
    """Given names of women and men."""
    lists = _lists("person", locale)
    return tuple(sorted({*lists.first_names_female, *lists.first_names_male}))


@cache
def last_names(locale: str) -> tuple[str, ...]:
    """Family names."""
    return tuple(sorted(set(_lists("person", locale).last_names)))


def plain(names: tuple[str, ...]) -> TextSet:
    """The names as they stand in addresses on the net: lower-case ASCII letters."""
    bare = (unicodedata.normalize("NFKD", name.lower()) for name in names)
    return words(*filter(None, ("".join(c for c in name if c.isascii() and c.isalpha()) for name in bare)))


@cache
def name(locale: str) -> Recipe:
    """Given and family name."""
    first, last = words(*first_names(locale)), words(*last_names(locale))
    initial = joined(words(" "), Pattern.parse("[A-Z]").texts, words(". "))
    return Recipe(
        (
            joined(first, words(" "), last),
            joined(first, initial, last),
            joined(first, initial, last, words("-"), last),
        )
    )


@cache
def first_name(locale: str) -> Recipe:
    """Given name."""
    first = words(*first_names(locale))
    return Recipe((first, joined(first, words("-"), first), joined(first, words("-"), first, words(" "), first)))


@cache
def last_name(locale: str) -> Recipe:
    """Family name."""
    last = words(*last_names(locale))
    return Recipe((last, joined(last, words("-"), last), joined(last, words("-"), last, words(" "), last)))


@cache
def email(locale: str) -> Recipe:
    """Address under a domain that is reserved for examples."""
    number = Pattern.parse("[1-9][0-9]").texts
    host = words("@example.org", "@example.com", "@example.net")
    return Recipe((joined(plain(first_names(locale)), words("."), plain(last_names(locale)), number, host),))


@cache
def user_name(locale: str) -> Recipe:
    """Initial, family name and four digits."""
    initial = Pattern.parse("[a-z]").texts
    return Recipe((joined(initial, plain(last_names(locale)), Pattern.parse("[1-9][0-9]{3}").texts),))


@cache
def company(locale: str) -> Recipe:
    """Two family names."""
    last = words(*last_names(locale))
    found = getattr(_lists("company", locale), "company_suffixes", ()) or _lists("company", US).company_suffixes
    suffix = words(*(f" {word}" for word in sorted(found)))
    union = " and " if locale == US else " & "
    return Recipe((joined(last, words("-"), last, suffix), joined(last, words(", "), last, words(union), last)))


@cache
def url(locale: str) -> Recipe:
    """Page under a domain that is reserved for examples."""
    last = plain(last_names(locale))
    host = words(".example.org/", ".example.com/", ".example.net/")
    return Recipe((joined(words("https://"), last, host, last, Pattern.parse("/[0-9]{3}").texts),))


@cache
def address(locale: str) -> Recipe:
    """House number, street and town."""
    lists, last = _lists("address", locale), words(*last_names(locale))
    number = Pattern.parse("[1-9][0-9]{4}").texts
    if locale == US:
        street = words(*(f" {word}, " for word in sorted(set(lists.street_suffixes))))
        town = joined(
            words(*(f"{word} " for word in sorted(set(lists.city_prefixes)))),
            last,
            words(*sorted(set(lists.city_suffixes))),
        )
        return Recipe((joined(Pattern.parse("[1-9][0-9]{4} ").texts, last, street, town),))
    before, after = _TOWNS[locale]
    town = joined(words(*before), last, words(*after))
    if locale in ("de_DE", "nl_NL"):  # the kind of street is the end of its name
        ends = lists.street_suffixes_short if locale == "de_DE" else lists.street_suffixes
        ends = sorted({end.lower() for end in ends if end.isalpha()})
        return Recipe((joined(last, words(*(f"{end} " for end in ends)), number, words(", "), town),))
    kinds = lists.street_suffixes if locale == "it_IT" else lists.street_prefixes
    kinds = sorted({kind.strip() for kind in kinds if kind.strip()})
    if locale == "fr_FR":
        return Recipe((joined(number, words(*(f" {kind} " for kind in kinds)), last, words(", "), town),))
    return Recipe((joined(words(*(f"{kind} " for kind in kinds)), last, words(" "), number, words(", "), town),))

"""Official numbers and local names: the right look, never accepted by the official rule, distinct, and local."""

from __future__ import annotations

import re

import numpy as np
import pytest

from evaluations.official_rules import GENUINE, RULES, vin_check_digit
from tabsynth.declared.keys import texts_at
from tabsynth.errors import SchemaError
from tabsynth.identifiers.apart import KeptApart
from tabsynth.identifiers.surrogate import make_surrogates, recipe_of
from tabsynth.schema.columns import Identifier

LOCALES = ("de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pt_PT")


def make(n_rows: int = 5000, *, unique: bool = True, seed: int = 0, **column: str) -> list[str]:
    chosen = Identifier(**column)  # type: ignore[arg-type]
    return list(make_surrogates(chosen, n_rows, rng=np.random.default_rng(seed), unique=unique))


@pytest.mark.parametrize("kind", RULES)
def test_rules_accept_published_numbers(kind: str) -> None:
    """A rule that accepted nothing would prove nothing."""
    assert all(RULES[kind](text) for text in GENUINE[kind])


@pytest.mark.parametrize("kind", RULES)
def test_no_surrogate_is_accepted(kind: str) -> None:
    """The official rule refuses every one."""
    n_rows = min(20_000, recipe_of(Identifier(surrogate=kind)).forms[0].size)  # type: ignore[arg-type]
    assert not sum(map(RULES[kind], make(n_rows, unique=False, surrogate=kind)))


def test_check_digits_of_vehicles_fail_too() -> None:
    """Not only the model year is impossible."""
    assert not sum(map(vin_check_digit, make(surrogate="vin")))


@pytest.mark.parametrize("kind", ["npi", "dea", "imei", "aba_routing"])
def test_surrogates_stay_apart_from_real_numbers(kind: str) -> None:
    """Numbers of a training table that could be drawn are not, wherever their check digit stands."""
    column = Identifier(surrogate=kind)  # type: ignore[arg-type]
    real = np.array(make(200, seed=1, surrogate=kind), dtype=object)
    part = KeptApart.fit(column, real, n_rows=200)
    assert not part.is_whole
    drawn = make_surrogates(column, 20_000, rng=np.random.default_rng(2), unique=False, apart=part)
    bodies = recipe_of(column).body
    assert not {text[bodies] for text in drawn} & {text[bodies] for text in real}


def test_numbers_by_row_are_finished_the_same_way() -> None:
    """Keys of `mock`, which come from row numbers, fail their check digits as well."""
    recipe = recipe_of(Identifier(surrogate="npi"))
    bodies = texts_at(recipe.forms[0], np.arange(1000), np.arange(4, dtype=np.uint64))
    assert recipe.finish is not None
    assert not sum(map(RULES["npi"], recipe.finish(bodies, np.random.default_rng(0))))


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", ["name", "first_name", "last_name", "email", "user_name", "company", "url", "address"])
def test_local_names_and_addresses(kind: str, locale: str) -> None:
    """Each country has words of its own; addresses on the net stay ASCII and reserved; house numbers stay odd."""
    made = make(2000, surrogate=kind, locale=locale)
    assert len(set(made)) == 2000
    american = set(make(20_000, unique=False, surrogate=kind))
    assert len(set(made) - american) > 1000
    if kind in ("email", "url"):
        assert all(text.isascii() and not RULES[kind](text) for text in made)
    if kind == "address":
        assert all(re.search(r"\b[1-9][0-9]{4}\b", text) for text in made)


def test_german_names_keep_their_letters() -> None:
    """Marks stay in names and go in e-mail addresses."""
    assert any("ü" in text for text in make(surrogate="last_name", locale="de_DE", unique=False))


def test_record_numbers_take_a_shape() -> None:
    """A pattern is welcome where there is no register, and refused where there is one."""
    assert make(1, surrogate="mrn", pattern="H-[0-9]{4}")[0].startswith("H-")
    with pytest.raises(SchemaError, match="takes no pattern"):
        make(1, surrogate="npi", pattern="[0-9]{10}")

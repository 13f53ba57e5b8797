"""The public names: what is exported is there, listed once, and described."""

from __future__ import annotations

import inspect

import pytest

import tabsynth


def test_all_is_what_is_exported() -> None:
    """__all__, the lazy table and dir() agree."""
    assert sorted(tabsynth.__all__) == sorted([*tabsynth._EXPORTS, "__version__"])
    assert set(dir(tabsynth)) == set(tabsynth.__all__)


@pytest.mark.parametrize("name", sorted(tabsynth._EXPORTS))
def test_every_name_resolves_and_is_described(name: str) -> None:
    """Every public name can be imported and has a docstring."""
    value = getattr(tabsynth, name)
    assert inspect.getdoc(value)


def test_unknown_names_are_attribute_errors() -> None:
    """A name that is not there fails as Python code expects."""
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = tabsynth.Nothing


def test_every_function_says_what_it_refuses() -> None:
    """Whoever calls it need not read the code to know which errors to expect."""
    functions = {name: getattr(tabsynth, name) for name in tabsynth.__all__}
    silent = [name for name, it in functions.items() if inspect.isfunction(it) and "Raises:" not in str(it.__doc__)]
    assert silent == []


@pytest.mark.parametrize("wrong", [{"presett": "fast"}, {"preset": "quick"}, {"min_leaf": "many"}])
def test_wrong_parameters_are_named_errors(wrong: dict[str, object]) -> None:
    """Of a generator made by its class as by its name: one of our errors, which lists the parameters."""
    with pytest.raises(tabsynth.TabsynthError, match=rf"^trees: {next(iter(wrong))}: .* \(parameters: min_people, "):
        tabsynth.Trees(**wrong)  # type: ignore[arg-type]
    assert "preset" in inspect.signature(tabsynth.Trees).parameters

"""The public shape of a private table: total, the same for every table, and refused where the schema is silent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from tabsynth.dp.bins import BinCodes
from tabsynth.dp.domain import Domain, Found, build_domain
from tabsynth.errors import SchemaError, UsageError
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.values import TypedTable, parse_column


def table(**columns: dict[str, Any]) -> Table:
    return Schema.model_validate({"tables": {"t": {"columns": columns}}}).only_table


def domain(*, bins: int = 32, **columns: dict[str, Any]) -> Domain:
    return build_domain(table(**columns).columns, bins=bins)


def codes(shape: Domain, **cells: list[object]) -> dict[str, list[int]]:
    """Codes of cells as they come in a table."""
    typed = {name: parse_column(pd.Series(c, dtype=object), shape.columns[name]).values for name, c in cells.items()}
    encoded = shape.encode(TypedTable(typed, len(next(iter(cells.values())))))
    return {name: array.tolist() for name, array in encoded.items()}


SEX = {"type": "categorical", "categories": ["F", "M"]}


def test_a_missing_slot_is_there_wherever_a_column_is_nullable() -> None:
    """Sizes come from the schema alone."""
    shape = domain(
        sex=SEX,
        sure={**SEX, "nullable": False},
        stage={"type": "ordinal", "categories": ["I", "II", "III"]},
        smoker={"type": "boolean"},
        age={"type": "integer", "lower": 0, "upper": 120, "nullable": False},
        beds={"type": "integer", "lower": 1, "upper": 4},
        weight={"type": "number", "lower": 0.0, "upper": 300.0},
        day={"type": "datetime", "resolution": "day", "lower": "2020-01-01", "upper": "2020-01-10"},
        name={"type": "identifier"},
        note={"type": "text"},
    )
    assert shape.sizes == {
        "sex": 3, "sure": 2, "stage": 4, "smoker": 3, "age": 33, "beds": 5, "weight": 34, "day": 11,
    }  # fmt: skip


def test_every_cell_has_a_code() -> None:
    """Unknown, unreadable, missing and far cells go where the schema says, without a word."""
    shape = domain(
        sex=SEX,
        sure={**SEX, "nullable": False},
        ward={**SEX, "rare_label": "elsewhere"},
        beds={"type": "integer", "lower": 1, "upper": 4},
        day={"type": "datetime", "resolution": "day", "lower": "2020-01-01", "upper": "2020-01-10"},
    )
    found = codes(
        shape,
        sex=["F", "M", "X", None, 7],
        sure=["F", "M", "X", None, 7],
        ward=["F", "M", "X", None, 7],
        beds=["1", 4, "99", None, "many"],
        day=["2020-01-01", "2020-01-10", "1066-01-01", None, "soon"],
    )
    assert found == {
        "sex": [0, 1, 2, 2, 2],
        "sure": [0, 1, 0, 0, 0],
        "ward": [0, 1, 2, 3, 2],
        "beds": [0, 3, 3, 4, 4],
        "day": [0, 9, 0, 10, 10],
    }


@pytest.mark.parametrize("bins", [2, 7, 32])
@pytest.mark.parametrize(
    "column",
    [
        {"type": "integer", "lower": -3, "upper": 100},
        {"type": "number", "decimals": 1, "lower": -0.3, "upper": 9.9},
        {"type": "number", "lower": -1.5, "upper": 2.5},
        {"type": "number", "lower": 0.0, "upper": 2.5},
        {"type": "number", "lower": -2.5, "upper": 0.0},
        {"type": "datetime", "resolution": "month", "lower": "2019-03-01", "upper": "2024-11-30"},
    ],
)
def test_values_come_back_into_their_bins(column: dict[str, Any], bins: int) -> None:
    """Drawn values lie on the steps, inside the bounds and in the bin that was drawn."""
    shape = domain(bins=bins, x=column)
    rng = np.random.default_rng(0)
    drawn = rng.integers(shape.sizes["x"], size=2000)
    typed = shape.encoder().decode({"x": shape.values("x", drawn, rng=rng)}, rng=rng)
    again = shape.encode(typed)["x"]
    assert (again == drawn).all()


def test_few_values_are_codes_of_their_own() -> None:
    """Up to `bins` values are kept apart; more are pooled evenly."""
    few, many = (domain(bins=10, x={"type": "integer", "lower": 1, "upper": n}).codes["x"] for n in (10, 100))
    assert isinstance(few, BinCodes) and np.diff(few.edges).tolist() == [1.0] * 10
    assert isinstance(many, BinCodes) and np.diff(many.edges).tolist() == [10.0] * 10


@pytest.mark.parametrize(
    ("column", "others"),
    [
        ({"type": "integer", "lower": 0, "upper": 100_000}, [1, 90_000]),
        ({"type": "integer", "lower": -100_000, "upper": 0}, [-1, -90_000]),
        ({"type": "number", "lower": 0.0, "upper": 1e5}, [1e-9, 9e4]),
        ({"type": "number", "lower": -1e5, "upper": 1e5}, [1e-9, 9e4, -1e-9, -9e4]),
        ({"type": "number", "lower": -1e5, "upper": 0.0}, [-1e-9, -9e4]),
        ({"type": "number", "decimals": 2, "lower": -1e5, "upper": 1e5}, [0.01, -0.01, 9e4, -9e4]),
    ],
)
@pytest.mark.parametrize("cuts", [None, (-40.0, 40.0)])
def test_zero_is_a_value_of_its_own(
    column: dict[str, Any], others: list[object], cuts: tuple[float, ...] | None
) -> None:
    """What most cells of a column of amounts hold comes back as it is, whatever bins were found."""
    shape = build_domain(table(x=column).columns, bins=8, found={"x": Found(cuts=cuts)})
    zero, again, *rest = codes(shape, x=[0, -0.0, *others])["x"]
    assert zero == again and zero not in rest
    rng = np.random.default_rng(0)
    drawn = np.full(100, zero)
    typed = shape.encoder().decode({"x": shape.values("x", drawn, rng=rng)}, rng=rng)
    assert (typed.columns["x"].array == 0).all() and not np.signbit(typed.columns["x"].array).any()
    assert shape.codes["x"].described(zero) == "0"


def test_bins_that_somebody_named_stay_as_they_are() -> None:
    """Declared edges are all there are; a column far from 0 has no bin for it either."""
    column = {"type": "number", "lower": 0.0, "upper": 10.0}
    assert build_domain(table(x=column).columns, bins=8, cuts={"x": [5.0]}).sizes == {"x": 3}
    assert domain(bins=8, x={"type": "number", "lower": 30.0, "upper": 45.0}).sizes == {"x": 9}


@pytest.mark.parametrize(
    ("column", "word"),
    [
        ({"type": "categorical"}, "categories are not declared"),
        ({**SEX, "provenance": {"categories": "data"}}, "were read from data"),
        ({"type": "ordinal", "categories": ["I"], "provenance": {"categories": "data"}}, "were read from data"),
        ({"type": "integer", "lower": 0}, "upper are not declared"),
        ({"type": "number", "lower": 0.0, "upper": 9.0, "provenance": {"upper": "data"}}, "upper were read from data"),
        ({"type": "datetime"}, "lower and upper are not declared"),
    ],
)
def test_what_the_schema_leaves_open_is_refused(column: dict[str, Any], word: str) -> None:
    """The column is named, with what to declare or how to pay."""
    with pytest.raises(SchemaError, match=f"x: .*{word}"):
        domain(x=column, sex=SEX)


def test_what_was_released_before_fills_the_gaps() -> None:
    """Discovered categories and bounds take the place of declared ones; what was not found has a slot."""
    columns = table(ward={"type": "categorical"}, cost={"type": "number"}).columns
    shape = build_domain(
        columns, bins=4, found={"ward": Found(categories=("A", "B")), "cost": Found(lower=0.0, upper=8.0)}
    )
    assert codes(shape, ward=["A", "B", "C", None], cost=[0, 3, 9, None]) == {
        "ward": [0, 1, 2, 3],
        "cost": [0, 2, 4, 5],
    }


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_a_bound_that_was_found_beyond_the_declared_one_is_that_one(kind: str) -> None:
    """Where nothing stands out of the noise, 0 to 1 is found; what the budget has bought by then may not be lost."""
    for declared, found in (({"lower": 1900}, Found(upper=1.0, cuts=())), ({"upper": -5}, Found(lower=0.0, cuts=()))):
        columns = table(x={"type": kind, "nullable": False, **declared}, sex=SEX).columns
        shape = build_domain(columns, bins=4, found={"x": found})
        assert codes(shape, x=[-5, 1900], sex=["F", "F"])["x"] == [0, 0]
        values = shape.values("x", np.zeros(3, np.int64), rng=np.random.default_rng(0))
        assert np.rint(values).tolist() == [next(iter(declared.values()))] * 3


def test_one_possible_number_is_one_bin() -> None:
    """Lower and upper may be the same, also of a column without decimals, whatever edges were found."""
    columns = table(x={"type": "number", "lower": 5, "upper": 5, "nullable": False}, sex=SEX).columns
    for found in (None, {"x": Found(cuts=())}, {"x": Found(cuts=(5.0,))}):
        shape = build_domain(columns, bins=4, found=found)
        assert codes(shape, x=[5, 6], sex=["F", "F"])["x"] == [0, 0] and shape.sizes["x"] == 1
        assert shape.values("x", np.zeros(2, np.int64), rng=np.random.default_rng(0)).tolist() == [5.0, 5.0]


def test_public_cuts_are_the_edges_of_bins() -> None:
    """Cuts open bins; those that cannot are refused by name."""
    columns = table(x={"type": "integer", "lower": 0, "upper": 99, "nullable": False}, sex=SEX).columns
    shape = build_domain(columns, bins=10, cuts={"x": [1, 50]})
    assert codes(shape, x=[0, 1, 49, 50, 99], sex=["F"] * 5)["x"] == [0, 1, 1, 2, 2]
    for wrong in ([50, 1], [0], [100], [1.0, 1.0]):
        with pytest.raises(UsageError, match="cuts: x"):
            build_domain(columns, bins=10, cuts={"x": wrong})
    with pytest.raises(UsageError, match="cuts: sex"):
        build_domain(columns, bins=10, cuts={"sex": [1]})

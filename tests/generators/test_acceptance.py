"""Which drawn rows are kept, and when the search is given up."""

import numpy as np
import pytest

from tabsynth.encoding.derived import Derivation
from tabsynth.errors import ConstraintError
from tabsynth.generators.acceptance import MAX_DRAWS_PER_ROW, Acceptance, rows_to_ask
from tabsynth.schema.files import parse_schema
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, Values

SCHEMA = """
tables:
  visits:
    columns:
      day: {type: integer, lower: 0, upper: 9, nullable: false}
      ward: {type: integer, lower: 0, upper: 9}
    constraints:
      - {type: unique, columns: [day, ward]}
      - {type: inequality, low: day, high: ward, name: order}
"""


def acceptance(satisfied: tuple[int, ...] = ()) -> Acceptance:
    table: Table = parse_schema(SCHEMA).tables["visits"]
    return Acceptance(table, Derivation(table, tuple(table.columns), (), (), satisfied, tuple(table.constraints)))


def rows(day: list[float], ward: list[float], missing: list[bool] | None = None) -> TypedTable:
    there = np.zeros(len(day), bool)
    columns = {
        "day": Values(np.array(day, float), np.array(missing) if missing else there),
        "ward": Values(np.array(ward, float), there),
    }
    return TypedTable(columns, len(day))


def test_rows_that_break_a_rule_are_counted_under_its_name() -> None:
    kept = acceptance()
    assert kept.good(rows([1, 5, 9], [2, 4, 8])).tolist() == [True, False, False]
    assert kept.rejected == {"constraint order": 2}


def test_a_rule_that_holds_by_construction_is_not_looked_at() -> None:
    kept = acceptance(satisfied=(1,))
    assert kept.good(rows([5], [4])).tolist() == [True]
    assert kept.rejected == {}


def test_a_gap_where_none_may_be_is_struck() -> None:
    kept = acceptance()
    assert kept.good(rows([1, 1], [2, 2], [True, False])).tolist() == [False, True]
    assert kept.rejected == {"day (may not be empty)": 1}


def test_the_first_of_repeated_rows_is_kept() -> None:
    kept = acceptance()
    assert kept.without_repeats(rows([1, 1, 2], [3, 3, 3])).columns["day"].array.tolist() == [1, 2]
    assert kept.rejected == {"unique day, ward": 1}


def test_the_search_ends_with_the_name_of_the_rule_that_rejects_most() -> None:
    kept = acceptance()
    kept.good(rows([5] * 10, [4] * 10))
    kept.require_hope(10, 0, 10)
    with pytest.raises(ConstraintError, match="constraint order rejects"):
        kept.require_hope(10, 0, MAX_DRAWS_PER_ROW * 10 + 20_001)


@pytest.mark.parametrize(
    ("n_rows", "kept", "tried", "least"), [(100, 0, 0, 100), (100, 50, 100, 100), (100, 0, 100, 20_000)]
)
def test_more_rows_are_asked_for_the_fewer_are_kept(n_rows: int, kept: int, tried: int, least: int) -> None:
    assert least <= rows_to_ask(n_rows, kept, tried) <= 1_000_000

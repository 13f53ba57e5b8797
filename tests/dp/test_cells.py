"""Parquet cells read by their kinds: the same codes as cell by cell, and no cell that changes how another is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from tabsynth.dp.cells import distinct, series_of
from tests.dp.audits import ZeroNoise, make, private_table, schema_of

N_ROWS = 600
PER_PERSON = {"table": "t", "key": "person", "max_rows": 2}


def cells(n_rows: int = N_ROWS) -> dict[str, Any]:
    """Columns of the ward with gaps, words that are not declared and numbers out of bounds."""
    rng = np.random.default_rng(0)
    return {
        "person": pa.array([f"P{n % 200}" for n in range(n_rows)]),
        "sex": pa.array(rng.choice(["F", "M", None, "", "zz", " F"], n_rows).tolist()),
        "stage": pa.array(rng.choice(["I", "II", "III", "IV"], n_rows).tolist()).dictionary_encode(),
        "hiv": pa.array(rng.choice(["neg", "pos", "NEG", "x", None], n_rows).tolist(), pa.large_string()),
        "age": pa.array(rng.integers(-5, 127, n_rows).astype(np.int8), mask=rng.random(n_rows) < 0.1),
        "dose": pa.array(rng.normal(20, 20, n_rows)),
        "admitted": pa.array(rng.choice(["2020-01-05", "2021-06-07", "June", None], n_rows).tolist()),
        "note": pa.array(["x"] * n_rows),
    }


def codes(source: object, unit: object = "row") -> dict[str, np.ndarray[Any, Any]]:
    """Codes of a table or a file behind the boundary."""
    schema = schema_of(unit) if unit == "row" else schema_of(unit, person={"type": "identifier", "nullable": False})
    _, private = private_table(make("dp-independent"), source, schema, noise=ZeroNoise())
    return private._columns


@pytest.mark.parametrize("unit", ["row", PER_PERSON])
@pytest.mark.parametrize("group_rows", [50, N_ROWS])
def test_a_file_is_read_as_its_table(unit: object, group_rows: int, tmp_path: Path) -> None:
    """Whatever the groups of rows and however text is held, codes are those of the table in memory."""
    table = pa.table(cells())
    pa.parquet.write_table(table, tmp_path / "t.parquet", row_group_size=group_rows)
    expected, found = codes(table, unit), codes(tmp_path / "t.parquet", unit)
    assert expected.keys() == found.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
        assert len(array) == (N_ROWS if unit == "row" else 400)


def test_bytes_that_are_no_text_spoil_no_other_cell(tmp_path: Path) -> None:
    """Such a cell is a missing one, without a word; the rows beside it are read as they would be without it."""
    usual = cells()
    pa.parquet.write_table(pa.table(usual), tmp_path / "usual.parquet")
    expected = codes(tmp_path / "usual.parquet")
    for name in ("sex", "hiv", "admitted"):
        raw = usual[name].cast(pa.large_binary()).to_pylist()
        raw[7] = b"\xff\xfe"
        buffers = pa.array(raw, pa.large_binary()).buffers()
        strange = pa.Array.from_buffers(pa.large_string(), N_ROWS, buffers)
        pa.parquet.write_table(pa.table({**usual, name: strange}), tmp_path / "strange.parquet")
        found = codes(tmp_path / "strange.parquet")
        others = np.arange(N_ROWS) != 7
        for column, array in expected.items():
            np.testing.assert_array_equal(found[column][others], array[others], err_msg=f"{name}: {column}")
        assert found[name][7] == found[name].max()


def test_kinds_of_cells() -> None:
    """Each row points at its own cell, a gap at the last kind; columns of many values are left as they are."""
    column = pa.chunked_array([["b", None, "a"], ["a", "c"]])
    places, kinds = distinct(column) or pytest.fail("text has kinds")
    assert [kinds[int(place)].as_py() for place in places] == ["b", None, "a", "a", "c"]
    assert kinds[-1].as_py() is None
    numbers = distinct(pa.chunked_array([pa.array([3, 3, None], pa.int16())]))
    assert numbers is not None and numbers[0].tolist() == [0, 0, 1]
    assert distinct(pa.chunked_array([pa.array([0.5, 0.25])])) is None
    assert distinct(pa.chunked_array([pa.array([3, 2**40])])) is None
    empty = distinct(pa.chunked_array([], pa.string()))
    assert empty is not None and len(empty[0]) == 0


def test_lists_are_read_cell_by_cell() -> None:
    """What no dtype holds comes as objects."""
    assert series_of(pa.chunked_array([[[1, 2], None]])).tolist() == [[1, 2], None]

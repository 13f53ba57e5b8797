"""Which cells are moments, and how they are written."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from tabsynth.schema.columns import DateTime, Identifier, Integer, Text
from tests.schema.inferring import N_ROWS, cycled, inferred


@pytest.mark.parametrize(
    ("spelling", "resolution"),
    [
        ("%Y-%m-%d", "day"),
        ("%Y-%m-%d %H:%M:%S", "second"),
        ("%Y-%m-%dT%H:%M", "minute"),
        ("%d/%m/%Y", "day"),
        ("%m/%d/%Y", "day"),
        ("%d.%m.%Y", "day"),
        ("%d.%m.%Y %H:%M", "minute"),
        ("%m/%d/%Y %I:%M:%S %p", "second"),
        ("%d %b %Y", "day"),
        ("%B %d, %Y", "day"),
        ("%d-%b-%Y", "day"),
        ("%Y/%m/%d", "day"),
        ("%b %Y", "month"),
        ("%Y-%m", "month"),
        ("%m/%Y", "month"),
    ],
)
def test_formats_of_dates(spelling: str, resolution: str) -> None:
    """The common ways to write moments are recognised without help from the name."""
    step = dt.timedelta(days=17, hours=5, minutes=7, seconds=3)
    moments = [dt.datetime(2001, 1, 1) + n * step for n in range(N_ROWS)]
    column = inferred([moment.strftime(spelling) for moment in moments])
    assert isinstance(column, DateTime) and column.format == spelling and column.resolution == resolution
    assert column.time_zone is None and column.question is None


def test_bare_digits_are_dates_under_a_telling_name() -> None:
    """20200131 is a date where the column is called one, as text and as a number."""
    cells = [20_200_100 + n % 28 + 1 for n in range(N_ROWS)]
    for column in (inferred(cells, name="order_date"), inferred([str(cell) for cell in cells], name="DATE")):
        assert isinstance(column, DateTime) and column.format == "%Y%m%d"
    assert isinstance(inferred(cells, name="amount"), Integer)
    assert isinstance(inferred([1990 + n % 20 for n in range(N_ROWS)], name="date"), Integer)


def test_two_digit_years_need_a_telling_name() -> None:
    """12-30-85 is a date of that name, and a code otherwise."""
    cells = [f"{n % 12 + 1:02d}-{n % 28 + 1:02d}-{n % 40 + 50}" for n in range(N_ROWS)]
    assert inferred(cells, name="visit date").format == "%m-%d-%y"
    assert not isinstance(inferred(cells, name="x"), DateTime)


def test_several_formats() -> None:
    """Where every cell can be read, the formats are listed, the commonest first."""
    cells = [f"{n % 28 + 1}/11/2020" for n in range(200)] + [f"2020-03-{n % 28 + 1:02d}" for n in range(40)]
    assert inferred(cells).format == ("%d/%m/%Y", "%Y-%m-%d")


def test_day_or_month_first_is_not_guessed() -> None:
    """Ambiguous and contradictory dates are asked about; dots mean that the day comes first."""
    ambiguous = [f"{n % 12 + 1:02d}/{n % 11 + 1:02d}/20{n % 20:02d}" for n in range(N_ROWS)]
    column = inferred(ambiguous)
    assert not isinstance(column, DateTime | Identifier) and "day or month" in str(column.question)
    both = inferred([*ambiguous, "25/01/2020", "01/25/2020"])
    assert not isinstance(both, DateTime) and "side by side" in str(both.question)
    assert inferred([text.replace("/", ".") for text in ambiguous]).format == "%d.%m.%Y"
    assert inferred([*ambiguous, "25/01/2020"]).format == "%d/%m/%Y"


def test_one_certain_shape_decides_for_another() -> None:
    """Dates with a time follow the order that dates without one show."""
    cells = [f"{n % 28 + 1:02d}/02/2020" for n in range(100)] + ["03/04/2020 10:30"] * 20
    assert inferred(cells).format == ("%d/%m/%Y", "%d/%m/%Y %H:%M")


def test_may_is_short_and_long() -> None:
    """May decides nothing between short and long names of months."""
    assert inferred(cycled("04 May 2000", "05 Feb 2001", "17 May 2003")).format == "%d %b %Y"
    assert inferred(cycled("May 4, 2000", "February 5, 2001")).format == "%B %d, %Y"


@pytest.mark.parametrize(
    ("suffixes", "zone", "asked"),
    [
        (["Z"], "UTC", False),
        (["+00:00"], "UTC", False),
        (["+02:00"], "Etc/GMT-2", False),
        (["-05:30"], "UTC", False),
        (["+02:00", "-05:00", "Z"], "UTC", False),
        (["+02:00", ""], "UTC", True),
        ([" UTC"], "UTC", False),
    ],
)
def test_time_zones(suffixes: list[str], zone: str, asked: bool) -> None:
    """One offset in whole hours keeps its clock, several become UTC, and a missing one is asked about."""
    cells = [f"2020-01-{n % 28 + 1:02d}T{n % 24:02d}:15:00{suffixes[n % len(suffixes)]}" for n in range(N_ROWS)]
    column = inferred(cells)
    assert isinstance(column, DateTime) and column.time_zone == zone
    assert (column.question is not None) is asked
    assert str(column.lower).endswith("+00:00")


def test_native_moments() -> None:
    """Stored moments keep their zone; fixed offsets, which have no name, become UTC."""
    stamps = pd.Series(pd.date_range("2020-01-01", periods=90, freq="D"))
    assert inferred(stamps).resolution == "day" and inferred(stamps).format is None
    assert inferred(stamps.dt.tz_localize("Europe/Paris")).time_zone == "Europe/Paris"
    assert inferred(stamps.dt.tz_localize(dt.timezone(dt.timedelta(hours=2)))).time_zone == "UTC"
    assert inferred(stamps.astype("timestamp[us, tz=Europe/Paris][pyarrow]", errors="ignore")).resolution == "day"
    assert inferred(pd.Series([stamp.date() for stamp in stamps], dtype=object)).format is None


def test_dates_with_slips_are_asked_about() -> None:
    """Cells that are no dates, and dates that do not exist, make the column a question, not a key."""
    good = [f"2020-{n % 12 + 1:02d}-{n % 28 + 1:02d}" for n in range(N_ROWS)]
    for slip in ("soon", "0000-00-00", "2021-02-31"):
        column = inferred([*good, slip], name="visit")
        assert not isinstance(column, DateTime | Identifier) and column.question
        assert slip not in repr(column)


def test_times_of_day_are_no_keys() -> None:
    """Clock times all differ, and are asked about."""
    column = inferred([f"{n % 24:02d}:{n // 24:02d}:{n % 60:02d}" for n in range(N_ROWS)])
    assert isinstance(column, Text) and "times of day" in str(column.question)


def test_gaps_among_dates() -> None:
    """Spelled gaps are listed for dates as for numbers."""
    column = inferred([*(f"2020-01-{n % 28 + 1:02d}" for n in range(N_ROWS)), "N/A"])
    assert isinstance(column, DateTime) and column.missing_values == ("N/A",)

"""The privacy unit: what it counts, and what is released where its rows share that."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tabsynth.dp.certificate import build_certificate, check_costs, transcript_of
from tabsynth.dp.forecast import forecast
from tabsynth.dp.unit import LARGEST_WHOLE, PrivacyUnit, privacy_unit, shared
from tabsynth.errors import ArtifactError, SchemaError
from tabsynth.report.certificate import render_certificate
from tabsynth.schema.model import Schema
from tests.dp.audits import ZeroNoise, make, private_table, schema_of, ward

WEIGHED = {"table": "t", "key": "person", "max_rows": 4, "bounding": "weigh"}


@given(arrays(np.int64, st.integers(0, 60), elements=st.integers(0, 9)), st.sampled_from([1, 2, 12, 60, 840]))
def test_rows_of_a_unit_share_it_without_a_rest(unit_of: np.ndarray, whole: int) -> None:
    """Shares of each unit add up to the whole, differ by 1 at most, and follow from its own rows alone."""
    weights = shared(unit_of, whole)
    for unit in np.unique(unit_of):
        own = weights[unit_of == unit]
        assert own.sum() == whole and own.max() - own.min() <= 1 and own.min() >= 0
        assert (own == shared(np.zeros(len(own), np.int64), whole)).all()


@pytest.mark.parametrize(("max_rows", "whole"), [(1, 1), (2, 2), (4, 12), (6, 60), (8, 840), (9, 840), (1000, 840)])
def test_the_whole_is_public_and_small(max_rows: int, whole: int) -> None:
    """It follows from `max_rows`, and its size leaves room for noise."""
    unit = PrivacyUnit("person", max_rows, weighed=True)
    assert unit.whole == unit.moves == whole <= LARGEST_WHOLE
    assert PrivacyUnit("person", max_rows).whole == 1 and PrivacyUnit("person", max_rows).moves == max_rows


def people() -> pd.DataFrame:
    """Thirty people with one row who are F, ten with four rows: three M and one F."""
    table = ward(70)
    table["person"] = [f"P{n}" for n in range(30)] + [f"Q{n // 4}" for n in range(40)]
    table["sex"] = ["F"] * 30 + ["M", "F", "M", "M"] * 10
    return table


def test_counts_are_of_people() -> None:
    """A person counts once, shared among the rows; tables of pairs and coarse ones, too."""
    _, private = private_table(make("dp-mst"), people(), schema_of(WEIGHED), noise=ZeroNoise())
    assert private.whole == private.max_rows == 12
    count = private.row_count(rho=0.001, purpose="people")
    sexes, pairs = private.marginals([("sex",), ("sex", "stage")], rho_each=[0.001, 0.001], purpose="sexes")
    assert count.counts == 40 * 12
    assert sexes.counts.tolist() == [30 * 12 + 10 * 3, 10 * 9, 0]
    assert pairs.counts.sum(axis=1).tolist() == sexes.counts.tolist()
    assert sexes.sensitivity == 12 and math.isclose(sexes.sigma / 12, 1 / math.sqrt(2 * 0.001))


def test_noise_is_as_many_times_smaller_as_rows_may_be() -> None:
    """Five rows per person, weighed: a fifth of the error of each column that truncation has."""
    unit = {"table": "t", "key": "person", "max_rows": 5}
    plain, weighed = (
        forecast(make("dp-independent"), schema_of(each), rows=10**6, epsilons=[1.0], table_name="t")[0]
        for each in (unit, unit | {"bounding": "weigh"})
    )
    assert math.isclose(plain.mean_column / weighed.mean_column, 5.0, rel_tol=1e-6)
    assert plain.row_count is not None and weighed.row_count is not None
    assert math.isclose(plain.row_count / weighed.row_count, 5.0, rel_tol=1e-6)


@pytest.mark.parametrize("name", ["dp-independent", "dp-mst", "dp-autoregressive"])
@pytest.mark.usefixtures("same_noise")
def test_rows_and_people_come_back(name: str, tmp_path: Path) -> None:
    """About as many rows and people as there were; shares are of people; the certificate says so."""
    table = pd.concat([people()] * 20, ignore_index=True)
    table["person"] += np.repeat(np.arange(20), 70).astype(str)
    schema = schema_of(WEIGHED)
    assert schema.privacy is not None
    schema = schema.model_copy(update={"privacy": schema.privacy.model_copy(update={"epsilon": 100.0})})
    model = make(name).fit(table, schema)
    assert abs(model.n_rows_fitted - 1400) < 30
    rows = model.sample(1400, seed=0)
    assert abs(rows["person"].nunique() - 800) < 80
    assert abs((rows["sex"] == "M").mean() - 10 * 0.75 / 40) < 0.03, "of rows it would be 30 of 70"
    model.save(tmp_path / "m")
    made = build_certificate(model, file=tmp_path / "m", rows=5)
    assert made.claim.counted == "people" and any("people, not of rows" in words for words in made.sentences)
    page = render_certificate(made)
    assert "each counted 1/k" in page and "Noise, people" in page and "Counts of people" in page
    counted = next(cost for cost in made.costs if cost.purpose == "number of rows")
    assert counted.sigma is not None and math.isclose(counted.sigma, 1 / math.sqrt(2 * counted.rho), rel_tol=1e-9)


def test_that_nobody_is_there_does_not_show() -> None:
    """One person more or less may be all the difference between a table and an empty one."""
    for unit in (WEIGHED, WEIGHED | {"bounding": "truncate"}, "row"):
        rows = make("dp-independent").fit(people()[:0], schema_of(unit)).sample(3, seed=0)
        assert len(rows) == 3


def test_a_weighed_look_cannot_claim_less() -> None:
    """Noise for a part of what one person counts is refused."""
    from dataclasses import replace

    transcript = transcript_of(make("dp-independent").fit(people(), schema_of(WEIGHED)))
    check_costs(transcript)
    event = transcript.measurements[-1]
    place = transcript.events.index(event)
    transcript.events[place] = replace(event, sensitivity=1.0, sigma=event.sigma / 12)
    with pytest.raises(ArtifactError, match="less than its noise"):
        check_costs(transcript)


def clinic(*links: tuple[str, str, str, str], nullable: bool = False) -> Schema:
    """People, their stays, and results of each stay; the unit is a person."""
    key = {"type": "identifier", "nullable": nullable}
    columns: dict[str, Any] = {"sex": {"type": "categorical", "categories": ["F", "M"]}}
    return Schema.model_validate(
        {
            "name": "clinic",
            "tables": {
                "people": {"columns": {"id": {"type": "identifier", "nullable": False}, **columns}},
                "stays": {"columns": {"person": key, "doctor": key, "stay": key, **columns}},
                "results": {"columns": {"stay": key, **columns}},
            },
            "relationships": [
                {"parent": parent, "parent_key": [key], "child": child, "child_key": [column]}
                for parent, key, child, column in links
            ],
            "privacy": {"unit": {"table": "people", "key": "id", "max_rows": 2}, "epsilon": 1.0, "delta": 1e-6},
        }
    )


PERSON = ("people", "id", "stays", "person")


def test_a_unit_of_another_table_is_protected_where_rows_point_to_it() -> None:
    """Rows belong to the person that they name, whose rows are bounded; the release says which column that is."""
    schema = clinic(PERSON)
    assert privacy_unit(schema, "stays") == PrivacyUnit("person", 2)
    assert privacy_unit(schema, "people") == PrivacyUnit("id", 2)
    rows = pd.DataFrame({"person": ["a"] * 50 + ["b", "c"], "doctor": "d", "stay": "s", "sex": ["M"] * 50 + ["F", "F"]})
    model = make("dp-independent", epsilon=0.5).fit(rows, schema, table_name="stays")
    transcript = transcript_of(model)
    assert transcript.public["unit"] == "person" and transcript.measurements[0].sensitivity == 2
    assert len(model.sample(10, seed=0)) == 10


@pytest.mark.parametrize(
    ("schema", "table", "words"),
    [
        (clinic(), "stays", "no relationship says which column"),
        (clinic(PERSON, ("stays", "stay", "results", "stay")), "results", "no relationship says which column"),
        (clinic(PERSON, ("people", "id", "stays", "doctor")), "stays", "2 relationships lead"),
        (clinic(PERSON, nullable=True), "stays", "person: may be missing"),
    ],
)
def test_a_unit_that_rows_do_not_point_to_is_refused(schema: Schema, table: str, words: str) -> None:
    """Without one column that names the person of each row there is no bound on what a person contributes."""
    with pytest.raises(SchemaError, match=words):
        privacy_unit(schema, table)

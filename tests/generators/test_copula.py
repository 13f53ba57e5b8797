"""The copula: dependence, gaps and conditions come back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.schema.model import Schema

RNG = np.random.default_rng(21)
N = 8000


def _schema(**columns: dict[str, object]) -> Schema:
    return Schema.model_validate({"tables": {"t": {"columns": columns}}})


def test_rank_correlations_come_back() -> None:
    """Spearman correlations between numbers of any shape, and with ordered categories, are within 0.04."""
    z = RNG.multivariate_normal([0, 0, 0], [[1, 0.8, -0.5], [0.8, 1, -0.2], [-0.5, -0.2, 1]], N)
    table = pd.DataFrame(
        {"a": np.exp(z[:, 0]), "b": np.maximum(z[:, 1], 0.0).round(2), "c": np.digitize(z[:, 2], [-1, 0, 1])}
    )
    schema = _schema(a={"type": "number"}, b={"type": "number", "decimals": 2}, c={"type": "integer"})
    rows = ts.Copula().fit(table, schema, seed=0).sample(N, seed=0)
    difference = table.corr("spearman") - rows.corr("spearman")
    assert difference.abs().to_numpy().max() < 0.04


def test_unordered_categories_keep_their_means() -> None:
    """The mean of a number in each of four groups, in no alphabetical order, comes back."""
    group = RNG.choice(["n", "e", "s", "w"], N)
    table = pd.DataFrame(
        {"group": group, "x": pd.Series(group).map({"n": 3.0, "e": -1.0, "s": 0.5, "w": 9.0}) + RNG.normal(0, 1, N)}
    )
    rows = (
        ts.Copula().fit(table, _schema(group={"type": "categorical"}, x={"type": "number"}), seed=0).sample(N, seed=0)
    )
    means = (table.groupby("group")["x"].mean() - rows.groupby("group")["x"].mean()).abs()
    assert means.max() < 0.6


@pytest.mark.parametrize("gone", ["a", "b", "c"])
@pytest.mark.parametrize("kind", ["number", "categorical", "datetime"])
def test_structural_gaps_come_back(gone: str, kind: str) -> None:
    """P(missing | group) of 1, 0, 0 is 1, 0, 0 again, whichever group and kind of column."""
    group = RNG.choice(["a", "b", "c"], N, p=[0.5, 0.3, 0.2])
    cells = {
        "number": pd.Series(RNG.normal(size=N)),
        "categorical": pd.Series(RNG.choice(["x", "y"], N)),
        "datetime": pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 99, N), unit="D")),
    }[kind]
    table = pd.DataFrame({"other": RNG.integers(0, 9, N), "group": group, "x": cells.mask(group == gone)})
    schema = _schema(other={"type": "integer"}, group={"type": "categorical"}, x={"type": kind})
    rows = ts.Copula().fit(table, schema, seed=0).sample(N, seed=0)
    rates = rows["x"].isna().groupby(rows["group"]).mean()
    for name in "abc":
        assert abs(rates[name] - (name == gone)) < 0.03


def test_a_column_may_be_called_like_the_gap_of_another() -> None:
    """`x missing` beside `x` with gaps: it keeps what it tells of `y`, and gaps are filled in."""
    y = RNG.normal(size=N)
    x = np.where(RNG.random(N) < 0.4, np.nan, RNG.normal(size=N))
    table = pd.DataFrame({"x": x, "x missing": np.where(y + RNG.normal(size=N) / 4 > 0, "high", "low"), "y": y})
    schema = _schema(x={"type": "number"}, **{"x missing": {"type": "categorical"}}, y={"type": "number"})
    model = ts.Copula().fit(table, schema, seed=0)
    means = model.sample(N, seed=0).groupby("x missing")["y"].mean()
    assert means["high"] - means["low"] > 1.2
    assert model.impute(table, seed=0)["x"].notna().all()


def test_conditions_agree_with_filtering() -> None:
    """Rows drawn under a condition look like the rows that satisfy it among free draws."""
    z = RNG.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], N)
    table = pd.DataFrame({"x": z[:, 0], "y": z[:, 1], "g": np.where(z.sum(axis=1) > 1, "hi", "lo")})
    model = ts.Copula().fit(
        table, _schema(x={"type": "number"}, y={"type": "number"}, g={"type": "categorical"}), seed=0
    )
    asked = model.sample(6000, seed=1, given={"x": (1.0, None), "g": "hi"})
    free = model.sample(120_000, seed=2)
    kept = free[(free["x"] >= 1.0) & (free["g"] == "hi")]
    assert abs(asked["y"].mean() - kept["y"].mean()) < 0.05
    assert abs(asked["y"].std() - kept["y"].std()) < 0.05
    assert abs(asked["x"].mean() - kept["x"].mean()) < 0.05


def test_asking_for_a_present_cell_moves_what_it_hangs_on() -> None:
    """Where x is missing for group b only, rows with x present are never of group b."""
    group = RNG.choice(["a", "b"], N)
    table = pd.DataFrame({"group": group, "x": np.where(group == "b", np.nan, RNG.normal(size=N))})
    model = ts.Copula().fit(table, _schema(group={"type": "categorical"}, x={"type": "number"}), seed=0)
    assert set(model.sample(300, seed=0, given={"x": (0.0, None)})["group"]) == {"a"}
    assert set(model.sample(300, seed=0, given=["x is missing"])["group"]) == {"b"}


def test_a_rare_category_is_drawn_directly() -> None:
    """200 rows of a 1 % category take one draw of 200 rows, not twenty thousand."""
    table = pd.DataFrame({"g": RNG.choice(["usual", "seldom"], N, p=[0.99, 0.01]), "x": RNG.normal(size=N)})
    model = ts.Copula().fit(table, _schema(g={"type": "categorical"}, x={"type": "number"}), seed=0)
    asked = []
    sample_encoded = type(model.fitted).sample_encoded

    class Counting(type(model.fitted)):  # type: ignore[misc]
        def sample_encoded(self, n_rows: int, **rest: object) -> object:
            asked.append(n_rows)
            return sample_encoded(self, n_rows, **rest)

    object.__setattr__(model, "fitted", Counting(**vars(model.fitted)))
    assert len(model.sample(200, seed=0, given={"g": "seldom"})) == 200
    assert asked == [200]


def test_wide_tables_fit() -> None:
    """More columns than a tenth of the rows still give a usable correlation matrix."""
    z = RNG.normal(size=(300, 1)) + RNG.normal(size=(300, 90))
    table = pd.DataFrame(z, columns=[f"c{i}" for i in range(90)])
    schema = _schema(**{name: {"type": "number"} for name in table})
    rows = ts.Copula().fit(table, schema, seed=0).sample(300, seed=0)
    assert np.isfinite(rows.to_numpy()).all()
    assert 0.25 < rows.corr().to_numpy()[np.triu_indices(90, 1)].mean() < 0.6

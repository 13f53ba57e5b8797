"""What every generator must do. This suite is the definition of a generator: each registered name passes it whole.

Private generators promise something else (no floors, no seed of the fit, no word about a cell), and have a suite of
their own in `tests/dp`.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import ConstraintError, DataError, InsufficientDataError, TabsynthWarning, UsageError
from tabsynth.generators import GENERATORS
from tabsynth.generators.base import Generator
from tabsynth.generators.capabilities import Imputer, Likelihood
from tabsynth.schema.files import load_schema, save_schema
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import validate_table

QUICK: dict[str, dict[str, Any]] = {
    "autoregressive": {"epochs": 10},
    "ctgan": {"epochs": 20},
    "tvae": {"epochs": 20},
    "sdv-ctgan": {"epochs": 20, "batch_size": 100},
    "sdv-tvae": {"epochs": 80, "batch_size": 50, "loss_factor": 8.0},
    "sdv-copulagan": {"epochs": 20, "batch_size": 100, "default_distribution": "norm"},
}
"""Parameters that keep slow generators fast here; what they promise must hold however little they were trained."""
ROUGH = {"ctgan", "tvae", "sdv-ctgan", "sdv-tvae", "sdv-copulagan"}
"""Networks that have seen a small table twenty times know marginals only roughly: they have a wider tolerance here."""


def _skipped_where_it_cannot_fit(name: str) -> Any:
    command = GENERATORS[name].install_command()
    return pytest.param(name, marks=pytest.mark.skipif(command is not None, reason=f"{name} needs: {command}"))


NAMES = [_skipped_where_it_cannot_fit(name) for name in GENERATORS if not GENERATORS[name].private]
N = 1009  # odd and prime, so that no array of a model has this length by chance

SCHEMA = Schema.model_validate(
    {
        "name": "visits",
        "tables": {
            "visits": {
                "primary_key": ["visit"],
                "columns": {
                    "visit": {"type": "identifier", "nullable": False, "pattern": "V-[0-9]{7}"},
                    "name": {"type": "identifier", "surrogate": "name"},
                    "group": {"type": "categorical", "nullable": False},
                    "stage": {"type": "ordinal", "categories": ["low", "mid", "high"]},
                    "smoker": {"type": "boolean", "labels": ["no", "yes"]},
                    "age": {"type": "integer", "lower": 0, "upper": 120, "nullable": False},
                    "cost": {"type": "number", "decimals": 2, "lower": 0.0},
                    "marker": {"type": "number"},
                    "admitted": {"type": "datetime", "resolution": "day", "nullable": False},
                    "left": {"type": "datetime", "resolution": "day"},
                    "note": {"type": "text", "fill": "placeholder", "max_length": 40},
                    "nothing": {"type": "number"},
                    "same": {"type": "integer"},
                    "<script>alert(1)</script>": {"type": "categorical"},
                },
                "constraints": [{"type": "inequality", "low": "admitted", "high": "left"}],
            }
        },
    }
)


def visits(n: int = N, seed: int = 0) -> pd.DataFrame:
    """A table with every kind of column, gaps that hang on a group, and canaries."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["A", "B", "C"], n, p=[0.5, 0.3, 0.2])
    age = np.clip(rng.normal(np.where(group == "A", 40, 65), 12, n), 0, 110).astype(int)
    admitted = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D")
    stay = pd.to_timedelta(rng.geometric(0.2, n), unit="D")
    table = pd.DataFrame(
        {
            "visit": [f"V-{i:07d}" for i in rng.choice(10**7, n, replace=False)],
            "name": [f"Canary Person{i}" for i in range(n)],
            "group": group,
            "stage": rng.choice(["low", "mid", "high"], n),
            "smoker": rng.choice(["no", "yes"], n, p=[0.8, 0.2]),
            "age": age,
            "cost": np.where(rng.random(n) < 0.4, 0.0, rng.lognormal(5, 1, n).round(2)),
            "marker": np.where(group == "B", np.nan, rng.normal(age, 5)),
            "admitted": admitted,
            "left": (admitted + stay).where(group != "C", pd.NaT),
            "note": [f"canary note {i}" for i in range(n)],
            "nothing": np.full(n, np.nan),
            "same": np.full(n, 7),
            "<script>alert(1)</script>": rng.choice(["x", "y"], n),
        }
    )
    table.loc[3, "cost"] = 987654321.12  # an extreme
    table.loc[5, "group"] = "Canaryitis"  # a rare category
    return table


def quick(name: str) -> Generator:
    """A generator with parameters that fit a small table in seconds."""
    return ts.make_generator(name, QUICK.get(name))


@pytest.fixture(scope="module", params=NAMES)
def model(request: pytest.FixtureRequest) -> ts.Model:
    """Each generator, fitted once."""
    return quick(request.param).fit(visits(), SCHEMA, seed=1)


def test_the_registry_tells_the_truth() -> None:
    """Every name is the class's own, and says what it promises."""
    for name in GENERATORS:
        kind = GENERATORS[name]
        assert kind.name == name
        assert kind.__doc__ and kind.guarantee and isinstance(kind.keeps_training_values, bool)
        assert not kind.unsavable or "instead" in kind.unsavable
        assert all(field.description for field in kind.model_fields.values())


def test_rows_keep_the_schema(model: ts.Model) -> None:
    """There are exactly as many rows as asked for, and all of them are valid."""
    rows = model.sample(500, seed=0)
    assert len(rows) == 500
    validation = validate_table(rows, SCHEMA.only_table)
    assert validation.ok, [v.message for v in validation.violations]
    assert list(rows.columns) == list(SCHEMA.only_table.columns)


def test_same_seed_same_rows(model: ts.Model) -> None:
    """A seed fixes the rows; another seed gives others."""
    pd.testing.assert_frame_equal(model.sample(200, seed=4), model.sample(200, seed=4))
    assert not model.sample(200, seed=4).equals(model.sample(200, seed=5))


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_model(name: str, tmp_path: Path) -> None:
    """Fitting twice with one seed gives the same file, or the same rows where there is no file."""
    models = [quick(name).fit(visits(), SCHEMA, seed=1) for _ in range(2)]
    if GENERATORS[name].unsavable:
        pd.testing.assert_frame_equal(*[model.sample(200, seed=1) for model in models])
        return
    for model, file in zip(models, ("a", "b"), strict=True):
        model.save(tmp_path / file)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_models_without_a_file_say_so(model: ts.Model, tmp_path: Path) -> None:
    """Where a model cannot be saved, the error says why and what to do, and nothing is written."""
    if not model.generator.unsavable:
        pytest.skip("models of this generator are saved")
    with pytest.raises(UsageError, match="cannot be written"):
        model.save(tmp_path / "m.tabsynth")
    with pytest.raises(UsageError, match="cannot be written"):
        model.fitted.state()
    assert not list(tmp_path.iterdir())


def test_saved_models_draw_the_same_rows(model: ts.Model, tmp_path: Path) -> None:
    """save, then load, changes nothing."""
    if model.generator.unsavable:
        pytest.skip(f"{model.generator.name}: {model.generator.unsavable}")
    model.save(tmp_path / "m.tabsynth")
    loaded = ts.load(tmp_path / "m.tabsynth")
    pd.testing.assert_frame_equal(loaded.sample(100, seed=2), model.sample(100, seed=2))
    assert loaded.generator == model.generator


def test_model_files_hold_no_training_row(model: ts.Model, tmp_path: Path) -> None:
    """No identifier, note, extreme or rare category, and no array as long as the table."""
    if model.generator.keeps_training_values:
        pytest.skip("this generator says that it keeps training values")
    model.save(tmp_path / "m")
    with zipfile.ZipFile(tmp_path / "m") as archive:
        for member in archive.namelist():
            data = archive.read(member)
            assert b"anary" not in data
            if member.endswith(".npy"):
                with archive.open(member) as file:
                    array = np.lib.format.read_array(file, allow_pickle=False)
                assert N not in array.shape
                assert not np.isclose(array.astype(float), 987654321.12).any()


def test_rows_hold_no_identifier_extreme_or_rare_value(model: ts.Model) -> None:
    """Of 3,000 rows none shows a canary."""
    rows, table = model.sample(3000, seed=3), visits()
    assert not set(rows["visit"]) & set(table["visit"])
    assert not rows["name"].str.contains("anary").any()
    assert not rows["note"].str.contains("anary").any()
    assert "Canaryitis" not in set(rows["group"])
    assert rows["cost"].max() < 1e8


def test_marginals_come_back(model: ts.Model) -> None:
    """Shares of groups, zeros and gaps are those of the table, within sampling noise."""
    tolerance = 0.25 if model.generator.name in ROUGH else 0.05
    rows, table = model.sample(4000, seed=6), visits()
    assert abs((rows["group"] == "A").mean() - (table["group"] == "A").mean()) < tolerance
    if model.generator.keeps_point_masses:
        assert abs((rows["cost"] == 0).mean() - (table["cost"] == 0).mean()) < tolerance
    assert abs(rows["marker"].isna().mean() - table["marker"].isna().mean()) < tolerance
    assert rows["nothing"].isna().all() and (rows["same"] == 7).all()


@pytest.mark.parametrize(
    ("given", "holds"),
    [
        ({"group": "C"}, lambda r: r["group"] == "C"),
        ({"age": (60, None)}, lambda r: r["age"] >= 60),
        ({"age": (None, 30), "smoker": "yes"}, lambda r: (r["age"] <= 30) & (r["smoker"] == "yes")),
        ({"stage": ["low", "high"]}, lambda r: r["stage"].isin(["low", "high"])),
        (["cost > 0", "group in A,B"], lambda r: (r["cost"] > 0) & r["group"].isin(["A", "B"])),
        (["marker is missing"], lambda r: r["marker"].isna()),
        ({"admitted": ("2021-01-01", "2021-06-30")}, lambda r: r["admitted"].between("2021-01-01", "2021-06-30")),
        (["left >= 2022-01-01"], lambda r: r["left"] >= "2022-01-01"),
        ({"cost": 0.0}, lambda r: r["cost"] == 0),
        ({"marker": 41.5}, lambda r: r["marker"] == 41.5),
    ],
    ids=lambda part: "" if callable(part) else str(part),
)
def test_given_holds_in_every_row(model: ts.Model, given: object, holds: object) -> None:
    """Equalities, ranges, sets and gaps hold exactly, with the exact number of rows."""
    if given == {"cost": 0.0} and not model.generator.keeps_point_masses:
        with suppress(ConstraintError):
            assert holds(model.sample(120, seed=8, given=given)).all()
        return
    rows = model.sample(120, seed=8, given=given)
    assert len(rows) == 120
    assert holds(rows).all()
    assert validate_table(rows, SCHEMA.only_table).ok


@pytest.mark.parametrize(
    "given",
    [
        {"group": "Z"},
        {"nobody": 1},
        {"age": (500, None)},
        {"age": "old"},
        ["age"],
        {"name": "x"},
        {"stage": []},
        ["nothing > 1"],
    ],
    ids=str,
)
def test_impossible_conditions_are_named(model: ts.Model, given: object) -> None:
    """What cannot be satisfied is refused with the column's name."""
    with pytest.raises(UsageError, match="given"):
        model.sample(10, seed=0, given=given)


def test_no_rows_are_an_empty_table(model: ts.Model) -> None:
    """n_rows=0 gives the columns and no row; a negative number is refused."""
    rows = model.sample(0, seed=0)
    assert len(rows) == 0 and list(rows.columns) == list(SCHEMA.only_table.columns)
    with pytest.raises(UsageError, match="n_rows"):
        model.sample(-1)


@pytest.mark.parametrize("name", NAMES)
def test_fit_leaves_the_table_alone(name: str) -> None:
    """The training table is not modified."""
    table = visits(300)
    before = table.copy(deep=True)
    quick(name).fit(table, SCHEMA, seed=0)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("name", NAMES)
def test_global_randomness_is_not_touched(name: str) -> None:
    """numpy's global state neither matters nor changes."""
    np.random.seed(0)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    a = quick(name).fit(visits(300), SCHEMA, seed=0).sample(50, seed=0)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    pd.testing.assert_frame_equal(a, quick(name).fit(visits(300), SCHEMA, seed=0).sample(50, seed=0))


@pytest.mark.parametrize("name", NAMES)
def test_small_tables_warn_or_refuse(name: str) -> None:
    """Below twice the floor there is no model; above it there is, with a warning where a fallback is used."""
    for n in (1, 5, 19):
        with pytest.raises(InsufficientDataError, match="at least 20"):
            quick(name).fit(visits(n + 10).head(n).assign(group="A"), SCHEMA, seed=0)
    kind = GENERATORS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        rows = quick(name).fit(visits(40), SCHEMA, seed=0).sample(40, seed=0)
    assert len(rows) == 40
    assert any(issubclass(w.category, TabsynthWarning) for w in caught) == (kind.min_rows > 40)


@pytest.mark.parametrize("name", NAMES)
def test_bad_tables_are_refused_whole(name: str) -> None:
    """All violations at once, and no value in the message."""
    bad = visits().assign(age=-5, stage="never-seen-secret")
    with pytest.raises(DataError) as caught:
        quick(name).fit(bad, SCHEMA, seed=0)
    assert "age" in str(caught.value) and "stage" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_parameters_survive_yaml(name: str, tmp_path: Path) -> None:
    """Parameters are plain values, and unknown ones are refused by name."""
    kind = GENERATORS[name]
    maker = kind(min_people=12)
    assert kind.model_validate_json(maker.model_dump_json()) == maker
    with pytest.raises(UsageError, match="parameters: min_people"):
        ts.make_generator(name, {"min_peeple": 3})
    save_schema(SCHEMA, tmp_path / "s.yaml")
    assert load_schema(tmp_path / "s.yaml") == SCHEMA


@pytest.mark.parametrize("name", NAMES)
def test_impossible_constraints_end_with_a_named_error(name: str) -> None:
    """Rows that no draw can satisfy end in an error that names the rule, not in a short table."""
    columns = SCHEMA.only_table.columns
    table = SCHEMA.only_table.model_copy(
        update={"columns": {"group": columns["group"]}, "primary_key": ("group",), "constraints": ()}
    )
    schema = SCHEMA.model_copy(update={"tables": {"visits": table}})
    unique = pd.DataFrame({"group": [f"g{i}" for i in range(50)]})
    with pytest.raises(ConstraintError, match="unique group"), warnings.catch_warnings():
        warnings.simplefilter("ignore", TabsynthWarning)  # the copula falls back to independent columns
        quick(name).fit(unique, schema, seed=0).sample(50, seed=0)


_CSV = """
import sys
sys.path.insert(0, {tests!r})
from tests.conformance.test_generators import visits, SCHEMA
import tabsynth as ts
model = ts.make_generator({name!r}, {parameters!r}).fit(visits(), SCHEMA, seed=1)
ts.write_table(model.sample(300, seed=9), {out!r})
"""


@pytest.mark.parametrize("name", NAMES)
def test_bytes_do_not_depend_on_threads(name: str, tmp_path: Path) -> None:
    """Two processes with other thread counts write the same CSV."""
    written = []
    root = str(Path(__file__).parents[2])
    for threads in ("1", "4"):
        out = tmp_path / f"{threads}.csv"
        script = _CSV.format(tests=root, name=name, parameters=QUICK.get(name), out=str(out))
        settings = {f"{pool}_NUM_THREADS": threads for pool in ("OMP", "OPENBLAS", "MKL")}
        import os

        subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, **settings}, cwd=root)
        written.append(out.read_bytes())
    assert written[0] == written[1]


def _blanked(seed: int = 5, share: float = 0.25) -> pd.DataFrame:
    """`visits` with a quarter of its modelled cells emptied at random, under a strange index."""
    table, rng = visits(seed=seed), np.random.default_rng(seed)
    for name in ("group", "stage", "smoker", "age", "cost", "marker", "left", "<script>alert(1)</script>"):
        table[name] = table[name].mask(rng.random(len(table)) < share)
    table["age"] = table["age"].astype("Int64")
    return table.set_index(pd.Index([7] * len(table)))


def _can(model: ts.Model, kind: type) -> None:
    if not isinstance(model.fitted, kind):
        pytest.skip(f"{model.generator.name} has no {kind.__name__}")


def test_empty_cells_are_filled_and_others_stay(model: ts.Model) -> None:
    """Every modelled gap gets a value that keeps the schema; rows, order, index, dtypes and other cells stay."""
    _can(model, Imputer)
    table = _blanked()
    before = table.copy(deep=True)
    filled = model.impute(table, seed=1)
    pd.testing.assert_frame_equal(table, before)
    assert (filled.dtypes == table.dtypes).all() and filled.index.equals(table.index)
    for name in table:
        there = table[name].notna()
        assert (filled[name][there] == table[name][there]).all(), name
    modelled = [name for name in table if name not in ("visit", "name", "note", "nothing")]
    assert filled[modelled].notna().all().all()
    assert filled["nothing"].isna().all()
    found = validate_table(filled.reset_index(drop=True).drop(index=5), SCHEMA.only_table)
    assert found.ok, [v.message for v in found.violations]


def test_filled_cells_follow_their_seed(model: ts.Model, tmp_path: Path) -> None:
    """A seed fixes the cells, saving changes none of them, and another seed gives others."""
    _can(model, Imputer)
    table = _blanked().head(300)
    model.save(tmp_path / "m")
    first = model.impute(table, seed=4)
    pd.testing.assert_frame_equal(first, model.impute(table, seed=4))
    pd.testing.assert_frame_equal(first, ts.load(tmp_path / "m").impute(table, seed=4))
    assert not first.equals(model.impute(table, seed=5))


def test_only_named_columns_are_filled(model: ts.Model) -> None:
    """Gaps of other columns stay; a column that the model has never seen empty may be among them."""
    _can(model, Imputer)
    table = _blanked().head(300)
    filled = model.impute(table, seed=4, columns=["stage"])
    assert filled["stage"].notna().all()
    pd.testing.assert_frame_equal(filled.drop(columns="stage"), table.drop(columns="stage"))


def test_complete_and_empty_rows_are_imputed(model: ts.Model) -> None:
    """A table without gaps comes back as it was; rows of which only gaps are known become rows like the table's."""
    _can(model, Imputer)
    table = visits().drop(columns=["visit", "name", "note"])
    names = ["group", "smoker", "age", "cost"]
    pd.testing.assert_frame_equal(model.impute(table, seed=0, columns=names), table)
    empty = table.head(400).copy()
    kept = ["marker", "admitted", "left", "nothing"]  # a filled gap would say which groups a row cannot be of
    for name in empty.columns.drop(kept):
        empty[name] = empty[name].astype("Int64" if name in ("age", "same") else empty[name].dtype)
        empty[name] = empty[name].mask(np.ones(len(empty), bool))
    filled = model.impute(empty, seed=0, columns=list(empty.columns.drop(kept)))
    for name, value in (("group", "A"), ("cost", 0)):
        assert abs((filled[name] == value).mean() - (table[name].head(400) == value).mean()) < 0.1
    pd.testing.assert_frame_equal(filled[kept], empty[kept])


def test_wrong_tables_and_columns_are_not_imputed(model: ts.Model) -> None:
    """Unknown, invented and always empty columns, foreign tables and unreadable cells are named; values are not."""
    _can(model, Imputer)
    table = _blanked().head(50)
    for names, says in ((["nobody"], "nobody"), (["name"], "name"), (["nothing"], "nothing")):
        with pytest.raises(UsageError, match=says):
            model.impute(table, seed=0, columns=names)
    for wrong in (table.drop(columns="age"), table.rename(columns={"age": "years"}), table.assign(stage="a secret")):
        with pytest.raises(DataError) as caught:
            model.impute(wrong, seed=0)
        assert "secret" not in str(caught.value)


def test_a_generator_without_imputation_says_so(model: ts.Model) -> None:
    """What a generator cannot do is refused by its name."""
    if not isinstance(model.fitted, Imputer):
        with pytest.raises(UsageError, match=model.generator.name):
            model.impute(_blanked())
    if not isinstance(model.fitted, Likelihood):
        with pytest.raises(UsageError, match=model.generator.name):
            model.log_likelihood(visits())


def test_likelihood_is_a_sum_of_logarithms(model: ts.Model) -> None:
    """One number per row, never above 0; impossible cells are -inf; likely rows beat shuffled ones."""
    _can(model, Likelihood)
    table = visits(seed=9).drop(index=5)
    found = model.log_likelihood(table)
    assert found.shape == (len(table),) and np.isfinite(found).all() and (found <= 0).all()
    shuffled = table.assign(age=table["age"].to_numpy()[::-1])
    assert found.mean() >= model.log_likelihood(shuffled).mean() - 1e-9
    assert np.isneginf(model.log_likelihood(table.head(3).assign(group="never seen"))).all()
    with pytest.raises(DataError, match="stage"):
        model.log_likelihood(table.assign(stage="a secret"))

"""CTGAN: what it learns, what numpy makes of torch's weights, and what conditions do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.errors import ConstraintError, UsageError
from tabsynth.generators.networks.ctgan import CTGAN, FittedCTGAN, generator_output
from tests.generators.network_rows import SCHEMA, rows

torch = pytest.importorskip("torch", reason='torch is not installed: pip install "tabsynth[deep]"')


@pytest.fixture(scope="module")
def model() -> ts.Model:
    """A network that has seen 1,000 rows often enough to link columns."""
    maker = CTGAN(epochs=100, batch_size=100, learning_rate=1e-3, generator_layers=(64, 64), critic_layers=(64, 64))
    return maker.fit(rows(), SCHEMA, seed=0)


def test_dependence_is_learned(model: ts.Model) -> None:
    """Columns that repeat each other, and modes that hang on a category, come back linked."""
    drawn = model.sample(2000, seed=1)
    assert (drawn["twin"] == drawn["kind"].str.lower()).mean() > 0.9  # independent columns: 0.46
    assert drawn.groupby("kind")["size"].median()["B"] == pytest.approx(10, abs=3)
    assert drawn.loc[drawn["kind"] == "A", "paid"].isna().mean() < 0.1


def test_numpy_repeats_torch(model: ts.Model) -> None:
    """The generator in numpy and in torch give the same numbers."""
    from tabsynth.generators.networks.adversarial import generate

    fitted = model.fitted
    assert isinstance(fitted, FittedCTGAN)
    inputs = np.random.default_rng(0).normal(size=(50, len(fitted.weights["hidden.0.weight"]))).astype(np.float32)
    tensors = {name: torch.from_numpy(array) for name, array in fitted.weights.items()}
    expected = generate(tensors, torch.from_numpy(inputs)).numpy()
    np.testing.assert_allclose(generator_output(fitted.weights, inputs), expected, rtol=1e-4, atol=1e-4)


def test_conditional_vector_is_followed(model: ts.Model) -> None:
    """A rare category that is given is proposed most of the time, not a tenth of it."""
    from tabsynth.encoding.given import GivenColumn

    fitted = model.fitted
    assert isinstance(fitted, FittedCTGAN)
    shares = fitted.domains["kind"].shares
    rare = int(np.argmin(np.where(shares > 0, shares, 1.0)))
    given = {"kind": GivenColumn(missing=False, codes=np.arange(len(shares)) == rare)}
    slots, numbers = fitted.propose(500, rng=np.random.default_rng(0), given=given)
    assert (fitted.representation.decode(slots, numbers, fitted.domains)["kind"] == rare).mean() > 0.6


def test_conditions_that_never_hold_end_with_the_rate(model: ts.Model) -> None:
    """What the network never draws is an error with the acceptance rate, not a short or a wrong table."""
    given = {"kind": "C", "paid": (10.0, None), "twin": "a", "size": (28.0, 29.0)}
    try:
        drawn = model.sample(20, seed=0, given=given)
    except ConstraintError as error:
        assert "% accepted" in str(error) and "given" in str(error)
    else:
        assert len(drawn) == 20 and (drawn["kind"] == "C").all() and (drawn["paid"] >= 10).all()


def test_training_is_recorded(model: ts.Model) -> None:
    """The history has a row per epoch, and training stopped where held-out rows no longer came nearer."""
    history = model.fitted.history
    assert isinstance(history, pd.DataFrame)
    assert list(history.columns) == ["epoch", "generator", "critic", "holdout"]
    assert history["holdout"].notna().any()
    assert history["holdout"].min() < history["holdout"].dropna().iloc[0]


def test_torch_is_left_as_it_was() -> None:
    """Neither torch's random state nor its thread count is changed, and neither matters."""
    torch.manual_seed(1)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    maker = CTGAN(epochs=2, batch_size=100)
    first = maker.fit(rows(300), SCHEMA, seed=0)
    assert torch.equal(torch.get_rng_state(), before) and torch.get_num_threads() == threads
    torch.manual_seed(2)
    second = maker.fit(rows(300), SCHEMA, seed=0)
    for name, weight in first.fitted.weights.items():
        np.testing.assert_array_equal(weight, second.fitted.weights[name])


def test_tables_without_categories_work() -> None:
    """With nothing to condition on, the conditional vector is empty."""
    table = SCHEMA.only_table
    only = table.model_copy(update={"columns": {"size": table.columns["size"]}})
    schema = SCHEMA.model_copy(update={"tables": {"rows": only}})
    drawn = CTGAN(epochs=2, batch_size=100).fit(rows(300)[["size"]], schema, seed=0).sample(50, seed=0)
    assert drawn["size"].between(-10, 40).all()


def test_rows_of_a_category_are_drawn_by_log_frequency() -> None:
    """Training-by-sampling: the row has the slot that is asked for, and slots come by the logarithm of their count."""
    from tabsynth.encoding.table import Discrete, EncodedTable
    from tabsynth.generators.networks.adversarial import ConditionSampler
    from tabsynth.generators.networks.representation import Representation

    codes = np.repeat([0, 1, 2], [900, 90, 10]).astype(np.int32)
    flags = np.tile([0, 1], 500).astype(np.int32)
    domains = {"codes": Discrete(np.array([0.9, 0.09, 0.01]), False), "flags": Discrete(np.array([0.5, 0.5]), False)}
    data = EncodedTable({"codes": codes, "flags": flags}, domains, 1000)
    shown = Representation.fit(data, max_modes=5)
    slots, _ = shown.encode(data, rng=np.random.default_rng(0))
    condition, place, picked = ConditionSampler(slots, shown, "cpu").draw(20_000)
    assert condition.sum(dim=1).eq(1).all()
    one_hot = np.zeros((1000, 5))
    for block in range(2):
        one_hot[np.arange(1000), shown.offsets[block] + slots[:, block]] = 1
    assert one_hot[picked.numpy(), place.numpy()].all()
    start = int(shown.offsets[shown.blocks.index("codes")])
    asked = np.array([(place == start + code).float().mean() for code in range(3)]) * 2
    logs = np.log1p([900, 90, 10])
    np.testing.assert_allclose(asked, logs / logs.sum(), atol=0.02)


@pytest.mark.parametrize("parameters", [{"pac": 7}, {"epochs": 0}, {"generator_layers": [0]}, {"device": "tpu"}])
def test_bad_parameters_are_refused(parameters: dict[str, object]) -> None:
    """A pack that does not fill the batch, no epochs, empty layers and unknown devices are named."""
    with pytest.raises(UsageError, match="ctgan"):
        ts.make_generator("ctgan", parameters)


_WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None  # as if it were not installed
import tabsynth as ts
from tabsynth.errors import MissingExtraError
from tests.generators.network_rows import SCHEMA, rows
assert len(ts.load({path!r}).sample(30, seed=0, given={{"kind": "A"}})) == 30
for name in ("autoregressive", "ctgan", "tvae"):
    try:
        ts.make_generator(name).fit(rows(300), SCHEMA, seed=0)
    except MissingExtraError as error:
        assert 'pip install "tabsynth[deep]"' in str(error)
    else:
        raise AssertionError(name)
from tabsynth.cli import app
app(["generators"])
"""


def test_torch_is_needed_to_fit_only(model: ts.Model, tmp_path: Path) -> None:
    """Without torch a saved model samples, the generators are listed, and fitting names the extra."""
    path = tmp_path / "m.tabsynth"
    model.save(path)
    run = subprocess.run(
        [sys.executable, "-c", _WITHOUT_TORCH.format(path=str(path))],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "ctgan: " in run.stdout and "tvae: " in run.stdout

"""TVAE: what it learns, and what numpy makes of torch's weights."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import tabsynth as ts
from tabsynth.encoding.table import Discrete, EncodedTable
from tabsynth.generators.networks.training import Average, Limits, Run, Trainer, split_rows
from tabsynth.generators.networks.tvae import TVAE, FittedTVAE, decoder_output
from tests.generators.network_rows import SCHEMA, rows

torch = pytest.importorskip("torch", reason='torch is not installed: pip install "tabsynth[deep]"')


@pytest.fixture(scope="module")
def model() -> ts.Model:
    """A network that has seen 1,000 rows often enough to link columns."""
    return TVAE(epochs=100, batch_size=100, embedding_size=8, learning_rate=3e-3).fit(rows(), SCHEMA, seed=0)


def test_dependence_is_learned(model: ts.Model) -> None:
    """Columns that repeat each other, and modes that hang on a category, come back linked."""
    drawn = model.sample(2000, seed=1)
    assert (drawn["twin"] == drawn["kind"].str.lower()).mean() > 0.85  # independent columns: 0.46
    assert drawn.groupby("kind")["size"].median()["B"] == pytest.approx(10, abs=3)
    assert drawn.loc[drawn["kind"] == "A", "paid"].isna().mean() < 0.1


def test_numpy_repeats_torch(model: ts.Model) -> None:
    """The decoder in numpy and in torch give the same numbers."""
    from tabsynth.generators.networks.variational import run_layers

    fitted = model.fitted
    assert isinstance(fitted, FittedTVAE)
    latent = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    tensors = {name: torch.from_numpy(array) for name, array in fitted.weights.items()}
    expected = run_layers(tensors, torch.from_numpy(latent), "").numpy()
    np.testing.assert_allclose(decoder_output(fitted.weights, latent), expected, rtol=1e-4, atol=1e-4)


def test_losses_fall(model: ts.Model) -> None:
    """The loss of training rows and of held-out rows is lower at the end than at the start."""
    history = model.fitted.history
    checked = history["holdout"].dropna()
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert checked.min() < checked.iloc[0]


def test_only_the_decoder_is_kept(model: ts.Model) -> None:
    """No weight of the encoder, which could tell where a row lies, is in the state."""
    names = model.fitted.state()["weights"]
    assert set(names) == {
        *(f"hidden.{layer}.{part}" for layer in (0, 1) for part in ("weight", "bias")),
        *("out.weight", "out.bias", "log_spread"),
    }


def test_people_are_held_out_whole() -> None:
    """No person has rows on both sides of the split."""
    owners = np.sort(np.random.default_rng(0).integers(0, 60, 500))
    data = EncodedTable({"a": np.zeros(500, np.int32)}, {"a": Discrete(np.ones(1), False)}, 500, owners)
    train, held = split_rows(data, rng=np.random.default_rng(1))
    assert not set(owners[train]) & set(owners[held])
    assert len(train) + len(held) == 500 and 50 <= len(held) < 80


def test_training_stops_without_progress() -> None:
    """Patience counts checks that were no better; the weights of the best check are kept."""

    class Toy(Trainer):
        def __init__(self) -> None:
            self.weight = {"w": torch.zeros(1)}
            self.average, self.steps_per_epoch = Average.of(self.weight), 100
            self.networks, self.optimisers = {"toy": self.weight}, {}
            self.scores = iter([3.0, 1.0, 2.0, 2.0, 2.0, 0.0])

        def epoch(self) -> dict[str, float]:
            self.weight["w"] += 1.0
            self.average.update(self.weight)
            return {"loss": 0.0}

        def check(self, weights: dict[str, np.ndarray]) -> float:
            return next(self.scores)

    toy = Toy()
    run = Run("toy", Limits(epochs=6, patience=3, time_limit=None), "cpu", np.random.default_rng(0))
    best, history = run.train(toy)
    np.testing.assert_array_equal(history["holdout"], [3.0, 1.0, 2.0, 2.0, 2.0])
    assert 0.0 < best["w"][0] < toy.average.arrays()["w"][0]


def test_narrow_conditions_hold_exactly(model: ts.Model) -> None:
    """An equality on a number, which no draw hits, holds to the last digit; a gap holds, too."""
    assert (model.sample(60, seed=0, given={"size": 10.5})["size"] == 10.5).all()
    assert model.sample(60, seed=0, given=["paid is missing"])["paid"].isna().all()


@pytest.mark.parametrize("generator", [ts.TVAE, ts.CTGAN, ts.Autoregressive])
def test_a_training_that_was_cut_short_is_told(generator: type[ts.TVAE]) -> None:
    """A network that saw its rows once draws rows that look like any others: the note is all that tells."""
    table = pd.DataFrame({"x": np.random.default_rng(0).normal(size=250)})
    schema = ts.Schema.model_validate({"tables": {"t": {"columns": {"x": {"type": "number"}}}}})
    model = generator(epochs=50, time_limit=1e-6).fit(table, schema, seed=0)
    assert "time_limit: training stopped after 1 of 50 epochs" in model.notes
    assert not generator(epochs=1, time_limit=1e-6).fit(table, schema, seed=0).notes

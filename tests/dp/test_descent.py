"""Noisy gradients: their lengths against autograd and Opacus, one unit's part, and what a training leaves behind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tabsynth.dp import autoregressive, descent
from tabsynth.dp.certificate import build_certificate, transcript_of
from tabsynth.dp.descent import Grid, Units, clipped_sums
from tabsynth.dp.generator import release
from tabsynth.dp.ledger import Ledger
from tabsynth.dp.mechanism import Schedule, Trace
from tabsynth.dp.noise import NoiseSource
from tabsynth.dp.pooling import pools_of
from tabsynth.dp.transcript import Measurement
from tabsynth.errors import BudgetError, UsageError
from tests.dp import audits
from tests.dp.audits import make, schema_of, ward

pytestmark = pytest.mark.usefixtures("same_noise")
SCHEDULE = Schedule(steps=3, rate=0.5, noise=2.0, batch=10.0)
SIZES = {"a": 3, "b": 4, "c": 9}


def chain(n_rows: int = 30, *, moved: bool = True) -> tuple[autoregressive.Chain, np.ndarray]:
    """A chain over three columns, some steps into its training, and rows."""
    rng = np.random.default_rng(0)
    codes = np.stack([rng.integers(0, size, n_rows) for size in SIZES.values()], axis=1)
    counts = [
        Measurement((name,), np.bincount(codes[:, place], minlength=size) + 50, 1.0, 0.5, "")
        for place, (name, size) in enumerate(SIZES.items())
    ]
    made = autoregressive.Chain(pools_of(counts), ordered=("c",), nullable=("c",), schedule=SCHEDULE)
    if moved:
        made.step([rng.normal(0, 0.1, (n_inputs + 1, n_outputs)) for n_inputs, n_outputs in made.shapes])
    return made, codes


def test_lengths_are_those_of_autograd() -> None:
    """Each unit's clipped gradient, worked out from inner products, is that of the sum of its rows by torch."""
    torch = pytest.importorskip("torch")
    made, codes = chain()
    unit_of = np.array([0, 1, 1, 2, 2, 2, 3, 3, 3, 4] * 3)[:30] + 5 * (np.arange(30) // 10)
    units = Units(codes, unit_of, 3)
    assert units.n_units == 15
    for unit in range(units.n_units):
        rows = codes[unit_of == unit]
        layers = [torch.tensor(layer, dtype=torch.float64, requires_grad=True) for layer in made.layers]
        shown = torch.zeros((len(rows), 0), dtype=torch.float64)
        loss = torch.zeros((), dtype=torch.float64)
        for layer, table, coarse, place in zip(layers, made.features, made.coarse, made.order, strict=True):
            own = coarse[rows[:, place]]
            loss = loss + torch.nn.functional.cross_entropy(
                shown @ layer[:-1] + layer[-1], torch.from_numpy(own), reduction="sum"
            )
            shown = torch.hstack([shown, torch.from_numpy(table[own].astype(np.float64))])
        loss.backward()
        length = float(torch.sqrt(sum((layer.grad**2).sum() for layer in layers)))
        found = clipped_sums(units, np.array([unit]), made, 0.7)
        for ours, layer in zip(found, layers, strict=True):
            np.testing.assert_allclose(ours, layer.grad.numpy() * min(1.0, 0.7 / length), atol=2e-6)


def test_lengths_are_those_of_opacus() -> None:
    """The gradient of a row in an affine layer has the length that Opacus' per-sample gradients have."""
    torch = pytest.importorskip("torch")
    opacus = pytest.importorskip("opacus")
    rng = np.random.default_rng(1)
    inputs, goal = rng.normal(size=(8, 5)).astype(np.float32), rng.normal(size=(8, 3)).astype(np.float32)
    layer = opacus.GradSampleModule(torch.nn.Linear(5, 3), loss_reduction="sum")
    output = layer(torch.tensor(inputs, requires_grad=True))
    ((output - torch.from_numpy(goal)) ** 2).sum().backward()
    theirs = sum((weight.grad_sample.flatten(1) ** 2).sum(dim=1) for weight in layer.parameters()).numpy()
    trace = Trace(inputs, 2 * (output.detach().numpy() - goal))
    factors = descent._shrinking([trace], np.ones((8, 1), bool), 1e-3)
    np.testing.assert_allclose(factors, 1e-3 / np.sqrt(theirs), rtol=1e-5)


class Steep:
    """A learner whose rows can be as steep, or as broken, as their code says."""

    shapes = ((2, 2),)

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def traces(self, codes: np.ndarray) -> list[Trace]:
        """Code 0 is flat, 1 has a huge gradient, 2 an infinite and 3 an undefined one."""
        size = np.array([0.1, 1e30, np.inf, np.nan])[codes[:, 0]]
        with np.errstate(all="ignore"):
            return [Trace(np.ones((len(codes), 2)) * size[:, None], np.ones((len(codes), 2)) * size[:, None])]

    def step(self, gradients: Sequence[np.ndarray]) -> None:
        """Keep what came."""
        self.seen.append(gradients)

    def weights(self) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}


@pytest.mark.parametrize("cell", [0, 1, 2, 3])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_nobody_moves_a_sum_by_more_than_one_length(cell: int, rows: int) -> None:
    """Whatever the gradient is, huge or no number at all, and however many rows a person has."""
    codes = np.array([[0]] * 10 + [[cell]] * rows)
    units = Units(codes, np.array([*range(10), *([10] * rows)]), 5)
    with np.errstate(all="ignore"):
        sums = [clipped_sums(units, np.arange(n), Steep(), 1.0)[0] for n in (10, 11)]
    moved = float(np.linalg.norm(sums[1] - sums[0]))
    assert np.isfinite(sums).all() and moved <= 1.0
    assert cell > 1 or moved > 0 or rows == 0


def test_rounding_is_paid_for() -> None:
    """The grid's sensitivity covers a step of rounding in each weight, and very strong noise makes the grid coarser."""
    fine, coarse = Grid.of(SCHEDULE, 400), Grid.of(Schedule(steps=1, rate=1.0, noise=300.0, batch=1.0), 400)
    assert fine.sensitivity >= 1 / fine.step + 20 and fine.sigma >= 2 * fine.sensitivity
    assert coarse.step > fine.step and coarse.sigma < 2**26 and coarse.sigma >= 300 * coarse.sensitivity * (1 - 1e-12)


def test_noise_is_on_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each step's sums differ from the exact ones by whole noise of the claimed size; batches by coins of that rate."""
    units, learner, sizes = Units(np.zeros((400, 1), np.int64), None, 1), Steep(), []
    exact = descent.clipped_sums

    def counted(units: Units, chosen: np.ndarray, *words: Any) -> list[np.ndarray]:
        sizes.append(len(chosen))
        return [0 * part for part in exact(units, chosen, *words)]

    monkeypatch.setattr(descent, "clipped_sums", counted)
    grid = descent.noisy_steps(units, learner, Schedule(steps=200, rate=0.3, noise=1.5, batch=10.0), NoiseSource())
    noise = np.concatenate([step[0].ravel() for step in learner.seen]) * 10 / grid.step
    np.testing.assert_allclose(noise, np.rint(noise), atol=1e-6)
    assert len(noise) == 1200, "the bounds below are five standard errors and more away from what is expected"
    assert 0.8 < float(np.mean(noise**2)) / grid.sigma**2 < 1.21 and abs(noise.mean()) < 0.15 * grid.sigma
    assert abs(np.mean(sizes) / 400 - 0.3) < 0.01 and len(set(sizes)) > 10


def test_units_know_their_rows() -> None:
    """Rows of a unit stay together in any order, and too many are an error."""
    units = Units(np.arange(5)[:, None], np.array([7, 3, 7, 3, 9]), 2)
    found = {
        frozenset(codes[there.ravel(), 0].tolist())
        for codes, there in (next(units.parts(np.array([u]))) for u in range(3))
    }
    assert found == {frozenset({0, 2}), frozenset({1, 3}), frozenset({4})}
    assert Units(np.zeros((0, 2), np.int64), np.zeros(0, np.int64), 3).n_units == 0
    with pytest.raises(ValueError, match="more rows"):
        Units(np.zeros((3, 1), np.int64), np.zeros(3, np.int64), 2)


def test_a_training_that_costs_more_is_refused() -> None:
    """Before anything is charged or looked at."""
    _, table = audits.private_table(make("dp-autoregressive"), ward(), schema_of(), noise=audits.ZeroNoise())
    with pytest.raises(UsageError, match="cost more"):
        table.train(Steep(), SCHEDULE, rho=1e-3, purpose="too much")
    assert table.transcript.events == []


def test_a_training_that_is_killed_has_spent_its_budget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole cost is in the ledger before the first step; there is no model, and no second training."""
    step, done = autoregressive.Chain.step, []

    def killed(self: autoregressive.Chain, gradients: Any) -> None:
        step(self, gradients)
        done.append(1)
        if len(done) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(autoregressive.Chain, "step", killed)
    maker = make("dp-autoregressive", ledger=str(tmp_path / "l"))
    with pytest.raises(KeyboardInterrupt):
        maker.fit(ward(200), schema_of())
    said = Ledger.open(tmp_path / "l", "ward").verify()
    assert 0.99 < said.epsilon <= 1.0 and said.charges[-1].order is not None
    monkeypatch.undo()
    with pytest.raises(BudgetError):
        maker.fit(ward(200), schema_of())
    assert [file.name for file in sorted(tmp_path.iterdir())] == ["l", "l.head"]


def test_dependence_comes_back_under_a_large_budget() -> None:
    """Rows keep how columns hang together, for people of several rows, too."""
    table = ward(3000)
    rng = np.random.default_rng(0)
    table["sex"] = rng.choice(["F", "M"], len(table))
    table["hiv"] = np.where((table["sex"] == "F") ^ (rng.random(len(table)) < 0.1), "pos", "neg")
    table["person"] = [f"P{n // 2:04d}" for n in range(len(table))]
    schema = schema_of({"table": "t", "key": "person", "max_rows": 2})
    schema = schema.model_copy(update={"privacy": schema.privacy.model_copy(update={"epsilon": 20.0})})  # type: ignore[union-attr]
    rows = make("dp-autoregressive").fit(table, schema).sample(4000, seed=0)
    agree = ((rows["sex"] == "F") == (rows["hiv"] == "pos"))[rows["sex"].notna() & rows["hiv"].notna()]
    assert agree.mean() > 0.8


@audits.each_of(audits.TRAINED)
def test_the_certificate_says_how_it_was_trained(name: str, tmp_path: Path) -> None:
    """Batches, noise, steps, clipping, order and accountant are on it; odds and advantage follow from them."""
    model = release(make(name), ward(400), schema_of(), noise=NoiseSource.insecure(1))
    model.save(tmp_path / "m")
    (event,) = transcript_of(model).trainings
    made = build_certificate(model, file=tmp_path / "m", rows=20)
    text = " ".join(made.composition)
    for part in ("DP-SGD", f"{event.steps} batches", "Poisson sampling", "clipped to length 1", f"to {event.order}"):
        assert part in text
    assert {title for title, _ in made.limits} >= {"Floating point", "Size of batches", "Error"}
    assert [cost.kind for cost in made.costs].count("training") == 1
    assert 0 < made.claim.advantage < 0.5 and made.claim.epsilon == 1.0


def test_fitting_needs_no_torch() -> None:
    """It trains and samples without importing it."""
    code = """if True:
        import sys
        from tests.dp.audits import make, schema_of, ward
        assert len(make("dp-autoregressive").fit(ward(60), schema_of()).sample(5, seed=0)) == 5
        assert not {"torch", "opacus"} & set(sys.modules)
    """
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.nightly
@audits.each_of(audits.TRAINED)
def test_a7_random_batches_are_as_private_as_claimed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a fifth of the people in each batch, the best statistic proves less than the epsilon of the accountant."""
    monkeypatch.setattr(make(name).module, "BATCH", 10)
    from tabsynth.dp.budget import best_order, epsilon_from

    absent, present = (audits.evidences(name, mu=1.0, runs=1500, present=who)[0] for who in (False, True))
    delta = 1e-3
    claimed = epsilon_from(0.5, delta, order=best_order(9.0, 1e-6))
    found = max(audits.epsilon_bound(absent, present, threshold=t, delta=delta) for t in (1.0, 1.5))
    assert 0.15 * claimed < found <= claimed

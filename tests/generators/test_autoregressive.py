"""The any-order network: what it learns, that conditions are exact, what it keeps, and tables at the edges."""

from __future__ import annotations

import numpy as np
import pytest

import tabsynth as ts
from tabsynth.encoding.given import GivenColumn
from tabsynth.encoding.marginal import fit_marginal
from tabsynth.encoding.table import Continuous, Discrete, EncodedTable
from tabsynth.errors import UsageError
from tabsynth.generators.networks.autoregressive import Autoregressive, FittedAutoregressive
from tabsynth.generators.networks.conditionals import Conditionals, draw_choices
from tabsynth.generators.networks.digits import CellLayout, write_digits

torch = pytest.importorskip("torch", reason='torch is not installed: pip install "tabsynth[deep]"')

SMALL = Autoregressive(hidden_size=32, embedding_size=8, epochs=12, batch_size=128, learning_rate=1e-2)


def _encoded(**columns: np.ndarray) -> EncodedTable:
    domains: dict[str, Discrete | Continuous] = {}
    arrays = {}
    for name, array in columns.items():
        if array.dtype.kind == "f":
            marginal = fit_marginal(array[~np.isnan(array)], k=10, entities=None, lower=None, upper=None)
            assert marginal is not None
            domains[name], arrays[name] = Continuous(marginal, None), array
        else:
            shares = np.bincount(array[array >= 0], minlength=int(array.max(initial=0)) + 1)
            domains[name] = Discrete(shares / max(shares.sum(), 1), ordered=False)
            arrays[name] = array.astype(np.int32)
    return EncodedTable(arrays, domains, len(next(iter(arrays.values()))))


def _fit(data: EncodedTable, generator: Autoregressive = SMALL) -> FittedAutoregressive:
    fitted = generator.fit_encoded(data, rng=np.random.default_rng(0))
    assert isinstance(fitted, FittedAutoregressive)
    return fitted


def _chain(n_rows: int) -> EncodedTable:
    """a decides b, b decides c, and x lies at c, all with known probabilities; x is missing for a tenth."""
    rng = np.random.default_rng(4)
    a = rng.integers(0, 3, n_rows)
    b = np.where(rng.random(n_rows) < 0.8, a, rng.integers(0, 3, n_rows))
    c = np.where(rng.random(n_rows) < 0.9, b, rng.integers(0, 3, n_rows))
    x = np.where(rng.random(n_rows) < 0.1, np.nan, c + rng.normal(0, 0.2, n_rows))
    return _encoded(a=a.astype(np.int32), b=b.astype(np.int32), c=c.astype(np.int32), x=x)


SAME_B = 0.8 + 0.2 / 3
SAME_C = 0.9 + 0.1 / 3


@pytest.fixture(scope="module")
def fitted() -> FittedAutoregressive:
    """A network that has seen the chain often enough to know it."""
    return _fit(_chain(6000), Autoregressive(hidden_size=32, epochs=60))


def _draw(fitted: FittedAutoregressive, n_rows: int, **given: GivenColumn) -> dict[str, np.ndarray]:
    return fitted.sample_encoded(n_rows, rng=np.random.default_rng(1), given=given)


def _codes(*allowed: bool) -> GivenColumn:
    return GivenColumn(missing=False, codes=np.array(allowed))


def test_shares_and_dependence_come_back(fitted: FittedAutoregressive) -> None:
    """Columns hang together as in the table, and shares are closer than independent draws would be."""
    rows, real = _draw(fitted, 4000), _chain(6000).columns
    assert (rows["a"] == rows["b"]).mean() == pytest.approx(SAME_B, abs=0.02)
    assert (rows["b"] == rows["c"]).mean() == pytest.approx(SAME_C, abs=0.02)
    assert np.isnan(rows["x"]).mean() == pytest.approx(np.isnan(real["x"]).mean(), abs=0.01)
    for code in range(3):
        assert (rows["a"] == code).mean() == pytest.approx((real["a"] == code).mean(), abs=0.01)
    near = np.abs(rows["x"] - rows["c"])
    assert np.nanquantile(near, 0.9) < 0.6


def test_conditions_go_against_the_order(fitted: FittedAutoregressive) -> None:
    """What comes last is given, and what comes first follows by Bayes' rule."""
    rows = _draw(fitted, 4000, c=_codes(False, True, False))
    assert (rows["c"] == 1).all()
    expected_b = SAME_C  # a, b and c are uniform, so the chain reads the same backwards
    expected_a = SAME_B * SAME_C + (1 - SAME_B) * (1 - SAME_C) / 2
    assert (rows["b"] == 1).mean() == pytest.approx(expected_b, abs=0.03)
    assert (rows["a"] == 1).mean() == pytest.approx(expected_a, abs=0.03)
    numeric = _draw(fitted, 2000, x=GivenColumn(missing=False, stretches=np.array([[0.0, 0.2]])))
    assert (numeric["c"] == 0).mean() > 0.95
    assert numeric["x"].max() <= fitted.layout.columns["x"].domain.marginal.quantile(np.array([0.2]))[0]


def test_sets_on_several_columns_weigh_each_other(fitted: FittedAutoregressive) -> None:
    """With a in {0, 1} and c in {1, 2}, joint shares are the network's own, restricted: P(a) P(c | a) over the four."""
    rows = _draw(fitted, 4000, a=_codes(True, True, False), c=_codes(False, True, True))
    assert set(rows["a"]) == {0, 1} and set(rows["c"]) == {1, 2}
    network, pairs = fitted.conditionals, np.array([(0, 1), (0, 2), (1, 1), (1, 2)])
    known = network.empty(4)
    log = network.log_probability(0, known, pairs[:, 0])
    network.show(known, 0, pairs[:, 0])
    chances = np.exp(log + network.log_probability(2, known, pairs[:, 1]))
    for (a, c), chance in zip(pairs, chances / chances.sum(), strict=True):
        assert ((rows["a"] == a) & (rows["c"] == c)).mean() == pytest.approx(chance, abs=0.02)


def test_gaps_are_given_exactly(fitted: FittedAutoregressive) -> None:
    """Missing where asked, and there where asked."""
    assert np.isnan(_draw(fitted, 200, x=GivenColumn(missing=True))["x"]).all()
    present = GivenColumn(missing=False, stretches=np.array([[0.0, 1.0]]))
    assert not np.isnan(_draw(fitted, 200, x=present)["x"]).any()
    with pytest.raises(UsageError, match="given: a"):
        _draw(fitted, 10, a=GivenColumn(missing=True))


def test_imputed_cells_follow_the_others(fitted: FittedAutoregressive) -> None:
    """The middle of the chain is drawn given both ends; other cells stay; nothing filled in is a gap."""
    columns = dict(_chain(3000).columns)
    gone = np.ones(3000, bool)
    gone[::3] = False
    holes = {"b": gone, "x": np.isnan(columns["x"])}
    filled = fitted.impute_encoded(columns, holes, rng=np.random.default_rng(2))
    for name, array in columns.items():
        kept = ~holes.get(name, np.zeros(3000, bool))
        np.testing.assert_array_equal(filled[name][kept], array[kept])
    assert not np.isnan(filled["x"]).any() and (filled["b"] >= 0).all()
    agree = gone & (columns["a"] == columns["c"])
    both = SAME_B * SAME_C / (SAME_B * SAME_C + (1 - SAME_B) * (1 - SAME_C) / 2)
    assert (filled["b"] == columns["a"])[agree].mean() == pytest.approx(both, abs=0.03)
    again = fitted.impute_encoded(columns, holes, rng=np.random.default_rng(2))
    np.testing.assert_array_equal(filled["x"], again["x"])


def test_likelihood_is_a_probability(fitted: FittedAutoregressive) -> None:
    """It sums to 1 over all combinations, prefers real rows, and is nothing for cells never seen."""
    data = _chain(2000)
    layout = fitted.layout
    grid = np.stack(np.meshgrid(*(np.arange(cells.n_cells) for cells in layout.cells)), -1).reshape(-1, 4)
    rows, total = fitted.conditionals.empty(len(grid)), np.zeros(len(grid))
    for column in fitted.order:
        total += fitted.conditionals.log_probability(column, rows, grid[:, column])
        fitted.conditionals.show(rows, column, grid[:, column])
    assert np.exp(total).sum() == pytest.approx(1.0, abs=1e-6)
    shuffled = {**data.columns, "b": np.random.default_rng(0).permutation(data.columns["b"])}
    assert fitted.log_likelihood(data.columns).mean() > fitted.log_likelihood(shuffled).mean() + 0.5
    unknown = {**data.columns, "a": np.full(2000, -1, np.int32)}
    assert (fitted.log_likelihood(unknown) == -np.inf).all()


def test_numpy_repeats_torch(fitted: FittedAutoregressive) -> None:
    """Probabilities in numpy are the losses of the torch network, also with two digits."""
    from tabsynth.generators.networks.masked import MaskedNetwork, export
    from tabsynth.generators.networks.masked_training import seen_before

    data = _chain(500)
    many = _encoded(**data.columns, y=np.random.default_rng(0).normal(size=500), z=np.arange(500) % 60)
    layout = CellLayout.fit(many, most=60)
    assert layout.two_digits
    torch.manual_seed(0)
    network = MaskedNetwork(layout, embedding=5, hidden=7, dropout=0.0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    arrays = {name: parameter.detach().numpy() for name, parameter in network.named_parameters()}
    conditionals = Conditionals(layout, export(arrays, layout))
    own, _ = layout.of(many.columns)
    order = [3, 5, 1, 0, 4, 2]
    losses = network(torch.from_numpy(own), seen_before(order)).detach().numpy()
    rows = conditionals.empty(500)
    for column in order:
        found = conditionals.log_probability(column, rows, own[:, column])
        np.testing.assert_allclose(found, -losses[:, column], atol=1e-4)
        conditionals.show(rows, column, own[:, column])
    chances = [conditionals.log_probability(5, rows[:1], np.array([cell])) for cell in range(layout.cells[5].n_cells)]
    assert np.exp(chances).sum() == pytest.approx(1.0)


def test_gradients_of_single_rows_add_up() -> None:
    """Each row has a gradient of its own, as private training needs: their mean is that of the batch."""
    from torch.func import functional_call, grad, vmap

    from tabsynth.generators.networks.masked import MaskedNetwork
    from tabsynth.generators.networks.masked_training import seen_before

    data = _encoded(**_chain(300).columns, z=np.arange(300) % 60)
    layout = CellLayout.fit(data, most=60)
    network = MaskedNetwork(layout, embedding=4, hidden=6, dropout=0.0)
    weights, seen = dict(network.named_parameters()), seen_before([2, 0, 4, 3, 1])
    cells = torch.from_numpy(layout.of(data.columns)[0][:20])

    def loss(weights: dict[str, torch.Tensor], row: torch.Tensor) -> torch.Tensor:
        return functional_call(network, weights, (row[None], seen)).sum()

    of_rows = vmap(grad(loss), in_dims=(None, 0))(weights, cells)
    torch.autograd.backward(network(cells, seen).sum(dim=1).mean())
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None
        torch.testing.assert_close(of_rows[name].mean(dim=0), parameter.grad, rtol=1e-4, atol=1e-5)


def test_the_model_holds_no_value_of_a_row() -> None:
    """No array holds a single row's number or is as long as the table, and cells rest on ten rows and more."""
    data = _chain(3001)
    fitted = _fit(data, Autoregressive(hidden_size=8, epochs=1))

    def arrays(value: object) -> list[np.ndarray]:
        if isinstance(value, dict):
            return [array for item in value.values() for array in arrays(item)]
        return [value] if isinstance(value, np.ndarray) else []

    found = arrays(fitted.state())
    assert found
    for array in found:
        assert 3001 not in array.shape
        assert not np.isin(array.astype(np.float64), data.columns["x"]).any()
    own, _ = fitted.layout.of(data.columns)
    for position, cells in enumerate(fitted.layout.cells):
        assert np.bincount(own[:, position], minlength=cells.n_cells).min() >= 10


def test_training_rows_are_no_likelier_than_others() -> None:
    """A network that is stopped by held-out rows has not learned its rows by heart: noise stays noise."""
    rng = np.random.default_rng(0)
    rows = [_encoded(**{name: rng.normal(size=1500) for name in "pqrst"}) for _ in range(2)]
    fitted = _fit(rows[0], Autoregressive(epochs=30, batch_size=64, hidden_size=32))
    seen, unseen = (fitted.log_likelihood(part.columns).mean() for part in rows)
    assert seen - unseen < 0.6  # of about 21 nats; without early stopping the gap is several nats


def test_state_gives_the_same_rows(fitted: FittedAutoregressive) -> None:
    """from_state undoes state to the last bit."""
    domains = {name: cells.domain for name, cells in fitted.layout.columns.items()}
    again = FittedAutoregressive.from_state(fitted.state(), domains)
    for name, array in _draw(fitted, 300).items():
        np.testing.assert_array_equal(array, _draw(again, 300)[name])


@pytest.mark.parametrize(
    "data",
    [
        _encoded(only=np.random.default_rng(0).normal(size=300)),
        _encoded(same=np.zeros(200, np.int32), other=np.arange(200).astype(float)),
        _encoded(gone=np.full(200, -1, np.int32), other=(np.arange(200) % 3).astype(np.int32)),
        _encoded(many=(np.arange(6000) % 5000).astype(np.int32), other=(np.arange(6000) % 2).astype(np.int32)),
        _encoded(
            half=np.where(np.arange(500) % 2, np.nan, np.arange(500.0)), two=(np.arange(500) % 2).astype(np.int32)
        ),
        _encoded(few=np.arange(30).astype(float), two=(np.arange(30) % 2).astype(np.int32)),
        _encoded(once=np.append(np.zeros(400, np.int32), 1).astype(np.int32), x=np.arange(401).astype(float)),
        _encoded(**{f"c{i}": (np.arange(300) * (i + 1) // 7 % 3).astype(np.int32) for i in range(90)}),
    ],
    ids=[
        "one column",
        "constant",
        "all missing",
        "5000 categories",
        "half missing",
        "fewer rows than cells",
        "seen once",
        "90 columns",
    ],
)
def test_tables_at_the_edge(data: EncodedTable) -> None:
    """Every column comes back with its kind, its gaps and no code that was never seen."""
    rows = _draw(_fit(data, Autoregressive(epochs=2)), 700)
    assert list(rows) == list(data.columns)
    for name, array in rows.items():
        real = data.columns[name]
        assert array.shape == (700,) and array.dtype == real.dtype
        if array.dtype.kind == "i":
            assert set(array) <= set(real)
        else:
            assert np.isnan(array).mean() == pytest.approx(np.isnan(real).mean(), abs=0.1)


def test_digits_number_every_cell_once() -> None:
    """Two digits lead to one cell and back, with the missing one in a group of its own."""
    values = np.where(np.arange(4000) % 10, np.random.default_rng(0).normal(size=4000), np.nan)
    data = _encoded(x=values, c=(np.arange(4000) % 300).astype(np.int32))
    for cells in CellLayout.fit(data, most=200).cells:
        digits = write_digits(cells)
        np.testing.assert_array_equal(digits.cell[digits.group, digits.place], np.arange(cells.n_cells))
        assert (digits.cell >= 0).sum() == cells.n_cells
        assert digits.n_groups < 30 and 1 < digits.n_places < 30
        if cells.has_missing:
            assert (digits.group == digits.group[-1]).sum() == 1


def test_draws_keep_their_chances() -> None:
    """Each choice comes as often as its chances say, and never where they are 0."""
    rng = np.random.default_rng(3)
    chances = rng.random((5000, 7))
    chances[:, 2] = 0.0
    chances[:2500, 4] = 0.0
    chosen = draw_choices(chances, rng=rng)
    expected = (chances / chances.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(np.bincount(chosen, minlength=7) / 5000, expected, atol=0.002)
    assert (chances[np.arange(5000), chosen] > 0).all()


@pytest.mark.parametrize("parameters", [{"epochs": -1}, {"dropout": 1.0}, {"hidden_size": 0}, {"device": "tpu"}])
def test_bad_parameters_are_refused(parameters: dict[str, object]) -> None:
    """Values outside their range are named."""
    with pytest.raises(UsageError, match="autoregressive"):
        ts.make_generator("autoregressive", parameters)

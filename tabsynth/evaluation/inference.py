"""Utility for inference: does a regression on synthetic rows tell the same story as on real ones?

One regression of the first target on the columns that depend most on it: least squares for a number, logistic for
classes (the most common one against the others). It is fitted to equally many rows of train, of synthetic, of holdout
and of independent columns, and coefficients and their intervals are compared.

Decisions
- Overlap of intervals, each as an analyst gets it who takes the rows for real; not clipped at 0, so that a coefficient
  that is far off weighs more. Two real samples overlap by 0.71 on average; 1 would be the same numbers.
- The chart shows the interval of the synthetic estimate by the plug-in rule (`combining.py`), which counts the error of
  synthesis. Whether such intervals hold is a property of the generator, measured on a known population by
  `python -m evaluations inference_coverage`; one table cannot show it, and no verdict is given here.
- A slight penalty (a thousandth of a row) keeps coefficients finite where classes are separated.

Source: overlap, Karr et al. 2006, doi:10.1198/000313006X124640; standardised differences, Raab, Nowok & Dibben
2017, arXiv:1712.04078; why naive intervals fail, Decruyenaere et al. 2024, arXiv:2312.07837.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tabsynth.evaluation.association import dependence
from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.combining import combine
from tabsynth.evaluation.comparison import Array, Comparison, Rows, independent_rows
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.profiles import K, people_per_code
from tabsynth.evaluation.tasks import Task, choose_targets, make_task
from tabsynth.randomness import child, deterministic_threads

MAX_ROWS = 5_000
MIN_ROWS = 60
MAX_INPUTS = 10
MAX_LEVELS = 3
_DRAWS = 400
_STEPS = 30


@dataclass(frozen=True)
class Fitted:
    """Coefficients of a regression and their variances, (n_inputs,) each."""

    estimates: Array
    variances: Array


class Coefficient(Part):
    """One coefficient on real and on synthetic rows, each with a 95 % interval."""

    name: str
    real: float
    real_interval: Interval
    synthetic: float
    synthetic_interval: Interval
    """By the plug-in rule for one copy."""
    overlap: float
    gap: float
    """Absolute difference in standard errors of the real estimate."""


class Coefficients(Detail):
    """The regression that was compared."""

    target: str
    kind: Literal["logistic", "least squares"]
    n_rows: int
    coefficients: tuple[Coefficient, ...]
    changed: tuple[str, ...]
    """Inputs whose effect is clear on one side and absent or opposite on the other."""


class RegressionEstimates:
    """Mean overlap of the confidence intervals of a regression's coefficients on real and on synthetic rows.

    Formula:
        mean over coefficients of ((u - l) / (u_r - l_r) + (u - l) / (u_s - l_s)) / 2, with u = min(u_r, u_s) and
        l = max(l_r, l_s); negative where intervals lie apart.
    Units:
        A score; 1 is the same interval, 0.71 the mean of two real samples, 0 intervals that just touch.
    Cost:
        4 regressions on at most 5,000 rows and 10 inputs: 0.2 s.
    Source:
        See the head of this module.
    """

    name = "regression-estimates"
    family = Family.UTILITY
    question = "Does a regression on synthetic rows give the coefficients that it gives on real ones?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "score"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Fit the same regression to four tables.

        Privacy:
            Leaves coefficients over at least 60 rows, and names of categories that ten people share.
        """
        if len(comparison.columns) < 2:
            return Findings([unmeasured(self, "The table has fewer than two modelled columns.")])
        n = min(comparison.n_compared, comparison.train.n_rows, MAX_ROWS)
        if n < MIN_ROWS:
            note = f"Needs at least {MIN_ROWS} rows of train, holdout and synthetic; there are {n:,}."
            return Findings([unmeasured(self, note, undecided=True)])
        tables = _tables(comparison, n)
        tasks = [make_task(comparison, name) for name in choose_targets(comparison)[0]]
        task = next((item for item in tasks if item is not None), None)
        if task is None:
            return Findings([unmeasured(self, "No column holds two values often enough to be explained.")])
        model = _Model(comparison, task, tables)
        if not model.names:
            return Findings([unmeasured(self, "No column varies in all tables, so nothing explains the target.")])
        with deterministic_threads():
            fits = {which: model.fit(rows) for which, rows in tables.items()}
        real, synthetic = fits["train"], fits["synthetic"]
        overlaps = overlap(real, synthetic)
        rng = child(comparison.seed, "evaluation", "inference")
        value = float(overlaps.mean())
        gaps = np.abs(synthetic.estimates - real.estimates) / np.sqrt(real.variances)
        own = [_coefficient(name, real, synthetic, place, n) for place, name in enumerate(model.names)]
        changed = tuple(item.name for item in own if _changed(item))
        kind: Literal["logistic", "least squares"] = "logistic" if task.n_classes else "least squares"
        notes = [
            f"{kind.capitalize()} regression of {task.target} on {len(model.names)} inputs, {n:,} rows of each table.",
            f"Coefficients differ by {float(gaps.mean()):.1f} standard errors on average, at most "
            f"{float(gaps.max()):.1f}; {len(changed)} of {len(own)} effects are clear on one side only, or opposite.",
            "The interval counts which rows were drawn, not refit variance: another fit of the generator would move "
            "the value as well.",
            "Intervals from synthetic rows need the plug-in rule and a generator for which they were measured to hold.",
        ]
        result = answer(
            self,
            value=value,
            interval=_spread(real, synthetic, value, rng, level),
            n=n,
            reference=float(overlap(real, fits["holdout"]).mean()),
            baseline=float(overlap(real, fits["independent"]).mean()),
            notes=tuple(notes),
        )
        detail = Coefficients(target=task.target, kind=kind, n_rows=n, coefficients=tuple(own), changed=changed)
        return Findings([result], detail)


def least_squares(inputs: Array, target: Array) -> Fitted:
    """Ordinary least squares; the first column of `inputs` is the intercept.

    Args:
        inputs: Shape (n_rows, n_inputs).
        target: Shape (n_rows,).
    """
    inverse = np.linalg.inv(inputs.T @ inputs + _penalty(inputs))
    estimates = inverse @ (inputs.T @ target)
    residuals = target - inputs @ estimates
    free = max(1, len(target) - inputs.shape[1])
    return Fitted(estimates, np.diag(inverse) * float(residuals @ residuals) / free)


def logistic(inputs: Array, target: Array) -> Fitted:
    """Logistic regression by Newton's method; the first column of `inputs` is the intercept.

    Args:
        inputs: Shape (n_rows, n_inputs).
        target: Zeros and ones, shape (n_rows,).
    """
    estimates = np.zeros(inputs.shape[1])
    penalty = _penalty(inputs)
    inverse = np.linalg.inv(inputs.T @ inputs / 4 + penalty)
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(inputs @ estimates, -30, 30)))
        weights = np.maximum(chances * (1 - chances), 1e-9)
        inverse = np.linalg.inv((inputs * weights[:, None]).T @ inputs + penalty)
        step = inverse @ (inputs.T @ (target - chances) - penalty @ estimates)
        estimates = estimates + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-9:
            break
    return Fitted(estimates, np.diag(inverse))


def overlap(first: Fitted, second: Fitted) -> Array:
    """Overlap of the 95 % intervals of each coefficient but the intercept, shape (n_inputs - 1,)."""
    ends = [
        (fit.estimates - 1.96 * np.sqrt(fit.variances), fit.estimates + 1.96 * np.sqrt(fit.variances))
        for fit in (first, second)
    ]
    shared = np.minimum(ends[0][1], ends[1][1]) - np.maximum(ends[0][0], ends[1][0])
    return np.asarray(sum(shared / (high - low) for low, high in ends) / 2)[1:]


def _penalty(inputs: Array) -> Array:
    """A ridge that only matters where a coefficient would be infinite."""
    penalty = np.full(inputs.shape[1], 1e-3)
    penalty[0] = 0.0
    return np.diag(penalty) + 1e-9 * np.eye(inputs.shape[1])


def _tables(comparison: Comparison, n: int) -> dict[str, Rows]:
    """`n` rows of each table; equally large tables are drawn from alike."""

    def some(rows: Rows) -> Rows:
        if rows.n_rows == n:
            return rows
        rng = child(comparison.seed, "evaluation", "inference", "drawn")
        return rows.take(np.sort(rng.choice(rows.n_rows, n, replace=False)))

    return {
        "train": some(comparison.train),
        "synthetic": some(comparison.synthetic),
        "holdout": some(comparison.holdout),
        "independent": independent_rows(comparison.train, n, comparison.seed),
    }


class _Model:
    """Inputs and target of one regression, on scales fixed on train."""

    def __init__(self, comparison: Comparison, task: Task, tables: dict[str, Rows]) -> None:
        self._task = task
        cells = comparison.train.columns[task.target]
        self._centre, self._spread = float(np.nanmean(cells)), float(np.nanstd(cells)) or 1.0
        self._inputs: list[tuple[str, Callable[[Rows], Array]]] = []
        for column in _most_dependent(comparison, task.target):
            if len(self._inputs) >= MAX_INPUTS:
                break
            for name, make in _inputs_of(comparison, column):
                # an input that hardly varies in one of the tables has no coefficient there
                if len(self._inputs) < MAX_INPUTS and all(self._varies(make(rows)) for rows in tables.values()):
                    self._inputs.append((name, make))
        self.names = tuple(name for name, _ in self._inputs)

    def _varies(self, values: Array) -> bool:
        return len(values) - int(np.unique(values, return_counts=True)[1].max()) >= K

    def fit(self, rows: Rows) -> Fitted:
        """The regression on some rows; those without the target are left out."""
        cells = rows.columns[self._task.target]
        used = np.flatnonzero(~np.isnan(cells))
        part = rows.take(used)
        inputs = np.column_stack([np.ones(len(used)), *(make(part) for _, make in self._inputs)])
        if not self._task.n_classes:
            held = np.clip(cells[used], self._task.lower, self._task.upper)
            return least_squares(inputs, (held - self._centre) / self._spread)
        return logistic(inputs, (self._task.labels(part) == 0).astype(np.float64))


def _most_dependent(comparison: Comparison, target: str) -> list[str]:
    """The other columns, those that depend most on the target in train first."""
    strength: dict[str, float] = {}
    for name in comparison.columns:
        if name == target:
            continue
        pair = (name, target) if (name, target) in comparison.pairs else (target, name)
        counts = comparison.train_joint(pair).reshape(-1, comparison.bins[pair[1]].n_bins)
        strength[name] = float(np.abs(dependence(counts)).sum())
    return sorted(strength, key=lambda name: (-round(strength[name], 9), comparison.columns.index(name)))


def _inputs_of(comparison: Comparison, column: str) -> list[tuple[str, Callable[[Rows], Array]]]:
    """Inputs that one column gives: a standard score, or one indicator per common category."""
    cells = comparison.train.columns[column]
    scale = comparison.scales[column]
    present = ~np.isnan(cells)
    if not present.any():
        return []
    if not scale.discrete:
        centre, spread = float(cells[present].mean()), float(cells[present].std()) or 1.0

        def score(rows: Rows) -> Array:
            own = rows.columns[column]
            return np.clip((np.where(np.isnan(own), centre, own) - centre) / spread, -4, 4)

        return [(f"{column} (per SD)", score)]
    people = comparison.train_people
    codes = cells[present].astype(np.int64)
    per_code = people_per_code(codes, None if people is None else people[present], len(scale.labels))
    common = [int(code) for code in np.argsort(-np.bincount(codes, minlength=len(per_code)), kind="stable")]
    shown = [code for code in common if per_code[code] >= K][1 : 1 + MAX_LEVELS]  # the most common one is the base
    return [(f"{column}: {scale.labels[code]}", _has(column, code)) for code in shown]


def _has(column: str, code: int) -> Callable[[Rows], Array]:
    """1 where a row has the level, else 0."""
    return lambda rows: (rows.columns[column] == code).astype(np.float64)


def _coefficient(name: str, real: Fitted, synthetic: Fitted, place: int, n: int) -> Coefficient:
    at = place + 1
    first, second = float(real.estimates[at]), float(synthetic.estimates[at])
    half = 1.96 * float(np.sqrt(real.variances[at]))
    found = combine([second], [float(synthetic.variances[at])], rule="plug-in", n_real=n, n_synthetic=n)
    low, high = (float(end[0]) for end in found.interval(0.95))
    return Coefficient(
        name=name,
        real=round(first, 4),
        real_interval=Interval(low=round(first - half, 4), high=round(first + half, 4)),
        synthetic=round(second, 4),
        synthetic_interval=Interval(low=round(low, 4), high=round(high, 4)),
        overlap=round(float(overlap(real, synthetic)[place]), 4),
        gap=round(abs(second - first) / max(half / 1.96, 1e-12), 3),
    )


def _changed(item: Coefficient) -> bool:
    """Whether an effect is clear (its interval leaves zero out) on one side and not, or opposite, on the other."""

    def side(interval: Interval) -> int:
        return 1 if interval.low > 0 else -1 if interval.high < 0 else 0

    return side(item.real_interval) != side(item.synthetic_interval)


def _spread(real: Fitted, synthetic: Fitted, value: float, rng: np.random.Generator, level: float) -> Interval:
    """Percentiles of the mean overlap over what the estimates might have been, stretched to hold the value itself."""
    found = []
    for _ in range(_DRAWS):
        moved = [
            Fitted(fit.estimates + np.sqrt(fit.variances) * rng.normal(size=len(fit.estimates)), fit.variances)
            for fit in (real, synthetic)
        ]
        found.append(float(overlap(*moved).mean()))
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low=min(float(low), value), high=max(float(high), value), level=level)

"""Epsilon from below: what an attack can prove about a private generator, beside what it claims.

The generator is run many times on an invented table, and as often on the same table with one more unit. An attacker who
sees a release says "there" where the evidence is above 0 (`Audit`, made by `dp/audit.py`). With the share p of right
and q of wrong such answers, each at its worse end, the attack proves that no smaller claim can hold:

    D_a(p, q) = log(p^a q^(1 - a) + (1 - p)^a (1 - q)^(1 - a)) / (a - 1),   and the same for (1 - q, 1 - p), (q, p), ...
    rho >= max over orders a of D_a / a,      epsilon >= that of this rho, by the rule that the claim was made with

Decisions
- In zCDP terms, as the claim is made in them: no processing can raise a Rényi divergence, so the bound assumes nothing
  about the noise. The bound log((p - delta) / q) that needs no rho is shown, too; at epsilon 1 it is far weaker, since
  Gaussian noise spends its epsilon where nobody will ever look.
- The threshold was fixed beforehand, so nothing is lost to a search for it.
- A pass is no proof. It is said only where the runs would have shown noise of half the size; with fewer runs, or a
  claim so small that nobody can see it, the evidence is insufficient.

Source: Jagielski, Ullman & Oprea 2020, arXiv:2006.07709, and Nasr et al. 2023, "Tight auditing of differentially
private machine learning", arXiv:2302.07956, for bounds with Clopper-Pearson intervals; Bun & Steinke 2016,
arXiv:1605.02065, for zCDP and its data processing.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Unit, answer, describe_error, unmeasured
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.intervals import Interval
from tabsynth.evaluation.recipe import Audit, Recipe

MIN_RUNS = 50
_ORDERS = tuple(float(order) for order in np.concatenate([np.geomspace(1.01, 2, 12)[:-1], np.arange(2, 65)]))
_HOPELESS = 3


class EpsilonScores(Detail):
    """What was claimed, and what the attack could prove."""

    claimed: float
    delta: float
    proven: float
    """Epsilon that the attack proves at least, by the rule that the claim was made with."""
    proven_alone: float
    """The same without that rule, from the two error rates and delta alone."""
    exact: float
    """What the attack would prove, on average, of a generator that gives away just what it claims."""
    halved: float
    """The same of one with noise of half the size."""
    notices: float
    """Factor by which noise must be too small for the runs to disprove the claim, on average; 0: none up to 16."""
    right: float
    """Share of runs with the unit in which the attack said so."""
    wrong: float
    """The same of runs without it."""
    n_runs: int
    unit: str


def rates_between(hits: int, alarms: int, n: int, level: float) -> tuple[float, float]:
    """Lower end of the share of hits and upper end of that of alarms, which hold together with confidence `level`.

    Source: Clopper & Pearson 1934; each end at half of what may go wrong.
    """
    tail = (1 - level) / 2
    least = float(stats.beta.ppf(tail, hits, n - hits + 1)) if hits else 0.0
    most = float(stats.beta.ppf(1 - tail, alarms + 1, n - alarms)) if alarms < n else 1.0
    return least, most


def rho_proven(right: float, wrong: float, *, delta: float = 0.0, order: int | None = None) -> float:
    """The smallest rho that allows an attack to be right and wrong at these rates.

    Args:
        right: Share of "there" among releases with the unit, at its lower end.
        wrong: Share of "there" among releases without it, at its upper end.
        delta: Probability with which the claim may fail beyond rho.
        order: Largest order that rho holds for; None: all.

    Example:
        >>> rho_proven(0.5, 0.5)
        0.0
        >>> round(rho_proven(0.9, 0.1), 3)
        1.758
    """
    right, wrong = right - delta, wrong + delta
    if not 0 <= wrong < right <= 1:
        return 0.0
    orders = _ORDERS if order is None else tuple(a for a in _ORDERS if a.is_integer() and 2 <= a <= order)
    pairs = ((right, wrong), (wrong, right))
    found = [_divergence(p, q, a) / a for p, q in pairs for a in orders]
    if order is None:
        found += [_divergence(p, q, 1.0) for p, q in pairs]
    return max(0.0, *(value for value in found if math.isfinite(value)), 0.0)


def _divergence(p: float, q: float, order: float) -> float:
    """Rényi divergence of two coins; infinite divergences count as unknown."""
    if q <= 0 or q >= 1:
        return math.nan
    if order == 1.0:
        first = p * math.log(p / q) if p > 0 else 0.0
        return first + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0)
    logs = [order * math.log(p) + (1 - order) * math.log(q)] if p > 0 else []
    logs += [order * math.log1p(-p) + (1 - order) * math.log1p(-q)] if p < 1 else []
    return float(np.logaddexp.reduce(logs)) / (order - 1)


def epsilon_alone(right: float, wrong: float, delta: float) -> float:
    """The smallest epsilon that allows these rates at a delta, whatever the mechanism."""
    found = [0.0]
    if right - delta > 0 and wrong > 0:
        found.append(math.log((right - delta) / wrong))
    if 1 - wrong - delta > 0 and right < 1:
        found.append(math.log((1 - wrong - delta) / (1 - right)))
    return max(found)


class EpsilonAudit:
    """Epsilon that an attack on invented rows proves at least, for a generator that claims differential privacy.

    Formula:
        See the head of this module. The limit applies to the share of the claim; its interval ends at half of the
        factor by which noise would have to be too small for the runs to show it.
    Units:
        Epsilon, from 0; the claim itself is in the notes.
    Cost:
        4,000 releases of 100 invented rows, of 10 to 60 ms each (1,000 of 0.2 s for a trained generator); no fit to
        real rows.
    Source:
        See the head of this module and of `tabsynth/dp/audit.py`.
    """

    name = "epsilon-audit"
    family = Family.ATTACKS
    question = "Does the private generator give away more than it claims?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "score"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Run the generator on two invented tables and bound epsilon from below.

        Privacy:
            Reads none of the three tables, and charges no ledger: the tables that it measures are invented.
        """
        recipe = comparison.recipe
        if recipe is None:
            return Findings([unmeasured(self, "Not tested: needs the model's recipe, to run it on invented rows.")])
        if recipe.no_audit:
            return Findings([unmeasured(self, error=recipe.no_audit)])
        if recipe.audit is None:
            return Findings([unmeasured(self, f"Not tested: {recipe.generator} claims no differential privacy.")])
        return self._judge(recipe, recipe.audit, level)

    def _judge(self, recipe: Recipe, audit: Audit, level: float) -> Findings:
        present, absent, failures = _runs(recipe, audit)
        n = len(present)
        if n < MIN_RUNS:
            said = f"Only {n} runs could be made, and at least {MIN_RUNS} are needed"
            if failures:
                return Findings([unmeasured(self, error=f"{said}: {failures[0].rstrip('.')}")])
            return Findings([unmeasured(self, f"{said}; allow more time.", undecided=True)])
        hits, alarms = sum(value > 0 for value in present), sum(value > 0 for value in absent)
        right, wrong = rates_between(hits, alarms, n, level)
        proven = audit.to_epsilon(rho_proven(right, wrong, delta=audit.delta_apart, order=audit.order))
        notices = noticed_factor(audit, n, level)
        share = proven / audit.epsilon
        detail = EpsilonScores(
            claimed=audit.epsilon,
            delta=audit.delta,
            proven=proven,
            proven_alone=epsilon_alone(right, wrong, audit.delta),
            exact=expected(audit, n, level, factor=1.0),
            halved=expected(audit, n, level, factor=2.0),
            notices=notices or 0.0,
            right=hits / n,
            wrong=alarms / n,
            n_runs=n,
            unit=audit.unit,
        )
        shown = "noise up to 16 times too small would not show" if notices is None else ""
        shown = shown or f"noise too small by a factor of {notices:.2g} would show"
        notes = [
            f"Claimed: epsilon {audit.epsilon:g} at delta {audit.delta:g}, for {audit.unit}. Proven by the "
            f"attack: at least {proven:.2g}; of a generator that gives away just what it claims it would prove "
            f"{detail.exact:.2g}.",
            f"{n:,} releases with the unit and {n:,} without, of invented rows; with so many, {shown}.",
        ]
        if failures:
            notes.append(f"{len(failures)} runs failed: {failures[0].rstrip('.')}.")
        whole = answer(
            self,
            value=proven,
            n=n,
            judged=Judged(
                what="share of the claim",
                value=share,
                interval=Interval(low=share, high=max(share, (notices or 16.0) / 2), level=level),
            ),
            notes=tuple(notes),
        )
        return Findings([whole], detail)


def _runs(recipe: Recipe, audit: Audit) -> tuple[Sequence[float], Sequence[float], list[str]]:
    """Evidence of as many runs with the unit as without, and what went wrong."""
    wanted = recipe.n_runs or audit.n_runs
    present: list[float] = []
    absent: list[float] = []
    failures: list[str] = []
    start = time.monotonic()
    for run in range(wanted):
        late = recipe.time_limit is not None and time.monotonic() - start > recipe.time_limit
        if late or (not present and len(failures) >= _HOPELESS):
            break
        if run % 50 == 0:
            recipe.progress.advance(0, note=f"audit, run {run + 1:,} of {wanted:,}")
        try:
            pair = audit.evidence(True, run), audit.evidence(False, run)
        except Exception as error:  # one run that fails costs that run
            failures.append(describe_error(error))
            continue
        present.append(pair[0])
        absent.append(pair[1])
    return present, absent, failures


def expected(audit: Audit, n: int, level: float, *, factor: float) -> float:
    """Epsilon that n runs prove of Gaussian noise that spends all of rho, and is too small by a factor; on average."""
    hit = float(stats.norm.cdf(factor * math.sqrt(2 * audit.rho) / 2))
    right, wrong = rates_between(round(hit * n), round((1 - hit) * n), n, level)
    return audit.to_epsilon(rho_proven(right, wrong, delta=audit.delta_apart, order=audit.order))


def noticed_factor(audit: Audit, n: int, level: float) -> float | None:
    """Factor by which noise has to be too small for n runs to disprove the claim, on average; None: not up to 16."""
    low, high = 1.0, 16.0
    if expected(audit, n, level, factor=high) <= audit.epsilon:
        return None
    for _ in range(20):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if expected(audit, n, level, factor=middle) > audit.epsilon else (middle, high)
    return high

"""How often verdicts are wrong: false `pass` and false `fail` over simulated releases whose truth is known.

    python -m evaluations.verdicts

A release is simulated 1,000 times for each kind of limit; its true value is drawn around the limit, so that half of all
releases are truly beyond it and most are near. A false pass is a `pass` of a release whose true value breaks the limit;
its share is among all releases that truly do. A false fail is the reverse. "At the limit" all releases have exactly the
limit as their true value: there every pass and every fail is a coin's toss, and 2.5 % of each is what a 95 % interval
promises. "At the null" releases are fresh rows: no clause that asks for an excess may fail more often than promised.

Kinds: a share of rows (Wilson), an excess over a holdout (Newcombe), similarity as a share of the ceiling
(influence), the largest excess over 40 pairs (Bonferroni), an area (DeLong), a rate at 1 % false alarms, copies of
single people.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from tabsynth.evaluation.base import Family, Judged, Result, Verdict
from tabsynth.evaluation.comparison import Array
from tabsynth.evaluation.intervals import (
    Interval,
    around,
    auc_interval,
    each_of,
    largest_of,
    newcombe,
    wilson,
)
from tabsynth.evaluation.policy import Clause, judge
from tabsynth.evaluation.rates import Ranking
from tabsynth.evaluation.similarity import counted_similarity, share_of_ceiling
from tabsynth.evaluation.single_copies import unexplained
from tabsynth.outputs import atomic_file

RESULTS = Path(__file__).parent / "results" / "verdicts.json"
RELEASES = 1_000
SIZES = (300, 1_000, 4_000)
Draw = Callable[[np.random.Generator, int, float], tuple[float, Interval]]
"""A release: generator, rows, true value -> judged value and its interval."""


def share(rng: np.random.Generator, n: int, truth: float) -> tuple[float, Interval]:
    """A share of rows."""
    events = int(rng.binomial(n, truth))
    return events / n, wilson(events, n)


def excess(rng: np.random.Generator, n: int, truth: float) -> tuple[float, Interval]:
    """An excess of a share over the holdout's, which is 3 %."""
    events, others = int(rng.binomial(n, 0.03 + truth)), int(rng.binomial(n, 0.03))
    return (events - others) / n, newcombe(events, n, others, n)


def ceiling(rng: np.random.Generator, n: int, truth: float) -> tuple[float, Interval]:
    """Similarity of one column of ten categories as a share of the ceiling that n real rows reach on average."""
    return _ceiling(rng, n, float(np.interp(-truth, *_moved(n))))


def _ceiling(rng: np.random.Generator, n: int, moved: float) -> tuple[float, Interval]:
    """The same when a share of rows moved from half of the categories to the other half."""
    p = np.full(10, 0.1)
    off = p + np.where(np.arange(10) < 5, -1, 1) * moved / 5
    train = rng.multinomial(4 * n, p)
    own, real = (counted_similarity(train, rng.choice(10, n, p=q)) for q in (off, p))
    return share_of_ceiling(own, real, level=0.95)


@cache
def _moved(n: int) -> tuple[Array, Array]:
    """Minus the mean share of the ceiling, and the share of rows moved that leads to it: sampling hides a part."""
    rng = np.random.default_rng(n)
    moved = np.linspace(0, 0.2, 11)
    means = [np.mean([_ceiling(rng, n, float(part))[0] for _ in range(300)]) for part in moved]
    return np.maximum.accumulate(-np.array(means)), moved


def largest_of_many(rng: np.random.Generator, n: int, truth: float) -> tuple[float, Interval]:
    """The largest of 40 excesses of a mean, one of which is not zero."""
    level = each_of(0.95, 40)
    intervals, values = [], []
    for place in range(40):
        made, real = rng.binomial(n, 0.3 + (truth if place == 0 else 0.0)) / n, rng.binomial(n, 0.3) / n
        # Standard errors of two means of zeros and ones, as `standard_error_of_mean` gives them.
        error = float(np.sqrt((made * (1 - made) + real * (1 - real)) / (n - 1)))
        values.append(made - real)
        intervals.append(around(values[-1], error, n=n, level=level, lower=-1.0))
    return max(values), largest_of(intervals, level=0.95)


def area(rng: np.random.Generator, n: int, truth: float) -> tuple[float, Interval]:
    """An area under the ROC curve of two normal scores."""
    from scipy import stats

    shift = float(np.sqrt(2) * stats.norm.ppf(truth))
    return auc_interval(rng.normal(shift, 1, n), rng.normal(0, 1, n))


def tail_rate(rng: np.random.Generator, n: int, truth: float) -> tuple[float, Interval]:
    """Members recognised at 1 % false alarms: a part of them is known for certain, the others score like strangers."""
    known = (truth - 0.01) / 0.99
    members = rng.normal(0, 1, n) + 20 * (rng.random(n) < known)
    ranking = Ranking.of(members, rng.normal(0, 1, n), rng.random(2 * n))
    return ranking.at(0.01), ranking.interval(0.01, 0.95)


def single_copies(rng: np.random.Generator, n: int, truth: float) -> tuple[float, Interval]:
    """Copies of single people in a release, where strangers coincide in 0.1 % of rows."""
    memory, chance = round(truth * n), int(rng.binomial(n, 0.001))
    others = int(rng.binomial(2 * n, 0.001))
    copies = memory + chance
    return copies / n - others / (2 * n), unexplained(copies, n, others, 2 * n, level=0.95)


KINDS: dict[str, tuple[Draw, float, str, tuple[float, float], float]] = {
    # name: draw, limit, direction, range of true values, true value of honest rows
    "share": (share, 0.05, "at most", (0.0, 0.1), 0.0),
    "excess": (excess, 0.05, "at most", (0.0, 0.1), 0.0),
    "share of the ceiling": (ceiling, 0.95, "at least", (0.9, 1.0), 1.0),
    "largest of 40": (largest_of_many, 0.1, "at most", (0.0, 0.2), 0.0),
    "area": (area, 0.55, "at most", (0.5, 0.6), 0.5),
    "rate at 1 % false alarms": (tail_rate, 0.03, "at most", (0.01, 0.05), 0.01),
    "copies of single people": (single_copies, 0.0005, "at most", (0.0, 0.005), 0.0),
}


def simulate(name: str, n: int) -> dict[str, Any]:
    """Shares of wrong verdicts for one kind of limit and one number of rows."""
    draw, limit, direction, (low, high), honest = KINDS[name]
    clause = Clause.model_validate(
        {
            "name": "simulated",
            "metric": "missingness",
            "direction": direction,
            "limit": limit,
            "source": "simulation",
            "rationale": "simulation",
        }
    )
    rng = np.random.default_rng([n, *name.encode()])

    def verdict(truth: float) -> Verdict:
        value, interval = draw(rng, n, truth)
        judged = Judged(what=name, value=value, interval=interval)
        result = Result(
            metric="missingness", family=Family.FIDELITY, question=name, better="lower", value=value, n=n, judged=judged
        )
        return judge(result, clause).verdict

    truths = rng.uniform(low, high, RELEASES)
    found = [verdict(truth) for truth in truths]
    # What a release truly shows is on a grid of rows where it is counted in rows.
    exact = np.round(truths * n) / n if name == "copies of single people" else truths
    breaks = exact > limit if direction == "at most" else exact < limit
    at_limit = [verdict(limit) for _ in range(RELEASES)]
    at_null = [verdict(honest) for _ in range(RELEASES)]

    def part(verdicts: Sequence[Verdict], wanted: Verdict) -> float:
        return round(sum(one is wanted for one in verdicts) / max(1, len(verdicts)), 4)

    broken = [one for one, bad in zip(found, breaks, strict=True) if bad]
    kept = [one for one, bad in zip(found, breaks, strict=True) if not bad]
    return {
        "kind": name,
        "n_rows": n,
        "false_pass": part(broken, Verdict.PASS),
        "false_fail": part(kept, Verdict.FAIL),
        "undecided": part(found, Verdict.INSUFFICIENT),
        "false_pass_at_the_limit": part(at_limit, Verdict.PASS),
        "fail_at_the_null": part(at_null, Verdict.FAIL),
        "pass_at_the_null": part(at_null, Verdict.PASS),
    }


def main() -> None:
    started = time.process_time()
    rows = [simulate(name, n) for name in KINDS for n in SIZES]
    results = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "releases": RELEASES,
        "worst_false_pass": max(row["false_pass"] for row in rows),
        "worst_false_fail": max(row["false_fail"] for row in rows),
        "worst_fail_at_the_null": max(row["fail_at_the_null"] for row in rows),
        "cpu_seconds": round(time.process_time() - started, 1),
        "rows": rows,
    }
    with atomic_file(RESULTS) as partial:
        partial.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps({key: value for key, value in results.items() if key != "rows"}))


if __name__ == "__main__":
    main()

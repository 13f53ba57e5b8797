"""What catches the canaries: our default policy, and SDMetrics, SynthEval and anonymeter on the same releases.

    python -m evaluations.canaries                     ours and every peer whose environment is there
    python -m evaluations.canaries --peers sdmetrics

One third of 3 x ROWS rows of Adult each is train, holdout and release. Peers run in environments of their own,
`.venv-<name>` or the interpreter named in `TABSYNTH_<NAME>_PYTHON` (SYNTHEVAL, SDMETRICS, ANONYMETER); they are asked
with their authors' defaults.

What counts as an alarm. SDMetrics and SynthEval publish scores without a limit, so their reader is taken for one who
knows what real rows score: a score that lies 0.05 or more below that of fresh real rows is an alarm, whichever it is.
anonymeter states the interval of a residual risk: a lower end above zero on any attack is an alarm (its documentation
names no other limit). A bad release should raise an alarm of the right kind (scores of privacy for leaks, the others
for damage, where a tool has both); a good one should raise none.

A second table holds our fidelity scores alone: what fresh real rows reach, and how far each damage lowers the score of
the metric that is made for it (6,000 rows).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.tabular_protocol.tables import DATA
from tabsynth.evaluation.canaries import Trials, try_canaries
from tabsynth.evaluation.canaries.catalogue import CANARIES, FIDELITY, Canary
from tabsynth.evaluation.canaries.parts import Parts
from tabsynth.evaluation.comparison import read_frame
from tabsynth.outputs import atomic_file
from tabsynth.randomness import child
from tabsynth.schema.columns import Categorical, Column, Integer
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable, format_column

RESULTS = Path(__file__).parent / "results" / "canaries.json"
ROWS = 1_000
CEILING_ROWS = 10_000
PEERS = ("sdmetrics", "syntheval", "anonymeter")
TARGET = "income"
LOWER = 0.05
"""A score this far below that of fresh rows is an alarm, where a tool publishes no limit."""
PRIVACY = (
    "dcr", "nndr", "nnaa", "eps", "mia", "att_discl", "hit_rate", "hitting", "privacy", "disclosure", "identifiability",
    "adversarial", "membership", "singling", "linkability", "inference", "closest record", "neighbour", "neighbor",
    "overfitting", "baseline protection", "priv",
)  # fmt: skip
"""Parts of the names of scores that speak of privacy."""


def adult(n_rows: int) -> tuple[TypedTable, Table]:
    """Rows of the census table, drawn by seed, and its schema."""
    frame = pd.read_csv(DATA / "adult" / "adult_train.csv.gz", skipinitialspace=True)
    frame = frame.iloc[np.random.default_rng(0).permutation(len(frame))[:n_rows]].reset_index(drop=True)
    columns: dict[str, Column] = {
        name: Integer() if pd.api.types.is_integer_dtype(frame[name]) else Categorical(missing_values=("?",))
        for name in frame.columns
    }
    table = Table(columns=columns)
    return read_frame(frame, table, name="adult"), table


def ask_peer(peer: str, parts: Parts) -> dict[str, Any]:
    """Scores of one peer on every release that the table allows.

    Raises:
        FileNotFoundError: Its environment is not there.
        RuntimeError: It failed.
    """
    python = os.environ.get(
        f"TABSYNTH_{peer.upper()}_PYTHON", str(Path(__file__).parents[1] / f".venv-{peer}/bin/python")
    )
    if not Path(python).exists():
        raise FileNotFoundError(
            f"{peer}: make .venv-{peer} with it, or name an interpreter in TABSYNTH_{peer.upper()}_PYTHON"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = {canary.name: canary.make(parts, child(parts.seed, "canary", canary.name)) for canary in CANARIES}
        tables = {"train": parts.train, "holdout": parts.holdout} | {k: v for k, v in made.items() if v is not None}
        for key, typed in tables.items():
            _frame(typed, parts.table).to_csv(folder / f"{key}.csv", index=False)
        categorical = [name for name, column in parts.table.columns.items() if isinstance(column, Categorical)]
        job = {"categorical": categorical, "target": TARGET, "releases": [k for k, v in made.items() if v is not None]}
        (folder / "job.json").write_text(json.dumps(job))
        worker = Path(__file__).parent / "peers" / f"{peer}_worker.py"
        pools = {f"{pool}_NUM_THREADS": "1" for pool in ("OMP", "OPENBLAS", "MKL")} | {"LOKY_MAX_CPU_COUNT": "1"}
        done = subprocess.run(
            [python, str(worker), str(folder)], env={**os.environ, **pools}, cwd=folder, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{peer} failed: {done.stderr[-1500:]}")
        found: dict[str, Any] = json.loads((folder / "scores.json").read_text())
        return found


def _frame(typed: TypedTable, table: Table) -> pd.DataFrame:
    return pd.DataFrame(
        {name: format_column(typed.columns[name], column, name=name) for name, column in table.columns.items()}
    )


def alarms(peer: str, scores: dict[str, float | None], fresh: dict[str, float | None]) -> list[str]:
    """Names of the scores that raise an alarm; see the head of this file."""
    limits = {key: 1.0 if peer == "anonymeter" else (fresh.get(key) or 0.0) - LOWER for key in scores}
    slack = 1e-9
    return [key for key, value in scores.items() if value is not None and value < limits[key] - slack]


def right(canary: str, raised: list[str]) -> bool:
    """Whether the alarms are those that the release deserves."""
    [own] = [known for known in CANARIES if known.name == canary]
    if own.good:
        return not raised
    return any(any(part in key.lower() for part in PRIVACY) is is_leak(own) for key in raised)


def is_leak(canary: Canary) -> bool:
    """Whether it gives people away; else it tells something wrong."""
    return canary.make.__module__.endswith("leaks")


def kind_of(name: str) -> str:
    """Good, leak or damage."""
    [own] = [known for known in CANARIES if known.name == name]
    return "good" if own.good else "leak" if is_leak(own) else "damage"


def ceilings(trials: Trials) -> list[dict[str, Any]]:
    """What fresh rows reach, and how far damage lowers the score that is made for it."""
    [fresh] = [trial for trial in trials.trials if trial.name == "fresh"]
    real = {finding.metric: finding.score for finding in fresh.findings if finding.score is not None}
    rows: list[dict[str, Any]] = [
        {"release": "fresh", "metric": metric, "score": round(score, 4)} for metric, score in real.items()
    ]
    for trial in trials.trials:
        for finding in trial.findings:
            if finding.expected == "fail" and finding.score is not None:
                drop = real[finding.metric] - finding.score
                rows.append(
                    {
                        "release": trial.name,
                        "metric": finding.metric,
                        "score": round(finding.score, 4),
                        "drop": round(drop, 4),
                    }
                )
    return rows


def render(results: dict[str, Any]) -> str:
    """The results as Markdown."""
    ours = Trials.model_validate(results["ours"])
    made = [trial for trial in ours.trials if trial.made]
    want = [finding for finding in ours.findings if finding.expected != "no fail"]
    peers = results["peers"]
    asked = [peer for peer in PEERS if peer in peers and "scores" in peers[peer]]
    lines = [
        "# What catches the canaries",
        "",
        f"`python -m evaluations.canaries`: Adult, {ours.n_rows:,} rows each of train, holdout and release.",
        "",
        f"- tabsynth, default policy: {sum(f.met for f in want)} of {len(want)} expected alarms, and "
        f"{sum(f.met for f in ours.findings)} of {len(ours.findings)} expected verdicts in all; "
        f"{results['cpu_seconds']:.0f} CPU seconds for {len(made)} releases.",
    ]
    for peer in PEERS:
        if peer not in asked:
            lines.append(f"- {peer}: {peers.get(peer, {}).get('missing', 'not asked')}.")
            continue
        counts = []
        for kind in ("leak", "damage", "good"):
            judged = [right(t.name, peers[peer]["alarms"][t.name]) for t in made if kind_of(t.name) == kind]
            counts.append(f"{sum(judged)} of {len(judged)} {kind}{'s' if kind == 'leak' else ' releases'}")
        lines.append(f"- {peers[peer]['version']}: right about {', '.join(counts)}.")
    lines += [
        "",
        "SDMetrics and SynthEval publish no limits: a score 0.05 below that of fresh real rows counts as an alarm, for "
        "leaks a score of privacy, for damage another. anonymeter measures risks only, so it cannot see damage; it "
        "alarms where the interval of a risk lies above zero. In the cells: right or wrong, and what raised an alarm.",
        "",
        "| canary | tabsynth | " + " | ".join(peers[peer]["version"] for peer in asked) + " |",
        "|---|---|" + "---|" * len(asked),
    ]
    for trial in made:
        ok = trial.caught and all(finding.met for finding in trial.findings)
        cells = [f"{'right' if ok else '**wrong**'}: {', '.join(trial.failed) or trial.verdict.value}"]
        for peer in asked:
            raised = peers[peer]["alarms"][trial.name]
            word = "right" if right(trial.name, raised) else "**wrong**"
            cells.append(f"{word}: {', '.join(raised) or 'no alarm'}")
        lines.append(f"| {trial.name} | " + " | ".join(cells) + " |")
    if rows := results.get("ceilings"):
        lines += [
            "",
            "## Fidelity scores: real rows, and what damage does to them",
            "",
            f"{CEILING_ROWS:,} rows; the number that the limit is held against, turned so that 1 is perfect.",
            "",
            "| release | score | value | below fresh rows |",
            "|---|---|--:|--:|",
            *(f"| {r['release']} | {r['metric']} | {r['score']:.3f} | {r.get('drop', '')} |" for r in rows),
        ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluations.canaries", description=__doc__)
    parser.add_argument("--peers", default=",".join(PEERS), help="names, with commas; empty: none")
    parser.add_argument("--only-peers", action="store_true", help="keep our own results, ask the peers anew")
    parser.add_argument("--only", help="measure these canaries of ours anew, with commas, and keep the others")
    asked = parser.parse_args(arguments)
    typed, table = adult(3 * ROWS)
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {"peers": {}}
    if asked.only:
        tried = try_canaries(typed, table, names=asked.only.split(","), max_rows=ROWS)
        again = {trial.name: trial for trial in tried.trials}
        ours = Trials.model_validate(results["ours"])
        merged = ours.model_copy(update={"trials": tuple(again.get(trial.name, trial) for trial in ours.trials)})
        results["ours"] = merged.model_dump(mode="json")
        _write(results)
        return
    if not asked.only_peers or "ours" not in results:
        started = time.process_time()
        trials = try_canaries(typed, table, max_rows=ROWS)
        results["ours"] = trials.model_dump(mode="json")
        results["cpu_seconds"] = round(time.process_time() - started, 1)
        results["machine"] = {"cpus": os.cpu_count(), "python": platform.python_version()}
        _write(results)
        names = ["fresh", *(canary.name for canary in CANARIES if not canary.good and not is_leak(canary))]
        whole, _ = adult(3 * CEILING_ROWS)
        results["ceilings"] = ceilings(try_canaries(whole, table, names=names, metrics=FIDELITY, max_rows=CEILING_ROWS))
        _write(results)
    parts = Parts.of(typed, table, max_rows=ROWS, seed=0)
    for peer in [name for name in asked.peers.split(",") if name]:
        try:
            found = ask_peer(peer, parts)
        except (FileNotFoundError, RuntimeError) as error:
            reason = "its environment was not there" if isinstance(error, FileNotFoundError) else "it failed"
            results["peers"].setdefault(peer, {"missing": reason})
            print(error, flush=True)
            continue
        fresh = found["scores"]["fresh"]
        raised = {name: alarms(peer, scores, fresh) for name, scores in found["scores"].items()}
        results["peers"][peer] = {**found, "alarms": raised}
        _write(results)
        print(peer, {name: right(name, keys) for name, keys in raised.items()}, flush=True)


def _write(results: dict[str, Any]) -> None:
    for path, text in ((RESULTS, json.dumps(results, indent=1) + "\n"), (RESULTS.with_suffix(".md"), render(results))):
        with atomic_file(path) as partial:
            partial.write_text(text)


if __name__ == "__main__":
    import sys

    main(sys.argv[1:])

"""Make the corpus, scan it, and count what was found and what was found wrongly."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluations.identifier_corpus.near_misses import NEAR_MISSES
from evaluations.identifier_corpus.positives import POSITIVES
from tabsynth.identifiers.hipaa import SAFE_HARBOR
from tabsynth.identifiers.scan import scan_table

RESULTS = Path(__file__).parents[1] / "results"
N_ROWS = 120
SEED = 20260131


@dataclass(frozen=True)
class Case:
    """One column of the corpus."""

    letter: str
    """Class that it is about."""
    positive: bool
    name: str
    cells: pd.Series
    allowed: frozenset[str]
    """Classes that may be found in it."""


def corpus(*, n_rows: int = N_ROWS, seed: int = SEED) -> Iterator[Case]:
    """Every column of the corpus; the same seed gives the same cells."""
    for letter in map(str, SAFE_HARBOR):
        for number, (name, make) in enumerate(POSITIVES[letter]):
            rng = np.random.default_rng([seed, ord(letter), 1, number])
            allowed = frozenset({letter, *_EXPLAINED.get(letter, ""), *("R" if _is_prose(name, make, rng) else "")})
            yield Case(letter, True, name, _series(make(rng, n_rows)), allowed)
        for number, (name, make, also) in enumerate(NEAR_MISSES[letter]):
            rng = np.random.default_rng([seed, ord(letter), 0, number])
            yield Case(letter, False, name, _series(make(rng, n_rows)), frozenset(also))


_EXPLAINED = {"Q": "N"}  # an address of an image is an address


def _is_prose(name: str, make: Any, rng: np.random.Generator) -> bool:
    """Whether the column is of remarks, which are nearly all different and so a finding of their own."""
    return "remarks" in getattr(make, "__qualname__", "")


def _series(texts: list[str]) -> pd.Series:
    return pd.Series(texts, dtype=object)


def measure(cases: Iterator[Case] | None = None) -> dict[str, Any]:
    """Recall and precision for each class, and which columns were missed or found wrongly."""
    counts = {str(letter): dict.fromkeys(("positives", "near_misses", "found", "false"), 0) for letter in SAFE_HARBOR}
    missed, wrong = [], []
    for case in cases or corpus():
        found = {str(finding.kind) for finding in scan_table(pd.DataFrame({case.name: case.cells})).findings}
        own = counts[case.letter]
        if case.positive:
            own["positives"] += 1
            own["found"] += case.letter in found
            if case.letter not in found:
                missed.append(f"{case.letter}: {case.name}")
        else:
            own["near_misses"] += 1
        for letter in found - case.allowed:
            counts[letter]["false"] += 1
            wrong.append(f"{letter} in {case.name} ({'holds' if case.positive else 'near miss of'} {case.letter})")
    classes = {
        letter: {
            "title": SAFE_HARBOR[kind].title,
            **counts[letter],
            "recall": round(counts[letter]["found"] / counts[letter]["positives"], 4),
            "precision": round(counts[letter]["found"] / max(1, counts[letter]["found"] + counts[letter]["false"]), 4),
        }
        for kind in SAFE_HARBOR
        for letter in (str(kind),)
    }
    return {"rows_per_column": N_ROWS, "seed": SEED, "classes": classes, "missed": missed, "found_wrongly": wrong}


def main(arguments: list[str] | None = None) -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(prog="python -m evaluations.identifier_corpus", description=__doc__)
    parser.add_argument("--tables", type=Path, help="folder of tables to scan besides")
    options = parser.parse_args(arguments)
    started = time.process_time()
    result = measure()
    result = {
        "command": "python -m evaluations identifier_corpus",
        "cpu_seconds": round(time.process_time() - started, 1),
        **result,
    }
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, indent=2, ensure_ascii=False)
    (RESULTS / "identifier_corpus.json").write_text(text + "\n", encoding="utf-8")
    for letter, row in result["classes"].items():
        print(f"{letter} {row['title']:50} recall {row['recall']:.3f} precision {row['precision']:.3f}")
    print(*result["missed"], *result["found_wrongly"], sep="\n")
    if options.tables is not None:
        from evaluations.identifier_corpus.real_tables import write

        write(options.tables, RESULTS / "identifier_tables.md")

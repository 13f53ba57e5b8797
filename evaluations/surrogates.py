"""Whether surrogates can be real: official rules on a million of each kind, and replay of real identifiers and text.

    python -m evaluations surrogates

Rules are those of `official_rules.py`; where python-stdnum is installed it judges beside them. Real tables are those of
the shared data and the examples; all that is counted are equal texts, never shown. Results are written to
evaluations/results/surrogates.json.
"""

from __future__ import annotations

import json
import re
import warnings
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

import tabsynth as ts
from evaluations.main_job import DATA
from evaluations.official_rules import GENUINE, RULES
from tabsynth.identifiers.surrogate import make_surrogates, recipe_of
from tabsynth.schema.model import Identifier, Surrogate, Text

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "surrogates.json"
N = 1_000_000
STDNUM = {"imei": "imei", "iban": "iban", "card_number": "luhn", "aba_routing": "us.rtn", "ssn": "us.ssn"}
TABLES = (
    ("adult_ssn", DATA / "adult_ssn" / "adult_ssn.csv.gz", None),
    ("synthea patients", DATA / "synthea" / "patients.csv", None),
    ("synthea encounters", DATA / "synthea" / "encounters.csv.gz", None),
    ("synthea conditions", DATA / "synthea" / "conditions.csv", None),
    ("example patients", ROOT / "examples" / "patients.csv", ROOT / "schemas" / "patients.yaml"),
    ("example transactions", ROOT / "examples" / "transactions.csv", ROOT / "schemas" / "transactions.yaml"),
)


def official(kind: Any) -> dict[str, Any]:
    """How many of a million surrogates the official rule accepts, and how many are distinct."""
    column = Identifier(surrogate=kind)
    made = make_surrogates(column, N, rng=np.random.default_rng(1), unique=False)
    found: dict[str, Any] = {"drawn": len(made), "possible": sum(form.size for form in recipe_of(column).forms)}
    if kind in RULES:
        found["accepted_by_rule"] = sum(map(RULES[kind], made))
        found["genuine_accepted"] = f"{sum(map(RULES[kind], GENUINE[kind]))} of {len(GENUINE[kind])}"
    if kind in STDNUM:
        try:
            judge = import_module(f"stdnum.{STDNUM[kind]}")
        except ImportError:
            return found
        found["accepted_by_stdnum"] = sum(map(judge.is_valid, made[:100_000]))
    return found


def replay(source: Path, schema_file: Path | None) -> dict[str, Any]:
    """Real identifiers, and words of 6 signs or more of real free text, that come back in synthetic rows."""
    table = ts.read_table(source)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = ts.infer(table) if schema_file is None else ts.load_schema(schema_file)
        model = ts.Copula().fit(table, schema, seed=0)
        rows = model.sample(len(table), seed=1)
    found: dict[str, Any] = {"rows": len(table), "identifiers": {}, "text": {}}
    for name, column in schema.only_table.columns.items():
        if isinstance(column, Identifier):
            real, made = _folded(table[name]), _folded(rows[name])
            found["identifiers"][name] = {"real": len(real), "replayed": len(real & made)}
        elif isinstance(column, Text):
            real = _words(table[name])
            made = _words(rows[name]) if name in rows else set()
            found["text"][name] = {"real_words": len(real), "replayed": len(real & made)}
    return found


def _folded(cells: pd.Series) -> set[str]:
    """Letters and digits of the cells, in lower case."""
    texts = (re.sub(r"\W|_", "", str(cell)).casefold() for cell in cells.dropna().unique())
    return {text for text in texts if text}


def _words(cells: pd.Series) -> set[str]:
    return {word.casefold() for cell in cells.dropna().unique() for word in re.findall(r"\w{6,}", str(cell))}


def main() -> None:
    found: dict[str, Any] = {"kinds": {}, "replay": {}}
    for label, source, schema_file in TABLES:
        if source.exists():
            found["replay"][label] = replay(source, schema_file)
            print(label, found["replay"][label], flush=True)
    for kind in get_args(Surrogate):
        found["kinds"][kind] = official(kind)
        print(kind, found["kinds"][kind], flush=True)
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

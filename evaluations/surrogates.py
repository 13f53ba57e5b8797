"""Whether surrogates can be real: official rules on a million of each kind.

    python -m evaluations surrogates

Rules are those of `official_rules.py`; where python-stdnum is installed it judges beside them. Results are written to
evaluations/results/surrogates.json. Whether identifiers and text of real tables come back is measured by `replay.py`.
"""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np

from evaluations.official_rules import GENUINE, RULES
from tabsynth.identifiers.surrogate import make_surrogates, recipe_of
from tabsynth.schema.columns import Identifier, Surrogate

RESULTS = Path(__file__).parent / "results" / "surrogates.json"
N = 1_000_000
STDNUM = {"imei": "imei", "iban": "iban", "card_number": "luhn", "aba_routing": "us.rtn", "ssn": "us.ssn"}


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


def main() -> None:
    found: dict[str, Any] = {"kinds": {}}
    for kind in get_args(Surrogate):
        found["kinds"][kind] = official(kind)
        print(kind, found["kinds"][kind], flush=True)
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

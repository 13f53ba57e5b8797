"""Learn a table, draw synthetic rows, measure them: the Python API in one page.

    python examples/quickstart.py [FOLDER]

writes a model, a table and a report to FOLDER (out/quickstart when left out).
"""

from __future__ import annotations

import sys
from pathlib import Path

import tabsynth as ts

ROOT = Path(__file__).parents[1]


def main(folder: Path) -> None:
    schema = ts.load_schema(ROOT / "schemas" / "patients.yaml")
    table = ts.read_table(ROOT / "examples" / "patients.csv")

    # Every fifth row is kept apart: what a model never saw is the yardstick for what it may resemble.
    holdout = table.iloc[::5]
    train = table.drop(holdout.index)

    model = ts.Copula().fit(train, schema, seed=7)
    rows = model.sample(len(train), seed=8)

    # A fitted model is a file without code in it, and holds no training row.
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.tabsynth")
    assert ts.load(folder / "model.tabsynth").sample(len(train), seed=8).equals(rows)
    ts.write_table(rows, folder / "synthetic.csv")

    # Rows of a chosen kind: exactly as many as asked for.
    elderly = model.sample(200, seed=9, given={"sex": "Female", "age": (85, None)})
    print(f"{len(elderly)} women of 85 and above, drawn on request")

    report = ts.evaluate(train=train, holdout=holdout, synthetic=rows, schema=schema)
    report.save(folder / "report.html")
    print(f"Report: {folder / 'report.html'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "out" / "quickstart")

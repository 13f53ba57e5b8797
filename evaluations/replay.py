"""Whether identifiers and words of free text of real tables come back in synthetic rows.

    python -m evaluations replay

Each table is inferred, fitted with `copula` (identifiers and text are made in the same way for every generator) and
drawn once, as long as it is. Counted, never shown, are
- identifiers: different real values of each column of type identifier, by letters and digits alone and without regard
  to case, and how many of them are in the same column of the synthetic table; those of 6 signs and more also anywhere
  else in it, as a whole cell, but for bare digits, which amounts share by chance;
- text: different words of 6 signs and more of each column of type text, and how many of them are in the same column.
  Text is left out by default, which replays nothing; so that there is something to count, it is filled with invented
  words (`fill: placeholder`) here.

Tables of more than `MOST_ROWS` rows are sampled, evenly spaced. Results are written to evaluations/results/replay.json.
"""

from __future__ import annotations

import json
import re
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import tabsynth as ts
from evaluations.main_job import DATA
from tabsynth.errors import InsufficientDataError, TabsynthError
from tabsynth.schema.columns import Identifier, Text
from tabsynth.schema.model import Schema

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "replay.json"
MOST_ROWS = 20_000
LONG = 6
SETS = ("adult_ssn", "synthea", "berka", "online_retail", "police_street", "telco_churn", "tpch", "baseball",
        "met_museum", "messy_constructed")  # fmt: skip
"""Folders of the shared data whose tables hold keys, names, addresses, numbers of people or text."""


def tables() -> list[tuple[str, Path, Path | None]]:
    """Label, file and schema of each table; None where the schema is inferred."""
    found: list[tuple[str, Path, Path | None]] = [
        (f"examples/{name}.csv", ROOT / "examples" / f"{name}.csv", ROOT / "schemas" / f"{name}.yaml")
        for name in ("patients", "transactions")
    ]
    for folder in SETS:
        files = sorted((DATA / folder).glob("*")) if (DATA / folder).is_dir() else []
        found += [
            (f"{folder}/{file.name}", file, None) for file in files if re.search(r"\.(csv|parquet)(\.gz)?$", file.name)
        ]
    return found


def replay(source: Path, schema_file: Path | None) -> dict[str, Any]:
    """Real identifiers and words of one table, and how many of them come back."""
    table = ts.read_table(source)
    n_rows = len(table)
    if n_rows > MOST_ROWS:
        table = table.iloc[np.linspace(0, n_rows - 1, MOST_ROWS).astype(np.int64)].reset_index(drop=True)
    schema = _with_words(ts.infer(table) if schema_file is None else ts.load_schema(schema_file))
    declared = schema.only_table
    model = _fitted(table, schema)
    rows = model.sample(len(table), seed=1)
    floor = model.generator.min_people
    found: dict[str, Any] = {
        "rows": n_rows,
        "rows_used": len(table),
        "min_people": floor,
        "identifiers": {},
        "text": {},
    }
    anywhere = {name: _folded(rows[name]) for name in rows}
    for name, column in declared.columns.items():
        if isinstance(column, Identifier):
            real = _folded(table[name])
            long = {value for value in real if len(value) >= LONG and not value.isdigit()}
            others = [cells for other, cells in anywhere.items() if other != name]
            found["identifiers"][name] = {
                "surrogate": column.surrogate,
                "real": len(real),
                "replayed": len(real & anywhere[name]),
                "in_other_columns": len(long & set().union(*others)),
            }
        elif isinstance(column, Text):
            real = _words(table[name])
            found["text"][name] = {"real_words": len(real), "replayed": len(real & _words(rows[name]))}
    return found


def _fitted(table: pd.DataFrame, schema: Schema) -> ts.Model:
    """A model; of tables of a few people with a lower floor, as identifiers are asked about and nothing else."""
    for min_people in (10, 3):
        try:
            return ts.Copula(min_people=min_people).fit(table, schema, seed=0)
        except InsufficientDataError:
            continue
    return ts.Copula(min_people=1).fit(table, schema, seed=0)


def _with_words(schema: Schema) -> Schema:
    """The schema with invented words in every column of text."""
    table = schema.only_table
    columns = {
        name: column.model_copy(update={"fill": "placeholder"})
        if isinstance(column, Text) and column.fill == "drop"
        else column
        for name, column in table.columns.items()
    }
    return schema.model_copy(update={"tables": {schema.only_name: table.model_copy(update={"columns": columns})}})


def _folded(cells: pd.Series) -> set[str]:
    """Letters and digits of the cells, without regard to case."""
    texts = (re.sub(r"\W|_", "", str(cell)).casefold() for cell in cells.dropna().unique())
    return {text for text in texts if text}


def _words(cells: pd.Series) -> set[str]:
    return {word.casefold() for cell in cells.dropna().unique() for word in re.findall(rf"\w{{{LONG},}}", str(cell))}


def main() -> None:
    found: dict[str, Any] = {"command": "python -m evaluations replay", "most_rows": MOST_ROWS, "tables": {}}
    for label, source, schema_file in tables():
        if not source.exists():
            continue
        started = time.process_time()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                measured = replay(source, schema_file)
            except TabsynthError as error:
                measured = {"not_measured": type(error).__name__}
        measured["cpu_seconds"] = round(time.process_time() - started, 1)
        found["tables"][label] = measured
        print(label, measured, flush=True)
    counted = [item for table in found["tables"].values() for item in table.get("identifiers", {}).values()]
    words = [item for table in found["tables"].values() for item in table.get("text", {}).values()]
    found["total"] = {
        "tables": sum("rows" in table for table in found["tables"].values()),
        "identifier_columns": len(counted),
        "identifiers": sum(item["real"] for item in counted),
        "identifiers_replayed": sum(item["replayed"] for item in counted),
        "identifiers_in_other_columns": sum(item["in_other_columns"] for item in counted),
        "text_columns": len(words),
        "words": sum(item["real_words"] for item in words),
        "words_replayed": sum(item["replayed"] for item in words),
    }
    print(found["total"], flush=True)
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

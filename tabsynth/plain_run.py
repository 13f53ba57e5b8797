"""`tabsynth run` for a generator without a guarantee: what may be shown at the top, the rest in `internal`.

    synthetic.<format>  model.tabsynth  manifest.json
    report.html  report.json  report.pdf            the dossier in the edition that may be published
    internal/report.*  internal/schema.yaml         the internal edition, watermarked, and the schema as it was used

Decisions
- What is judged is what is released: rows are read back from their file before they are measured.
- The name of the real table is in the internal edition alone: file names say wards, dates and studies. What binds a
  release to its source is the salted commitment of `tabsynth sign --source`.
- The schema lies inside, because bounds and categories of an inferred one were read from data; its digest is in the
  manifest.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from tabsynth.errors import DataError, TabsynthWarning
from tabsynth.generators.entities import EntityInfo
from tabsynth.generators.model import Model
from tabsynth.outputs import atomic_folder
from tabsynth.progress import Progress
from tabsynth.schema.files import digest, save_schema
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import require_valid, validate_table
from tabsynth.tables.files import detect_format, read_table, source_name, write_table
from tabsynth.tables.frames import to_pandas
from tabsynth.tables.parquet import read_metadata

if TYPE_CHECKING:
    from tabsynth.report.build import Report


@dataclass(frozen=True)
class PlainRun:
    """What was made."""

    n_rows: int
    verdict: str
    notes: tuple[str, ...]
    synthetic: str
    """Name of the file of synthetic rows."""
    has_model: bool
    """Whether a model file was written."""


def run_plainly(
    learn: Callable[..., Model],
    schema: Schema,
    table_name: str,
    data: str | Path,
    out: str | Path,
    *,
    rows: int | None,
    given: Mapping[str, Any] | Iterable[str] | None,
    parents: Mapping[str, Any],
    holdout: float,
    swap: bool,
    seed: int,
    delimiter: str | None,
    encoding: str,
    overwrite: bool,
    judge: Callable[..., Report],
    deep: bool,
    pdf: bool | None,
    progress: Progress,
) -> PlainRun:
    """Split, fit, sample, evaluate, and write both editions of the dossier.

    Args:
        learn: Fits a model to a table and a schema, as `Generator.fit` does.
        schema: The schema.
        table_name: Which table of it.
        data: File of the real table.
        out: Folder to make.
        rows: Synthetic rows; as many as the table has where None.
        given: Conditions on the synthetic rows.
        parents: Synthetic tables that the rows shall point to, by name.
        holdout: Share of people kept apart for the evaluation.
        swap: Whether more models are fitted, each without another part of the people.
        seed: Seed of everything.
        delimiter: Field separator of a text table.
        encoding: Encoding of a text table.
        overwrite: Whether a folder that is not empty is replaced.
        judge: Makes a report of train, holdout and synthetic tables.
        deep: Whether it is also given the model, to run its recipe anew.
        pdf: Whether PDFs are written; None: where WeasyPrint is installed.
        progress: Told about stages.

    Raises:
        TabsynthError: See `pipeline.run`.
    """
    from tabsynth.evaluation.split import other_folds, split_rows
    from tabsynth.identifiers.scan import scan_table
    from tabsynth.report.writing import INTERNAL, write_editions

    declared = schema.tables[table_name]
    progress.stage("Reading")
    frame = read_table(data, delimiter=delimiter, encoding=encoding)
    validation = validate_table(frame, declared, name=table_name)
    require_valid(validation)
    progress.stage("Looking for identifiers")
    scan = scan_table(frame, schema, table_name=table_name, metadata=read_metadata(data))
    entities = EntityInfo.codes(declared, validation.typed)
    train_rows, holdout_rows = split_rows(len(frame), holdout=holdout, groups=entities, seed=seed)
    train, kept_apart = (frame.iloc[part].reset_index(drop=True) for part in (train_rows, holdout_rows))
    _require_invented(frame, schema, table_name, parents)
    apart = [holdout_rows, *other_folds(train_rows, entities, share=holdout, seed=seed)] if swap else [holdout_rows]
    if not swap:
        del frame
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", TabsynthWarning)
        model = learn(train, schema, seed=seed, table_name=table_name, avoid=kept_apart, progress=progress)
        n_rows = len(train) + len(kept_apart) if rows is None else rows
        synthetic = model.sample(n_rows, seed=seed, given=given, parents=parents, progress=progress)
        swaps = []
        for number, rows_apart in enumerate(apart[1:], start=2):
            progress.stage(f"Model {number} of {len(apart)}")
            own = frame.drop(index=frame.index[rows_apart]).reset_index(drop=True)
            other = frame.iloc[rows_apart].reset_index(drop=True)
            again = learn(own, schema, seed=seed, table_name=table_name, avoid=other, progress=progress)
            swaps.append((own, other, again.sample(n_rows, seed=seed, given=given, parents=parents, progress=progress)))
    notes = tuple(
        dict.fromkeys([*model.notes, *(str(w.message) for w in caught if issubclass(w.category, TabsynthWarning))])
    )
    generator = model.generator
    if generator.unsavable:
        notes = (*notes, f"no model file is written: {generator.unsavable}")
    made = {
        "generator": generator.name,
        "parameters": generator.model_dump(mode="json"),
        "guarantee": generator.guarantee,
        "seed": seed,
    }
    file_format = detect_format(data)
    source = source_name(data)
    with atomic_folder(out, overwrite=overwrite) as folder:
        synthetic_file = folder / f"synthetic{file_format.suffix}"
        write_table(synthetic, synthetic_file)
        files = {"source": source, "synthetic": synthetic_file.name}
        if not generator.unsavable:
            model.save(folder / "model.tabsynth")
            files["model"] = "model.tabsynth"
        report = judge(
            train=train,
            holdout=kept_apart,
            synthetic=read_table(synthetic_file),
            scan=scan,
            swaps=swaps,
            model=model if deep else None,
            context={
                **made,
                "generator_facts": describe(model, n_rows, conditions=given is not None),
                "watermark": INTERNAL,
                "versions": {"tabsynth": version(), "schema format": str(schema.format)},
                "files": files,
                "hashes": digests(folder),
                "warnings": notes,
                "questions": tuple(
                    f"{column}: {kind.question}" for column, kind in declared.columns.items() if kind.question
                ),
            },
        )
        progress.stage("Writing the dossier")
        write_editions(report, folder, pdf=pdf)
        save_schema(schema, folder / "internal" / "schema.yaml")
        manifest = {
            "tabsynth": version(),
            "schema": schema.name,
            "schema_sha256": digest(schema),
            "table": table_name,
            "keys_of": sorted(parents),
            "n_rows": {"train": len(train), "holdout": len(kept_apart), "synthetic": n_rows},
            "holdout_share": holdout,
            **made,
            "keeps_training_values": generator.keeps_training_values,
            "model": files.get("model"),
            "notes": list(notes),
            "verdict": report.verdict,
            "internal": f"the folder 'internal' is {INTERNAL}",
            "sha256": digests(folder),
        }
        (folder / "manifest.json").write_text(
            json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )
    return PlainRun(n_rows, report.verdict, notes, synthetic_file.name, not generator.unsavable)


def _require_invented(frame: pd.DataFrame, schema: Schema, table_name: str, parents: Mapping[str, Any]) -> None:
    """Check that the tables that rows shall point to are not the real ones.

    Raises:
        DataError: Most keys of the real table are keys of a table that is given as synthetic.
    """
    for r in schema.relationships:
        if r.child != table_name or r.parent not in parents or len(r.child_key) != 1:
            continue
        given = to_pandas(parents[r.parent])[0]
        if r.parent_key[0] not in given or r.child_key[0] not in frame:
            continue
        real = pd.Series(frame[r.child_key[0]].dropna().unique()).astype(str)
        if len(real) and real.isin(given[r.parent_key[0]].dropna().astype(str)).mean() > 0.5:
            raise DataError(
                f"parents: most keys of {table_name}.{r.child_key[0]} are keys of the table given for {r.parent}, so "
                "that real keys would be released; give its synthetic rows, not the real ones"
            )


def describe(model: Model, n_rows: int, *, conditions: bool) -> dict[str, str]:
    """What a card of a generator says besides its name, guarantee and parameters, by heading."""
    generator = model.generator
    return {
        "What it is": (type(generator).__doc__ or "").partition("\n")[0],
        "Keeps training values": "yes" if generator.keeps_training_values else "no",
        "Model file": "none" if generator.unsavable else "JSON and arrays, no code",
        "Rows drawn": f"{n_rows:,}",
        "Conditions on the rows": "some were asked for" if conditions else "none",
    }


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the files that lie in a folder itself."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir()) if file.is_file()
    }


def version() -> str:
    """Version of this package."""
    from tabsynth import __version__

    return __version__

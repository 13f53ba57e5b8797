"""`tabsynth run` for a private generator: what may be released at the top of the folder, what may not in `internal`.

    synthetic.<format>  model.tabsynth  certificate.json  certificate.html  manifest.json   functions of the model file
    appraisal.json                                                    noisy figures, paid for (parameter `appraisal`)
    internal/report.html  internal/report.json  internal/report.pdf                        measured against real rows

Decisions
- People are put into training or holdout by a coin of their own from the operating system, so that nobody's presence
  moves anybody else. A shuffle by a seed would move all of them.
- The report is measured on real rows, which nobody has paid for: it is watermarked and lies apart. The manifest lists
  nothing of it, not even a hash.
- What fails while the report is made costs the report, not the release: whether it fails depends on the rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabsynth.generators.base import Generator
from tabsynth.generators.chunks import write_rows
from tabsynth.outputs import atomic_folder
from tabsynth.plain_run import describe, digests, version
from tabsynth.progress import Progress
from tabsynth.schema.files import digest, save_schema
from tabsynth.schema.model import Schema
from tabsynth.tables.files import detect_format, read_table

if TYPE_CHECKING:
    from tabsynth.dp.generator import PrivateGenerator
    from tabsynth.generators.model import Model
    from tabsynth.report.build import Report


@dataclass(frozen=True)
class PrivateRun:
    """What was made."""

    n_rows: int
    verdict: str | None
    """Of the internal report; None where there is none."""
    notes: tuple[str, ...]
    synthetic: str
    """Name of the file of synthetic rows."""


def run_privately(
    maker: Generator,
    schema: Schema,
    table_name: str,
    data: str | Path,
    out: str | Path,
    *,
    rows: int | None,
    given: Mapping[str, Any] | Iterable[str] | None,
    parents: Mapping[str, Any],
    holdout: float,
    seed: int,
    delimiter: str | None,
    encoding: str,
    overwrite: bool,
    judge: Callable[..., Report],
    deep: bool,
    pdf: bool | None,
    progress: Progress,
) -> PrivateRun:
    """Measure, sample, certify, and report internally.

    Args:
        maker: A private generator.
        schema: The schema.
        table_name: Which table of it.
        data: File of the real table.
        out: Folder to make.
        rows: Synthetic rows; as many as were released where None.
        given: Conditions on the synthetic rows.
        parents: Synthetic tables that the rows shall point to, by name.
        holdout: Share of units kept apart for the internal report.
        seed: Seed of the synthetic rows and of the evaluation; the noise has none.
        delimiter: Field separator of a text table.
        encoding: Encoding of a text table.
        overwrite: Whether a folder that is not empty is replaced.
        judge: Makes a report of train, holdout and synthetic tables.
        deep: Whether it is also given the model, to run its recipe anew.
        pdf: Whether the internal report is also written as PDF; None: where WeasyPrint is installed.
        progress: Told about stages.

    Raises:
        TabsynthError: See `pipeline.run`.
    """
    from tabsynth.dp import generator
    from tabsynth.dp.opening import read_private
    from tabsynth.dp.reading import secure_split
    from tabsynth.dp.unit import privacy_unit
    from tabsynth.report.certificate import write_certificate
    from tabsynth.report.writing import INTERNAL, write_editions

    assert isinstance(maker, generator.PrivateGenerator)
    unit = privacy_unit(schema, table_name)
    progress.stage("Reading")
    frame = read_private(data, delimiter=delimiter, encoding=encoding)
    train_rows, holdout_rows = secure_split(frame, schema.tables[table_name], unit, holdout=holdout)
    train, apart = (frame.iloc[part].reset_index(drop=True) for part in (train_rows, holdout_rows))
    del frame
    model = maker.fit(train, schema, table_name=table_name, progress=progress)
    n_rows = model.n_rows_fitted if rows is None else rows
    file_format = detect_format(data)
    notes = list(model.notes)
    with atomic_folder(out, overwrite=overwrite) as folder:
        synthetic_file = folder / f"synthetic{file_format.suffix}"
        write_rows(model, n_rows, synthetic_file, seed=seed, given=given, parents=parents, progress=progress)
        model.save(folder / "model.tabsynth")
        write_certificate(
            model, folder / "model.tabsynth", folder, rows=None if given or parents else n_rows, seed=seed
        )
        if maker.appraisal:
            notes += _appraise(maker, model, schema, train, synthetic_file, folder, progress)
        manifest = {
            "tabsynth": version(),
            "schema": schema.name,
            "schema_sha256": digest(schema),
            "table": table_name,
            "keys_of": sorted(parents),
            "n_rows": {"synthetic": n_rows},
            "generator": model.generator.name,
            "parameters": model.generator.model_dump(mode="json"),
            "guarantee": model.generator.guarantee,
            "seed": seed,
            "given": None if given is None else "conditions were asked for; they are public",
            "notes": notes,
            "internal": f"the folder 'internal' is {INTERNAL}; it is measured against real rows and not covered by the "
            "certificate",
            "sha256": digests(folder),
        }
        (folder / "manifest.json").write_text(
            json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
        )
        (folder / "internal").mkdir()
        save_schema(schema, folder / "internal" / "schema.yaml")
        verdict: str | None = None
        try:
            report = judge(
                train=train,
                holdout=apart,
                synthetic=read_table(synthetic_file),
                model=model if deep else None,
                context={
                    "generator": model.generator.name,
                    "parameters": model.generator.model_dump(mode="json"),
                    "guarantee": model.generator.guarantee,
                    "generator_facts": describe(model, n_rows, conditions=given is not None),
                    "watermark": INTERNAL,
                    "versions": {"tabsynth": version(), "schema format": str(schema.format)},
                    "hashes": manifest["sha256"],
                    "seed": seed,
                    "files": {"synthetic": synthetic_file.name, "model": "model.tabsynth"},
                },
            )
            write_editions(report, folder, external=False, pdf=pdf)
            verdict = report.verdict
        except Exception:  # whatever it is: the budget is spent, and the release must not be lost with the report
            notes.append("no internal report could be made of these rows; 'tabsynth validate' may say why")
    return PrivateRun(n_rows, verdict, tuple(notes), synthetic_file.name)


def _appraise(
    maker: PrivateGenerator,
    model: Model,
    schema: Schema,
    train: object,
    synthetic: Path,
    folder: Path,
    progress: Progress,
) -> list[str]:
    """Write figures that were paid for beside the rows; notes where there are none."""
    from tabsynth.dp.appraisal import appraise

    assert maker.ledger is not None
    try:
        figures = appraise(
            model, schema, train, read_table(synthetic), ledger=maker.ledger, dataset=maker.dataset, progress=progress
        )
    except Exception:  # whatever it is: the release is paid for, and must not be lost with the figures
        return ["no figures could be released; what was charged for them stays charged"]
    (folder / "appraisal.json").write_text(figures.to_json(), encoding="utf-8", newline="\n")
    return []

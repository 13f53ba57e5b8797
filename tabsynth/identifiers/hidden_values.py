"""Identifiers that are in no cell: in names of columns, in category levels without a row, in metadata of a file."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa

from tabsynth.identifiers import recognise
from tabsynth.identifiers.detectors import DETECTORS
from tabsynth.identifiers.findings import Finding
from tabsynth.identifiers.free_text import Hit, search_texts
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind
from tabsynth.identifiers.written_dates import is_date

_IN_NAMES = frozenset({"email", "url", "phone", "ssn", "ip", "mac", "iban", "card", "mbi", "vin", "npi", "dea", "udi"})


def in_name(name: str) -> Hit | None:
    """An identifier that the name of a column is or holds, as a table has that was turned on its side."""
    for detector in DETECTORS:
        if detector.name in _IN_NAMES and detector.form is not None and detector.form(name.strip()):
            return Hit(detector.kind, detector.name, 0.9, 1, detector.what, False)
    if is_date(name.strip()):
        return Hit(Kind.DATE, "date", 0.9, 1, "a date finer than a year", False)
    parts = name.split()
    if 2 <= len(parts) <= 3 and recognise.is_full_name(name) and _are_known(parts[0], parts[-1]):
        return Hit(Kind.NAME, "name", 0.9, 1, "the name of a person", False)
    return next(iter(_all_of({"name": name})), None)


def in_levels(table: object) -> dict[str, list[Hit]]:
    """Identifiers among the levels of categorical columns that no row has, by column."""
    found = {}
    for name, levels in _unused_levels(table).items():
        texts = [str(level) for level in levels]
        counts = np.ones(len(texts), np.int64)
        hits = search_texts(np.array(texts, dtype=object), counts) if texts else []
        known = {hit.kind for hit in hits}
        for detector in DETECTORS:
            n_found = sum(map(detector.form, texts)) if detector.form is not None else 0
            if n_found and detector.kind not in known:
                hits.append(Hit(detector.kind, detector.name, 0.9, n_found, detector.what, False))
                known.add(detector.kind)
        if texts and not hits:
            hits = [Hit(Kind.OTHER, "level", 0.5, len(texts), "values that the table itself does not", False)]
        if hits:
            found[name] = hits
    return found


def in_metadata(metadata: Mapping[str, str]) -> list[Finding]:
    """Identifiers in texts that came with a file. They are dealt with: no output carries them."""
    return [
        Finding(
            "file metadata",
            0,
            "metadata",
            hit.kind,
            hit.detector,
            hit.confidence,
            hit.n_found,
            len(metadata),
            "not written",
            "handled",
            f"the metadata of the file holds {hit.what}; no output carries it",
            None,
        )
        for hit in _all_of(metadata)
    ]


def _are_known(first: str, last: str) -> bool:
    return recognise.is_known_first_name(first) and recognise.is_known_last_name(last)


def _all_of(texts: Mapping[str, str]) -> list[Hit]:
    return search_texts(np.array([*texts.values()], dtype=object), np.ones(len(texts), np.int64)) if texts else []


def _unused_levels(table: object) -> dict[str, list[object]]:
    """Levels without a row, by column."""
    found: dict[str, list[object]] = {}
    if isinstance(table, pd.DataFrame):
        for name in table.columns:
            series = table[name]
            if isinstance(series, pd.Series) and isinstance(series.dtype, pd.CategoricalDtype):
                used = np.zeros(len(series.cat.categories), bool)
                used[series.cat.codes[series.cat.codes >= 0]] = True
                found[str(name)] = list(series.cat.categories[~used])
    elif isinstance(table, pa.Table):
        for name, column in zip(table.column_names, table.columns, strict=True):
            if pa.types.is_dictionary(column.type):
                unified = column.unify_dictionaries()
                levels = unified.chunk(0).dictionary.to_pylist() if unified.num_chunks else []
                present = set(column.cast(column.type.value_type).unique().to_pylist())
                found[name] = [level for level in levels if level not in present]
    return found

"""The JSON Schema of `report.json`, as it is published in `schemas/report.schema.json`.

Decisions
- Families, units and the material of single metrics are left open: a plug-in may bring its own, and a reader that
  checks verdicts and limits need not know them.
"""

from __future__ import annotations

from typing import Any

from tabsynth.report.build import Report


def report_json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of both editions."""
    described = Report.model_json_schema(mode="serialization")
    parts = described["$defs"]
    parts["Family"] = {"title": "Family", "type": "string"}
    parts["Detail"] = {"title": "Detail", "type": "object"}
    parts["Result"]["properties"]["unit"] = {"title": "Unit", "type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:tabsynth:report:2",
        **described,
        "title": "tabsynth report",
        "description": "An evaluation of synthetic rows: verdicts against limits, and everything they rest on.",
    }

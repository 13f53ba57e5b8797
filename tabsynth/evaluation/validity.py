"""Validity: do the synthetic rows keep the rules of their schema?

The rules are checked by `tabsynth.schema`; this metric counts what was found and gives it a place in the report.
"""

from __future__ import annotations

from typing import Literal

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.intervals import Interval


class Violations(Detail):
    """Violations by rule of the schema."""

    counts: dict[str, int]


class SchemaViolations:
    """Number of violations of the schema's rules; a count of all synthetic rows, so its interval is a point.

    Formula:
        Sum over rules of #{synthetic rows that break the rule}.
    Units:
        A count of violations; a row that breaks two rules counts twice.
    Cost:
        None beyond the check of the schema, which reads every cell once.
    Source:
        This project; the rules are those of `tabsynth.schema.validate`.
    """

    name = "schema-violations"
    family = Family.VALIDITY
    question = "Do all synthetic rows keep the rules of the schema?"
    better: Literal["higher", "lower"] = "lower"
    unit: Unit = "count"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Add up the violations that were counted.

        Privacy:
            Reads no training row.
        """
        if comparison.violations is None:
            return Findings([unmeasured(self, "The rules of the schema were not checked.", undecided=True)])
        total = sum(comparison.violations.values())
        result = answer(
            self,
            value=float(total),
            interval=Interval(low=total, high=total, level=level),
            n=comparison.synthetic.n_rows,
            notes=tuple(f"{rule}: {count:,}" for rule, count in comparison.violations.items() if count)[:20],
        )
        return Findings([result], Violations(counts=dict(comparison.violations)))

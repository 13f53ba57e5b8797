"""What utility, fairness and counts by keys cost: CPU seconds, metric by metric, on the mixed table of `main_job`.

    python -m evaluations utility_cost

20,000 train and synthetic rows and 5,000 holdout rows of 15 columns. The first metric of utility pays for the models
that the others ask; the membership search, which leakage by group reads, is timed by itself, with and without the
attack by error prediction. Written to evaluations/results/utility_cost.json.
"""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

from evaluations.main_job import wide_table
from tabsynth.evaluation.base import METRICS, Family, run_metric
from tabsynth.evaluation.comparison import compare, read_frame
from tabsynth.evaluation.membership_attacks import cast
from tabsynth.evaluation.membership_errors import error_scores
from tabsynth.schema.infer import infer_table

RESULTS = Path(__file__).parent / "results" / "utility_cost.json"
KEYED = ("replicated-uniques", "disclosive-correct")


def main() -> None:
    """Measure and write the results."""
    frames = [wide_table(n, seed) for seed, n in enumerate((20_000, 5_000, 20_000))]
    schema = infer_table(frames[0])
    comparison = compare(*(read_frame(frame, schema, name="table") for frame in frames), schema)
    seconds: dict[str, float] = {}
    for name in ("membership", *METRICS):
        metric = METRICS[name]()
        if name not in seconds and (
            name in ("membership", *KEYED) or metric.family in (Family.UTILITY, Family.FAIRNESS)
        ):
            start = time.process_time()
            found = run_metric(metric, comparison, level=0.95)
            seconds[name] = round(time.process_time() - start, 2)
            if found.results[0].error:
                raise RuntimeError(f"{name}: {found.results[0].error}")
    parts = cast(comparison)
    assert parts is not None
    start = time.process_time()
    error_scores(
        parts.asked,
        parts.fold,
        parts.reference,
        parts.reference_fold,
        comparison.synthetic,
        comparison.scales,
        seed=0,
    )
    errors = round(time.process_time() - start, 2)
    results = {
        "cpu_seconds": {name: value for name, value in seconds.items() if name != "membership"},
        "cpu_seconds_membership_search": seconds["membership"],
        "cpu_seconds_of_that_error_prediction": errors,
        "cpu_seconds_added": round(sum(seconds.values()) - seconds["membership"] + errors, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()

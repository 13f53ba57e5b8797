"""Whether intervals estimated from synthetic rows may be trusted: measured per generator on a known population.

The figures are those of `evaluations/results/inference_coverage.json` (`python -m evaluations inference_coverage`); a
test holds the two against each other.
"""

from __future__ import annotations

from tabsynth.report.wording import percent

COVERAGE: dict[str, tuple[float, bool]] = {
    "copula": (0.96, True),
    "trees": (0.835, False),
    "independent": (0.19, False),
    "dp-mst": (0.387, False),
}
"""Generator to the mean coverage of nominal 95 % intervals, and whether all estimands kept to 93 to 97 %."""


def coverage_words(generator: str | None) -> str:
    """What is known about nominal 95 % intervals from rows of a generator, in plain sentences."""
    rule = "Combine the estimates of several copies by the plug-in rule (ts.combine)."
    if generator not in COVERAGE:
        return (
            "For this generator it was not measured whether nominal 95 % intervals hold the truth: do not infer. "
            "Explore with the synthetic rows, and confirm on real ones."
        )
    share, holds = COVERAGE[generator]
    if holds:
        return (
            f"On a known population, nominal 95 % intervals from rows of {generator} held the truth in "
            f"{percent(share)} of cases. {rule} Dependence that this generator cannot draw is wrong all the same."
        )
    return (
        f"Do not infer: on a known population, nominal 95 % intervals from rows of {generator} held the truth in "
        f"{percent(share)} of cases on average, and for some estimates in clearly fewer or more than 93 to 97 %. "
        "Explore with the synthetic rows, and confirm on real ones."
    )

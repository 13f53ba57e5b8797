"""Sections of the evidence: which metrics are shown together, under which words.

A section appears when one of its metrics was run. A new family of metrics needs an entry in `SECTIONS`, a template and
its wording.
"""

from __future__ import annotations

from tabsynth.evaluation import Evaluation
from tabsynth.evaluation.base import Result
from tabsynth.evaluation.part import Part


class Section(Part):
    """One chapter of evidence."""

    id: str
    title: str
    intro: str
    metrics: tuple[str, ...]
    results: tuple[Result, ...]
    """What its metrics found about the whole table."""


# id (also the name of the template), title, introduction, metrics
SECTIONS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "columns",
        "Single columns",
        "Each column alone: its distribution in the synthetic table beside the one in train. Similarity 1 means the "
        "same distribution; what equally many real holdout rows reach is the ceiling.",
        ("column-similarity", "worst-column", "lost-values", "invented-categories", "tails", "wasserstein"),
    ),
    (
        "pairs",
        "Pairs of columns",
        "What goes together: the contingency table of every pair, on bins that were fixed on train, and the "
        "dependences that the generator invented, lost or turned round.",
        (
            "pair-similarity",
            "association",
            "k-marginal",
            "hallucinated-dependence",
            "correlation-difference",
            "mutual-information-difference",
        ),
    ),
    (
        "gaps",
        "Missing cells",
        "How many cells are missing, and for whom.",
        ("missingness", "missingness-by-group"),
    ),
    (
        "regions",
        "Regions",
        "Whether synthetic rows lie where real ones lie, and reach all of them. Diagnostics, which decide nothing: a "
        "copy of train is perfect by all of them.",
        ("alpha-precision", "beta-recall", "neighbour-coverage"),
    ),
    (
        "detection",
        "Detection",
        "A classifier was trained to tell synthetic from real rows and asked about rows it had not seen. It sees the "
        "whole row at once, so it finds what single columns and pairs do not show.",
        ("detection",),
    ),
    (
        "utility",
        "Models and counts",
        "Models and counts made from synthetic rows, held against real rows that were kept apart. What matters is the "
        "difference to the same models and counts made from real rows.",
        ("train-on-synthetic", "model-ranking", "feature-importance", "global-utility", "query-error"),
    ),
    (
        "inference",
        "Estimates",
        "A regression was fitted to real and to synthetic rows. If its coefficients and intervals agree, one may learn "
        "from the synthetic rows what goes with what; how sure one may be is another question, answered below.",
        ("regression-estimates",),
    ),
    (
        "fairness",
        "Groups of people",
        "The same questions group by group, also where two groups meet: is everybody there, drawn as well as others, "
        "served by models as well as others, and as hard to recognise?",
        ("representation", "group-fidelity", "group-utility", "group-leakage"),
    ),
    (
        "copies",
        "Copies of real data",
        "Rows, identifiers and texts of the synthetic table that repeat real ones. Finding none is necessary, and no "
        "proof of privacy.",
        ("exact-copies", "single-copies", "row-order", "identifier-reuse", "text-reuse", "near-copies"),
    ),
    (
        "membership",
        "Membership attacks",
        "An attacker who holds a person's record, the synthetic table and real rows of other people guesses whether "
        "that person was in train; the strongest of many attacks counts.",
        ("membership", "membership-area", "membership-outliers", "membership-disclosure"),
    ),
    (
        "shadow",
        "Attacks by somebody who has the generator",
        "Who has the generator can repeat its recipe many times on other people, half of the time with a person and "
        "half without, to learn what that person's presence does to rows; of a private generator, on invented "
        "rows. Then the released table, or the claim, is held against what was learned.",
        ("shadow-membership", "shadow-area", "shadow-outliers", "epsilon-audit"),
    ),
    (
        "disclosure",
        "Attribute, linkage and singling-out attacks",
        "What an attacker who knows a part of a record learns from the synthetic table about people of train, beyond "
        "what she learns about strangers: a secret, the other half of a record, or a condition that fits one only.",
        ("attribute-inference", "disclosive-correct", "replicated-uniques", "linkability", "singling-out"),
    ),
    (
        "validity",
        "Rules of the schema",
        "Types, bounds, categories, keys and constraints that the schema declares, checked on every synthetic row; and "
        "how finely numbers and times are written.",
        ("schema-violations", "digits"),
    ),
)


def arrange_sections(evaluation: Evaluation) -> tuple[Section, ...]:
    """The sections that have something to show, in the order of `SECTIONS`; metrics that none names come last."""
    sections = []
    for key, title, intro, metrics in SECTIONS:
        results = tuple(result for result in evaluation.results if result.metric in metrics and not result.subject)
        if results:
            sections.append(Section(id=key, title=title, intro=intro, metrics=metrics, results=results))
    listed = {metric for _, _, _, metrics in SECTIONS for metric in metrics}
    others = tuple(result for result in evaluation.results if result.metric not in listed)
    if others:
        intro = "Metrics that were added to this installation."
        names = tuple(dict.fromkeys(result.metric for result in others))
        sections.append(Section(id="others", title="Further metrics", intro=intro, metrics=names, results=others))
    return tuple(sections)

"""The chapters of the dossier, and the attackers that its privacy chapter names.

Decisions
- A family of metrics that is not known here gets a chapter of its own, with the title that the wording gives it:
  nothing that was measured is left out because nobody foresaw it.
- Utility and fairness have a chapter even where nothing was measured. What is missing must be seen.
- Attackers are named by what they hold, as WP29 and ISO/IEC 27559 ask; those that were not tried are listed, too.
"""

from __future__ import annotations

from collections.abc import Sequence

from tabsynth.evaluation.base import Family, Result, Verdict, worst
from tabsynth.evaluation.part import Part
from tabsynth.report.wording import FAMILIES

# id, title, families of metrics, what it is about
_CHAPTERS: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    (
        "fidelity",
        "Fidelity",
        ("validity", "fidelity", "detection"),
        "Whether the rows keep the rules of the schema, and look like the real ones: alone, in pairs, and as a whole.",
    ),
    (
        "utility",
        "Utility",
        ("utility",),
        "Whether models and estimates that are made from the rows hold on real ones.",
    ),
    ("fairness", "Fairness", ("fairness",), "Whether small groups are served, or exposed, worse than others."),
    (
        "privacy",
        "Privacy, by attacker",
        ("copies", "attacks"),
        "What somebody could learn about the people of the training table, by what they hold. Only what goes beyond "
        "strangers, or beyond chance, counts as memory.",
    ),
)


class Chapter(Part):
    """A chapter and the sections in it."""

    id: str
    title: str
    intro: str
    sections: tuple[str, ...]
    """Ids of its sections; empty where nothing was measured."""


class Threat(Part):
    """An attacker, and what was tried in their place."""

    name: str
    holds: str
    asks: str
    metrics: tuple[str, ...]
    """Metrics that play this attacker; empty where nobody did."""
    verdict: Verdict
    """Worst of their verdicts; info where none was tried or no limit applies."""


_THREATS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (
        "Reader",
        "the synthetic rows",
        "Is a real row, identifier or text in here? Does a condition fit one person?",
        ("copies", "singling-out"),
    ),
    (
        "Acquaintance with a reference",
        "the synthetic rows, a person's record or a part of it, and real rows of other people",
        "Was this person in the training table? What is the part that is not known?",
        ("attacks",),
    ),
    (
        "Competitor",
        "the same, and the means to train generators of their own to compare with (black box)",
        "The same questions, with shadow models. Of a private generator: does it give away more than it claims?",
        ("shadow-membership", "shadow-area", "shadow-outliers", "epsilon-audit"),
    ),
    (
        "Holder of the model file",
        "the fitted model (white box)",
        "What does the model remember that its rows do not show?",
        (),
    ),
)


def arrange(sections: Sequence[tuple[str, Sequence[Result]]]) -> tuple[Chapter, ...]:
    """Put sections (id, results) into chapters.

    A section belongs to the chapter of the family that most of its results are of.
    """
    places: dict[str, list[str]] = {chapter_id: [] for chapter_id, *_ in _CHAPTERS}
    by_family = {family: chapter_id for chapter_id, _, families, _ in _CHAPTERS for family in families}
    others: dict[str, str] = {}
    for section_id, results in sections:
        families = [result.family.value for result in results]
        family = max(dict.fromkeys(families), key=families.count)
        if family not in by_family:
            others.setdefault(family, f"chapter-{family}")
            places.setdefault(others[family], [])
        places[by_family.get(family) or others[family]].append(section_id)
    chapters = [
        Chapter(id=chapter_id, title=title, intro=intro, sections=tuple(places[chapter_id]))
        for chapter_id, title, _, intro in _CHAPTERS
    ]
    for family, chapter_id in others.items():
        title, about = FAMILIES.get(Family(family), (family.capitalize(), "Further metrics."))
        chapters.append(Chapter(id=chapter_id, title=title, intro=about, sections=tuple(places[chapter_id])))
    return tuple(chapters)


def play(results: Sequence[Result]) -> tuple[Threat, ...]:
    """Which metrics played which attacker, and how that went."""
    threats = []
    taken: set[str] = set()
    named = {key for *_, keys in _THREATS for key in keys}
    for name, holds, asks, keys in _THREATS:
        own = [
            result
            for result in results
            if not result.subject
            and result.metric not in taken
            and (result.metric in keys or (result.family.value in keys and result.metric not in named))
            and result.value is not None
        ]
        taken |= {result.metric for result in own}
        threats.append(
            Threat(
                name=name,
                holds=holds,
                asks=asks,
                metrics=tuple(dict.fromkeys(result.metric for result in own)),
                verdict=worst(result.verdict for result in own),
            )
        )
    return tuple(threats)

"""Presidio's recognisers beside our own patterns, for free text (extra `presidio`).

Decisions
- Counts leave, as from our own patterns: Presidio is asked text by text, and what it returns is counted and forgotten.
- Its names of people and places come from a language model of spaCy. Where none is installed, a blank pipeline stands
  in, so that the recognisers by pattern work; the result says that names in running text were not looked for. Nothing
  is downloaded.
- E-mail and web addresses are left to our patterns: Presidio's recogniser of them asks the network for a list of
  domains.
- What Presidio is not sure of (a score under `LEAST_SCORE`, as of nine bare digits) does not count.

Privacy: Kinds and counts leave; no text, and no position in one.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

import numpy as np

from tabsynth.errors import MissingExtraError
from tabsynth.identifiers.free_text import PROBE, Hit
from tabsynth.identifiers.hipaa import SafeHarborClass as Kind

LEAST_SCORE = 0.5
MOST_SURE = 0.85
"""Confidence of a finding at most: a recogniser that somebody else maintains proves nothing here."""
FEWEST_WORDS = 3
"""Words from which a cell is a text."""
_MODELS = ("en_core_web_trf", "en_core_web_lg", "en_core_web_md", "en_core_web_sm")
_KINDS: dict[str, tuple[Kind, str]] = {
    "PERSON": (Kind.NAME, "names of people"),
    "LOCATION": (Kind.GEOGRAPHY, "names of places"),
    "DATE_TIME": (Kind.DATE, "dates or times"),
    "PHONE_NUMBER": (Kind.TELEPHONE, "telephone numbers"),
    "US_SSN": (Kind.SSN, "social security numbers"),
    "US_ITIN": (Kind.OTHER, "taxpayer numbers"),
    "US_MBI": (Kind.HEALTH_PLAN, "Medicare numbers"),
    "US_BANK_NUMBER": (Kind.ACCOUNT, "bank account numbers"),
    "ABA_ROUTING_NUMBER": (Kind.ACCOUNT, "bank routing numbers"),
    "IBAN_CODE": (Kind.ACCOUNT, "IBANs"),
    "CREDIT_CARD": (Kind.ACCOUNT, "payment card numbers"),
    "CRYPTO": (Kind.ACCOUNT, "addresses of crypto wallets"),
    "US_DRIVER_LICENSE": (Kind.LICENCE, "driving licences"),
    "US_PASSPORT": (Kind.LICENCE, "passport numbers"),
    "US_NPI": (Kind.LICENCE, "NPIs"),
    "MEDICAL_LICENSE": (Kind.LICENCE, "DEA numbers"),
    "IP_ADDRESS": (Kind.IP_ADDRESS, "IP addresses"),
    "MAC_ADDRESS": (Kind.DEVICE, "MAC addresses"),
}
"""What Presidio calls a kind, its class, and the word for it."""


def require_presidio() -> None:
    """Refuse early where Presidio is not installed.

    Raises:
        MissingExtraError: It is not.
    """
    if find_spec("presidio_analyzer") is None:
        raise MissingExtraError(
            'Presidio is not installed; run: pip install "tabsynth[presidio]". Our own patterns work without it'
        )


@dataclass(frozen=True)
class Presidio:
    """Presidio's analyzer, ready to search texts."""

    engine: Any
    kinds: tuple[str, ...]
    method: str
    """How texts are searched, in a sentence."""

    @classmethod
    def load(cls) -> Presidio:
        """Build the analyzer, with the largest English model of spaCy that is installed, or without one.

        Raises:
            MissingExtraError: Presidio is not installed.
        """
        require_presidio()
        import spacy
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer.nlp_engine import SpacyNlpEngine

        logging.getLogger("presidio-analyzer").setLevel(logging.ERROR)
        model = next((name for name in _MODELS if find_spec(name) is not None), None)
        nlp = SpacyNlpEngine()
        nlp.nlp = {"en": _without_model() if model is None else spacy.load(model)}
        registry = RecognizerRegistry()
        registry.load_predefined_recognizers(languages=["en"])
        engine = AnalyzerEngine(registry=registry, nlp_engine=nlp, supported_languages=["en"])
        known = set(engine.get_supported_entities("en")) & set(_KINDS)
        if model is None:
            known -= {"PERSON", "LOCATION"}
            how = (
                "by patterns alone, as no language model of spaCy is installed: names of people and places in running "
                "text were not looked for (python -m spacy download en_core_web_lg)"
            )
        else:
            how = f"with the language model {model}"
        return cls(engine, tuple(sorted(known)), f"texts were also searched by Presidio {_version()}, {how}")

    def search(self, texts: Any, counts: Any) -> list[Hit]:
        """Kinds of identifiers that any of some texts hold.

        Args:
            texts: Distinct texts, object array of str, (n_distinct,).
            counts: Rows of each, (n_distinct,).

        Returns:
            One hit per kind.

        Privacy: Kinds and counts leave; no text.
        """
        rows = np.flatnonzero([len(text.split()) >= FEWEST_WORDS for text in texts])
        if not len(rows):
            return []
        chosen = rows if len(rows) <= PROBE else rows[np.linspace(0, len(rows) - 1, PROBE).astype(np.int64)]
        scale = len(rows) / len(chosen)
        found, surest = Counter[str](), dict[str, float]()
        for row in chosen.tolist():
            results = self.engine.analyze(
                text=texts[row], language="en", entities=list(self.kinds), score_threshold=LEAST_SCORE
            )
            for name in {result.entity_type for result in results}:
                found[name] += int(counts[row])
            for result in results:
                surest[result.entity_type] = max(surest.get(result.entity_type, 0.0), float(result.score))
        return [
            Hit(
                _KINDS[name][0],
                f"presidio-{name.lower().replace('_', '-')}",
                round(min(MOST_SURE, surest[name]), 2),
                max(1, round(found[name] * scale)),
                f"{_KINDS[name][1]} (by Presidio)",
                scale > 1,
            )
            for name in sorted(found)
        ]


def _without_model() -> Any:
    """A pipeline of spaCy that cuts texts into words, with small letters for stems, by which Presidio knows context."""
    import spacy
    from spacy.language import Language

    @Language.component("tabsynth_small_letters")  # type: ignore[untyped-decorator, unused-ignore]
    def small_letters(doc: Any) -> Any:
        for word in doc:
            word.lemma_ = word.lower_
        return doc

    nlp = spacy.blank("en")
    nlp.add_pipe("tabsynth_small_letters")
    return nlp


def _version() -> str:
    try:
        return version("presidio-analyzer")
    except PackageNotFoundError:
        return "of unknown version"

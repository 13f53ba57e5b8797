"""Recall and precision of the detectors on the published corpus, with a seed that its figures were not made with."""

from __future__ import annotations

import pytest

from evaluations.identifier_corpus.measure import corpus, measure
from evaluations.identifier_corpus.near_misses import NEAR_MISSES
from evaluations.identifier_corpus.positives import POSITIVES
from tabsynth.identifiers.hipaa import SAFE_HARBOR


@pytest.mark.parametrize("letter", [str(kind) for kind in SAFE_HARBOR])
def test_every_class_has_twenty_of_each(letter: str) -> None:
    assert len(POSITIVES[letter]) >= 20
    assert len(NEAR_MISSES[letter]) >= 20


def test_recall_and_precision_of_every_class() -> None:
    result = measure(corpus(n_rows=80, seed=5))
    short = {
        letter: (row["recall"], row["precision"])
        for letter, row in result["classes"].items()
        if row["recall"] < 0.99 or row["precision"] < 0.95
    }
    assert not short, (result["missed"], result["found_wrongly"])

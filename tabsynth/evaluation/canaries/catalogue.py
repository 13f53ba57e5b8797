"""Which canaries there are, and what each must and must not set off.

An expectation names a metric, not a clause, so that it can be asked of any policy: the clause that limits the metric
must say `fail`, must not say `pass`, or must not say `fail`. They were written down from what was done to the rows,
before anything was measured. A release with one thing wrong must not be accused of another: copies leave fidelity
alone, and damaged columns recognise nobody.

A private generator with too little noise is no canary: its rows look like any others. That is caught where the noise is
drawn, by audits of the transcript (`tests/dp/test_mutants.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tabsynth.evaluation.canaries import damage, leaks
from tabsynth.evaluation.canaries.leaks import Maker

Expected = Literal["fail", "no pass", "no fail"]

FIDELITY = (
    "column-similarity",
    "worst-column",
    "pair-similarity",
    "association",
    "k-marginal",
    "lost-values",
    "invented-categories",
    "missingness",
    "missingness-by-group",
    "digits",
)
LEAKS = ("exact-copies", "single-copies", "row-order", "membership", "membership-area", "membership-disclosure")
EVERYTHING = (
    *FIDELITY,
    *LEAKS,
    "detection",
    "train-on-synthetic",
    "global-utility",
    "query-error",
    "representation",
    "group-fidelity",
    "group-utility",
    "group-leakage",
    "replicated-uniques",
    "disclosive-correct",
    "identifier-reuse",
    "text-reuse",
    "membership-outliers",
    "attribute-inference",
    "linkability",
    "singling-out",
)


@dataclass(frozen=True)
class Canary:
    """One release whose faults are known."""

    name: str
    make: Maker
    expected: Mapping[str, Expected] = field(default_factory=dict)
    good: bool = False

    @property
    def about(self) -> str:
        """What it is, in a sentence."""
        return (self.make.__doc__ or "").split("\n")[0].strip()


def _bad(name: str, make: Maker, fails: tuple[str, ...], keeps: tuple[str, ...], open_: tuple[str, ...] = ()) -> Canary:
    expected: dict[str, Expected] = dict.fromkeys(keeps, "no fail")
    expected |= dict.fromkeys(open_, "no pass")
    expected |= dict.fromkeys(fails, "fail")
    return Canary(name, make, expected)


def _good(name: str, make: Maker) -> Canary:
    return Canary(name, make, dict.fromkeys(EVERYTHING, "no fail"), good=True)


def _described(make: Maker, about: str) -> Maker:
    make.__doc__ = about
    return make


_WHOLE_COPY = ("exact-copies", "single-copies", "membership", "membership-area", "membership-disclosure")
_NO_ORDER = ("row-order",)

CANARIES: tuple[Canary, ...] = (
    _good("fresh", damage.fresh),
    _good("fresh-half", damage.half),
    _good("fresh-drawn-again", damage.drawn_again),
    _good("fresh-sorted", damage.sorted_rows),
    _bad("verbatim-same-order", leaks.same_order, (*_WHOLE_COPY, "row-order"), FIDELITY),
    _bad("verbatim-shuffled", leaks.shuffled, _WHOLE_COPY, (*FIDELITY, *_NO_ORDER)),
    _bad("bootstrap", leaks.bootstrap, ("exact-copies", "single-copies", "membership", "membership-area"), FIDELITY),
    _bad(
        "copies-10-percent",
        _described(leaks.copies(0.1), "One row in ten is a row of train, the others are strangers."),
        ("exact-copies", "single-copies", "membership"),
        (*FIDELITY, *_NO_ORDER),
    ),
    _bad(
        "copies-5-percent",
        _described(leaks.copies(0.05), "One row in twenty is a row of train, the others are strangers."),
        ("exact-copies", "single-copies", "membership"),
        (*FIDELITY, *_NO_ORDER),
    ),
    _bad(
        "copies-1-percent",
        _described(leaks.copies(0.01), "One row in a hundred is a row of train, the others are strangers."),
        ("single-copies",),
        (*FIDELITY, *_NO_ORDER),
    ),
    _bad(
        "copies-0.5-percent",
        _described(leaks.copies(0.005), "One row in two hundred is a row of train, the others are strangers."),
        ("single-copies",),
        (*FIDELITY, *_NO_ORDER),
    ),
    _bad(
        "copies-0.1-percent",
        _described(leaks.copies(0.001), "One row in a thousand is a row of train, the others are strangers."),
        (),
        (*FIDELITY, *_NO_ORDER),
        ("single-copies",),
    ),
    *(
        _bad(
            f"near-copies-{noise:g}",
            _described(
                leaks.near_copies(0.05, noise),
                f"One row in twenty is a row of train with noise of {noise:g} standard deviations on its numbers.",
            ),
            ("membership",) if noise < 0.1 else (),
            (*FIDELITY, *_NO_ORDER),
            () if noise < 0.1 else ("membership",),
        )
        for noise in (0.0001, 0.001, 0.01, 0.03, 0.1)
    ),
    _bad("one-loner", leaks.loner, ("single-copies",), _NO_ORDER),
    _bad("rare-categories", leaks.rare, ("single-copies", "membership-outliers"), _NO_ORDER),
    _bad("smote", leaks.between_neighbours, ("membership-area",), ("missingness", "lost-values", *_NO_ORDER)),
    _bad("neighbour-mean", leaks.neighbour_mean, ("detection",), _NO_ORDER),
    _bad("stale-order", leaks.stale_order, ("row-order",), (*FIDELITY, *(set(LEAKS) - {"row-order"}))),
    _bad("kept-identifiers", leaks.kept_identifiers, ("identifier-reuse",), (*FIDELITY, *LEAKS)),
    _bad("kept-texts", leaks.kept_texts, ("text-reuse",), (*FIDELITY, *LEAKS)),
    _bad("scaled-column", damage.scaled, ("worst-column", "detection"), LEAKS),
    _bad("invented-correlation", damage.invented, ("association",), (*LEAKS, "worst-column", "missingness")),
    _bad("destroyed-correlation", damage.destroyed, ("association",), (*LEAKS, "worst-column", "missingness")),
    _bad("permuted-column", damage.permuted, ("association",), (*LEAKS, "worst-column", "missingness")),
    _bad("independent-columns", damage.independent, ("association",), (*LEAKS, "worst-column", "missingness")),
    _bad("dropped-mode", damage.no_mode, ("lost-values", "worst-column"), LEAKS),
    _bad("dropped-group", damage.no_group, ("lost-values",), LEAKS),
    _bad("wrong-digits", damage.wrong_digits, ("digits",), (*LEAKS, "association", "missingness")),
    _bad("nulls", damage.nulls, ("missingness", "worst-column"), LEAKS),
    _bad("scattered-gaps", damage.scattered_gaps, ("missingness-by-group",), (*LEAKS, "missingness", "worst-column")),
)

"""Words of a certificate: the claim, what it does not cover, how costs add up, and how a training was paid for.

Words for limits follow NIST SP 800-226 (2025), "Guidelines for Evaluating Differential Privacy Guarantees".
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from tabsynth.dp.budget import epsilon_from
from tabsynth.dp.gaussian_dp import whole_epsilon
from tabsynth.dp.generator import SECURE
from tabsynth.dp.released import gaussian_mu
from tabsynth.dp.transcript import Training, Transcript

if TYPE_CHECKING:
    from tabsynth.dp.certificate import Claim

NORMAL_95 = 1.959964
"""Standard deviations on either side that hold 95 of 100 normal draws; discrete noise of sigma > 1 is as wide."""


def rounded_up(value: float, digits: int) -> str:
    """A number to so many significant digits, never below it: what is said of a bound must hold, too.

    Example:
        >>> rounded_up(1.0010005, 3), rounded_up(54.326, 3), rounded_up(1.0, 4)
        ('1.01', '54.4', '1')
    """
    if not 0 < value < math.inf:
        return f"{value:.{digits}g}"
    exact = Decimal(repr(value))
    step = Decimal(1).scaleb(exact.adjusted() - digits + 1)
    return f"{float(exact.quantize(step, rounding=ROUND_CEILING)):.{digits}g}"


def sentences_of(claim: Claim) -> tuple[str, ...]:
    """The claim in plain words."""
    whose = "one row" if claim.unit == "row" else f"one {claim.unit} (with at most {claim.max_rows} of its rows)"
    right = 50 + 50 * claim.advantage
    shares = (
        ()
        if claim.counted == "rows"
        else (
            f"Counts and shares are of people, not of rows: of a {claim.unit} with k rows each counted 1/k. Somebody "
            "with many rows weighs as much as somebody with one, in the synthetic rows, too.",
        )
    )
    return (
        *shares,
        f"Whether or not {whose} was in the table, whatever is made of this file is almost equally likely: no "
        f"probability differs by more than a factor of {rounded_up(claim.odds_factor, 3)}, but for a failure "
        f"probability of {rounded_up(claim.delta, 6)}.",
        f"Somebody who knows all other rows and guesses whether {whose} was in the table is right at most "
        f"{rounded_up(right, 3)} times in 100, where a coin is right 50 times.",
        "This holds whatever the reader knows already or will learn, for as many synthetic rows as anybody draws, and "
        "for whatever is computed from them.",
        "It does not hide what is true of many: if smokers are ill more often, the rows show it, and a smoker's risk "
        "can be inferred whether or not their row was there.",
    )


def limits_of(transcript: Transcript) -> tuple[tuple[str, str], ...]:
    """What the certificate does not cover, as titles and texts."""
    public = transcript.public
    unit = "row" if public["unit"] == "row" else f"value of {public['unit']}"
    limits = [
        (
            "Unit of privacy",
            f"One {unit} is hidden, with at most {public['max_rows']} row(s) that entered. A person behind several "
            "units is protected less: a group of k units by about k times epsilon.",
        ),
        (
            "Trust model",
            "Central: the process that measured saw the real table. It was trusted, and so is the machine it ran on.",
        ),
        (
            "Data collection and exposure",
            "Nothing is said of the real table, its copies, or reports about it. An evaluation against real rows is a "
            "release of its own that this certificate does not cover.",
        ),
        (
            "Composition",
            "Every release about the same people adds up. "
            + (
                "The ledger named above keeps the sum for one dataset name; releases that were not charged to it are "
                "not in it."
                if public.get("ledger")
                else "No ledger was kept: nobody can tell from this file what else was released."
            ),
        ),
        (
            "Population facts",
            "What holds for many rows is meant to be learned, also where it allows conclusions about a person.",
        ),
        (
            "Side channels",
            "Memory and the time that measuring took are not hidden. Noise is exact and whole, without floating point.",
        ),
        (
            "Public inputs",
            "Schema, parameters and column names were taken as public. If somebody chose them by looking at the table, "
            "that look is not accounted for.",
        ),
        (
            "Utility and bias",
            "Noise weighs more on rare codes and small groups; counts of them can be wrong by more than their size.",
        ),
        (
            "Law",
            "This is a mathematical statement. Whether it makes the rows anonymous or de-identified (for example under "
            "HIPAA §164.514(b)(1)) is for an expert to determine.",
        ),
    ]
    if transcript.weighed:
        limits.append(
            (
                "Counts of people",
                "Rows of people with many rows weigh less than in the real table, so shares of rows (say, of visits) "
                "are not estimated; shares of people are, each person's rows averaged.",
            )
        )
    if transcript.trainings:
        limits += _limits_of_training()
    if public.get("noise") != SECURE:
        limits.insert(0, ("INSECURE", "The noise came from a test source and can be repeated. Nothing is protected."))
    return tuple(limits)


def _limits_of_training() -> list[tuple[str, str]]:
    """What holds for gradients and not for counts."""
    return [
        (
            "Floating point",
            "Sums of gradients are rounded to whole numbers, their noise is exact and whole, and batches are drawn by "
            "the operating system's coins. Gradients themselves are floating-point numbers: lengths are overestimated "
            "and products summed in double precision to cover rounding, but that a row's gradient may round otherwise "
            "in a batch of another size is not proven away.",
        ),
        (
            "Size of batches",
            "How long a step takes depends on how many rows its batch has. Whoever can time single steps learns that.",
        ),
        (
            "Error",
            "How far the rows are from the real ones does not follow from the noise, as it does for counts; only a "
            "comparison with real rows would tell, and that is a look of its own.",
        ),
    ]


def training_in_words(event: Training, delta: float) -> str:
    """What a training was, and how its cost was worked out."""
    of_order = (
        "for every order, as if every unit were in every batch"
        if event.order is None
        else f"the largest Rényi divergence over its order, for whole orders from 2 to {event.order}; these add up, too"
    )
    return (
        f"DP-SGD: {event.steps} batches, each unit in each with probability {event.rate:.6g} (Poisson sampling); its "
        f"gradient over all its rows is clipped to length {event.clip:g}, and sums get discrete Gaussian noise of "
        f"{event.noise:.6g} times what one unit can move. Accountant: Rényi divergences of the subsampled Gaussian "
        f"(Mironov, Talwar and Zhang 2019). Its rho = {event.rho:.6g} is {of_order}. By itself this is epsilon = "
        f"{rounded_up(epsilon_from(event.rho, delta, order=event.order), 4)} at delta = {delta:.3g}."
    )


def composition_of(transcript: Transcript) -> tuple[str, ...]:
    """How costs add up, in words."""
    public = transcript.public
    epsilon, delta = float(public["epsilon"]), float(public["delta"])
    spent = epsilon_from(transcript.rho, delta - transcript.delta, order=transcript.order)
    lines = [
        "Costs add up in zero-concentrated differential privacy: noise of standard deviation sigma on counts that one "
        "unit moves by at most s costs s² / (2 sigma²), and a choice by the exponential mechanism costs epsilon² / 8.",
        f"{len(transcript.events)} events cost rho = {transcript.rho:.6g} of {float(public['rho']):.6g}.",
        f"By Canonne, Kamath and Steinke (2020) this is epsilon = {rounded_up(spent, 6)} at delta = "
        f"{delta - transcript.delta:.3g}; epsilon = {epsilon:g} at delta = {delta:g} was allowed.",
    ]
    for event in transcript.trainings:
        lines.insert(1, training_in_words(event, delta))
    if (mu := gaussian_mu(transcript)) is not None:
        lines.append(
            f"All of them are whole Gaussian noise on counts, together mu-Gaussian-DP with mu = {mu:.4g} (Dong, Roth "
            f"and Su 2022). By its exact curve this is epsilon = {rounded_up(whole_epsilon(mu, delta), 6)} at delta = "
            f"{delta:.3g}; the budget was charged the larger figure above."
        )
    if any(event.kind == "tree" for event in transcript.discoveries):
        lines.insert(
            1,
            "Bins by PrivTree (Zhang, Xiao and Xie 2016) with noise of a scale of 3 s / epsilon on scores cost "
            "epsilon² / 2, however deep the tree is.",
        )
    if transcript.delta:
        lines.insert(
            -1,
            "Thresholds of category discovery fail with probability "
            f"{rounded_up(transcript.delta, 3)} at most, added to delta.",
        )
    return tuple(lines)


def row_count_in_words(transcript: Transcript) -> str:
    """Where the number of rows comes from."""
    if transcript.public.get("public_rows") is not None:
        return "declared public in the schema"
    counts = transcript.row_counts
    if not counts:
        return "not released"
    width = NORMAL_95 * counts[0].sigma / transcript.whole
    if transcript.weighed:
        return f"from a noisy number of people (± {width:.0f} in 95 of 100 cases) and of rows that they have"
    return f"measured with noise, ± {width:.0f} rows in 95 of 100 cases"

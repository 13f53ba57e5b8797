"""Words of a certificate: what it does not cover, and how a training was paid for.

Words for limits follow NIST SP 800-226 (2025), "Guidelines for Evaluating Differential Privacy Guarantees".
"""

from __future__ import annotations

from tabsynth.dp.budget import epsilon_from
from tabsynth.dp.generator import SECURE
from tabsynth.dp.transcript import Training, Transcript


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
        f"{epsilon_from(event.rho, delta, order=event.order):.4g} at delta = {delta:.3g}."
    )

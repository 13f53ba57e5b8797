"""How many rounds of boosting fit into a time limit.

One column is trained with few rounds and with a few more; the difference is the price of a round, the rest is paid
however few there are. Other columns cost in proportion to the questions their rows pass and the features they look at.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from tabsynth.errors import UsageError
from tabsynth.generators.boosting.cells import Cells
from tabsynth.generators.boosting.training import Settings

_FEW, _MORE = 1, 5
_USUAL_WAY = 15.0
"""Rounds times their step after which rows kept apart have stopped most questions."""


def shrink(settings: Settings, rounds: int) -> Settings:
    """Settings with fewer rounds, each with a larger step where these are fewer than questions usually take."""
    share = rounds / settings.rounds
    usual = min(settings.rounds, _USUAL_WAY / settings.learning_rate)
    return replace(
        settings,
        rounds=rounds,
        pooled_rounds=max(1, int(settings.pooled_rounds * share)),
        shared_rounds=settings.shared_rounds and max(1, int(settings.shared_rounds * share)),
        learning_rate=max(settings.learning_rate, min(0.5, settings.learning_rate * (rounds / usual) ** -0.5)),
    )


def rounds_within(seconds: float, *, fixed: float, each: float, wanted: int) -> int:
    """Rounds that can be paid for.

    Args:
        seconds: Time left.
        fixed: Seconds for everything but the rounds.
        each: Seconds of one round.
        wanted: Rounds that would be taken without a limit.

    Raises:
        UsageError: Not even one round can be paid for.
    """
    if seconds < fixed + each:
        raise UsageError(
            "time_limit: too short for one round of boosting on this table; allow about "
            f"{fixed + each:.1f} seconds beyond what preparing takes, or use the copula"
        )
    return min(wanted, int((seconds - fixed) / max(each, 1e-9)))


def price(
    train: Callable[[Settings], object], settings: Settings, cells: Sequence[Cells], *, threads: int
) -> Mapping[str, float]:
    """Seconds that all columns take: `fixed`, and `each` round.

    Args:
        train: Trains the last column.
        settings: What a full run would use.
        cells: Cells of all columns, in the order of drawing.
        threads: Columns trained at once.
    """
    import lightgbm  # noqa: F401  (its first import takes a second, which is no cost of a round)

    taken = []
    for rounds in (_FEW, _MORE):
        begun = time.monotonic()
        train(replace(settings, rounds=rounds, pooled_rounds=rounds))
        taken.append(time.monotonic() - begun)
    each = max(taken[1] - taken[0], 0.05 * taken[1]) / (_MORE - _FEW)
    work = [_questions_passed(column) * (number + 3) for number, column in enumerate(cells)]
    scale = sum(work) / work[-1] / threads
    return {"fixed": max(taken[0] - _FEW * each, 0.0) * scale, "each": each * scale}


def _questions_passed(cells: Cells) -> float:
    """About how many questions a row passes on the way to its cell: the entropy in bits, and a little more."""
    masses = np.maximum(cells.masses, 1e-12)
    return float(-(masses * np.log2(masses)).sum()) + 0.2

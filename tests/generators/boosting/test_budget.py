"""Rounds are cut to what a time limit can pay for."""

from __future__ import annotations

import pytest

from tabsynth.errors import UsageError
from tabsynth.generators.boosting.budget import rounds_within, shrink
from tabsynth.generators.boosting.training import Settings


@pytest.mark.parametrize(("seconds", "rounds"), [(3.0, 1), (12.0, 10), (1000.0, 40)])
def test_rounds_that_can_be_paid_for(seconds: float, rounds: int) -> None:
    """Fixed costs first, then as many rounds as are left over, never more than wanted."""
    assert rounds_within(seconds, fixed=2.0, each=1.0, wanted=40) == rounds


def test_no_round_is_an_error() -> None:
    """A limit below one round is refused with its name."""
    with pytest.raises(UsageError, match="time_limit"):
        rounds_within(2.5, fixed=2.0, each=1.0, wanted=40)


def test_fewer_rounds_take_larger_steps() -> None:
    """A tenth of the rounds that questions usually take learn about a third as much, not a tenth."""
    settings = Settings()
    cut = shrink(settings, 8)
    assert cut.rounds == 8 and cut.pooled_rounds >= 1
    assert settings.learning_rate < cut.learning_rate <= 0.5


def test_rounds_that_are_hardly_needed_change_no_step() -> None:
    """Half of the most rounds are still more than rows kept apart let most questions have."""
    settings = Settings()
    assert shrink(settings, settings.rounds // 2).learning_rate == settings.learning_rate

"""Agreement of models: would one choose the same model, and lean on the same columns, with synthetic rows?

Decisions
- Only pairs of settings that real rows tell apart are asked about: order within chance says nothing.
- Importance within what chance alone reaches counts as none.

Source: ranking of models, Jordon, Yoon & van der Schaar 2018, arXiv:1806.11345; permutation importance, Breiman 2001,
doi:10.1023/A:1010933404324.
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from scipy import stats

from tabsynth.evaluation.base import Detail, Family, Findings, Unit, answer, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.intervals import Interval, standard_error_of_mean
from tabsynth.evaluation.learners import SETTINGS
from tabsynth.evaluation.skill import Skill, measure_skill, resampled
from tabsynth.evaluation.tasks import Design
from tabsynth.evaluation.utility_trial import ALL_SOURCES, Source, Trial, nothing_judged, trials
from tabsynth.randomness import child

MAX_IMPORTANCE_ROWS = 1_500
MAX_IMPORTANCE_COLUMNS = 40
_RESAMPLES = 400


class RankingScores(Detail):
    """Skill of every setting on the first target, learned from real and from synthetic rows."""

    target: str
    settings: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    regret: float
    """Skill given up, with real rows, by taking the setting that synthetic rows prefer."""


class ImportanceScores(Detail):
    """Skill lost on the holdout when one column is shuffled, for models learned from real and from synthetic rows."""

    target: str
    columns: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]


class ModelRanking:
    """Whether synthetic rows rank models as real rows do: Kendall's tau over eight settings of four families.

    Formula:
        mean over pairs of settings a, b that real rows tell apart (their skills differ by more than 1.96 paired
        standard errors) of sign(skill_real(a) - skill_real(b)) sign(skill_synthetic(a) - skill_synthetic(b)). The order
        of settings that do equally well is noise and is left out. Reference: the same for rows of train drawn anew.
    Units:
        A correlation, -1 to 1; 1 is the same order.
    Cost:
        None beyond `train-on-synthetic`.
    Source:
        See the head of this module.
    """

    name = "model-ranking"
    family = Family.UTILITY
    question = "Would one choose the same model with synthetic rows?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "score"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Rank settings by what they reach on the holdout.

        Privacy:
            Leaves one skill per setting.
        """
        found = trials(comparison)
        if isinstance(found, str) or not found.trials:
            return nothing_judged(self, found)
        trial = found.trials[0]

        def skills(source: Source) -> list[Skill]:
            return [trial.skills[source, setting] for setting in SETTINGS]

        real, synthetic = skills("real"), skills("synthetic")
        values = {source: np.array([skill.value for skill in skills(source)]) for source in ALL_SOURCES}
        moved = resampled(
            np.column_stack([skill.influence for skill in (*real, *synthetic)]),
            trial.people,
            child(comparison.seed, "evaluation", "utility", "ranking"),
            _RESAMPLES,
        )
        n = len(SETTINGS)
        apart = _told_apart(real, trial.people)
        if not len(apart):
            note = f"All {n} settings do equally well for {trial.task.target}, as far as the holdout can tell."
            return Findings([unmeasured(self, note)])

        def agreement(first: Array, second: Array) -> float:
            return float(np.mean([np.sign((first[i] - first[j]) * (second[i] - second[j])) for i, j in apart]))

        tau = agreement(values["real"], values["synthetic"])
        spread = [agreement(values["real"] + row[:n], values["synthetic"] + row[n:]) for row in moved]
        regret = float(values["real"].max() - values["real"][int(np.argmax(values["synthetic"]))])
        result = answer(
            self,
            value=tau,
            interval=_including(tau, spread, level),
            n=int(trial.people.max()) + 1,
            reference=agreement(values["real"], values["again"]),
            baseline=agreement(values["real"], values["naive"]),
            notes=(
                f"{n} settings, for {trial.task.target}; {len(apart)} of {n * (n - 1) // 2} pairs differ by more than "
                f"chance with real rows, and these are compared. Taking the setting that synthetic rows prefer gives "
                f"up {regret:.3f} of the skill of the best one, with real rows.",
                "In place of real rows: the same ranking with training rows drawn anew.",
            ),
        )
        detail = RankingScores(
            target=trial.task.target,
            settings=SETTINGS,
            real=_rounded(values["real"]),
            synthetic=_rounded(values["synthetic"]),
            regret=round(regret, 4),
        )
        return Findings([result], detail)


class FeatureImportance:
    """Whether models lean on the same columns: rank correlation of permutation importances.

    Formula:
        Spearman's rho over columns j of skill(f) - skill(f with column j shuffled), for boosted trees learned from
        synthetic rows and from train, on the holdout. Importances within 1.96 standard errors of zero count as zero:
        the order of what does not matter is noise. Reference: the same for rows of train drawn anew.
    Units:
        A correlation, -1 to 1; 0 where no column matters.
    Cost:
        4 models x columns x 1,500 predictions beyond `train-on-synthetic`: 2 s at 15 columns.
    Source:
        See the head of this module.
    """

    name = "feature-importance"
    family = Family.UTILITY
    question = "Do models that learn from synthetic rows lean on the same columns?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "score"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Shuffle one column after another and see how much skill is lost.

        Privacy:
            Leaves two numbers per column.
        """
        found = trials(comparison)
        if isinstance(found, str) or not found.trials:
            return nothing_judged(self, found)
        trial = found.trials[0]
        places = _columns_asked(comparison, trial)
        if len(places) < 3:
            return Findings([unmeasured(self, "Needs at least three columns to predict from.")])
        sources: tuple[Source, ...] = ("real", "synthetic", "naive", "again")
        influences, people = _importances(comparison, trial, places, sources)
        values = {source: np.array([skill.value for skill in influences[source]]) for source in sources}
        moved = resampled(
            np.column_stack([skill.influence for source in sources[:2] for skill in influences[source]]),
            people,
            child(comparison.seed, "evaluation", "utility", "importance", "resampled"),
            _RESAMPLES,
        )
        n = len(places)
        noise = {source: _noise(influences[source], people) for source in sources}

        def clear(source: Source, moves: Array | float = 0.0) -> Array:
            return np.where(values[source] > noise[source], values[source] + moves, 0.0)

        rho = _correlation(clear("real"), clear("synthetic"))
        spread = [_correlation(clear("real", row[:n]), clear("synthetic", row[n:])) for row in moved]
        top = set(np.argsort(-values["real"], kind="stable")[:3]) & set(np.argsort(-values["synthetic"])[:3])
        notes = [
            f"Boosted trees, for {trial.task.target}; {len(top)} of the three most important columns are the same.",
            "In place of real rows: the same with training rows drawn anew.",
        ]
        if n < len(trial.task.features):
            notes.append(f"{n} of {len(trial.task.features)} columns, drawn by seed.")
        result = answer(
            self,
            value=rho,
            interval=_including(rho, spread, level),
            n=int(people.max()) + 1,
            reference=_correlation(clear("real"), clear("again")),
            baseline=_correlation(clear("real"), clear("naive")),
            notes=tuple(notes),
        )
        order = np.argsort(-values["real"], kind="stable")
        detail = ImportanceScores(
            target=trial.task.target,
            columns=tuple(trial.task.features[places[number]] for number in order),
            real=_rounded(values["real"][order]),
            synthetic=_rounded(values["synthetic"][order]),
        )
        return Findings([result], detail)


def _told_apart(skills: list[Skill], people: Array) -> list[tuple[int, int]]:
    """Pairs of settings whose skills differ by more than 1.96 paired standard errors."""
    found = []
    for i, j in combinations(range(len(skills)), 2):
        difference = skills[i].less(skills[j])
        if abs(difference.value) > 1.96 * standard_error_of_mean(difference.influence, people):
            found.append((i, j))
    return found


def _correlation(first: Array, second: Array) -> float:
    """Spearman's rho; 0 where one side ranks nothing."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(stats.spearmanr(first, second).statistic)


def _including(value: float, spread: list[float], level: float) -> Interval:
    """Percentile interval of resampled values, stretched to hold the value itself."""
    low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low=min(float(low), value), high=max(float(high), value), level=level)


def _columns_asked(comparison: Comparison, trial: Trial) -> Array:
    n = len(trial.task.features)
    if n <= MAX_IMPORTANCE_COLUMNS:
        return np.arange(n)
    rng = child(comparison.seed, "evaluation", "utility", "importance", "columns")
    return np.sort(rng.choice(n, MAX_IMPORTANCE_COLUMNS, replace=False))


def _importances(
    comparison: Comparison, trial: Trial, places: Array, sources: tuple[Source, ...]
) -> tuple[dict[Source, list[Skill]], Array]:
    """Skill lost by shuffling each column, by source; and the person of each row that was asked about."""
    n_asked = min(MAX_IMPORTANCE_ROWS, len(trial.labels))
    rows = np.linspace(0, len(trial.labels) - 1, n_asked).astype(np.int64)
    cells, labels = trial.tested.trees[rows], trial.labels[rows]
    rng = child(comparison.seed, "evaluation", "utility", "importance")
    orders = [rng.permutation(n_asked) for _ in places]
    found: dict[Source, list[Skill]] = {source: [] for source in sources}
    empty = np.empty((n_asked, 0))
    for source in sources:
        predictor = trial.boosted[source]
        whole = measure_skill(trial.task, predictor(Design(cells, empty)), labels)
        for place, order in zip(places, orders, strict=True):
            shuffled = cells.copy()
            shuffled[:, place] = shuffled[order, place]
            found[source].append(whole.less(measure_skill(trial.task, predictor(Design(shuffled, empty)), labels)))
    return found, np.unique(trial.people[rows], return_inverse=True)[1]


def _noise(skills: list[Skill], people: Array) -> Array:
    """Importance that chance alone reaches, by column."""
    return np.array([1.96 * standard_error_of_mean(skill.influence, people) for skill in skills])


def _rounded(values: Array) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in values)

"""Utility for prediction: does a model that learns from synthetic rows do its work on real ones?

Models learn from real rows of train and from equally many synthetic rows, and both are asked about the same rows of the
holdout (train on synthetic, test on real). Three questions: how much skill is lost; would one choose the same model;
does the model lean on the same columns?

Decisions
- The difference of the two models counts, paired over holdout rows, not two scores side by side: most of the error of
  each is shared. The interval holds for the models that were learned; another draw of rows to learn from would move it
  by as much again as `model-ranking` shows for real rows.
- The worst of all targets and families is judged, with an interval that pays for the search.
- Nothing is tuned, and no synthetic row is tested on.

Source: Esteban, Hyland & Rätsch 2017, arXiv:1706.02633 (train on synthetic, test on real); ranking of models, Jordon,
Yoon & van der Schaar 2018, arXiv:1806.11345; permutation importance, Breiman 2001, doi:10.1023/A:1010933404324.
"""

from __future__ import annotations

from itertools import combinations
from typing import Literal

import numpy as np
from scipy import stats

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Result, Unit, unmeasured
from tabsynth.evaluation.comparison import Array, Comparison
from tabsynth.evaluation.intervals import Interval, each_of, largest_of, standard_error_of_mean
from tabsynth.evaluation.learners import FAMILIES, SETTINGS
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.skill import Skill, mean_skill, measure_skill, resampled
from tabsynth.evaluation.tasks import Design
from tabsynth.evaluation.utility_trial import Source, Trial, Trials, trials
from tabsynth.randomness import child

MAX_IMPORTANCE_ROWS = 1_500
MAX_IMPORTANCE_COLUMNS = 40
_RESAMPLES = 400
_NOT_JUDGED = "No column could be predicted from the others: the columns to predict hold one value, or hardly any."


class FamilyScore(Part):
    """One family of models on one target."""

    family: str
    real: float
    synthetic: float
    naive: float
    loss: float
    """Skill lost: real minus synthetic."""
    interval: Interval
    """Of the loss; holds for all targets and families together."""
    real_error: float
    """Log loss in nats, or root mean squared error in standard deviations."""
    synthetic_error: float


class TargetScores(Part):
    """All families on one target."""

    target: str
    kind: Literal["classes", "numbers"]
    n_classes: int
    n_learned: int
    n_tested: int
    families: tuple[FamilyScore, ...]


class UtilityScores(Detail):
    """Skill of every model."""

    chosen: str
    """How the targets were chosen, in words."""
    targets: tuple[TargetScores, ...]


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


class TrainOnSynthetic:
    """Skill on real holdout rows of models that learned from synthetic rows, and what is lost against real ones.

    Formula:
        mean over targets t and families f of skill(f learned from synthetic, t); judged: max over t and f of
        skill(f learned from train) - skill(f learned from synthetic). Skill: 2 AUC - 1, or R² (`skill.py`).
    Units:
        A score; 0 knows nothing, 1 is always right. A loss of 0.1 is 0.05 of an AUC.
    Cost:
        14 s at 6,000 rows to learn from, 15 columns, three targets; the first metric of utility pays for all three.
    Source:
        See the head of this module.
    """

    name = "train-on-synthetic"
    family = Family.UTILITY
    question = "Do models that learn from synthetic rows predict real ones as well as models that learn from real rows?"
    better: Literal["higher", "lower"] = "higher"
    unit: Unit = "score"

    def measure(self, comparison: Comparison, *, level: float) -> Findings:
        """Learn from real, synthetic and naive rows, and test on the holdout.

        Privacy:
            Leaves skills over at least 50 holdout rows and names of columns.
        """
        found = trials(comparison)
        if isinstance(found, str) or not found.trials:
            return _nothing(self, found)
        pairs = [(trial, family) for trial in found.trials for family in FAMILIES]
        each = each_of(level, len(pairs))
        losses = [_loss(trial, family) for trial, family in pairs]
        sure = [_lost(loss, trial, each) for loss, (trial, _) in zip(losses, pairs, strict=True)]
        single = [_lost(loss, trial, level) for loss, (trial, _) in zip(losses, pairs, strict=True)]
        worst = int(np.argmax([loss.value for loss in losses]))
        trial, family = pairs[worst]
        interval = Interval(
            low=min(max(end.low for end in sure), losses[worst].value),
            high=max(end.high for end in single),
            level=level,
        )
        whole = {source: mean_skill([_whole(found, trial, source, f) for trial, f in pairs]) for source in _SOURCES}
        notes = [
            f"Predicted: {', '.join(part.task.target for part in found.trials)}; {found.chosen}.",
            f"Most is lost by {family} for {trial.task.target}: skill {trial.skills['real', family].value:.3f} learned "
            f"from real rows, {trial.skills['synthetic', family].value:.3f} from synthetic ones.",
            f"{found.n_rows:,} rows to learn from, {found.n_tested:,} holdout rows to test on.",
        ]
        if found.n_rows < min(comparison.train.n_rows, comparison.synthetic.n_rows):
            notes.append("The rows to learn from were drawn at random from larger tables.")
        notes += _oddities(found)
        result = Result(
            metric=self.name,
            family=self.family,
            question=self.question,
            better=self.better,
            unit=self.unit,
            value=whole["synthetic"].value,
            interval=whole["synthetic"].interval(found.all_people, level),
            n=int(found.all_people.max()) + 1,
            reference=whole["real"].value,
            baseline=whole["naive"].value,
            judged=Judged(what="largest loss of skill", value=losses[worst].value, interval=interval),
            notes=tuple(notes),
        )
        detail = UtilityScores(
            chosen=found.chosen,
            targets=tuple(_target_scores(trial, each) for trial in found.trials),
        )
        return Findings([result, *(_about(result, trial, level) for trial in found.trials)], detail)


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
            return _nothing(self, found)
        trial = found.trials[0]

        def skills(source: Source) -> list[Skill]:
            return [trial.skills[source, setting] for setting in SETTINGS]

        real, synthetic = skills("real"), skills("synthetic")
        values = {source: np.array([skill.value for skill in skills(source)]) for source in _ALL_SOURCES}
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
        result = Result(
            metric=self.name,
            family=self.family,
            question=self.question,
            better=self.better,
            unit=self.unit,
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
            return _nothing(self, found)
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
        result = Result(
            metric=self.name,
            family=self.family,
            question=self.question,
            better=self.better,
            unit=self.unit,
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


_SOURCES: tuple[Source, ...] = ("real", "synthetic", "naive")
_ALL_SOURCES: tuple[Source, ...] = (*_SOURCES, "again")


def _nothing(metric: TrainOnSynthetic | ModelRanking | FeatureImportance, found: Trials | str) -> Findings:
    if isinstance(found, str):
        return Findings([unmeasured(metric, found, undecided="Needs" in found)])
    return Findings([unmeasured(metric, _NOT_JUDGED)])


def _loss(trial: Trial, family: str) -> Skill:
    return trial.skills["real", family].less(trial.skills["synthetic", family])


def _lost(loss: Skill, trial: Trial, level: float) -> Interval:
    return loss.interval(trial.people, level, lower=-2.0, upper=2.0)


def _whole(found: Trials, trial: Trial, source: Source, family: str) -> Skill:
    """A skill with an influence for every tested row, also those without the target."""
    skill = trial.skills[source, family]
    influence = np.zeros(found.n_tested)
    influence[trial.used] = skill.influence * (found.n_tested / len(trial.used))
    return Skill(skill.value, influence, skill.loss)


def _oddities(found: Trials) -> list[str]:
    notes = [f"{name} holds one value, or too few cells, and was not predicted." for name in found.untold]
    for trial in found.trials:
        if trial.values_learned["synthetic"] < 2:
            notes.append(f"The synthetic rows hold fewer than two values of {trial.task.target}: nothing to learn.")
    return notes


def _about(whole: Result, trial: Trial, level: float) -> Result:
    """The result about one target: the mean over families."""
    skills = {source: mean_skill([trial.skills[source, family] for family in FAMILIES]) for source in _SOURCES}
    losses = [_loss(trial, family) for family in FAMILIES]
    interval = largest_of([_lost(loss, trial, each_of(level, len(losses))) for loss in losses], level=level)
    return whole.model_copy(
        update={
            "subject": (trial.task.target,),
            "value": skills["synthetic"].value,
            "interval": skills["synthetic"].interval(trial.people, level),
            "n": int(trial.people.max()) + 1,
            "reference": skills["real"].value,
            "baseline": skills["naive"].value,
            "judged": Judged(what="largest loss of skill", value=max(loss.value for loss in losses), interval=interval),
            "notes": (),
        }
    )


def _target_scores(trial: Trial, each: float) -> TargetScores:
    def score(family: str) -> FamilyScore:
        real, synthetic = trial.skills["real", family], trial.skills["synthetic", family]
        loss = real.less(synthetic)
        return FamilyScore(
            family=family,
            real=round(real.value, 4),
            synthetic=round(synthetic.value, 4),
            naive=round(trial.skills["naive", family].value, 4),
            loss=round(loss.value, 4),
            interval=_lost(loss, trial, each),
            real_error=round(real.loss, 4),
            synthetic_error=round(synthetic.loss, 4),
        )

    return TargetScores(
        target=trial.task.target,
        kind="classes" if trial.task.n_classes else "numbers",
        n_classes=trial.task.n_classes,
        n_learned=trial.n_learned["synthetic"],
        n_tested=len(trial.labels),
        families=tuple(score(family) for family in FAMILIES),
    )


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

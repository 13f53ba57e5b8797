"""Utility for prediction: does a model that learns from synthetic rows do its work on real ones?

Models learn from real rows of train and from equally many synthetic rows, and both are asked about the same rows of the
holdout (train on synthetic, test on real): how much skill is lost? Whether one would choose the same model, and lean on
the same columns, is in `utility_agreement`.

Decisions
- The difference of the two models counts, paired over holdout rows, not two scores side by side: most of the error of
  each is shared. The interval holds for the models that were learned; another draw of rows to learn from would move it
  by as much again as `model-ranking` shows for real rows.
- The worst of all targets and families is judged, with an interval that pays for the search.
- Nothing is tuned, and no synthetic row is tested on.

Source: Esteban, Hyland & Rätsch 2017, arXiv:1706.02633.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from tabsynth.evaluation.base import Detail, Family, Findings, Judged, Result, Unit, answer
from tabsynth.evaluation.comparison import Comparison
from tabsynth.evaluation.intervals import Interval, each_of, largest_of
from tabsynth.evaluation.learners import FAMILIES
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.skill import Skill, mean_skill
from tabsynth.evaluation.tasks import ONE_FIT
from tabsynth.evaluation.utility_trial import SOURCES, Source, Trial, Trials, nothing_judged, trials


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
            return nothing_judged(self, found)
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
        whole = {source: mean_skill([_whole(found, trial, source, f) for trial, f in pairs]) for source in SOURCES}
        notes = [
            f"Predicted: {', '.join(part.task.target for part in found.trials)}; {found.chosen}.",
            f"Most is lost by {family} for {trial.task.target}: skill {trial.skills['real', family].value:.3f} learned "
            f"from real rows, {trial.skills['synthetic', family].value:.3f} from synthetic ones.",
            f"{found.n_rows:,} rows to learn from, {found.n_tested:,} real rows to test on.",
        ]
        if found.n_rows < min(comparison.train.n_rows, comparison.synthetic.n_rows):
            notes.append("The rows to learn from were drawn at random from larger tables.")
        notes += _oddities(found)
        notes.append(ONE_FIT)
        result = answer(
            self,
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
    skills = {source: mean_skill([trial.skills[source, family] for family in FAMILIES]) for source in SOURCES}
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

"""Run every metric on three tables and hold the results against a policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pydantic import SerializeAsAny

from tabsynth.evaluation.base import METRICS, Detail, Result, Verdict, run_metric, worst
from tabsynth.evaluation.comparison import Comparison, compare
from tabsynth.evaluation.part import Part
from tabsynth.evaluation.policy import Policy, load_policy
from tabsynth.evaluation.recipe import Recipe
from tabsynth.evaluation.roles import Roles, part_roles, roles_of
from tabsynth.evaluation.split import Overlap, measure_overlaps, strangers_are_known
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed
from tabsynth.schema.model import Table
from tabsynth.schema.values import TypedTable


class Evaluation(Part):
    """Everything that was measured about one synthetic table; holds no cell of the training table."""

    results: tuple[Result, ...]
    details: dict[str, SerializeAsAny[Detail]]
    """Material for charts and tables, by metric."""
    columns: dict[str, str]
    """Type of every column of the schema."""
    n_rows: dict[str, int]
    """Rows of train, holdout and synthetic, and of reference and test where these are rows of their own."""
    n_compared: int
    """Rows of holdout and of synthetic that were compared, equally many."""
    overlap: Overlap
    """Of the holdout with train."""
    overlaps: tuple[Overlap, ...] = ()
    """Of every other two real parts."""
    roles: Roles | None = None
    policy: Policy
    warnings: tuple[str, ...] = ()
    seed: int = 0

    def result(self, metric: str, *subject: str) -> Result:
        """The result of a metric about some columns, or about the whole table.

        Raises:
            KeyError: There is none.
        """
        for result in self.results:
            if result.metric == metric and result.subject == subject:
                return result
        raise KeyError(f"no result of {metric} about {', '.join(subject) or 'the whole table'}")

    @property
    def verdict(self) -> Verdict:
        """Worst verdict of all limits: fail, then insufficient evidence, then pass; info without any limit."""
        return worst(result.verdict for result in self.results if result.clause)


def evaluate_typed(
    train: TypedTable,
    holdout: TypedTable,
    synthetic: TypedTable,
    table: Table,
    *,
    seed: int = 0,
    policy: Policy | None = None,
    violations: Mapping[str, int] | None = None,
    metrics: Iterable[str] | None = None,
    apart: Mapping[str, TypedTable] | None = None,
    swaps: Sequence[tuple[TypedTable, TypedTable, TypedTable]] = (),
    recipe: Recipe | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Measure validity, fidelity, detection, utility, fairness, copies and attacks of a synthetic table.

    Args:
        train: Rows that the generator learned from.
        holdout: Real rows that it never saw, of other people where people have several rows.
        synthetic: Rows that it made.
        table: Their schema.
        seed: Seed of samples, folds and baselines; the same seed gives the same numbers.
        policy: Limits to judge by; None: the default policy of the package.
        violations: Rows that break a rule of the schema, by rule, where that was checked.
        metrics: Names of the metrics to run; None: all.
        apart: Real rows of yet other people by role: `reference` for attackers, `test` for models of utility. Without
            any, the holdout is parted where it has people enough, and else plays these roles as well (`roles.py`).
        swaps: Train, holdout and synthetic rows of more models of the same generator, each learned without another part
            of the people, where these are few: membership and detection are then asked of all models together.
        recipe: How the synthetic rows can be made anew, for the metrics of the level "deep"; None: not known.
        progress: Told when each metric begins.

    Returns:
        Results with verdicts, and material for the report. A metric that fails leaves a result that says so.

    Raises:
        DataError: A table has no rows, or lacks columns of the schema.
        UsageError: A metric is unknown.

    Privacy:
        Reads all three tables. What is returned holds aggregates, names of columns, and names of categories that at
        least ten people share. It is not differentially private.
    """
    names = tuple(METRICS if metrics is None else metrics)
    chosen = [METRICS[name]() for name in names]
    limits = policy or load_policy()
    given = bool(apart)
    if holdout.n_rows and (
        table.entity_key is None or table.entity_key in holdout.columns
    ):  # else `compare` refuses it
        holdout, apart, stayed = part_roles(holdout, table, apart or {}, seed=check_seed(seed))
        if recipe is not None and stayed is not None:
            recipe = recipe.on_holdout(stayed, n_train=train.n_rows)
    comparison = compare(train, holdout, synthetic, table, seed=check_seed(seed), violations=violations, apart=apart)
    comparison = replace(comparison, recipe=recipe)
    if swaps:
        others = tuple(replace(compare(*three, table, seed=seed), as_many=True) for three in swaps)
        comparison = replace(comparison, swaps=others, as_many=True)
    overlap, *overlaps = measure_overlaps(comparison)
    results: list[Result] = []
    details: dict[str, Detail] = {}
    progress.stage("evaluate", len(chosen))
    for metric in chosen:
        found = run_metric(metric, comparison, level=limits.level(metric.name))
        results.extend(found.results)
        if found.detail is not None:
            details[metric.name] = found.detail
        progress.advance(note=metric.name)
    judged = limits.judge(results)
    if strangers_are_known(comparison, (overlap, *overlaps)):
        judged = tuple(_no_pass(result) for result in judged)
    return Evaluation(
        results=judged,
        details=details,
        columns={name: column.type for name, column in table.columns.items()},
        n_rows={which: part.n_rows for which, part in comparison.typed.items()},
        n_compared=comparison.n_compared,
        overlap=overlap,
        overlaps=tuple(overlaps),
        roles=roles_of(comparison, given=given),
        policy=limits,
        warnings=tuple(
            warning for warning in (*(o.warning for o in (overlap, *overlaps)), _several_rows(comparison)) if warning
        ),
        seed=comparison.seed,
    )


_WITHOUT_STRANGERS = (
    "schema-violations",
    "lost-values",
    "missingness",
    "representation",
    "row-order",
    "identifier-reuse",
    "text-reuse",
    "epsilon-audit",
)
"""Metrics that are judged without real rows besides train."""


def _no_pass(result: Result) -> Result:
    """A result that leans on strangers who are none: a fail stands, a pass is insufficient evidence."""
    if result.verdict is not Verdict.PASS or result.metric in _WITHOUT_STRANGERS:
        return result
    note = "No pass: the real part that this leans on is no table of strangers; see the warnings."
    return result.model_copy(update={"verdict": Verdict.INSUFFICIENT, "notes": (note, *result.notes)})


def _several_rows(comparison: Comparison) -> str | None:
    """What to say when people have several rows and some intervals do not count that."""
    people = comparison.train_people
    if people is None or len(set(people.tolist())) == len(people):
        return None
    return (
        "People have several rows. The intervals of missing rates, copies and detection treat rows as independent and "
        "are narrower than they should be."
    )

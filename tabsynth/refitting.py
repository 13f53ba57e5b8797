"""The recipe of a model, for a deep evaluation: how to make rows like its own from other people, or audit its claim.

Decisions
- The model's own generator is run again, with its parameters: for `auto` that is the one it chose.
- A private generator is never run on the tables of an evaluation, also not on the holdout, whose people were promised
  the same. Its claim is audited on invented rows (`dp/audit.py`).
- Checkpoints and ledgers of the first fit are left alone.
- What comes from a fit about the rows (warnings) is not passed on: it would be about people of half the table.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from tabsynth.errors import DataError, TabsynthError, TabsynthWarning, UsageError
from tabsynth.evaluation.recipe import Array, Recipe, Refit
from tabsynth.generators.base import Generator
from tabsynth.generators.model import Model
from tabsynth.progress import SILENT, Progress
from tabsynth.schema.model import Schema
from tabsynth.schema.validate import validate_table
from tabsynth.schema.values import TypedTable


def recipe_of(
    model: Model,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    schema: Schema,
    table_name: str,
    *,
    given: Mapping[str, Any] | Iterable[Any] | None = None,
    n_shadows: int | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Recipe:
    """How to make rows like those of a model again.

    Args:
        model: The model that the synthetic rows were drawn from.
        train: Rows that it learned from, after the treatments of the schema.
        holdout: Rows that were kept apart, after the same treatments.
        schema: The schema after the treatments.
        table_name: Which table of it.
        given: Conditions that the rows were drawn under.
        n_shadows: See `Recipe`.
        time_limit: See `Recipe`.
        seed: Seed of an audit's rows and noise.
        progress: Told how far the work is.

    Raises:
        DataError: The model is of another table.

    Privacy: The recipe holds both tables, in memory. A private one holds neither.
    """
    known = schema.tables[table_name]
    if unknown := [name for name in model.table.columns if name not in known.columns and name not in train]:
        raise DataError(f"model: knows columns that the schema has not: {', '.join(unknown[:5])}; give their own model")
    maker = model.generator
    wishes: dict[str, Any] = {"n_shadows": n_shadows, "time_limit": time_limit, "progress": progress}
    if maker.private:
        from tabsynth.dp.audit import audit_of
        from tabsynth.dp.generator import PrivateGenerator

        assert isinstance(maker, PrivateGenerator)
        try:
            audit = audit_of(maker, model.schema, model.table_name, seed=seed)
        except TabsynthError as error:  # costs the audit, not the evaluation
            return Recipe(maker.name, no_audit=str(error), **wishes)
        return Recipe(maker.name, audit=audit, **wishes)
    return Recipe(maker.name, refit=_refit(maker, train, holdout, schema, table_name, given), **wishes)


def check_depth(level: str, *, shadows: int | None, time_limit: float | None) -> None:
    """Refuse wishes about how much is measured that cannot be met, before anything is read.

    Raises:
        UsageError: What is wrong, and what would be right.
    """
    from tabsynth.evaluation.base import LEVELS
    from tabsynth.evaluation.shadow_models import MIN_SHADOWS

    if level not in LEVELS:
        raise UsageError(f"level: unknown; choose from {', '.join(LEVELS)}")
    if shadows is not None and (isinstance(shadows, bool) or not isinstance(shadows, int) or shadows < MIN_SHADOWS):
        raise UsageError(f"shadows: must be a whole number of at least {MIN_SHADOWS}; 32 is usual")
    if time_limit is not None and not time_limit > 0:
        raise UsageError("time_limit: must be a number of seconds above 0")
    if level != "deep" and (shadows is not None or time_limit is not None):
        raise UsageError("shadows, time_limit: only the level deep makes shadow models; ask for level deep")


def _refit(
    maker: Generator,
    train: pd.DataFrame,
    holdout: pd.DataFrame,
    schema: Schema,
    table_name: str,
    given: Mapping[str, Any] | Iterable[Any] | None,
) -> Refit:
    pool = pd.concat([train, holdout], ignore_index=True)
    declared = schema.tables[table_name]
    conditions = given if given is None or isinstance(given, Mapping) else tuple(given)
    alone = maker.model_copy(update={"checkpoint": None}) if "checkpoint" in type(maker).model_fields else maker
    if schema.privacy is not None and schema.privacy.safe_harbor:  # the whole table was searched before
        schema = schema.model_copy(update={"privacy": schema.privacy.model_copy(update={"safe_harbor": False})})

    def refit(rows: Array, n_rows: int, seed: int) -> TypedTable:
        learned = pool.iloc[rows].reset_index(drop=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", TabsynthWarning)
            model = alone.fit(learned, schema, seed=seed, table_name=table_name)
            drawn = model.sample(n_rows, seed=seed, given=conditions)
        return validate_table(drawn, declared, name="shadow model").typed

    return refit

"""The contract of a generator, and all that is written once for every generator.

A generator is frozen parameters with `fit`; a model is frozen fitted state with `sample`. So "not fitted" cannot
happen, and parameters = YAML keys = `--set` options = JSON Schema. A new generator writes `fit_encoded`, and a
`Fitted` with `sample_encoded`, `state` and `from_state`; reading, checking, encoding, identifiers, constraints,
conditions and saving are here and in `model.py`. What a `Fitted` may do besides (fill in cells, say how probable rows
are) is in `capabilities.py`: it has the method or it has not.

Decisions
- `state()` is an allow-list. What it does not name cannot be in a model file.
- The floors for small tables are here, so that no generator can forget them.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tabsynth.encoding.derived import Derivation, derive
from tabsynth.encoding.given import EncodedGiven
from tabsynth.encoding.table import EncodedTable, TableEncoder
from tabsynth.errors import (
    ConstraintError,
    InsufficientDataError,
    MissingExtraError,
    TabsynthWarning,
    UsageError,
)
from tabsynth.generators.entities import EntityInfo, surrogate_columns
from tabsynth.generators.groups import foreign_keys
from tabsynth.generators.model import Model
from tabsynth.identifiers.key_formats import require_agreeing
from tabsynth.identifiers.treat import treat
from tabsynth.progress import SILENT, Progress
from tabsynth.randomness import check_seed, child, deterministic_threads
from tabsynth.schema.columns import Identifier, Ordinal
from tabsynth.schema.contradictions import find_contradictions
from tabsynth.schema.files import as_schema
from tabsynth.schema.model import Schema, Table
from tabsynth.schema.validate import Validation, require_valid, validate_table
from tabsynth.schema.values import ORDERED_CATEGORY, Values, parse_column
from tabsynth.tables.frames import FrameKind, to_pandas

Array = np.ndarray[Any, Any]


class Fitted(ABC):
    """What a generator has learned, on encoded columns."""

    notes: tuple[str, ...] = ()
    """What a user should know about the fit: rows left out, work cut short."""

    @abstractmethod
    def sample_encoded(self, n_rows: int, *, rng: np.random.Generator, given: EncodedGiven) -> dict[str, Array]:
        """Draw rows.

        Args:
            n_rows: Rows to draw, >= 1.
            rng: Source of every random number.
            given: What some columns may be; every row must satisfy it.

        Returns:
            One array of shape (n_rows,) for every encoded column, as `EncodedTable` has them.
        """

    @abstractmethod
    def state(self) -> dict[str, Any]:
        """All that a model file holds of this: JSON values and numeric arrays, and no training row."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: Mapping[str, Any], domains: Mapping[str, Any]) -> Self:
        """The fitted state that `state` describes, for columns of these domains."""


class Generator(BaseModel, ABC):
    """Parameters of a way to make synthetic rows."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    name: ClassVar[str]
    """Name in the registry and on the command line."""
    keeps_training_values: ClassVar[bool] = False
    """Whether model files hold values of single training rows."""
    guarantee: ClassVar[str] = "none: no mathematical privacy guarantee; rely on the measured evidence"
    """What is promised about privacy, in words."""
    unsavable: ClassVar[str] = ""
    """Why models cannot be written to a file, and what to do instead; empty where they can."""
    needs: ClassVar[tuple[str, str] | None] = None
    """Package that fitting imports beside the core's, and the extra that brings it: `("torch", "deep")`."""
    keeps_point_masses: ClassVar[bool] = True
    """Whether a number that many rows share, such as zero, comes back as that number."""
    private: ClassVar[bool] = False
    """Whether the guarantee is a theorem: then `fit` takes no seed and says nothing about the table."""
    min_rows: ClassVar[int] = 0
    """Below this many training rows `fit` falls back to independent columns and says so."""
    fitted_type: ClassVar[type[Fitted]]
    """Class that `fit_encoded` returns."""

    min_people: int = Field(
        default=10,
        ge=1,
        description="Smallest number of people (rows, where the schema names no entity key) that every kept category, "
        "value and extreme must rest on.",
    )

    if not TYPE_CHECKING:  # type checkers read the parameters from the fields

        def __init__(self, **parameters: Any) -> None:
            """Store the parameters.

            Raises:
                UsageError: A parameter is unknown, or a value is out of range.
            """
            try:
                super().__init__(**parameters)
            except ValidationError as error:
                known = ", ".join(type(self).model_fields)
                wrong = "; ".join(
                    f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)
                )
                raise UsageError(f"{type(self).name}: {wrong} (parameters: {known})") from None

    @classmethod
    def require_savable(cls) -> None:
        """Refuse to start what would end in a model file that cannot be.

        Raises:
            UsageError: Models of this generator cannot be written to a file.
        """
        if cls.unsavable:
            raise UsageError(f"{cls.name}: {cls.unsavable}")

    @classmethod
    def install_command(cls) -> str | None:
        """What to type so that this generator can fit, or None where nothing is missing. Imports nothing."""
        if cls.needs is None or find_spec(cls.needs[0]) is not None:
            return None
        return f'pip install "tabsynth[{cls.needs[1]}]"'

    @classmethod
    def require_installed(cls) -> None:
        """Check that the package that fitting needs is there.

        Raises:
            MissingExtraError: It is not installed.
        """
        if command := cls.install_command():
            assert cls.needs is not None
            raise MissingExtraError(f"{cls.name}: fitting needs {cls.needs[0]}, which is not installed; run: {command}")

    @abstractmethod
    def fit_encoded(self, data: EncodedTable, *, rng: np.random.Generator, progress: Progress = SILENT) -> Fitted:
        """Learn from encoded rows.

        Args:
            data: The training rows.
            rng: Source of every random number.
            progress: Told about stages of long work.

        Privacy: The docstring of each generator says what its `state` holds.
        """

    def fit(
        self,
        table: object,
        schema: Schema | str | Path,
        *,
        seed: int | None = None,
        table_name: str | None = None,
        avoid: object | None = None,
        progress: Progress = SILENT,
    ) -> Model:
        """Learn from a table.

        Args:
            table: pandas, polars or pyarrow table. It is not modified, and the model keeps no reference to it.
            schema: The schema, or the path of a schema file.
            seed: Any whole number from 0; the same seed gives the same model. None draws one.
            table_name: Which table of a schema with several.
            avoid: A table of the same schema from which nothing is learned but which identifiers surrogates must not
                repeat: the rows kept apart. Those of `table` are avoided anyway.
            progress: Told about stages of long work.

        Raises:
            DataError: The table does not fit the schema, or the schema asks for Safe Harbor and leaves an identifier
                that was found; everything that is wrong is listed.
            ConstraintError: The constraints contradict each other.
            InsufficientDataError: Too few people to learn from.

        Privacy: The model holds what `TableEncoder.fit`, `derive` and the generator's `state` list, and no row.
        """
        seed = check_seed(seed)
        schema = as_schema(schema)
        name = choose_table(schema, table_name)
        frame, kind = to_pandas(table)
        frame, schema, treated_notes = _deidentified(table, frame, schema, name, seed, progress)
        declared = schema.tables[name]
        if contradictions := find_contradictions(declared):
            raise ConstraintError("the constraints cannot all hold:\n- " + "\n- ".join(contradictions))
        require_agreeing(surrogate_columns(declared), declared, name)
        progress.stage("Checking the table")
        validation = validate_table(frame, declared, name=name)
        require_valid(validation)
        others = {} if avoid is None else _identifiers(to_pandas(avoid)[0], declared)
        return self._fit_validated(validation, frame, kind, schema, name, seed, others, progress, treated_notes)

    def record(self, model: Model) -> dict[str, Any]:
        """All that a model file holds of a model of this generator: JSON values and numeric arrays.

        Privacy: What `Derivation.state`, `TableEncoder.state`, `EntityInfo.state` and the generator's `state` list, the
        seed, and how the table stored its columns.
        """
        return {
            "derivation": model.derivation.state(),
            "encoders": model.encoder.state(),
            "fitted": model.fitted.state(),
            "entities": model.entity_info.state(),
            "storage": dict(model.storage),
            "frame_kind": model.frame_kind.state(),
            "seed": model.seed,
            "notes": list(model.notes),
        }

    def restore(self, state: Mapping[str, Any], *, schema: Schema, table_name: str, n_rows_fitted: int) -> Model:
        """The model that `record` described."""
        derivation = Derivation.from_state(state["derivation"], schema.tables[table_name])
        encoder = TableEncoder.from_state(state["encoders"], derivation.columns)
        return Model(
            generator=self,
            fitted=self.fitted_type.from_state(state["fitted"], encoder.domains),
            schema=schema,
            table_name=table_name,
            derivation=derivation,
            encoder=encoder,
            entity_info=EntityInfo.from_state(state["entities"]),
            storage=state["storage"],
            frame_kind=FrameKind.from_state(state["frame_kind"]),
            n_rows_fitted=n_rows_fitted,
            seed=state["seed"],
            notes=tuple(state["notes"]),
        )

    def _fit_validated(
        self,
        validation: Validation,
        frame: pd.DataFrame,
        kind: Any,
        schema: Schema,
        name: str,
        seed: int,
        others: Mapping[str, Values],
        progress: Progress,
        before: tuple[str, ...],
    ) -> Model:
        declared, typed = schema.tables[name], validation.typed
        entities = EntityInfo.codes(declared, typed)
        n_people = typed.n_rows if entities is None else int(entities.max(initial=-1)) + 1
        self._require_enough(n_people, entities is not None)
        chosen, notes = self._or_fallback(typed.n_rows, len(declared.columns))
        notes += [*before, *(notice.summary for notice in validation.notices)]
        entity_info, crowded = EntityInfo.fit(
            declared, typed, entities, k=self.min_people, others=others, pointing=foreign_keys(schema, name)
        )
        for note in crowded:
            warnings.warn(note, TabsynthWarning, stacklevel=3)
        notes += crowded
        progress.stage("Encoding")
        derivation = derive(declared, typed, k=self.min_people)
        notes += derivation.notes
        modelled = derivation.forward(typed)
        encoder = TableEncoder.fit(derivation.columns, modelled, k=self.min_people, entities=entities)
        encoded = encoder.encode(modelled, entities=entities)
        progress.stage(f"Fitting {chosen.name}")
        with deterministic_threads():
            fitted = chosen.fit_encoded(encoded, rng=child(seed, "fit", chosen.name), progress=progress)
        return Model(
            generator=chosen,
            fitted=fitted,
            schema=schema,
            table_name=name,
            derivation=derivation,
            encoder=encoder,
            entity_info=entity_info,
            storage=_storage(frame, declared),
            frame_kind=kind,
            n_rows_fitted=typed.n_rows,
            seed=seed,
            notes=(*notes, *fitted.notes),
        )

    def _require_enough(self, n_people: int, counted_in_people: bool) -> None:
        floor = 2 * self.min_people
        if n_people < floor:
            what = "people" if counted_in_people else "rows"
            raise InsufficientDataError(
                f"the table has {n_people} {what}; at least {floor} are needed so that nothing kept rests on fewer "
                f"than {self.min_people}. Add rows, or lower min_people if the table is public"
            )

    def _or_fallback(self, n_rows: int, n_columns: int) -> tuple[Generator, list[str]]:
        """This generator, or independent columns where the table is too small for it."""
        if n_rows >= self.min_rows:
            return self, []
        from tabsynth.generators.independent import Independent

        note = (
            f"{n_rows} rows are too few for {self.name} (at least {self.min_rows}): dependence between columns "
            "would be noise. Columns are drawn independently instead."
        )
        warnings.warn(note, TabsynthWarning, stacklevel=4)
        return Independent(min_people=self.min_people), [note]


def choose_table(schema: Schema, table_name: str | None) -> str:
    """The table to work on: the named one, or the only one.

    Raises:
        UsageError: The name is unknown, or missing although the schema has several tables.
    """
    if table_name is None:
        if len(schema.tables) > 1:
            raise UsageError(
                f"the schema has {len(schema.tables)} tables; choose one with --table: {', '.join(schema.tables)}"
            )
        return schema.only_name
    if table_name not in schema.tables:
        raise UsageError(f"the schema has no table {table_name!r}; it has {', '.join(schema.tables)}")
    return table_name


def _deidentified(
    table: object, frame: pd.DataFrame, schema: Schema, name: str, seed: int, progress: Progress
) -> tuple[pd.DataFrame, Schema, tuple[str, ...]]:
    """The table and schema after the treatments of the schema; refused while it leaves an identifier that was found."""
    if schema.privacy is not None and schema.privacy.safe_harbor:
        from tabsynth.identifiers.scan import require_resolved, scan_table  # many patterns, seldom needed

        progress.stage("Looking for identifiers")
        found = scan_table(table, schema, table_name=name)
        require_resolved(found)
    treated = treat(frame, schema, name, seed=seed)
    return treated.frame, treated.schema, treated.notes


def _identifiers(frame: pd.DataFrame, declared: Table) -> dict[str, Values]:
    """Cells of the identifier columns that the frame has."""
    return {
        name: parse_column(frame[name], column).values
        for name, column in declared.columns.items()
        if isinstance(column, Identifier) and name in frame.columns
    }


def _storage(frame: pd.DataFrame, declared: Table) -> dict[str, str]:
    """Dtype of every native column, so that samples come out as the table went in; text columns are left out."""
    kept = {}
    for name, column in declared.columns.items():
        if name not in frame.columns:
            continue
        dtype = frame[name].dtype
        if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered and isinstance(column, Ordinal):
            kept[name] = ORDERED_CATEGORY  # in the order that the schema declares
        elif frame[name].dtype != object and not isinstance(dtype, pd.StringDtype):
            kept[name] = str(dtype)
    return kept

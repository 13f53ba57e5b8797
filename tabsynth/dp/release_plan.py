"""What a release may do, decided before the data are opened: unit, budget, domain, shares of the budget, ledger.

A plan is a function of the schema and the parameters alone, so it may fail with words about them, and `tabsynth plan`
can show it without any data.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tabsynth.dp.bins import Numeric, has_few_values
from tabsynth.dp.budget import Account, Budget, best_order, rho_from, split
from tabsynth.dp.discovery import discover_bounds, discover_categories, discover_cuts, discover_tree, findings
from tabsynth.dp.domain import Domain, Found, build_domain, needs_discovery
from tabsynth.dp.ledger import Ledger
from tabsynth.dp.reading import PrivateRows
from tabsynth.dp.spending import Spending
from tabsynth.dp.unit import PrivacyUnit, privacy_unit
from tabsynth.encoding.derived import Derivation, derive
from tabsynth.errors import ConstraintError, SchemaError, UsageError
from tabsynth.generators.base import choose_table
from tabsynth.generators.entities import surrogate_columns
from tabsynth.identifiers.key_formats import require_agreeing
from tabsynth.identifiers.treated_schema import treated_schema
from tabsynth.schema.contradictions import find_contradictions
from tabsynth.schema.model import Schema

if TYPE_CHECKING:
    from tabsynth.dp.generator import PrivateGenerator

NO_LEDGER = "none"
DEFAULT_DELTA = 1e-9
ROWS_SHARE = 0.01
"""Share of rho for the number of rows, and again for the number of rows per unit."""
DISCOVERY_SHARE = 0.1
"""Share of rho for categories and bounds that the schema leaves open, and again for bins of numbers, at most."""
BINS_SHARE = 0.03
"""Share of rho for the bins of one column."""
DISCOVERY_DELTA = 0.1
"""Share of delta for the thresholds of category discovery, where there is any."""


class ReleasePlan:
    """What a release may do, decided before the data are opened, from the schema and the parameters alone."""

    def __init__(self, generator: PrivateGenerator, schema: Schema, table_name: str) -> None:
        """Check everything that can be checked without data.

        Raises:
            UsageError, SchemaError, ConstraintError: What is wrong, and the remedy.
        """
        self.generator, self.schema, self.table_name = generator, schema, table_name
        self.table = schema.tables[table_name]
        if contradictions := find_contradictions(self.table):
            raise ConstraintError("the constraints cannot all hold:\n- " + "\n- ".join(contradictions))
        require_agreeing(surrogate_columns(self.table), self.table, table_name)
        self.unit: PrivacyUnit = privacy_unit(schema, table_name)
        self.budget = release_budget(generator, schema)
        self.derivation = derive(self.table, None)
        self.open = needs_discovery(self.derivation.columns)
        generator.mechanism_parameters(self.derivation)  # refuses what names no column
        if not (generator.discover and self.open):
            self.domain({})  # refuses what is left open
        self.binned_columns = [
            name
            for name, column in self.derivation.columns.items()
            if generator.binning != "even" and isinstance(column, Numeric)
            if name not in generator.cuts and not has_few_values(column, generator.bins)
        ]
        categories = [name for name in self.open if not isinstance(self.derivation.columns[name], Numeric)]
        self.delta_discovery = self.budget.delta * DISCOVERY_DELTA if categories else 0.0
        left = self.budget.delta - self.delta_discovery
        self.order = best_order(self.budget.epsilon, left) if generator.trains else None
        self.rho = rho_from(self.budget.epsilon, left, order=self.order)
        self.public_rows = schema.privacy.public_rows if schema.privacy else None
        weights = {"mechanism": 1.0}
        if self.public_rows is None:
            weights["rows"] = ROWS_SHARE
        if self.unit.key is not None and self.unit.max_rows > 1:
            weights["sizes"] = ROWS_SHARE
        if self.open:
            weights["open"] = DISCOVERY_SHARE
        if self.binned_columns:
            weights["bins"] = min(DISCOVERY_SHARE, BINS_SHARE * len(self.binned_columns))
        if generator.appraisal:
            weights["appraisal"] = generator.appraisal
        weights["mechanism"] -= sum(weights.values()) - 1.0
        self.shares = dict(zip(weights, split(self.rho, list(weights.values())), strict=True))

    @property
    def ledger_name(self) -> str:
        """Name of the ledger file without its folder, which is nobody's business."""
        assert self.generator.ledger is not None
        return Path(self.generator.ledger).name

    @property
    def dataset(self) -> str | None:
        """Name of the data in the ledger."""
        return self.generator.dataset or self.schema.name

    @property
    def public(self) -> dict[str, Any]:
        """The public facts that the release rests on, for the transcript."""
        return {
            "mechanism": self.generator.name,
            "table": self.table_name,
            "epsilon": self.budget.epsilon,
            "delta": self.budget.delta,
            "delta_discovery": self.delta_discovery,
            "rho": self.rho,
            **({} if self.order is None else {"order": self.order}),
            "unit": "row" if self.unit.key is None else self.unit.key,
            "max_rows": self.unit.max_rows,
            **({"whole": self.unit.whole} if self.unit.weighed else {}),
            "neighbours": "add or remove one unit",
            "public_rows": self.public_rows,
            "ledger": None if self.generator.ledger == NO_LEDGER else self.ledger_name,
            "dataset": self.dataset,
        }

    def domain(self, found: Mapping[str, Found]) -> Domain:
        """The domain, given what was discovered."""
        return domain_of(self.generator, self.derivation, found)

    def open_ledger(self, *, rho: float | None = None, delta: float | None = None) -> Ledger | None:
        """The ledger, with room for the whole release; None where the user has written that there is none.

        Args:
            rho: What it has to have room for; the release where None.
            delta: The same of delta.

        Raises:
            BudgetError: The release does not fit; nothing was charged.
            LedgerError: The ledger is damaged, or of another dataset or budget.
        """
        if self.generator.ledger == NO_LEDGER:
            return None
        assert self.generator.ledger is not None and self.dataset is not None
        declared = self.schema.privacy
        in_all = declared.epsilon if declared is not None and declared.epsilon is not None else self.budget.epsilon
        total = Budget(in_all, declared.delta if declared is not None and declared.delta else self.budget.delta)
        ledger = Ledger.open(Path(self.generator.ledger), self.dataset, total)
        spent = ledger.verify()
        whole = Account(total)
        if spent.charges:
            whole.charge(rho=spent.rho, delta=spent.delta, order=spent.order)
        whole.check(
            rho=self.rho if rho is None else rho,
            delta=self.delta_discovery if delta is None else delta,
            order=self.order if rho is None else None,
        )
        return ledger

    def discover(self, rows: PrivateRows, spending: Spending) -> None:
        """Pay for what the schema leaves open."""
        if self.open:
            each = split(self.shares["open"], [1.0] * len(self.open))
            categories = [name for name in self.open if not isinstance(self.derivation.columns[name], Numeric)]
            for name, rho in zip(self.open, each, strict=True):
                column = self.derivation.columns[name]
                if isinstance(column, Numeric):
                    discover_bounds(rows, name, column, rho=rho, spending=spending)
                else:
                    delta = self.delta_discovery * (1 - 1e-9) / len(categories)
                    discover_categories(rows, name, rho=rho, delta=delta, spending=spending)
        if self.binned_columns:
            found = findings(spending.transcript)
            each = split(self.shares["bins"], [1.0] * len(self.binned_columns))
            for name, rho in zip(self.binned_columns, each, strict=True):
                column = self.derivation.columns[name]
                assert isinstance(column, Numeric)
                lower, upper = found.get(name, Found()).bounds_of(column)
                find = discover_tree if self.generator.binning == "privtree" else discover_cuts
                find(rows, name, column, lower=lower, upper=upper, bins=self.generator.bins, rho=rho, spending=spending)


def plan_release(generator: PrivateGenerator, schema: Schema, table_name: str | None) -> ReleasePlan:
    """Decide what a release may do, before the data are opened.

    Raises:
        See `PrivateGenerator.fit`.
    """
    name = choose_table(schema, table_name)
    moved = [column for column, kind in schema.tables[name].columns.items() if kind.treatment == "shift"]
    if moved:
        raise SchemaError(f"{moved[0]}: treatment shift hides nothing that the noise does not; write treatment: year")
    plan = ReleasePlan(generator, treated_schema(schema, name).schema, name)
    if generator.ledger is None:
        raise UsageError(
            "ledger: name the file that keeps what was spent (--set ledger=privacy.ledger), or write ledger=none for a "
            "release that nobody adds up"
        )
    if generator.ledger != NO_LEDGER and plan.dataset is None:
        raise UsageError("dataset: give the data a name in the ledger (--set dataset=NAME), or the schema a name")
    return plan


def release_budget(generator: PrivateGenerator, schema: Schema) -> Budget:
    """What a release may cost.

    Raises:
        UsageError: Epsilon is stated nowhere, or delta is too large for the declared number of rows.
    """
    declared = schema.privacy
    epsilon = generator.epsilon or (declared.epsilon if declared else None)
    if epsilon is None:
        raise UsageError(
            "epsilon: say what the release may cost, in the schema (privacy: {epsilon: 1.0}) or as a parameter"
        )
    if declared is not None and declared.epsilon is not None and epsilon > declared.epsilon:
        raise UsageError(
            f"epsilon: {epsilon:g} is more than the {declared.epsilon:g} that the schema allows in all; ask for less"
        )
    rows = declared.public_rows if declared else None
    delta = generator.delta if generator.delta is not None else declared.delta if declared else None
    if delta == 0:
        raise UsageError("delta: must be above 0, as the noise is Gaussian; 1e-9 is usual")
    if delta is None:
        delta = DEFAULT_DELTA if rows is None else min(1e-6, 1 / (10 * rows))
    budget = Budget(epsilon, delta)
    if rows is not None:
        budget.check_population(rows)
    return budget


def domain_of(generator: PrivateGenerator, derivation: Derivation, found: Mapping[str, Found]) -> Domain:
    """The domain under the parameters of a generator."""
    return build_domain(derivation.columns, bins=generator.bins, cuts=generator.cuts, found=found)

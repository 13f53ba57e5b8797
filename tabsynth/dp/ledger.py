"""The ledger: what was spent on a dataset, kept on disk across runs, refusing what the budget does not hold.

A file of JSON lines. The first names the dataset and its total budget; each further one is a charge. Every line holds
its number and the hash of the line before, so that an edited, removed or reordered line shows. Beside it lies a small
head file with the number of lines and the last hash, so that a shortened ledger shows too.

A charge is on the disk before it returns, and noise is drawn only after that: a crash may waste budget, never spend it
unseen. The check and the charge happen under one lock, so that of two processes that ask at once only one can get the
last of the budget.

What this does not stop: there is no secret in it. Whoever may write both files can rewrite both from the start, or
restore older copies of both, and two copies of a ledger do not know of each other. It guards against mistakes, crashes
and quiet edits of one file; where the people who run releases are not trusted, keep it where only a service can write.

Decisions
- The dataset is known by a name that the user gives. A hash of the data would itself be a release of the data.
- Charges are sums of rho and of additive delta, added exactly; the total is held against (epsilon, delta) as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from tabsynth.dp.budget import Account, Budget, Remaining, check_cost, smallest_order
from tabsynth.dp.chain import sealed
from tabsynth.dp.ledger_file import LedgerFile
from tabsynth.errors import LedgerError, TabsynthError, UsageError


class Cost(Protocol):
    """What a transcript records for each paid read."""

    @property
    def rho(self) -> float:
        """Cost in zCDP."""

    @property
    def purpose(self) -> str:
        """What it was paid for."""


@dataclass(frozen=True)
class Charge:
    """One line of a ledger.

    Args:
        rho: zCDP cost.
        delta: Additive delta.
        purpose: What it was paid for.
        mechanism: Name of the mechanism that asked.
        release: Name of the release it belongs to; empty where none was given.
        time: When, in UTC, to the second.
        line: Number of the line in the file; the first charge is on line 2.
    """

    rho: float
    delta: float
    purpose: str
    mechanism: str
    release: str
    time: str
    line: int
    order: int | None = None
    """Largest order that `rho` holds for; None for all. See `budget.py`."""


@dataclass(frozen=True)
class Statement:
    """What a ledger says: dataset, budget, charges, and what is left."""

    dataset: str
    budget: Budget
    opened: str
    charges: tuple[Charge, ...]
    rho: float
    delta: float
    epsilon: float
    remaining: Remaining
    order: int | None = None
    """Largest order that all charges hold for; None for every order."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "dataset": self.dataset,
            "budget": {"epsilon": self.budget.epsilon, "delta": self.budget.delta, "rho": self.budget.rho},
            "opened": self.opened,
            "spent": {"epsilon": self.epsilon, "rho": self.rho, "delta": self.delta},
            "remaining": {name: getattr(self.remaining, name) for name in ("epsilon", "rho", "delta")},
            "charges": [dict(vars(charge)) for charge in self.charges],
        }


@dataclass(frozen=True)
class _Contents:
    """A ledger as it was read: checked lines, their account, and how many of them the head file counts."""

    entries: list[dict[str, Any]]
    account: Account
    head_lines: int


class Ledger:
    """A budget that lives in a file; see the module. Every call reads the file anew: others may have charged it."""

    def __init__(self, path: str | Path) -> None:
        self._file = LedgerFile(Path(path))

    @classmethod
    def open(cls, path: str | Path, dataset: str, budget: Budget | None = None) -> Ledger:
        """Open the ledger at `path`, or start it.

        Args:
            path: The file; its folder must exist.
            dataset: Name of the private dataset, as its owner calls it.
            budget: Total for all releases of this dataset; None takes that of a ledger that exists.

        Raises:
            UsageError: The file does not exist and no budget was given, or the name is empty.
            LedgerError: The ledger is damaged, or of another dataset or budget.
            OutputError: The file cannot be read or written.
        """
        _check_text("dataset", dataset)
        ledger = cls(path)
        if budget is None and not ledger._file.exists():
            raise UsageError(f"{path}: no such ledger; give the total budget (epsilon and delta) to start one")
        with ledger._file.locked(create=budget is not None) as handle:
            if budget is not None and ledger._file.is_empty(handle):
                first = {"dataset": dataset, "epsilon": budget.epsilon, "delta": budget.delta}
                ledger._file.start(handle, first)
            contents = ledger._read(handle)
        kept = contents.account.budget
        if contents.entries[0]["dataset"] != dataset:
            raise LedgerError(f"{path}: is the ledger of another dataset; give its name, or another file")
        if budget is not None and kept != budget:
            raise LedgerError(
                f"{path}: was opened with epsilon {kept.epsilon:g} and delta {kept.delta:g}, not {budget.epsilon:g} "
                f"and {budget.delta:g}; the total of a dataset does not change between releases"
            )
        return ledger

    @property
    def path(self) -> Path:
        """The file."""
        return self._file.path

    @property
    def remaining(self) -> Remaining:
        """What is left now."""
        return self.verify().remaining

    def charge(
        self,
        *,
        rho: float,
        purpose: str,
        mechanism: str,
        delta: float = 0.0,
        release: str = "",
        order: int | None = None,
    ) -> Charge:
        """Write a charge to the disk, or refuse it; draw noise only after this has returned.

        Args:
            rho: zCDP cost.
            purpose: What is paid for, in public words.
            mechanism: Name of the mechanism.
            delta: Additive delta.
            release: Name of the release this belongs to, for `differences`.
            order: Largest order that `rho` holds for; None for all.

        Raises:
            BudgetError: The total would pass the budget; nothing was charged.
            LedgerError: The ledger is damaged, or held by another process for too long.
            UsageError: A cost is negative, not a number, or nothing.
            OutputError: The file cannot be written. A charge that may have reached the disk counts as spent.
        """
        named = {"purpose": purpose, "mechanism": mechanism, "release": release}
        return self.charge_each([rho], delta=delta, order=order, **named)[0]

    def charge_each(
        self,
        rhos: Sequence[float],
        *,
        purpose: str,
        mechanism: str,
        delta: float = 0.0,
        release: str = "",
        order: int | None = None,
    ) -> list[Charge]:
        """Write several charges of one kind to the disk together, a line for each, or refuse all of them.

        Thousands of pairs are charged before any of them is looked at; one by one, each would be waited for.

        Args:
            rhos: zCDP cost of each, at least one.
            purpose: What they are paid for.
            mechanism: Name of the mechanism.
            delta: Additive delta of each.
            release: Name of the release they belong to.
            order: Largest order that each of `rhos` holds for; None for all.

        Raises:
            See `charge`.
        """
        for rho in rhos:
            check_cost(rho, delta, order)
        _check_text("purpose", purpose)
        _check_text("mechanism", mechanism)
        if release:
            _check_text("release", release)
        with self._file.locked(create=False) as handle:
            contents = self._read(handle)
            total, additive = sum(map(Fraction, rhos)), len(rhos) * Fraction(delta)
            contents.account.check(rho=total, delta=additive, order=order)
            line, last = len(contents.entries), contents.entries[-1]["hash"]
            if contents.head_lines < line:
                self._file.move_head(line, last)  # a crash left it behind; if it cannot be written, nothing is charged
            entries = []
            for number, rho in enumerate(rhos, start=line + 1):
                costs = {"rho": float(rho), "delta": float(delta), "purpose": purpose, "mechanism": mechanism}
                costs |= {} if order is None else {"order": order}
                entries.append(sealed({"line": number, **costs, "release": release}, previous=last))
                last = entries[-1]["hash"]
            self._file.append(handle, entries)
            self._file.move_head(line + len(entries), last)
        return list(map(_charge, entries))

    def verify(self) -> Statement:
        """Check every line against the chain, the budget and the head file, and return what the ledger says.

        Raises:
            LedgerError: Names the first line that is wrong, and what is wrong with it.
        """
        with self._file.locked(create=False, write=False) as handle:
            contents = self._read(handle)
        first, account = contents.entries[0], contents.account
        return Statement(
            dataset=first["dataset"],
            budget=account.budget,
            opened=first["time"],
            charges=tuple(map(_charge, contents.entries[1:])),
            rho=account.rho,
            delta=account.delta,
            epsilon=account.epsilon,
            remaining=account.remaining,
            order=smallest_order(entry.get("order") for entry in contents.entries[1:]),
        )

    def differences(self, costs: Iterable[Cost], *, release: str = "") -> list[str]:
        """Compare the charges of a release with the costs recorded in its transcript; equal ledgers give no lines.

        Args:
            costs: What the transcript says was paid, in order.
            release: Name of the release; empty compares all charges of the ledger.
        """
        recorded = [(float(cost.rho), float(getattr(cost, "delta", 0.0)), cost.purpose) for cost in costs]
        charges = [each for each in self.verify().charges if not release or each.release == release]
        found = [
            f"line {charge.line}: the ledger has {(charge.rho, charge.delta, charge.purpose)}, the transcript {cost}"
            for charge, cost in zip(charges, recorded, strict=False)
            if (charge.rho, charge.delta, charge.purpose) != cost
        ]
        if len(charges) != len(recorded):
            found.append(f"the ledger has {len(charges)} charges, the transcript {len(recorded)}")
        return found

    def _read(self, handle: int) -> _Contents:
        """Every line, checked, and the account of all charges. Called under the lock."""
        entries, head_lines = self._file.read(handle)
        try:
            account = Account(Budget(entries[0]["epsilon"], entries[0]["delta"]))
            _check_text("dataset", entries[0]["dataset"])
            for entry in entries[1:]:
                for name in ("purpose", "mechanism", *(["release"] if entry["release"] else [])):
                    _check_text(name, entry[name])  # they are printed
                check_cost(entry["rho"], entry["delta"], entry.get("order"))
            if len(entries) > 1:
                total, additive = (sum(Fraction(entry[name]) for entry in entries[1:]) for name in ("rho", "delta"))
                account.charge(
                    rho=total, delta=additive, order=smallest_order(entry.get("order") for entry in entries[1:])
                )
        except TabsynthError as error:
            raise LedgerError(f"{self.path}: holds what no ledger can hold ({error})") from None
        return _Contents(entries, account, head_lines)


def _charge(entry: dict[str, Any]) -> Charge:
    return Charge(**{name: entry[name] for name in Charge.__dataclass_fields__ if name in entry})


def _check_text(name: str, value: str) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > 1000 or not value.isprintable():
        raise UsageError(f"{name}: must be a text of one line, not empty and at most 1000 characters long")

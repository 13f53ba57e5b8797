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
- A charge waits for the disk once, for its line, and several together once for all. The head file is written over
  itself without waiting: after a power cut it may name an earlier line, and those after that count as spent all the
  same.
- The lock is the operating system's, on the ledger file itself (one byte far past its end on Windows): it vanishes with
  the process that holds it. On network disks it is as good as the disk's own locks.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from tabsynth.dp.budget import Account, Budget, Remaining, check_cost, smallest_order
from tabsynth.dp.chain import FORMAT, NO_HASH, parse_lines, sealed
from tabsynth.dp.file_lock import lock_file
from tabsynth.errors import LedgerError, OutputError, TabsynthError, UsageError
from tabsynth.outputs import atomic_file

HEAD_SUFFIX = ".head"
_RESTORE = "restore both files from one backup"


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
        self._path = Path(path)
        # Bytes whose lines were checked before, and these lines: only what follows the very same bytes is checked anew.
        self._checked: tuple[bytes, list[dict[str, Any]]] = b"", []

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
        if budget is None and not ledger._path.exists() and not ledger._head.exists():
            raise UsageError(f"{path}: no such ledger; give the total budget (epsilon and delta) to start one")
        with ledger._locked(create=budget is not None) as handle:
            if budget is not None and os.fstat(handle).st_size == 0 and ledger._counted_lines() <= 1:
                ledger._start(handle, dataset, budget)
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
        return self._path

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
        with self._locked(create=False) as handle:
            contents = self._read(handle)
            total, additive = sum(map(Fraction, rhos)), len(rhos) * Fraction(delta)
            contents.account.check(rho=total, delta=additive, order=order)
            line, last = len(contents.entries), contents.entries[-1]["hash"]
            if contents.head_lines < line:
                self._move_head(line, last)  # a crash left it behind; if it cannot be written, nothing is charged
            entries = []
            for number, rho in enumerate(rhos, start=line + 1):
                costs = {"rho": float(rho), "delta": float(delta), "purpose": purpose, "mechanism": mechanism}
                costs |= {} if order is None else {"order": order}
                entries.append(sealed({"line": number, **costs, "release": release}, previous=last))
                last = entries[-1]["hash"]
            self._append(handle, entries)
            self._move_head(line + len(entries), last)
        return list(map(_charge, entries))

    def verify(self) -> Statement:
        """Check every line against the chain, the budget and the head file, and return what the ledger says.

        Raises:
            LedgerError: Names the first line that is wrong, and what is wrong with it.
        """
        with self._locked(create=False, write=False) as handle:
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

    @property
    def _head(self) -> Path:
        return self._path.with_name(self._path.name + HEAD_SUFFIX)

    def _start(self, handle: int, dataset: str, budget: Budget) -> None:
        """Write the head and the first line; a crash in between leaves a ledger that is empty, and is started again."""
        first = {"line": 1, "format": FORMAT, "dataset": dataset, "epsilon": budget.epsilon, "delta": budget.delta}
        entry = sealed(first, previous=NO_HASH)
        with atomic_file(self._head) as partial:
            partial.write_bytes(_head_line(1, entry["hash"]))
        if sys.platform != "win32":
            folder = os.open(self._head.resolve().parent, os.O_RDONLY)
            try:
                os.fsync(folder)  # or both files could be gone after a power cut, and the dataset look untouched
            finally:
                os.close(folder)
        self._append(handle, [entry])

    def _append(self, handle: int, entries: list[dict[str, Any]]) -> None:
        """Write lines and wait for the disk. Called under the lock."""
        data = "".join(json.dumps(entry, ensure_ascii=True) + "\n" for entry in entries).encode()
        os.lseek(handle, 0, os.SEEK_END)
        if os.write(handle, data) != len(data):
            raise OutputError(f"{self._path}: the disk is full, and the last line is half written; see `ledger verify`")
        os.fsync(handle)

    def _move_head(self, lines: int, last: str) -> None:
        """Write the head file over itself, in one piece of always the same length."""
        handle = os.open(self._head, os.O_WRONLY | getattr(os, "O_BINARY", 0))
        try:
            os.write(handle, _head_line(lines, last))
        finally:
            os.close(handle)

    def _counted_lines(self) -> int:
        """The number of lines that the head file counts; 0 where there is none."""
        return self._read_head()[0] if self._head.exists() else 0

    def _read(self, handle: int) -> _Contents:
        """Every line, checked, and the account of all charges. Called under the lock."""
        os.lseek(handle, 0, os.SEEK_SET)
        chunks = []
        while chunk := os.read(handle, 1 << 20):
            chunks.append(chunk)
        data = b"".join(chunks)
        seen, checked = self._checked if data.startswith(self._checked[0]) else (b"", [])
        entries = [*checked, *parse_lines(self._path, data[len(seen) :], after=checked[-1] if checked else None)]
        self._checked = data, entries
        head_lines = self._check_head(entries)
        try:
            account = Account(Budget(entries[0]["epsilon"], entries[0]["delta"]))
            for entry in entries[1:]:
                check_cost(entry["rho"], entry["delta"], entry.get("order"))
            if len(entries) > 1:
                total, additive = (sum(Fraction(entry[name]) for entry in entries[1:]) for name in ("rho", "delta"))
                account.charge(
                    rho=total, delta=additive, order=smallest_order(entry.get("order") for entry in entries[1:])
                )
        except TabsynthError as error:
            raise LedgerError(f"{self._path}: holds what no ledger can hold ({error})") from None
        return _Contents(entries, account, head_lines)

    def _read_head(self) -> tuple[int, str]:
        """Number of lines and last hash, as the head file has them."""
        try:
            head = json.loads(self._head.read_text(encoding="utf-8"))
            return int(head["lines"]), str(head["hash"])
        except FileNotFoundError:
            raise LedgerError(f"{self._head}: the head of the ledger is missing; {_RESTORE}") from None
        except OSError as error:
            raise LedgerError(f"{self._head}: cannot be read ({_reason(error)})") from error
        except (ValueError, KeyError, TypeError):
            raise LedgerError(f"{self._head}: is not the head of a ledger; {_RESTORE}") from None

    def _check_head(self, entries: list[dict[str, Any]]) -> int:
        """Hold the lines against the head file, which may be behind after a crash, never ahead."""
        lines, last = self._read_head()
        if lines > len(entries):
            raise LedgerError(
                f"{self._path}: line {len(entries) + 1} is missing: the ledger was cut short, its head counts {lines} "
                f"lines; {_RESTORE}"
            )
        if lines < 1 or entries[lines - 1]["hash"] != last:
            raise LedgerError(
                f"{self._path}: line {max(1, lines)} is not the last one that its head file knows; {_RESTORE}"
            )
        return lines

    @contextmanager
    def _locked(self, *, create: bool, write: bool = True) -> Iterator[int]:
        """Open the file and hold its lock."""
        if self._head.exists() and not self._path.exists():
            raise LedgerError(f"{self._path}: the ledger is gone, but its head file is there; {_RESTORE}")
        flags = (os.O_RDWR if write else os.O_RDONLY) | (os.O_CREAT if create else 0) | getattr(os, "O_BINARY", 0)
        try:
            handle = os.open(self._path, flags, 0o600)
        except FileNotFoundError:
            raise LedgerError(f"{self._path}: no such ledger") from None
        except OSError as error:
            kind: type[TabsynthError] = OutputError if write else LedgerError
            verb = "written" if write else "read"
            raise kind(f"{self._path}: cannot be {verb} ({_reason(error)}); nothing was charged") from error
        try:
            lock_file(handle, self._path, exclusive=write)
            yield handle
        except OSError as error:
            if isinstance(error, TabsynthError):
                raise
            raise OutputError(
                f"{self._path}: cannot be written ({_reason(error)}); what was charged before stays charged"
            ) from error
        finally:
            os.close(handle)  # which also gives the lock back


def _head_line(lines: int, last: str) -> bytes:
    """What the head file holds."""
    return f'{{"format": "{FORMAT}", "lines": {lines:12d}, "hash": "{last}"}}\n'.encode()


def _charge(entry: dict[str, Any]) -> Charge:
    return Charge(**{name: entry[name] for name in Charge.__dataclass_fields__ if name in entry})


def _check_text(name: str, value: str) -> None:
    if not isinstance(value, str) or not value.strip() or len(value) > 1000 or not value.isprintable():
        raise UsageError(f"{name}: must be a text of one line, not empty and at most 1000 characters long")


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else type(error).__name__

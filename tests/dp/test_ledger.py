"""The ledger: what is charged stays charged, nothing is overspent, and no change goes unseen."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tabsynth.cli import app
from tabsynth.dp import file_lock
from tabsynth.dp.budget import Budget
from tabsynth.dp.chain import sealed
from tabsynth.dp.ledger import Ledger
from tabsynth.dp.ledger_file import LedgerFile
from tabsynth.errors import BudgetError, LedgerError, OutputError, UsageError

BUDGET = Budget(epsilon=1.0, delta=1e-9)


def charged(folder: Path, n_charges: int = 3) -> Ledger:
    """A ledger with a few charges."""
    ledger = Ledger.open(folder / "patients.ledger", "patients", BUDGET)
    for i in range(n_charges):
        ledger.charge(rho=0.001 * (i + 1), purpose=f"marginal {i}", mechanism="dp-independent", release="first")
    return ledger


def test_charges_add_up_across_openings(tmp_path: Path) -> None:
    """A ledger opened again knows what was charged, by whom and for what."""
    charged(tmp_path)
    again = Ledger.open(tmp_path / "patients.ledger", "patients")
    again.charge(rho=0.002, delta=1e-10, purpose="categories", mechanism="partition selection")
    statement = again.verify()
    assert [charge.rho for charge in statement.charges] == [0.001, 0.002, 0.003, 0.002]
    assert [charge.line for charge in statement.charges] == [2, 3, 4, 5]
    assert statement.charges[-1].purpose == "categories" and statement.charges[0].mechanism == "dp-independent"
    assert statement.rho == pytest.approx(0.008) and statement.delta == 1e-10
    assert 0 < statement.epsilon < 1 and 0 < again.remaining.rho < BUDGET.rho - 0.008
    json.dumps(statement.as_dict())


def test_overspending_is_refused_and_not_written(tmp_path: Path) -> None:
    """What does not fit leaves the file as it was; what is left can still be spent, to the last bit."""
    ledger = charged(tmp_path)
    before = ledger.path.read_bytes()
    with pytest.raises(BudgetError, match="is left"):
        ledger.charge(rho=0.01, purpose="p", mechanism="m")
    assert ledger.path.read_bytes() == before
    ledger.charge(rho=ledger.remaining.rho, purpose="p", mechanism="m")
    assert ledger.remaining.rho < 1e-12 and ledger.verify().epsilon <= 1.0


def test_another_dataset_or_budget_is_refused(tmp_path: Path) -> None:
    """A ledger belongs to one name and one total."""
    path = charged(tmp_path).path
    with pytest.raises(LedgerError, match="another dataset"):
        Ledger.open(path, "visitors")
    with pytest.raises(LedgerError, match="opened with epsilon 1 and delta 1e-09, not 2"):
        Ledger.open(path, "patients", Budget(2.0, 1e-9))
    with pytest.raises(UsageError, match="give the total budget"):
        Ledger.open(tmp_path / "new.ledger", "patients")
    for name in ("", " ", "a\nb", "x" * 2000, None):
        with pytest.raises(UsageError, match="dataset"):
            Ledger.open(tmp_path / "new.ledger", name, BUDGET)  # type: ignore[arg-type]
    assert not (tmp_path / "new.ledger").exists()


def edit(line: int, change: Callable[[dict[str, object]], object]) -> Callable[[list[bytes]], list[bytes]]:
    def apply(lines: list[bytes]) -> list[bytes]:
        entry = json.loads(lines[line - 1])
        change(entry)
        lines[line - 1] = json.dumps(entry).encode() + b"\n"
        return lines

    return apply


def recomputed(lines: list[bytes]) -> list[bytes]:
    """The last charge made cheaper, with a hash that fits."""
    entry = json.loads(lines[-1])
    rest = {key: value for key, value in entry.items() if key not in ("hash", "previous", "time")}
    forged = sealed({**rest, "rho": 1e-9}, previous=entry["previous"])
    return [*lines[:-1], json.dumps(forged).encode() + b"\n"]


@pytest.mark.parametrize(
    ("tamper", "message"),
    [
        (edit(3, lambda entry: entry.update(rho=0.0001)), "line 3 was changed after it was written"),
        (edit(1, lambda entry: entry.update(epsilon=100.0)), "line 1 was changed"),
        (edit(2, lambda entry: entry.pop("purpose")), "line 2 is not a line of a ledger"),
        (edit(1, lambda entry: entry.update(format="tabsynth-ledger/9")), "line 1 is of another version"),
        (lambda lines: lines[:2] + lines[3:], "line 3 does not follow the line before it"),
        (lambda lines: [lines[0], lines[2], lines[1], lines[3]], "line 2 does not follow"),
        (lambda lines: [*lines, lines[-1]], "line 5 does not follow"),
        (lambda lines: lines[1:], "line 1 is not a line of a ledger"),
        (lambda lines: lines[:-1], "line 4 is missing: the ledger was cut short"),
        (lambda lines: lines[:1], "line 2 is missing: the ledger was cut short"),
        (lambda lines: [], "line 1 is missing: the file is empty"),
        (lambda lines: [*lines[:-1], lines[-1][:40]], "line 4 is half written"),
        (lambda lines: [*lines, b'{"line": 5, "rh'], "line 5 is half written.*delete what stands after"),
        (lambda lines: [*lines, b"\n"], "line 5 is not a line"),
        (lambda lines: [*lines, b"\xff\xfe{}\n"], "line 5 is not a line"),
        (recomputed, "line 4 is not the last one that its head file knows"),
    ],
)
def test_every_change_is_found_and_named(
    tmp_path: Path, tamper: Callable[[list[bytes]], list[bytes]], message: str
) -> None:
    """A changed, removed, added, moved or cut line is named; nothing can be charged until it is put right."""
    ledger = charged(tmp_path)
    good = ledger.path.read_bytes()
    ledger.path.write_bytes(b"".join(tamper(good.splitlines(keepends=True))))
    bad = ledger.path.read_bytes()
    for act in (ledger.verify, lambda: ledger.charge(rho=0.001, purpose="p", mechanism="m")):
        with pytest.raises(LedgerError, match=message):
            act()
    assert ledger.path.read_bytes() == bad
    ledger.path.write_bytes(good)
    ledger.charge(rho=0.001, purpose="p", mechanism="m")


def test_a_half_written_line_can_be_removed(tmp_path: Path) -> None:
    """After the remedy of the message, the ledger goes on where it was."""
    ledger = charged(tmp_path)
    good = ledger.path.read_bytes()
    ledger.path.write_bytes(good + b'{"line": 5, "rho"')
    with pytest.raises(LedgerError, match="half written"):
        ledger.verify()
    ledger.path.write_bytes(good)
    assert ledger.charge(rho=0.001, purpose="p", mechanism="m").line == 5


def test_a_crash_between_line_and_head_keeps_the_charge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A charge on the disk counts, though the head does not know of it yet; the next charge mends the head."""
    ledger = charged(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(LedgerFile, "move_head", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            ledger.charge(rho=0.004, purpose="p", mechanism="m")
        assert len(ledger.verify().charges) == 4
        with pytest.raises(KeyboardInterrupt):  # a head that cannot be mended stops all further charges
            ledger.charge(rho=0.0001, purpose="p", mechanism="m")
        assert len(ledger.verify().charges) == 4
    ledger.charge(rho=0.0001, purpose="p", mechanism="m")
    assert ledger.verify().rho == pytest.approx(0.0101)


def test_a_crash_while_starting_leaves_a_ledger_that_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was charged by then, so that the ledger is simply started again."""
    with monkeypatch.context() as patch:
        patch.setattr(LedgerFile, "append", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            Ledger.open(tmp_path / "l", "patients", BUDGET)
    assert Ledger.open(tmp_path / "l", "patients", BUDGET).verify().charges == ()


def test_a_missing_file_of_the_two_is_named(tmp_path: Path) -> None:
    """A ledger without its head, or a head without its ledger, is not a fresh start."""
    ledger = charged(tmp_path)
    head = ledger.path.with_name("patients.ledger.head")
    kept = head.read_bytes()
    head.unlink()
    with pytest.raises(LedgerError, match="the head of the ledger is missing"):
        ledger.verify()
    head.write_bytes(b"[]")
    with pytest.raises(LedgerError, match="is not the head of a ledger"):
        ledger.verify()
    head.write_bytes(kept)
    ledger.path.unlink()
    for budget in (BUDGET, None):
        with pytest.raises(LedgerError, match="the ledger is gone, but its head file is there"):
            Ledger.open(ledger.path, "patients", budget)
    with pytest.raises(LedgerError, match="no such ledger"):
        Ledger(tmp_path / "other").verify()


def charge_once(path: str, rho: float, start: object, results: object) -> None:
    """In another process: wait for the signal, charge, and say how it went."""
    file_lock.LOCK_SECONDS = 600.0  # rivals may be slow, too
    start.wait()  # type: ignore[attr-defined]
    try:
        Ledger(path).charge(rho=rho, purpose=f"process {os.getpid()}", mechanism="m")
    except BudgetError:
        results.put("refused")  # type: ignore[attr-defined]
    else:
        results.put("charged")  # type: ignore[attr-defined]


def test_of_processes_that_ask_at_once_only_one_wins(tmp_path: Path) -> None:
    """Six processes want 60 % of the rest each: one gets it, five are refused, and the file is whole."""
    ledger = charged(tmp_path)
    context = multiprocessing.get_context("spawn")
    start, results = context.Event(), context.Queue()
    arguments = (str(ledger.path), 0.6 * ledger.remaining.rho, start, results)
    processes = [context.Process(target=charge_once, args=arguments) for _ in range(6)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 6
    outcomes = sorted(results.get() for _ in processes)
    assert outcomes == ["charged"] + ["refused"] * 5
    assert len(ledger.verify().charges) == 4


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_process_loses_nothing_that_was_charged(tmp_path: Path) -> None:
    """A process killed while it charges in a loop: every charge that returned is in the ledger, which is whole."""
    ledger = charged(tmp_path, 0)
    code = (
        "import sys\nfrom tabsynth.dp.ledger import Ledger\n"
        "while True:\n    Ledger(sys.argv[1]).charge(rho=1e-6, purpose='p', mechanism='m')\n    print(1, flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(ledger.path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    returned = sum(1 for _ in islice(process.stdout, 20))
    process.send_signal(signal.SIGKILL)
    returned += process.stdout.read().count(b"1")
    process.wait()
    process.stdout.close()
    assert len(ledger.verify().charges) in (returned, returned + 1)
    ledger.charge(rho=1e-6, purpose="p", mechanism="m")


@pytest.mark.skipif(sys.platform == "win32", reason="locks this way on POSIX only")
def test_a_ledger_held_for_too_long_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that holds the ledger makes others wait, and then say so; readers do not wait for readers."""
    ledger = charged(tmp_path)
    monkeypatch.setattr(file_lock, "LOCK_SECONDS", 0.1)
    with ledger._file.locked(create=False), pytest.raises(LedgerError, match="another process has held the ledger"):
        Ledger(ledger.path).charge(rho=0.001, purpose="p", mechanism="m")
    with ledger._file.locked(create=False, write=False):
        Ledger(ledger.path).verify()


def test_a_ledger_that_may_not_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No permission to write is said as such, and that nothing was charged."""
    ledger, opened = charged(tmp_path), os.open

    def refuse(path: str, flags: int, *rest: int) -> int:
        if flags & os.O_RDWR:
            raise PermissionError(errno.EACCES, "no")
        return opened(path, flags, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(OutputError, match=r"cannot be written \(Permission denied\); nothing was charged"):
            ledger.charge(rho=0.001, purpose="p", mechanism="m")
    assert len(ledger.verify().charges) == 3


def test_places_where_no_ledger_can_be_are_named(tmp_path: Path) -> None:
    """A folder, and a folder that is not there."""
    with pytest.raises(OutputError, match=r"cannot be written \(Is a directory\); nothing was charged"):
        Ledger.open(tmp_path, "patients", BUDGET)
    with pytest.raises(LedgerError, match="no such"):
        Ledger.open(tmp_path / "none" / "l", "patients", BUDGET)


def test_bad_charges_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Costs and texts are checked first."""
    ledger = charged(tmp_path)
    for wrong in ({"rho": -1.0}, {"rho": 0.0}, {"rho": float("nan")}, {"purpose": ""}, {"mechanism": "a\nb"}):
        with pytest.raises(UsageError):
            ledger.charge(**{"rho": 0.001, "purpose": "p", "mechanism": "m", **wrong})  # type: ignore[arg-type]
    assert len(ledger.verify().charges) == 3


@dataclass
class Paid:
    rho: float
    purpose: str
    delta: float = 0.0


def test_a_transcript_is_held_against_the_ledger(tmp_path: Path) -> None:
    """Equal costs in equal order give no difference; a missing, changed or unpaid read does."""
    ledger = charged(tmp_path)
    ledger.charge(rho=0.0001, purpose="other", mechanism="m", release="second")
    costs = [Paid(0.001 * (i + 1), f"marginal {i}") for i in range(3)]
    assert ledger.differences(costs, release="first") == []
    assert ledger.differences(costs[:2], release="first") == ["the ledger has 3 charges, the transcript 2"]
    assert "line 2" in ledger.differences([Paid(0.0005, "marginal 0"), *costs[1:]], release="first")[0]
    assert ledger.differences([*costs, Paid(0.0001, "other")]) == []


def test_ledger_commands(tmp_path: Path) -> None:
    """`show` lists what was spent, `verify` finds what was changed, with its own exit code."""
    ledger = charged(tmp_path)
    shown = CliRunner().invoke(app, ["ledger", "show", str(ledger.path)])
    assert shown.exit_code == 0
    assert "dataset    patients" in shown.stdout and "dp-independent: marginal 2" in shown.stdout
    as_json = json.loads(CliRunner().invoke(app, ["ledger", "show", str(ledger.path), "--json"]).stdout)
    assert as_json["dataset"] == "patients" and len(as_json["charges"]) == 3
    good = CliRunner().invoke(app, ["ledger", "verify", str(ledger.path)])
    assert good.exit_code == 0 and "4 lines, unbroken" in good.stdout
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b"marginal 1", b"marginal 7"))
    bad = CliRunner().invoke(app, ["ledger", "verify", str(ledger.path)])
    assert bad.exit_code == 11 and "line 3 was changed" in bad.stderr


def test_several_charges_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    """A line for each, chained like others; a batch that does not fit leaves nothing."""
    ledger = charged(tmp_path)
    made = ledger.charge_each([0.001, 0.002], purpose="pairs", mechanism="discrete-gaussian", release="second")
    assert [charge.line for charge in made] == [5, 6] and [charge.rho for charge in made] == [0.001, 0.002]
    again = Ledger.open(ledger.path, "patients", BUDGET)
    assert [charge.rho for charge in again.verify().charges][-2:] == [0.001, 0.002]
    with pytest.raises(BudgetError):
        again.charge_each([0.0001, again.remaining.rho], purpose="pairs", mechanism="m")
    with pytest.raises(UsageError):
        again.charge_each([0.0001, -0.1], purpose="pairs", mechanism="m")
    assert len(again.verify().charges) == 5


def test_a_line_says_one_thing_to_every_reader_and_prints_nothing_else(tmp_path: Path) -> None:
    """A cost that stands twice, nesting without end, and escapes for a terminal under a hash that holds."""
    ledger = charged(tmp_path, 1)
    first, second = ledger.path.read_text().splitlines()
    forged = sealed({**json.loads(second), "purpose": "\x1b[2Knothing was spent"}, previous=json.loads(first)["hash"])
    forged.pop("hash")
    forged = sealed({key: value for key, value in forged.items() if key != "time"}, previous=forged["previous"])
    for line, said in (
        (second.replace('"rho":', '"rho": 9.9, "rho":', 1), "line 2 is not a line of a ledger"),
        ("[" * 200_000, "line 2 is not a line of a ledger"),
        (json.dumps(forged), "holds what no ledger can hold"),
    ):
        ledger.path.write_text(f"{first}\n{line}\n")
        head = ledger.path.with_name("patients.ledger.head")
        head.write_text(json.dumps({"lines": 1, "hash": json.loads(first)["hash"]}))
        with pytest.raises(LedgerError, match=said) as caught:
            Ledger(ledger.path).verify()
        assert str(caught.value).isprintable()

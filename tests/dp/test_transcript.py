"""The transcript: appended, saved and loaded without a changed digit, and refused when damaged."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tabsynth.artifact import read_artifact, write_artifact
from tabsynth.dp.transcript import Discovery, Measurement, Selection, Transcript
from tabsynth.errors import ArtifactError


def transcript() -> Transcript:
    """One event of each kind, and a number of rows."""
    made = Transcript({"a": 2, "$array": 3}, {"unit": "row"})
    made.append(Discovery("a", "categories", ("x", "y"), (), np.array([40, 50]), 5.0, 1.0, 30.0, 0.02, 1e-10, "names"))
    made.append(Measurement((), np.array(7, np.int64), 5.0, 0.02, "rows"))
    made.append(Measurement(("a", "$array"), np.arange(6, dtype=np.int64).reshape(2, 3), 5.0, 0.02, "pair"))
    made.append(Selection(("a",), 1, 9, 0.4, 1.0, 0.02, "edge"))
    return made


def test_costs_add_up() -> None:
    """rho and delta are sums; each event's rho follows from its own noise."""
    made = transcript()
    assert math.isclose(made.rho, 0.08) and made.delta == 1e-10
    assert all(math.isclose(event.rho, event.recomputed_rho()) for event in made)
    assert [len(part) for part in (made.measurements, made.selections, made.discoveries, made.row_counts)] == [1] * 4


def test_files_hold_all_of_it(tmp_path: Path) -> None:
    """Through a file and back nothing changes."""
    made = transcript()
    write_artifact(tmp_path / "t", kind="model", header={}, state={"transcript": made.state()})
    back = Transcript.from_state(read_artifact(tmp_path / "t", kind="model")[1]["transcript"])
    assert back.digest() == made.digest()
    assert back.row_counts[0].counts.shape == ()


def test_a_changed_count_changes_the_digest() -> None:
    """The digest covers every digit."""
    made, other = transcript(), transcript()
    other.measurements[0].counts[0, 0] += 1
    assert made.digest() != other.digest()


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state["sizes"].update(a=5),
        lambda state: state["events"][2].update(sigma=0.0),
        lambda state: state["events"][3].update(rho=math.nan),
        lambda state: state["events"][1].pop("purpose"),
        lambda state: state["events"][1].update(event="gossip"),
        lambda state: state.pop("public"),
    ],
)
def test_damage_is_named(change: object) -> None:
    """A state that does not fit itself is refused."""
    state = transcript().state()
    change(state)  # type: ignore[operator]
    with pytest.raises(ArtifactError, match="transcript"):
        Transcript.from_state(state)

"""Surrogates that meet no identifier of the training table."""

from __future__ import annotations

import io
import json
import zlib
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tabsynth.artifact import read_artifact, write_artifact
from tabsynth.errors import ArtifactError, TabsynthWarning, UsageError
from tabsynth.generators.entities import EntityInfo
from tabsynth.generators.independent import Independent
from tabsynth.identifiers.apart import SMALLEST_BLOCK, KeptApart
from tabsynth.identifiers.lookup import folded
from tabsynth.identifiers.surrogate import make_surrogates
from tabsynth.schema.columns import Categorical, Identifier, Surrogate
from tabsynth.schema.constraints import Regex
from tabsynth.schema.model import Schema
from tests.typed_rows import declare, typed

KINDS = get_args(Surrogate)
N_TRAIN, N_DRAWN = 5_000, 20_000


def draw(column: Identifier, n_rows: int, *, unique: bool, seed: int, apart: KeptApart | None = None) -> list[str]:
    return list(make_surrogates(column, n_rows, rng=np.random.default_rng(seed), unique=unique, apart=apart))


def fit(column: Identifier, training: list[str]) -> KeptApart:
    return KeptApart.fit(column, np.array(training, dtype=object), n_rows=len(set(training)))


def through_file(part: KeptApart, folder: Any) -> KeptApart:
    write_artifact(folder / "part", kind="test", header={}, state=part.state())
    return KeptApart.from_state(read_artifact(folder / "part", kind="test")[1])


@pytest.mark.parametrize("unique_training", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_repeats_a_training_value(kind: Surrogate, unique_training: bool) -> None:
    """Drawn against values of the same recipe, no surrogate of any kind equals one, unique or not."""
    column = Identifier(surrogate=kind)
    training = draw(column, N_TRAIN, unique=unique_training, seed=1)
    part = fit(column, training)
    assert not part.crowded
    for unique in (False, True):
        drawn = draw(column, N_DRAWN, unique=unique, seed=2, apart=part)
        assert not set(drawn) & set(training)
        assert not {folded(value) for value in drawn} & {folded(value) for value in training}
        assert not unique or len(set(drawn)) == N_DRAWN


PATTERNS = {
    "scattered": ("V-[0-9]{7}", None),
    "running": ("MRN-[0-9]{6}", [f"MRN-{n:06d}" for n in range(1, N_TRAIN + 1)]),
    "running without zeros": ("[1-9][0-9]{0,5}", [str(n) for n in range(1, N_TRAIN + 1)]),
    "every second": ("[0-9]{6}", [f"{2 * n:06d}" for n in range(N_TRAIN)]),
    "dense": ("[A-Z]{2}[0-9]{2}", None),
    "alternatives": ("(A[0-9]{5}|BB-[0-9a-f]{4}|[x-z]{9})", None),
    "variable length": ("[A-Z]{1,3}[0-9]{0,4}", None),
    "upper and lower case": ("[A-Za-z]{4}", None),
    "one text in several ways": ("[0-9]{1,4}[0-9]{1,4}-?", None),
    "no letters": ("[-_:.]{9}", None),
    "not all ASCII": ("Ä[ß-ü]{3}é?", None),
    "many": ("[A-Z2-7]{12}", None),
}


@pytest.mark.parametrize("case", PATTERNS)
def test_no_pattern_repeats_a_training_key(case: str) -> None:
    """Keys of any shape, running or scattered, are not met by 20,000 others of the shape."""
    pattern, training = PATTERNS[case]
    column = Identifier(pattern=pattern)
    training = training or draw(column, N_TRAIN, unique=True, seed=1)
    part = fit(column, training)
    assert not part.crowded
    assert not set(draw(column, N_DRAWN, unique=False, seed=2, apart=part)) & set(training)
    assert not set(draw(column, N_TRAIN, unique=True, seed=3, apart=part)) & set(training)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["[0-9]{2,4}", "(a|b|ab){3}[0-9]{2}", "[a-c]?[A-C]{2,4}[0-9]?", "x[0-9]{3}|y[a-z]{2}"]),
    st.integers(1, 60),
    st.integers(0, 10**6),
)
def test_no_key_is_repeated_whatever_the_table(pattern: str, n_train: int, seed: int) -> None:
    """Unless the fit says that keys are crowded, none comes back."""
    column = Identifier(pattern=pattern)
    training = draw(column, n_train, unique=False, seed=seed)
    part = fit(column, training)
    assert part.crowded or not set(draw(column, 500, unique=False, seed=seed + 1, apart=part)) & set(training)


@pytest.mark.parametrize(
    ("kind", "value", "same"),
    [
        ("name", "Aaron Abbott", "  AARON   abbott"),
        ("phone", "212-555-0191", "(212) 555 0191"),
        ("mac_address", "0a:00:00:00:00:01", "0A-00-00-00-00-01"),
        ("ssn", "900-01-0001", "900010001"),
    ],
)
def test_other_spellings_of_a_value_count(kind: Surrogate, value: str, same: str) -> None:
    """Case, blanks and punctuation do not make a training value another one."""
    column = Identifier(surrogate=kind)
    asked, given = (fit(column, [text]).state()["divisions"][0]["free"] for text in (same, value))
    assert np.array_equal(asked, given)
    assert not fit(column, [same]).is_whole


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_kept_where_no_value_could_be_made(kind: Surrogate) -> None:
    """Values that no surrogate can equal leave no trace, and do not change the draw."""
    column = Identifier(surrogate=kind)
    part = fit(column, [f"patient {n} of ward 7" for n in range(300)])
    assert part.is_whole and not part.crowded
    assert draw(column, 100, unique=False, seed=0, apart=part) == draw(column, 100, unique=False, seed=0)


def test_running_numbers_strike_out_one_coarse_block() -> None:
    """Keys from 1 to 5,000 of a million cost one block of sixteen: the coarsest division that has room is taken."""
    column = Identifier(pattern="[0-9]{6}")
    (division,) = fit(column, [f"{n:06d}" for n in range(1, 5001)]).state()["divisions"]
    assert division["n_blocks"] == 16 and division["width"] == 62_500
    assert np.unpackbits(division["free"]).tolist() == [0] + 15 * [1]


def test_blocks_are_never_small() -> None:
    """However crowded the keys, a struck-out block stands for at least sixteen of them."""
    rng = np.random.default_rng(0)
    for n_train in (50, 200, 500, 900, 3000):
        training = [f"{n:04d}" for n in rng.choice(10_000, n_train, replace=False)]
        (division,) = fit(Identifier(pattern="[0-9]{4}"), training).state()["divisions"]
        assert division["width"] >= SMALLEST_BLOCK


def test_state_comes_back(tmp_path: Any) -> None:
    """A part read from its state draws the same surrogates."""
    for column in (Identifier(pattern="V-[0-9]{5}"), Identifier(surrogate="phone"), Identifier(surrogate="first_name")):
        part = fit(column, draw(column, 3000, unique=False, seed=1))
        again = through_file(part, tmp_path)
        assert not again.is_whole and again.crowded == part.crowded
        for unique in (False, True):
            assert draw(column, 4000, unique=unique, seed=2, apart=again) == draw(
                column, 4000, unique=unique, seed=2, apart=part
            )


def test_state_holds_no_training_value_and_no_hash_of_one(tmp_path: Any) -> None:
    """Far fewer bits than keys leave, nothing but block widths and bits, and the order of the rows does not matter."""
    column = Identifier(pattern="V-[0-9]{7}")
    training = draw(column, 1009, unique=True, seed=1)
    state = fit(column, training).state()
    assert set(state) == {"divisions", "lists", "crowded"}
    (division,) = state["divisions"]
    assert set(division) == {"width", "n_blocks", "free"}
    assert division["free"].nbytes * 8 < 2 * 1009
    assert state["lists"] == fit(column, training[:1]).state()["lists"]  # the checksum is of the pattern
    for rows in (training[::-1], training * 2):
        assert np.array_equal(division["free"], fit(column, rows).state()["divisions"][0]["free"])
    buffer = io.BytesIO()
    np.save(buffer, division["free"])
    text = buffer.getvalue() + json.dumps({**state, "divisions": []}).encode()
    assert not any(key.encode() in text or str(zlib.crc32(key.encode())).encode() in text for key in training)


def test_same_values_same_part() -> None:
    """No random number enters the fit, and the same state of a draw gives the same surrogates."""
    column = Identifier(surrogate="ssn")
    training = draw(column, 2000, unique=True, seed=1)
    first, second = fit(column, training), fit(column, training)
    assert draw(column, 500, unique=True, seed=5, apart=first) == draw(column, 500, unique=True, seed=5, apart=second)
    assert draw(column, 500, unique=True, seed=5, apart=first) != draw(column, 500, unique=True, seed=6, apart=first)


def test_blocks_grow_finer_until_the_table_fits() -> None:
    """Running numbers that fill almost half of their shape still leave room for as many others."""
    column = Identifier(pattern="[1-9][0-9]{0,4}")
    training = [str(n) for n in range(1, 43_825)]
    part = fit(column, training)
    assert not part.crowded
    assert not set(draw(column, len(training), unique=True, seed=0, apart=part)) & set(training)


def test_crowded_keys_come_from_the_whole_pattern() -> None:
    """Where the table holds so many keys that no room is left, the part is the whole and says that it is crowded."""
    column = Identifier(pattern="[0-9]{4}")
    part = fit(column, [f"{n:04d}" for n in np.random.default_rng(0).choice(10_000, N_TRAIN, replace=False)])
    assert part.crowded and part.is_whole
    assert len(set(draw(column, 10_000, unique=True, seed=0, apart=part))) == 10_000


def test_crowded_keys_are_told_without_values() -> None:
    """Fitting a model on crowded keys warns with the column, the remedy and no key, and notes it in the model."""
    keys = [f"{n:03d}" for n in np.random.default_rng(0).choice(1000, 600, replace=False)]
    table = declare({"chart": Identifier(pattern="[0-9]{3}"), "ward": Categorical()})
    schema = Schema(name="s", tables={"t": table})
    rows = pd.DataFrame({"chart": keys, "ward": ["a", "b"] * 300})
    with pytest.warns(TabsynthWarning, match="column 'chart'.*widen its pattern") as caught:
        model = Independent().fit(rows, schema, seed=0)
    assert [str(w.message) for w in caught] == list(model.notes)
    assert not any(key in model.notes[0] for key in keys)
    assert len(model.sample(100, seed=0)) == 100


def test_more_unique_keys_than_are_free_are_refused() -> None:
    """The error says how many surrogates are left beside the training values."""
    column = Identifier(pattern="[0-9]{4}")
    part = fit(column, [f"{n:04d}" for n in range(1, 301)])
    with pytest.raises(UsageError, match=r"makes 9,375 different keys beside those of the training table, but 9,376 "):
        draw(column, 9376, unique=True, seed=0, apart=part)
    assert len(set(draw(column, 9375, unique=True, seed=0, apart=part))) == 9375
    phones = Identifier(surrogate="ssn")
    part = fit(phones, draw(phones, 100, unique=True, seed=0))
    with pytest.raises(UsageError, match=r"'ssn': .* different values are possible beside those of the training table"):
        draw(phones, 48_995_100, unique=True, seed=0, apart=part)


def test_other_word_lists_are_refused() -> None:
    """A part whose numbers count in other words than those installed would protect nothing: it is an error."""
    column = Identifier(surrogate="name")
    state = fit(column, ["Aaron Abbott"]).state()
    part = KeptApart.from_state({**state, "lists": state["lists"] ^ 1})
    with pytest.raises(ArtifactError, match="fit again"):
        draw(column, 5, unique=False, seed=0, apart=part)


@pytest.mark.parametrize("texts", [[], ["", " "], ["x" * 10_000], ["V-\x000000001", "V-00000\n", "V-０００００００"]])
def test_odd_values_do_no_harm(texts: list[str]) -> None:
    """No values, blank, endless and strange ones are passed over."""
    part = fit(Identifier(pattern="V-[0-9]{7}"), texts)
    assert not part.crowded


def test_models_learn_it_for_every_identifier() -> None:
    """Patterns of columns and of regex constraints, and identifiers of people with several rows, are all kept apart."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(400), 3)
    pool = rng.permutation(100_000)
    table = declare(
        {"visit": Identifier(), "patient": Identifier(pattern="P[0-9]{5}"), "phone": Identifier(surrogate="phone")},
        Regex(column="visit", pattern="[0-9]{5}"),
        primary_key=("visit",),
        entity_key="patient",
    )
    phones = np.array(draw(Identifier(surrogate="phone"), 400, unique=True, seed=3), dtype=object)
    frame = pd.DataFrame(
        {
            "visit": [f"{n:05d}" for n in pool[:1200]],
            "patient": [f"P{n:05d}" for n in pool[-400:][person]],
            "phone": phones[person],
        }
    )
    rows = typed(table, frame)
    info, notes = EntityInfo.fit(table, rows, EntityInfo.codes(table, rows), k=10)
    assert set(info.apart) == {"visit", "patient", "phone"} and notes == ()
    assert EntityInfo.from_state(info.state()).state().keys() == info.state().keys()
    model = Independent().fit(frame, Schema(name="s", tables={"t": table}), seed=0)
    drawn = model.sample(5000, seed=1)
    assert drawn["patient"].nunique() < 5000
    for name in frame.columns:
        assert not set(drawn[name]) & set(frame[name]), name


def test_running_numbers_get_longer_keys_where_their_shape_was_read_from_data() -> None:
    """1 to 77 fill two digits: a pattern that was read gives way, one that was declared is kept with a warning."""
    numbers = [str(number) for number in range(1, 78)]
    read = Identifier.model_validate({"pattern": "[1-9][0-9]{0,1}", "provenance": {"pattern": "data"}})
    part = fit(read, numbers)
    assert not part.crowded
    drawn = draw(read, 300, unique=True, seed=0, apart=part)
    assert len(set(drawn)) == 300 and not set(drawn) & set(numbers) and {len(text) for text in drawn} <= {5, 6}
    assert fit(read.model_copy(update={"provenance": {}}), numbers).crowded
    roomy = Identifier.model_validate({"pattern": "[0-9]{6}", "provenance": {"pattern": "data"}})
    assert {len(text) for text in draw(roomy, 300, unique=True, seed=0, apart=fit(roomy, ["000123"]))} == {6}

"""Shadow models: the generator's recipe repeated on other people, to learn what a person's presence does to rows.

    targets   as many people of train as of holdout
    world k   half of the targets, by lot, and as many other people as make it as large as train -> refit -> rows S_k
    signals   of each target in each S_k, and in the released table:
                  -log d(x, S) of the nearest row,  log sum_S exp(-d(x, s) / h)      under every encoding
                  mean log count of x's cell in the tables of two columns            (cells of pairs)

Who was in which world is known, so the signals of each person with and without her are, too; `shadow_scores.py` holds
the released table against both.

Decisions
- Worlds are as large as train, as memory hangs on how many rows there are to remember. So the people who are no targets
  are in most worlds, as they are in train: the attacker is one who knows nearly everybody else, as in the promise of
  differential privacy. Where holdout is as large as train, worlds are plain halves of both together.
- Worlds come in twos: one has the targets that the other lacks. Everybody is in exactly half of them.
- People, not rows, are drawn; with several rows the most suspicious one counts.
- Encodings and bandwidths are learned from train and holdout together, in which nobody's membership shows.
- No generator that learns is quite at chance: counts of single columns already tell a little about who was counted, by
  about the square root of the number of their cells over that of people (Homer et al. 2008,
  doi:10.1371/journal.pgen.1000167). It is found here even in independent columns, where people are few.
- A world that cannot be made costs that world. With fewer than four with a person and four without, she is not asked.

Source: Carlini et al. 2022 (LiRA), arXiv:2112.03570; for synthetic tables Stadler, Oprisanu & Troncoso 2022, "Synthetic
data - anonymisation groundhog day", and Houssiau et al. 2022 (TAPAS), arXiv:2211.06550, whose counts of cells these
are; one data set for all worlds, Guepin et al. 2024, "Lost in the averages", arXiv:2405.15423.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tabsynth.evaluation.base import describe_error
from tabsynth.evaluation.binning import fit_bins
from tabsynth.evaluation.comparison import Array, Comparison, Rows, compare, independent_rows
from tabsynth.evaluation.distances import Encoder, closeness
from tabsynth.evaluation.membership_attacks import FOLDS, MIN_PEOPLE
from tabsynth.evaluation.recipe import Recipe
from tabsynth.evaluation.shadow_scores import MIN_WORLDS, likelihood_ratios
from tabsynth.randomness import child, deterministic_threads

MIN_SHADOWS = 2 * MIN_WORLDS
MAX_TARGETS = 1_000
"""People of train, and as many of holdout, who are asked about."""
MAX_SEARCHED = 20_000
"""Rows of the released table, and of each world, that are searched."""
MAX_PAIRS = 200
SMALL = 400_000
"""Cells of a world up to which 32 shadow models are made by default, else 16."""
_FLOOR = 0.003  # of the bandwidth: what a distance of zero counts as
_MASS_FLOOR = 0.01  # rows: what an empty neighbourhood counts as
_HOPELESS = 3  # failures in a row from the start


@dataclass(frozen=True)
class Targets:
    """Who is asked about, and who else there is; people are numbered through train, then holdout."""

    person: Array  # (n_rows of train and holdout,)
    chosen: Array  # (n_targets,) people; the first half is of train
    others: Array  # (n_others,) people who are no targets
    n_others: int
    """People besides targets that each world has."""
    rows: Array  # (n_asked,) rows of the targets
    target: Array  # (n_asked,) place of each row's person in `chosen`

    @property
    def n_members(self) -> int:
        """Targets of train; as many are of holdout."""
        return len(self.chosen) // 2


@dataclass(frozen=True)
class ShadowTrial:
    """Scores of people by every signal, and how they came about."""

    attacks: tuple[str, ...]
    members: Array  # (n_attacks, n_members)
    others: Array  # (n_attacks, n_others)
    naive_members: Array  # of rows that were drawn column by column
    naive_others: Array
    exposed: Mapping[str, tuple[Array, Array]]
    """By kind, how much members and others stand alone."""
    n_made: int
    n_wanted: int
    n_searched: int
    failures: tuple[str, ...]


@dataclass(frozen=True)
class Untested:
    """Why there is no trial."""

    note: str
    error: str | None = None
    undecided: bool = True


def shadow_trial(comparison: Comparison) -> ShadowTrial | Untested:
    """The trial that the metrics of shadow models share, made once."""
    found: ShadowTrial | Untested = comparison.once("shadow models", lambda: _attempt(comparison))
    return found


def _attempt(comparison: Comparison) -> ShadowTrial | Untested:
    recipe = comparison.recipe
    if recipe is None:
        return Untested("Not tested: needs the model's recipe, to make more like it.", undecided=False)
    if recipe.refit is None:
        note = f"Not tested: {recipe.generator} is private, and refitting it on real rows would spend what nobody paid."
        return Untested(note, undecided=False)
    if not comparison.columns:
        return Untested("The table has no modelled columns, only identifiers or text.", undecided=False)
    targets = choose_targets(comparison)
    if targets is None:
        people = [int(comparison.people(which).max()) + 1 for which in ("train", "holdout")]
        return Untested(
            f"Needs at least {MIN_PEOPLE} people in train and in holdout; there are {people[0]:,} and {people[1]:,}."
        )
    return _play(comparison, recipe, targets)


def choose_targets(comparison: Comparison) -> Targets | None:
    """Draw as many people of train as of holdout; None where there are fewer than MIN_PEOPLE on a side."""
    train, holdout = comparison.people("train"), comparison.people("holdout")
    n_train, n_holdout = int(train.max()) + 1, int(holdout.max()) + 1
    n = min(n_train, n_holdout, MAX_TARGETS)
    if n < MIN_PEOPLE:
        return None
    rng = child(comparison.seed, "evaluation", "shadow", "targets")
    chosen = np.concatenate([np.sort(rng.permutation(n_train)[:n]), n_train + np.sort(rng.permutation(n_holdout)[:n])])
    person = np.concatenate([train, n_train + holdout])
    rows = np.flatnonzero(np.isin(person, chosen))
    return Targets(
        person=person,
        chosen=chosen,
        others=np.setdiff1d(np.arange(n_train + n_holdout), chosen),
        n_others=n_train - n,
        rows=rows,
        target=np.searchsorted(chosen, person[rows]),
    )


def worlds(targets: Targets, n_worlds: int, seed: int) -> tuple[Array, list[Array]]:
    """Who is in which world: targets, shape (n_worlds, n_targets), and all rows of each world, sorted."""
    n = len(targets.chosen)
    inside = np.zeros((n_worlds, n), bool)
    rows = []
    for world in range(n_worlds):
        halves = child(seed, "evaluation", "shadow", "halves", str(world // 2)).permutation(n)
        inside[world, halves[: n // 2] if world % 2 == 0 else halves[n // 2 :]] = True
        drawn = child(seed, "evaluation", "shadow", "others", str(world)).permutation(targets.others)
        present = np.concatenate([targets.chosen[inside[world]], drawn[: targets.n_others]])
        rows.append(np.flatnonzero(np.isin(targets.person, present)))
    return inside, rows


def _play(comparison: Comparison, recipe: Recipe, targets: Targets) -> ShadowTrial | Untested:
    seed, typed = comparison.seed, comparison.typed
    wanted = recipe.n_shadows or (32 if comparison.train.n_rows * len(comparison.columns) <= SMALL else 16)
    wanted += wanted % 2
    n_searched = min(comparison.synthetic.n_rows, MAX_SEARCHED)
    reader = Signals(comparison, targets)
    inside, rows = worlds(targets, wanted, seed)
    made: list[Array] = []
    kept: list[int] = []
    failures: list[str] = []
    start = time.monotonic()
    assert recipe.refit is not None
    for world in range(wanted):
        late = recipe.time_limit is not None and time.monotonic() - start > recipe.time_limit
        if (late and world % 2 == 0) or (not made and len(failures) >= _HOPELESS):
            break
        recipe.progress.advance(0, note=f"shadow model {world + 1} of {wanted}")
        number = int(child(seed, "evaluation", "shadow", "fit", str(world)).integers(2**62))
        try:
            drawn = recipe.refit(rows[world], n_searched, number)
            shadow = compare(typed["train"], typed["holdout"], drawn, comparison.table, seed=seed)
            made.append(reader.read(shadow, shadow.synthetic))
            kept.append(world)
        except Exception as error:  # one world that cannot be made costs that world
            failures.append(describe_error(error))
    here = inside[kept]
    asked = (here.sum(axis=0) >= MIN_WORLDS) & ((~here).sum(axis=0) >= MIN_WORLDS) if kept else np.zeros(0, bool)
    n = targets.n_members
    if not kept or min(asked[:n].sum(), asked[n:].sum()) < MIN_PEOPLE:
        return _too_few_worlds(len(kept), wanted, failures, recipe)
    with deterministic_threads():
        table = np.stack(made)
        released = _thinned(comparison.synthetic, n_searched, seed)
        scores = likelihood_ratios(table, here, reader.read(comparison, released))
        invented = independent_rows(comparison.train, n_searched, seed)
        naive = likelihood_ratios(table, here, reader.read(comparison, invented))
    members, others = np.flatnonzero(asked[:n]), n + np.flatnonzero(asked[n:])
    return ShadowTrial(
        attacks=(*reader.names, "all signals"),
        members=scores[:, members],
        others=scores[:, others],
        naive_members=naive[:, members],
        naive_others=naive[:, others],
        exposed={name: (values[members], values[others]) for name, values in reader.exposed.items()},
        n_made=len(kept),
        n_wanted=wanted,
        n_searched=n_searched,
        failures=tuple(failures),
    )


def _too_few_worlds(n_made: int, wanted: int, failures: list[str], recipe: Recipe) -> Untested:
    said = f"Only {n_made} of {wanted} shadow models could be made, and at least {MIN_SHADOWS} are needed"
    if failures:
        return Untested(said, error=f"{said}: {failures[0].rstrip('.')}")
    limit = "" if recipe.time_limit is None else f"; allow more than {recipe.time_limit:g} seconds"
    return Untested(f"{said}{limit}.")


def _thinned(rows: Rows, n: int, seed: int) -> Rows:
    if rows.n_rows <= n:
        return rows
    drawn = child(seed, "evaluation", "shadow", "searched").choice(rows.n_rows, n, replace=False)
    return rows.take(np.sort(drawn))


class Signals:
    """What a table shows of each target."""

    def __init__(self, comparison: Comparison, targets: Targets) -> None:
        """Learn encodings, bandwidths and bins, and how much each target stands alone."""
        self._targets, self._scales = targets, comparison.scales
        self._pairs = comparison.pairs
        if len(self._pairs) > MAX_PAIRS:
            drawn = child(comparison.seed, "evaluation", "shadow", "pairs").permutation(len(self._pairs))[:MAX_PAIRS]
            self._pairs = tuple(self._pairs[place] for place in np.sort(drawn))
        pool = _joined(comparison)
        self._bins = {
            name: fit_bins(pool.columns[name], discrete=scale.discrete) for name, scale in self._scales.items()
        }
        self._encoder = Encoder((pool,), self._scales, tuple(self._scales))
        folds = child(comparison.seed, "evaluation", "shadow", "folds").integers(
            0, FOLDS, int(targets.person.max()) + 1
        )
        fold = folds[targets.person]
        points = self._encoder.points(pool)
        near = closeness(points.take(targets.rows), points, groups=fold, n_groups=FOLDS)
        alone = {name: _elsewhere(found.nearest, fold[targets.rows]) for name, found in near.items()}
        self._widths = {name: _width(distances) for name, distances in alone.items()}
        self.names = tuple(f"{kind}, {name}" for name in near for kind in ("nearest row", "density"))
        self.names += ("cells of pairs",) if self._pairs else ()
        self.exposed = {"far from everybody": self._by_person(alone["quantile"])}
        if self._pairs:
            self.exposed["rare combinations"] = self._by_person(-self._cells(pool.take(targets.rows), pool))

    def read(self, comparison: Comparison, synthetic: Rows) -> Array:
        """Signals of a table; higher is nearer. Shape (n_signals, n_targets).

        Args:
            comparison: Train and holdout on the scale of the table.
            synthetic: The table.
        """
        asked = _joined(comparison).take(self._targets.rows)
        points = self._encoder.points(asked)
        near = closeness(points, self._encoder.points(synthetic), bandwidths=self._widths)
        found = []
        for name, answer in near.items():
            found.append(-np.log(answer.nearest[:, 0].astype(np.float64) + _FLOOR * self._widths[name]))
            found.append(np.log(answer.mass[:, 0] + _MASS_FLOOR))
        if self._pairs:
            found.append(self._cells(asked, synthetic))
        return np.stack([self._by_person(signal) for signal in found])

    def _cells(self, asked: Rows, synthetic: Rows) -> Array:
        """Mean logarithm of the rows in each asked row's cell of every pair, (n_asked,)."""
        here, there = self._codes(asked), self._codes(synthetic)
        total = np.zeros(asked.n_rows)
        for first, second in self._pairs:
            width = self._bins[second].n_bins
            counts = np.bincount(there[first] * width + there[second], minlength=self._bins[first].n_bins * width)
            total += np.log(counts[here[first] * width + here[second]] + 0.5)
        return total / len(self._pairs)

    def _codes(self, rows: Rows) -> dict[str, Array]:
        """Bin of every cell; categories that neither train nor holdout has count as their rarest one."""
        cells = {
            name: np.minimum(values, self._bins[name].upper) if self._scales[name].discrete else values
            for name, values in rows.columns.items()
        }
        return {name: self._bins[name].code(values) for name, values in cells.items()}

    def _by_person(self, values: Array) -> Array:
        """Largest value of each target's rows, (n_targets,)."""
        best = np.full(len(self._targets.chosen), -np.inf)
        np.maximum.at(best, self._targets.target, values)
        return best


def _joined(comparison: Comparison) -> Rows:
    """Train, then holdout."""
    train, holdout = comparison.train, comparison.holdout
    columns = {name: np.concatenate([cells, holdout.columns[name]]) for name, cells in train.columns.items()}
    return Rows(columns, train.n_rows + holdout.n_rows)


def _elsewhere(by_fold: Array, fold: Array) -> Array:
    """Distance to the nearest row of another fold, hence of somebody else; (n_rows,)."""
    left = by_fold.astype(np.float64)
    left[np.arange(len(left)), fold] = np.inf
    return np.asarray(left.min(axis=1))


def _width(nearest: Array) -> float:
    """Bandwidth of the kernel: the median distance to somebody else; where most are 0, the mean."""
    width = float(np.median(nearest)) or float(nearest.mean())
    return width if 0 < width < np.inf else 0.5

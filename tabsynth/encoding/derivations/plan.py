"""The choice of rewritings for the constraints of a table: which are built in, in what order, and which are left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabsynth.encoding.derivations.computed import Computed, possible_targets
from tabsynth.encoding.derivations.gaps import Gaps
from tabsynth.encoding.derivations.joint import Joint
from tabsynth.encoding.derivations.one_hot import Choice
from tabsynth.encoding.derivations.patterns import Patterns, possible_patterns
from tabsynth.encoding.derivations.rewrite import Evidence, Rewrite
from tabsynth.schema.checks import violating_rows
from tabsynth.schema.columns import Identifier, Text
from tabsynth.schema.constraints import (
    ChainedInequality,
    Constraint,
    FixedCombinations,
    FixedNulls,
    Formula,
    Inequality,
    OneHot,
    RangeBetween,
    SumTo,
    Unique,
)


class Plan:
    """The rewritings chosen so far; each stage adds to them what it can.

    The stages are called in the order in which they stand here: each takes columns that later ones then find taken.
    """

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.table = evidence.table
        present = evidence.table.columns if evidence.typed is None else evidence.typed.columns
        self.names = tuple(name for name in self.table.columns if name in present)
        self.rewrites: list[Rewrite] = []
        self.patterns: list[Patterns] = []
        self.satisfied: set[int] = set()
        self.constraints = list(self.table.constraints)
        self.taken = set(self.table.columns)
        self.notes: list[str] = []

    def combinations(self) -> None:
        """One joint column for each group of fixed combinations that share columns."""
        for group in self._groups():
            joint = Joint.plan(group, self.evidence, taken=self.taken)
            if not self._add(joint):
                continue
            for number, rule in group.items():
                if rule.combinations is None:
                    filled = {"combinations": joint.literals(rule.columns)}
                    self.constraints[number] = rule.model_copy(update=filled)
            if self.evidence.typed is not None and (rare := int(joint.rare_rows(self.evidence.typed).sum())):
                share = rare / self.evidence.typed.n_rows
                self.notes.append(
                    f"fixed_combinations of {', '.join(joint.members)}: {share:.1%} of the rows have a combination "
                    f"that fewer than {self.evidence.k} people share; they are learned as the nearest common one"
                )

    def inside_combinations(self) -> None:
        """Rules about the columns of one joint column hold where every listed combination keeps them."""
        for number, rule in self._open():
            if not isinstance(rule, Unique | FixedNulls) and self._is_inside(rule):
                self.satisfied.add(number)

    def calculations(self) -> None:
        """Leave out what formulas and sums determine, formulas first: only one of their columns can be calculated."""
        for kind in (Formula, SumTo):
            for number, rule in self._open(kind):
                for target in possible_targets(rule, self.table):
                    if self._is_free(target, rule.involved):
                        made = Computed.plan(number, rule, target, self.evidence, taken=self.taken)
                        if made is not None and self._add(made):
                            break

    def choices(self) -> None:
        """One column for each group of one-hot columns."""
        for number, rule in self._open(OneHot):
            if all(self._is_free(name, ()) for name in rule.columns):
                self._add(Choice.plan(number, rule, self.evidence, taken=self.taken))

    def distances(self) -> None:
        """Distances for columns in order, from the first column upwards or else from the last one downwards."""
        for number, rule in self._open(Inequality, ChainedInequality, RangeBetween):
            for reverse in (False, True):
                made = Gaps.plan(number, rule, self.evidence, reverse=reverse, taken=self.taken)
                if made is not None and self._add(made):
                    break

    def gaps(self) -> None:
        """One column for each group of columns that are missing together."""
        decided: set[str] = set()
        for number, rule in self._open(FixedNulls):
            if rule.patterns is None:
                filled = {"patterns": possible_patterns(rule, self.evidence)}
                self.constraints[number] = rule.model_copy(update=filled)
            if self._is_inside(self.constraints[number]):
                self.satisfied.add(number)
                continue
            if decided & set(rule.columns):
                continue
            made = Patterns.plan(number, rule, self.evidence, self.rewrites, taken=self.taken)
            if made is not None:
                self.patterns.append(made)
                self.taken.add(made.name)
                self.satisfied.add(number)
                decided |= set(rule.columns)

    @property
    def ordered(self) -> tuple[Rewrite, ...]:
        """The rewritings, in an order in which each finds what it reads."""
        ordered: list[Rewrite] = []
        waiting = list(self.rewrites)
        while waiting:
            unmade = {target for rewrite in waiting for target in rewrite.targets}
            ready = next(rewrite for rewrite in waiting if not unmade & set(rewrite.reads))
            ordered.append(ready)
            waiting.remove(ready)
        return tuple(ordered)

    def _open(self, *kinds: Any) -> Iterator[tuple[int, Any]]:
        """Constraints of some kinds (of all, without any) that do not hold yet and whose columns are all there."""
        for number, rule in enumerate(self.table.constraints):
            if (
                (not kinds or isinstance(rule, kinds))
                and number not in self.satisfied
                and set(rule.involved) <= set(self.names)
            ):
                yield number, rule

    def _is_inside(self, rule: Constraint) -> bool:
        """Whether a rule is about the columns of one joint column, and every combination there keeps it."""
        for joint in self.rewrites:
            if isinstance(joint, Joint) and set(rule.involved) <= set(joint.members):
                return not violating_rows(rule, joint.listing, self.table).any()
        return False

    def _groups(self) -> list[dict[int, FixedCombinations]]:
        """Fixed combinations that share columns together; those that all have lists one by one."""
        groups: list[dict[int, FixedCombinations]] = []
        for number, rule in self._open(FixedCombinations):
            if any(isinstance(self.table.columns[name], Identifier | Text) for name in rule.columns):
                continue
            columns = set(rule.columns)
            sharing = [group for group in groups if any(columns & set(other.columns) for other in group.values())]
            merged = {number: rule}
            for group in sharing:
                groups.remove(group)
                merged = {**group, **merged}
            groups.append(dict(sorted(merged.items())))
        split: list[dict[int, FixedCombinations]] = []
        for group in groups:
            if all(rule.combinations is not None for rule in group.values()):
                split += [{number: rule} for number, rule in group.items()]
            else:
                split.append(group)
        return split

    def _is_free(self, target: str, involved: tuple[str, ...]) -> bool:
        """Whether `target` may be made from the other columns without a circle."""
        made = {made: rewrite for rewrite in self.rewrites for made in rewrite.targets}
        return target not in made and target not in self._needed([name for name in involved if name != target])

    def _needed(self, names: list[str]) -> set[str]:
        """Columns that some columns are made from, themselves included."""
        reads = {target: rewrite.reads for rewrite in self.rewrites for target in rewrite.targets}
        needed: set[str] = set()
        open_ = list(names)
        while open_:
            name = open_.pop()
            if name not in needed:
                needed.add(name)
                open_ += reads.get(name, ())
        return needed

    def _add(self, rewrite: Rewrite | None) -> bool:
        """Take a rewriting on, unless one of its targets is taken or it would go round in a circle."""
        if rewrite is None:
            return False
        made = {target for other in self.rewrites for target in other.targets}
        if made & set(rewrite.targets) or self._needed(list(rewrite.reads)) & set(rewrite.targets):
            return False
        self.rewrites.append(rewrite)
        self.satisfied |= set(rewrite.constraints)
        self.taken |= {name for columns in rewrite.columns.values() for name in columns}
        return True

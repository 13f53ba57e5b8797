"""The words of the report: what each number means for somebody who has to decide, without statistics.

Every metric with a limit has a sentence; a metric of a plug-in gets a general one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tabsynth.evaluation.base import Family, Result, Verdict
from tabsynth.evaluation.policy import Clause
from tabsynth.evaluation.single_copies import KEPT_APART

FAMILY_ORDER = tuple(Family)
FAMILIES = {
    Family.VALIDITY: ("Validity", "Do the rows keep the rules of the schema?"),
    Family.FIDELITY: ("Fidelity", "Do columns, pairs and gaps look like the real ones?"),
    Family.DETECTION: ("Detection", "Can a classifier tell synthetic rows from real ones?"),
    Family.UTILITY: ("Utility", "Do models, counts and estimates made from the rows hold on real ones?"),
    Family.FAIRNESS: ("Fairness", "Are some groups of people served, or exposed, worse than others?"),
    Family.COPIES: ("Copies", "Do rows, identifiers or texts repeat real ones?"),
    Family.ATTACKS: ("Attacks", "What does an attacker learn about the people of train?"),
}

NOT_TESTED = (
    "Attackers who train generators of their own to compare with (shadow models).",
    "Attackers who hold the model file.",
    "Groups of fewer than thirty people, and groups that no column names.",
    "Dependence between four or more columns by name; only detection sees it, as a whole.",
    "Order in time and relations between tables.",
)


def not_tested(results: Sequence[Result]) -> tuple[str, ...]:
    """What nobody tried, of what can be tried."""
    tried = any(result.metric == "shadow-membership" and result.value is not None for result in results)
    return NOT_TESTED[1:] if tried else NOT_TESTED


VERDICTS = {
    Verdict.PASS: "Pass",
    Verdict.FAIL: "Fail",
    Verdict.INSUFFICIENT: "Insufficient evidence",
    Verdict.INFO: "Not judged",
}


def percent(value: float | None) -> str:
    """A share as a percentage, with more digits where it is small.

    Example:
        >>> percent(0.98765), percent(0.00067), percent(0.0)
        ('98.8 %', '0.07 %', '0 %')
    """
    if value is None:
        return "not measured"
    if abs(value) < 5e-5:
        return "0 %"
    return f"{100 * value:.2f} %" if abs(value) < 0.01 else f"{100 * value:.1f} %"


def number(value: float | None, unit: str) -> str:
    """A value in the unit of its result."""
    if value is None:
        return "–"
    if unit == "count":
        return f"{value:,.0f}"
    return f"{value:.3f}" if unit in ("area", "score") else percent(value)


def headline(verdicts: Sequence[Verdict]) -> str:
    """The first sentence of the report."""
    judged = [verdict for verdict in verdicts if verdict is not Verdict.INFO]
    failed, open_ = judged.count(Verdict.FAIL), judged.count(Verdict.INSUFFICIENT)
    if not judged:
        return "No limit was applied."
    if failed:
        also = f", and {_count(open_)} cannot be decided from these rows" if open_ else ""
        return f"{_count(failed).capitalize()} of {len(judged)} limits {'is' if failed == 1 else 'are'} broken{also}."
    if open_:
        return f"No limit is broken; {_count(open_)} of {len(judged)} cannot be decided from these rows."
    return f"All {len(judged)} limits that apply are kept."


def sentence(result: Result, clause: Clause) -> str:
    """What was found about one limit, in plain words."""
    if result.error:
        return f"This could not be measured: {result.error}."
    if result.value is None:
        return result.notes[0] if result.notes else "This was not measured."
    return _SENTENCES.get(result.metric, _general)(result)


def _general(result: Result) -> str:
    judged = result.judged
    if judged is not None:
        return f"The {judged.what} is {number(judged.value, result.unit)}."
    return f"The value is {number(result.value, result.unit)}."


def _similar(what: str) -> Callable[[Result], str]:
    def words(result: Result) -> str:
        share = result.judged.value if result.judged else result.value
        return f"{what} reach {percent(share)} of the similarity that equally many real rows reach."

    return words


def _worst_column(result: Result) -> str:
    short = max(0.0, result.judged.value if result.judged else 0.0)
    return f"The column that falls furthest short is {100 * short:.1f} points less similar than among real rows."


def _dependence(result: Result) -> str:
    excess = max(0.0, result.judged.value if result.judged else 0.0)
    return f"The pair that changed most is off by {percent(excess)} of the rows more than among real rows."


def _gaps(result: Result) -> str:
    return f"The share of missing cells differs by at most {percent(result.value)} in any column."


def _group_gaps(result: Result) -> str:
    excess = max(0.0, result.judged.value if result.judged else 0.0)
    return f"{percent(excess)} of the rows have a gap in the wrong group, beyond what real rows show."


def _detection(result: Result) -> str:
    return (
        f"A classifier ranks a synthetic row above a real one {percent(result.value)} of the time; "
        "guessing would be 50 %."
    )


def _models(result: Result) -> str:
    means = (
        f"reach a skill of {number(result.value, 'score')} on real rows where models that learn from real rows reach "
        f"{number(result.reference, 'score')} (0: guessing, 1: always right)"
    )
    if result.judged is None or result.judged.value is None:
        return f"Models that learn from synthetic rows {means}."
    most = number(max(0.0, result.judged.value), "score")
    return f"On average, models that learn from synthetic rows {means}; the one that loses most loses {most}."


def _every_column(result: Result) -> str:
    share = result.judged.value if result.judged else None
    if share is None:
        return "Hardly any column can be predicted from the others, with real rows either."
    return f"Over all columns, models of synthetic rows keep {percent(share)} of the skill that real rows give."


def _queries(result: Result) -> str:
    return (
        f"Counts over random conditions are off by {percent(result.value)} of themselves; with equally many real rows "
        f"by {percent(result.reference)}."
    )


def _represented(result: Result) -> str:
    return (
        f"The share of the group that changed most is off by {percent(result.value)} of its size; in real holdout rows "
        f"some group is off by {percent(result.reference)}."
    )


def _by_group(result: Result) -> str:
    excess = max(0.0, result.judged.value if result.judged else 0.0)
    return (
        f"The group that is drawn worst is {100 * excess:.1f} points further from train than real rows of that group."
    )


def _served(result: Result) -> str:
    return (
        f"Where models learn from synthetic rows, the group that loses most gives up {number(result.value, 'score')} "
        "more of the probability of the truth than everybody does."
    )


def _exposed(result: Result) -> str:
    return (
        f"In the most exposed group {percent(result.value)} of the people of train are recognised, and "
        f"{percent(result.reference)} of its strangers are wrongly accused."
    )


def _copies(result: Result) -> str:
    return (
        f"{percent(result.value)} of the synthetic rows equal a training row; "
        f"{percent(result.reference)} of the real holdout rows do."
    )


def _single_copies(result: Result) -> str:
    if result.judged is not None and result.judged.what == KEPT_APART:
        return (
            "Rows of real people who were kept apart from the generator are in this release: beyond chance "
            f"{percent(result.judged.value)} of it, or of them where they are fewer."
        )
    return (
        f"{percent(result.value)} of the rows of this release equal a row that only one person has; "
        f"{percent(result.reference)} of the real holdout rows do."
    )


def _row_order(result: Result) -> str:
    share = percent(max(0.0, result.value or 0.0))
    return f"Beyond a random order, {share} of the rows agree with the row in the same place."


def _lost(result: Result) -> str:
    if not result.value:
        return "Every common value of the training table occurs."
    return f"{result.value:,.0f} values that many people of train share never occur."


def _invented(result: Result) -> str:
    return f"At most {percent(result.value)} of the cells of any column hold a category that train does not have."


def _digits(result: Result) -> str:
    excess = max(0.0, result.judged.value if result.judged else 0.0)
    return f"In the worst column, {percent(excess)} of the numbers are written more finely or coarsely than real ones."


def _reuse(what: str) -> Callable[[Result], str]:
    def words(result: Result) -> str:
        if not result.value:
            return f"No {what} of the training table appears in the synthetic table."
        return f"{result.value:,.0f} cells repeat a {what} of the training table."

    return words


def _membership(result: Result) -> str:
    return (
        f"The strongest attack recognises {percent(result.value)} of the people of train while it accuses 1 % of "
        f"strangers; luck would reach {percent(result.reference)} with as many attacks."
    )


def _membership_area(result: Result) -> str:
    return (
        f"The strongest attack finds a person of train more familiar than a stranger {percent(result.value)} of the "
        "time; guessing would be 50 %."
    )


def _outliers(result: Result) -> str:
    return (
        f"Among people who stand alone, {percent(result.value)} are recognised while 10 % of strangers are accused; "
        f"luck would reach {percent(result.reference)} with as many attacks."
    )


def _shadows(result: Result) -> str:
    return (
        f"Somebody who has the generator recognises {percent(result.value)} of the people of train while "
        f"accusing 1 % of strangers; luck would reach {percent(result.reference)} with as many signals."
    )


def _shadow_area(result: Result) -> str:
    return (
        "Somebody who has the generator finds a person of train more familiar than a stranger "
        f"{percent(result.value)} of "
        "the time; guessing would be 50 %."
    )


def _epsilon(result: Result) -> str:
    share = result.judged.value if result.judged else None
    return (
        f"An attack on releases of invented rows proves an epsilon of at least {number(result.value, 'score')}, "
        f"which is {percent(share)} of what is claimed."
    )


def _relative_f1(result: Result) -> str:
    return (
        f"Guessing membership by a similar synthetic row scores {percent(result.value)} of the way from calling "
        "everybody a member to making no error; less than zero is worse than that."
    )


def _secrets(result: Result) -> str:
    return (
        f"Of the rarity of secrets, an attacker guesses {percent(result.value)} for people of train and "
        f"{percent(result.reference)} for strangers."
    )


def _replicated(result: Result) -> str:
    return (
        f"{percent(result.value)} of the training rows are unique by their keys and unique again among the synthetic "
        f"rows; {percent(result.reference)} among as many real strangers."
    )


def _disclosive(result: Result) -> str:
    return (
        f"For {percent(result.value)} of the training rows, the synthetic rows with the same keys agree on a secret "
        f"and are right; for {percent(result.reference)}, as many real strangers do."
    )


def _links(result: Result) -> str:
    return (
        f"Two halves of a record can be linked for {percent(result.value)} of the people of train and for "
        f"{percent(result.reference)} of strangers."
    )


def _singled_out(result: Result) -> str:
    return (
        f"{percent(result.value)} of the conditions isolate one person of train; conditions of equal weight that know "
        f"nothing of train would isolate one in {percent(result.reference)}."
    )


def _violations(result: Result) -> str:
    if not result.value:
        return "Every synthetic row keeps every rule of the schema."
    return f"{result.value:,.0f} violations of the schema were found in the synthetic rows."


def _count(n: int) -> str:
    words = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[n] if n < len(words) else str(n)


_SENTENCES: dict[str, Callable[[Result], str]] = {
    "schema-violations": _violations,
    "column-similarity": _similar("Single columns"),
    "worst-column": _worst_column,
    "pair-similarity": _similar("Pairs of columns"),
    "association": _dependence,
    "k-marginal": _similar("Triples of columns"),
    "missingness": _gaps,
    "missingness-by-group": _group_gaps,
    "detection": _detection,
    "train-on-synthetic": _models,
    "global-utility": _every_column,
    "query-error": _queries,
    "representation": _represented,
    "group-fidelity": _by_group,
    "group-utility": _served,
    "group-leakage": _exposed,
    "exact-copies": _copies,
    "single-copies": _single_copies,
    "row-order": _row_order,
    "lost-values": _lost,
    "invented-categories": _invented,
    "digits": _digits,
    "identifier-reuse": _reuse("real identifier"),
    "text-reuse": _reuse("real text"),
    "membership": _membership,
    "membership-area": _membership_area,
    "membership-outliers": _outliers,
    "membership-disclosure": _relative_f1,
    "shadow-membership": _shadows,
    "shadow-area": _shadow_area,
    "shadow-outliers": _outliers,
    "epsilon-audit": _epsilon,
    "attribute-inference": _secrets,
    "replicated-uniques": _replicated,
    "disclosive-correct": _disclosive,
    "linkability": _links,
    "singling-out": _singled_out,
}

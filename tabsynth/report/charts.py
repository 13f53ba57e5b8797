"""The charts of the report, as inline SVG.

Each takes plain data of the evaluation and returns escaped markup. Train is a filled grey shape and synthetic a blue
line or bar, so that they differ without colour too; every chart has its numbers in a table beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log10

from markupsafe import Markup

from tabsynth.evaluation.attack_scores import AttackCurve
from tabsynth.evaluation.detection import Curve, Telltale
from tabsynth.evaluation.intervals import wilson
from tabsynth.evaluation.pairs import PairScores
from tabsynth.evaluation.profiles import Cell, Profile
from tabsynth.evaluation.targets import AttackBars
from tabsynth.report.build import Limit
from tabsynth.report.svg import (
    INK,
    LINE,
    MUTED,
    NAIVE,
    SYNTHETIC,
    TRAIN,
    box,
    chart,
    element,
    line,
    path,
    shortened,
    text,
)
from tabsynth.report.wording import number, percent

MAX_HEAT_COLUMNS = 40
_MARK_GAP = 76.0  # between labels of an axis, so that dates do not touch
# similarity as a share of the ceiling, from good to bad: lower bound, fill, name
HEAT_STEPS = (
    (0.99, "#e3ecf5", "99 % or more"),
    (0.97, "#b5cde4", "97 to 99 %"),
    (0.95, "#7ba6d0", "95 to 97 %"),
    (0.90, "#d9924a", "90 to 95 %"),
    (float("-inf"), "#a33b12", "below 90 %"),
)


def profile_chart(profile: Profile, n_holdout: int | None = None) -> Markup:
    """Distribution of one column in train and in synthetic; with `n_holdout`, where as many real rows would lie."""
    label = f"Distribution of {profile.column}: train beside synthetic"
    if profile.kind == "categories":
        return _bars(profile.cells, label, n_holdout)
    return _histogram(profile.cells, label, n_holdout)


def holdout_band(share: float, n_rows: int) -> tuple[float, float]:
    """Where the share of a cell lies in 95 of 100 samples of so many real rows (Wilson).

    Example:
        >>> low, high = holdout_band(0.5, 100)
        >>> round(low, 2), round(high, 2)
        (0.4, 0.6)
    """
    found = wilson(round(share * n_rows), n_rows, level=0.95)
    return found.low, found.high


def _histogram(cells: tuple[Cell, ...], label: str, n_holdout: int | None) -> Markup:
    width, height, bottom = 440.0, 150.0, 124.0
    steps = sum(cell.width for cell in cells)
    unit = width / max(1, steps)
    top = max(max(cell.train, cell.synthetic) / cell.width for cell in cells) or 1.0
    parts: list[Markup] = []
    bands: list[Markup] = []
    outline: list[tuple[float, float]] = [(0.0, bottom)]
    x = 0.0
    marks: list[tuple[float, str]] = []
    for cell in cells:
        span = cell.width * unit
        high = cell.train / cell.width / top * (bottom - 6)
        title = f"{cell.label}: train {percent(cell.train)}, synthetic {percent(cell.synthetic)}"
        parts.append(box(x, bottom - high, span - (1 if unit > 4 else 0), high, TRAIN, title=title))
        level = bottom - cell.synthetic / cell.width / top * (bottom - 6)
        outline += [(x, level), (x + span, level)]
        if n_holdout:
            ends = (
                max(2.0, bottom - each / cell.width / top * (bottom - 6))
                for each in holdout_band(cell.train, n_holdout)
            )
            bands.append(line(x + span / 2, next(ends), x + span / 2, next(ends), stroke=INK))
        if cell.edge is not None:
            marks.append((x, cell.edge))
        x += span
    outline.append((x, bottom))
    parts += [*bands, path(outline, stroke=SYNTHETIC, width=2)]
    parts.append(line(0, bottom, width, bottom, stroke=MUTED))
    labelled = float("-inf")
    for position, mark in marks:
        if position - labelled < _MARK_GAP or position > width - 20:
            continue
        labelled = position
        parts.append(line(position, bottom, position, bottom + 4, stroke=MUTED))
        parts.append(text(position, bottom + 17, mark, anchor="start" if position < 20 else "middle"))
    return chart(width, height, label, parts)


def _bars(cells: tuple[Cell, ...], label: str, n_holdout: int | None) -> Markup:
    width, row, left, right = 440.0, 22.0, 150.0, 96.0
    top = max([max(cell.train, cell.synthetic) for cell in cells], default=0) or 1.0
    parts: list[Markup] = []
    for place, cell in enumerate(cells):
        y = place * row
        scale = (width - left - right) / top
        parts.append(
            element(
                "text",
                element("title", cell.label),
                shortened(cell.label, 23),
                x=left - 8,
                y=y + 14,
                text_anchor="end",
                font_size=11,
                fill=INK,
            )
        )
        parts.append(box(left, y + 3, max(1.0, cell.train * scale), 7, TRAIN))
        if n_holdout:
            low, high = (left + min(each, top) * scale for each in holdout_band(cell.train, n_holdout))
            parts.append(line(low, y + 6.5, high, y + 6.5, stroke=INK))
        parts.append(box(left, y + 11, max(1.0, cell.synthetic * scale), 7, SYNTHETIC))
        values = f"{percent(cell.train)} · {percent(cell.synthetic)}"
        parts.append(text(width, y + 14, values, anchor="end", size=10))
    return chart(width, max(1, len(cells)) * row + 2, label, parts)


def ruler(limit: Limit) -> Markup:
    """Where a judged number lies between naive rows, the limit and real rows."""
    result, clause = limit.result, limit.clause
    judged, value = result.judged, result.value
    if value is None or result.unit == "count":
        return Markup("")
    interval = judged.interval if judged else result.interval
    at = judged.value if judged else value
    low, high = (interval.low, interval.high) if interval else (at, at)
    real, naive = _marks(limit)
    ends = [low, high, clause.limit, *(mark for mark in (real, naive) if mark is not None)]
    lower, upper = min(ends), max(ends)
    span = (upper - lower) or 1.0
    width, left, inner, middle = 300.0, 12.0, 276.0, 22.0

    def place(number_: float) -> float:
        return left + inner * (number_ - lower) / span

    edge = place(clause.limit)
    kept = (left, edge - left) if clause.direction == "at most" else (edge, left + inner - edge)
    parts = [
        box(left, middle - 4, inner, 8, "#f0f2f5"),
        box(kept[0], middle - 4, kept[1], 8, "#d5e8dc"),
        line(edge, middle - 10, edge, middle + 10, stroke=INK, width=2),
    ]
    together = real is not None and naive is not None and abs(place(real) - place(naive)) < 40
    for mark, name, colour in ((naive, "" if together else "naive", NAIVE), (real, "real", MUTED)):
        if mark is not None:
            x = place(mark)
            parts.append(line(x, middle - 7, x, middle + 7, stroke=colour, width=2, dash="2 2"))
            anchor = "start" if x < 40 else "end" if x > width - 40 else "middle"
            parts.append(
                text(x, middle + 21, "real, naive" if together and name else name, anchor=anchor, size=10, fill=colour)
            )
    parts.append(line(place(low), middle, max(place(high), place(low) + 2), middle, stroke=SYNTHETIC, width=4))
    parts.append(element("circle", cx=place(at), cy=middle, r=5, fill=SYNTHETIC, stroke="#ffffff", stroke_width=1.5))
    anchor = "start" if edge < 40 else "end" if edge > width - 40 else "middle"
    parts.append(text(edge, 9, f"limit {number(clause.limit, result.unit)}", anchor=anchor, size=10, fill=INK))
    label = (
        f"{clause.name}: {number(at, result.unit)}, interval {number(low, result.unit)} to "
        f"{number(high, result.unit)}, limit {clause.direction} {number(clause.limit, result.unit)}"
    )
    return chart(width, 46.0, label, parts)


def _marks(limit: Limit) -> tuple[float | None, float | None]:
    """Reference and baseline on the scale of the judged number."""
    result = limit.result
    real, naive = result.reference, result.baseline
    if result.judged is None or real is None:
        return real, naive
    if result.judged.what == "share of the ceiling":
        return 1.0, naive / real if naive is not None and real > 0 else None
    if naive is None:
        return 0.0, None
    return 0.0, naive - real if result.better == "lower" else real - naive


def heat_map(detail: PairScores) -> Markup:
    """Similarity of every pair as a share of its ceiling, for tables of up to 40 columns."""
    names = detail.columns
    if len(names) > MAX_HEAT_COLUMNS:
        return Markup("")
    cell = 24.0 if len(names) <= 25 else 16.0
    left, top = 190.0, 22.0
    place = {name: index for index, name in enumerate(names)}
    parts: list[Markup] = []
    for index, name in enumerate(names):
        y = top + index * cell
        title = element("title", name)
        words = shortened(f"{name}  {index + 1}", 32)
        parts.append(
            element("text", title, words, x=left - 8, y=y + cell * 0.68, text_anchor="end", font_size=11, fill=INK)
        )
        if index < len(names) - 1:
            parts.append(text(left + (index + 0.5) * cell, top - 7, index + 1, anchor="middle", size=10))
    for score in detail.scores:
        first, second = sorted((place[score.first], place[score.second]))
        share = score.value / score.reference if score.reference > 0 else 1.0
        fill = next(fill for bound, fill, _ in HEAT_STEPS if share >= bound)
        title_text = f"{score.first} × {score.second}: {percent(share)} of the ceiling"
        parts.append(box(left + first * cell, top + second * cell, cell - 1.5, cell - 1.5, fill, title=title_text))
    label = "Similarity of each pair of columns as a share of the ceiling"
    return chart(left + len(names) * cell, top + len(names) * cell + 4, label, parts)


def roc_chart(curves: tuple[Curve, ...]) -> Markup:
    """ROC curves: the diagonal is guessing, the upper left corner is always right."""
    size, left, top = 260.0, 40.0, 10.0
    styles = {
        "synthetic rows": (SYNTHETIC, 2.5, ""),
        "training rows": (MUTED, 2.0, ""),
        "independent columns": (NAIVE, 2.0, "6 4"),
    }
    parts = [
        box(left, top, size, size, "#f7f8fa"),
        line(left, top + size, left + size, top, stroke=MUTED, dash="2 4"),
        line(left, top + size, left + size, top + size, stroke=MUTED),
        line(left, top, left, top + size, stroke=MUTED),
    ]
    for curve in reversed(curves):
        stroke, width, dash = styles.get(curve.name, (INK, 1.5, "1 3"))
        points = [(0.0, 0.0), *zip(curve.false_positive, curve.true_positive, strict=True)]
        parts.append(
            path(((left + x * size, top + (1 - y) * size) for x, y in points), stroke=stroke, width=width, dash=dash)
        )
    for mark in (0.0, 0.5, 1.0):
        parts.append(text(left + mark * size, top + size + 16, f"{mark:g}", anchor="middle"))
        parts.append(text(left - 6, top + (1 - mark) * size + 4, f"{mark:g}", anchor="end"))
    parts.append(text(left + size / 2, top + size + 34, "real rows taken for synthetic", anchor="middle"))
    vertical = text(0, 0, "synthetic rows recognised", anchor="middle")
    parts.append(element("g", vertical, transform=f"translate(12 {top + size / 2}) rotate(-90)"))
    return chart(left + size + 16, top + size + 40, "ROC curves of the detection test", parts)


def membership_chart(curves: tuple[AttackCurve, ...]) -> Markup:
    """Members recognised over strangers accused, both on logarithmic axes; the diagonal is luck."""
    size, left, top = 280.0, 52.0, 10.0
    first = min([curve.false_positive[0] for curve in curves], default=0.001)
    decades = max(1, ceil(-log10(first) - 1e-9))
    floor = 10.0**-decades

    def place(rate: float) -> float:
        return size * (1 + log10(max(rate, floor)) / decades)

    parts = [box(left, top, size, size, "#f7f8fa")]
    for curve in curves[:1]:
        upper = [
            (left + place(x), top + size - place(y)) for x, y in zip(curve.false_positive, curve.high, strict=True)
        ]
        lower = [(left + place(x), top + size - place(y)) for x, y in zip(curve.false_positive, curve.low, strict=True)]
        corners = " ".join(f"{x:.2f},{y:.2f}" for x, y in [*upper, *reversed(lower)])
        parts.append(element("polygon", points=corners, fill="#cfe0f2"))
    for step in range(decades + 1):
        at, name = place(10.0**-step), f"{10.0 ** (2 - step):g} %"
        parts.append(line(left + at, top, left + at, top + size))
        parts.append(line(left, top + size - at, left + size, top + size - at))
        parts.append(text(left + at, top + size + 16, name, anchor="middle"))
        parts.append(text(left - 6, top + size - at + 4, name, anchor="end"))
    parts.append(line(left, top + size, left + size, top, stroke=MUTED, dash="2 4"))
    styles = {"synthetic rows": (SYNTHETIC, 2.5, ""), "independent columns": (NAIVE, 2.0, "6 4")}
    for curve in reversed(curves):
        stroke, width, dash = styles.get(curve.name, (INK, 1.5, "1 3"))
        points = zip(curve.false_positive, curve.true_positive, strict=True)
        parts.append(
            path(((left + place(x), top + size - place(y)) for x, y in points), stroke=stroke, width=width, dash=dash)
        )
    parts.append(text(left + size / 2, top + size + 34, "strangers wrongly accused", anchor="middle"))
    vertical = text(0, 0, "people of train recognised", anchor="middle")
    parts.append(element("g", vertical, transform=f"translate(12 {top + size / 2}) rotate(-90)"))
    return chart(left + size + 20, top + size + 40, "Membership attack on logarithmic axes", parts)


def rate_bars(names: Sequence[str], rates: Sequence[float], low: Sequence[float], high: Sequence[float]) -> Markup:
    """One bar per name with the ends of its interval, for shares of 1."""
    width, row, left, right = 440.0, 26.0, 170.0, 60.0
    top = max([*high, 1e-9])
    scale = (width - left - right) / top
    parts: list[Markup] = []
    for place, (name, rate, lower, upper) in enumerate(zip(names, rates, low, high, strict=True)):
        y = place * row
        parts.append(_row_name(name, left, y + 17))
        parts.append(box(left, y + 6, max(1.0, rate * scale), 14, SYNTHETIC))
        middle = y + 13
        parts.append(line(left + lower * scale, middle, left + upper * scale, middle, stroke=INK, width=1.5))
        for end in (lower, upper):
            parts.append(line(left + end * scale, middle - 4, left + end * scale, middle + 4, stroke=INK, width=1.5))
        parts.append(text(width, y + 17, percent(rate), anchor="end", size=10))
    parts.append(line(left, 0, left, len(names) * row, stroke=LINE))
    return chart(width, max(1, len(names)) * row + 2, "Success of the attack with its interval", parts)


def attack_chart(attacks: Sequence[AttackBars]) -> Markup:
    """Success on people of train, on strangers and without a record: three bars per attack, with intervals."""
    width, row, left, right = 440.0, 56.0, 150.0, 62.0
    top = max([max(item.train_interval.high, item.control_interval.high, item.naive) for item in attacks], default=0)
    scale = (width - left - right) / (top or 1.0)
    parts: list[Markup] = []
    for place, item in enumerate(attacks):
        y = place * row
        parts.append(_row_name(item.name, left, y + 29))
        bars = (
            (item.train, item.train_interval, SYNTHETIC),
            (item.control, item.control_interval, TRAIN),
            (item.naive, None, NAIVE),
        )
        for number_, (value, interval, fill) in enumerate(bars):
            at = y + 4 + 16 * number_
            parts.append(box(left, at, max(1.0, value * scale), 12, fill))
            parts.append(text(width, at + 10, percent(value), anchor="end", size=10))
            if interval is not None:
                low, high = left + interval.low * scale, left + interval.high * scale
                parts.append(line(low, at + 6, high, at + 6, stroke=INK, width=1.5))
                parts += [line(end, at + 2, end, at + 10, stroke=INK, width=1.5) for end in (low, high)]
    parts.append(line(left, 0, left, len(attacks) * row, stroke=LINE))
    return chart(
        width, max(1, len(attacks)) * row, "Success of the attack on train, on strangers and by guessing", parts
    )


def _row_name(name: str, left: float, y: float) -> Markup:
    title = element("title", name)
    return element("text", title, shortened(name, 23), x=left - 8, y=y, text_anchor="end", font_size=11, fill=INK)


def legend_line(name: str) -> Markup:
    """The line of a ROC curve, for its legend."""
    stroke, dash = {
        "synthetic rows": (SYNTHETIC, ""),
        "training rows": (MUTED, ""),
        "independent columns": (NAIVE, "6 4"),
    }.get(name, (INK, "1 3"))
    mark = line(0, 6, 28, 6, stroke=stroke, width=3, dash=dash)
    return element("svg", mark, viewBox="0 0 28 12", width=28, height=12, aria_hidden="true")


def telltale_chart(telltale: tuple[Telltale, ...]) -> Markup:
    """How much of the classifier's skill rests on each column."""
    width, row, left, right = 440.0, 22.0, 170.0, 60.0
    top = max([item.loss for item in telltale], default=0.0)
    scale = (width - left - right) / top if top > 0 else 0.0
    parts: list[Markup] = []
    for place, item in enumerate(telltale):
        y = place * row
        name = element("title", item.column)
        parts.append(
            element(
                "text",
                name,
                shortened(item.column, 26),
                x=left - 8,
                y=y + 15,
                text_anchor="end",
                font_size=11,
                fill=INK,
            )
        )
        parts.append(box(left, y + 5, max(1.0, item.loss * scale), 12, SYNTHETIC))
        parts.append(text(width, y + 15, f"{max(0.0, item.loss):.3f}", anchor="end", size=10))
    parts.append(line(left, 0, left, len(telltale) * row, stroke=LINE))
    return chart(width, max(1, len(telltale)) * row + 2, "Columns that give synthetic rows away", parts)

"""Charts of utility: what models of real and of synthetic rows reach side by side, and estimates with intervals.

Real is a grey dot, synthetic a blue one, naive an orange ring, so that they differ in shape or place and not by colour
alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from markupsafe import Markup

from tabsynth.evaluation.fairness import GroupScore
from tabsynth.report.svg import INK, LINE, MUTED, NAIVE, SYNTHETIC, TRAIN, box, chart, element, line, shortened, text

_WIDTH, _LEFT, _RIGHT, _ROW = 440.0, 176.0, 22.0, 24.0


def dumbbells(
    names: Sequence[str],
    real: Sequence[float],
    synthetic: Sequence[float],
    naive: Sequence[float] = (),
    *,
    label: str,
) -> Markup:
    """One line per name: where real, synthetic and naive rows stand on one scale."""
    everything = [*real, *synthetic, *naive, 0.0]
    low, high = min(everything), max([*everything, 1e-9])
    inner = _WIDTH - _LEFT - _RIGHT

    def place(value: float) -> float:
        return _LEFT + inner * (value - low) / (high - low)

    height = max(1, len(names)) * _ROW
    parts: list[Markup] = [line(place(0.0), 0, place(0.0), height, stroke=LINE)]
    for number, (name, first, second) in enumerate(zip(names, real, synthetic, strict=True)):
        y = number * _ROW + _ROW / 2
        parts.append(_name(name, y))
        parts.append(line(place(first), y, place(second), y, stroke=SYNTHETIC, width=2))
        if naive:
            parts.append(
                element("circle", cx=place(naive[number]), cy=y, r=4, fill="#ffffff", stroke=NAIVE, stroke_width=2)
            )
        parts.append(element("circle", cx=place(first), cy=y, r=6, fill=TRAIN))
        parts.append(element("circle", cx=place(second), cy=y, r=4, fill=SYNTHETIC))
    for mark in dict.fromkeys((0.0, high)):
        anchor = "end" if mark == high else "middle"
        parts.append(text(place(mark), height + 13, f"{mark:.2f}", anchor=anchor, size=10))
    return chart(_WIDTH, height + 18, label, parts)


def paired_bars(names: Sequence[str], real: Sequence[float], synthetic: Sequence[float], *, label: str) -> Markup:
    """Two bars per name, real above synthetic; what is below zero has no bar."""
    scale = (_WIDTH - _LEFT - 96) / max([*real, *synthetic, 1e-9])
    parts: list[Markup] = []
    for number, (name, first, second) in enumerate(zip(names, real, synthetic, strict=True)):
        y = number * _ROW
        parts.append(_name(name, y + 11))
        parts.append(box(_LEFT, y + 3, max(1.0, first * scale), 7, TRAIN))
        parts.append(box(_LEFT, y + 11, max(1.0, second * scale), 7, SYNTHETIC))
        parts.append(text(_WIDTH, y + 15, f"{first:.3f} · {second:.3f}", anchor="end", size=9))
    parts.append(line(_LEFT, 0, _LEFT, len(names) * _ROW, stroke=LINE))
    return chart(_WIDTH, max(1, len(names)) * _ROW + 2, label, parts)


def forest(
    names: Sequence[str],
    real: Sequence[tuple[float, float, float]],
    synthetic: Sequence[tuple[float, float, float]],
    *,
    label: str,
    reference: float = 0.0,
) -> Markup:
    """Estimates with their intervals, (value, low, high), real above synthetic; the line is no effect.

    An interval that is much wider than the others is cut at the edge of the drawing.
    """
    inner, height, row = _WIDTH - _LEFT - _RIGHT, max(1, len(names)) * 30.0, 30.0
    values = [value for value, _, _ in (*real, *synthetic)] + [reference]
    ends = [end for _, first, second in real for end in (first, second)]
    low, high = min([*values, *ends]), max([*values, *ends])
    margin = 0.1 * (high - low) or 1.0
    low, high = low - margin, high + margin

    def place(value: float) -> float:
        return _LEFT + inner * (min(max(value, low), high) - low) / (high - low)

    parts: list[Markup] = [line(place(reference), 0, place(reference), height, stroke=MUTED, dash="2 3")]
    for number, (name, first, second) in enumerate(zip(names, real, synthetic, strict=True)):
        y = number * row
        parts.append(_name(name, y + row / 2))
        for offset, (value, start, end), colour in ((10.0, first, MUTED), (20.0, second, SYNTHETIC)):
            parts.append(line(place(start), y + offset, place(end), y + offset, stroke=colour, width=2.5))
            parts.append(element("circle", cx=place(value), cy=y + offset, r=4, fill=colour))
    parts += [
        text(place(mark), height + 13, f"{mark:.2g}", anchor="middle", size=10)
        for mark in dict.fromkeys((low + margin, reference, high - margin))
    ]
    return chart(_WIDTH, height + 18, label, parts)


def _name(name: str, y: float, *, most: int = 2) -> Markup:
    """The name of what is drawn at height y, on as many lines as it needs, at most `most`; its title is never cut."""
    lines = _lines(name, most)
    size = 11 if len(name) <= 27 else min(10, 12 - len(lines))
    top = y + 4 - (len(lines) - 1) * (size + 0.5) / 2
    return Markup("").join(
        element(
            "text", element("title", name), words, x=_LEFT - 10, y=top + number * (size + 0.5), text_anchor="end",
            font_size=size, fill=INK,
        )
        for number, words in enumerate(lines)
    )  # fmt: skip


def _lines(name: str, most: int) -> list[str]:
    """A long name in lines of up to 31 characters: two groups that meet apart, where they fit; the last line is cut."""
    if len(name) <= 27:
        return [name]
    first, _, second = name.partition(", ")
    if second and max(len(first), len(second)) <= 30:
        return [f"{first},", second]
    lines = textwrap.wrap(name, 31)
    return lines if len(lines) <= most else [*lines[: most - 1], shortened(" ".join(lines[most - 1 :]), 31)]


def group_bars(groups: Sequence[GroupScore], *, label: str) -> Markup:
    """Two bars per group, real above synthetic; what is below zero has no bar."""
    high = max([*(max(item.synthetic, item.real) for item in groups), 1e-9])
    scale = (_WIDTH - _LEFT - 96) / high
    parts: list[Markup] = []
    for number, item in enumerate(groups):
        y = number * 30.0
        parts.append(_name(item.group, y + 12, most=3))
        parts.append(box(_LEFT, y + 4, max(1.0, item.real * scale), 9, TRAIN))
        parts.append(box(_LEFT, y + 14, max(1.0, item.synthetic * scale), 9, SYNTHETIC))
        parts.append(text(_WIDTH, y + 18, f"{item.real:.3f} · {item.synthetic:.3f}", anchor="end", size=10))
    parts.append(line(_LEFT, 0, _LEFT, len(groups) * 30.0, stroke=LINE))
    return chart(_WIDTH, max(1, len(groups)) * 30.0 + 2, label, parts)


def ends(items: Sequence[object], side: str) -> list[tuple[float, float, float]]:
    """Value, low and high of one side ("real", "synthetic") of coefficients."""
    found = []
    for item in items:
        interval = getattr(item, f"{side}_interval")
        found.append((getattr(item, side), interval.low, interval.high))
    return found

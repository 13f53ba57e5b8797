"""SVG elements as escaped text: the few shapes that charts are made of."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

TRAIN = "#98a3b0"
SYNTHETIC = "#0b5cad"
NAIVE = "#9a4f00"
INK = "#1f2933"
MUTED = "#52606d"
LINE = "#cbd2d9"


def element(name: str, *children: object, **attributes: object) -> Markup:
    """One element with its attributes and children, all escaped; `_` in an attribute's name is written `-`.

    Example:
        >>> str(element("text", "a < b", x=1, font_size=12))
        '<text x="1" font-size="12">a &lt; b</text>'
    """
    written = Markup("").join(
        Markup(' {}="{}"').format(key.strip("_").replace("_", "-"), _plain(value)) for key, value in attributes.items()
    )
    inner = Markup("").join(escape(child) for child in children)
    return Markup("<{0}{1}>{2}</{0}>").format(Markup(name), written, inner)


def chart(width: float, height: float, label: str, parts: Iterable[Markup]) -> Markup:
    """A drawing that scales with its place, with a text for those who cannot see it."""
    return element(
        "svg",
        element("title", label),
        *parts,
        viewBox=f"0 0 {_plain(width)} {_plain(height)}",
        role="img",
        aria_label=label,
        class_="chart",
        width=width,
        height=height,
    )


def text(x: float, y: float, content: object, *, anchor: str = "start", size: int = 11, fill: str = MUTED) -> Markup:
    """A line of text."""
    return element("text", content, x=x, y=y, text_anchor=anchor, font_size=size, fill=fill)


def line(x1: float, y1: float, x2: float, y2: float, *, stroke: str = LINE, width: float = 1, dash: str = "") -> Markup:
    """A straight line."""
    extra = {"stroke_dasharray": dash} if dash else {}
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=stroke, stroke_width=width, **extra)


def box(x: float, y: float, width: float, height: float, fill: str, *, title: str = "") -> Markup:
    """A filled rectangle."""
    children = (element("title", title),) if title else ()
    return element("rect", *children, x=x, y=y, width=max(0.0, width), height=max(0.0, height), fill=fill)


def path(points: Iterable[tuple[float, float]], *, stroke: str, width: float = 2, dash: str = "") -> Markup:
    """An open line through points."""
    steps = " ".join(f"{'M' if not number else 'L'}{_plain(x)} {_plain(y)}" for number, (x, y) in enumerate(points))
    extra = {"stroke_dasharray": dash} if dash else {}
    return element("path", d=steps, fill="none", stroke=stroke, stroke_width=width, stroke_linejoin="round", **extra)


def shortened(content: str, length: int) -> str:
    """Text cut to a length, with an ellipsis where something was cut."""
    return content if len(content) <= length else content[: length - 1] + "…"


def _plain(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)

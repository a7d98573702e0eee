"""Builds SVG elements as escaped text, with short numbers. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from collections.abc import Iterable


def element(tag: str, *content: str, **attributes: str | float) -> Markup:
    """Return an element. ``content`` is escaped unless it is ``Markup``; ``font_size`` becomes ``font-size``."""
    shown = Markup("").join(
        Markup(' {}="{}"').format(name.strip("_").replace("_", "-"), _short(value))
        for name, value in attributes.items()
    )
    inside = Markup("").join(content)
    return Markup("<{0}{1}>{2}</{0}>").format(tag, shown, inside) if inside else Markup("<{}{}/>").format(tag, shown)


def drawing(css_class: str, width: float, height: float, label: str, parts: Iterable[str]) -> Markup:
    """Return a complete drawing; screen readers read out ``label``."""
    box = f"0 0 {_short(width)} {_short(height)}"
    return element("svg", *parts, viewBox=box, class_=css_class, role="img", aria_label=label)


def rect(x: float, y: float, width: float, height: float, *content: str, **attributes: str | float) -> Markup:
    """Return a rectangle, given by its upper left corner and its size."""
    return element("rect", *content, x=x, y=y, width=width, height=height, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, **attributes: str | float) -> Markup:
    """Return a straight line between two points."""
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)


def text(x: float, y: float, content: str, **attributes: str | float) -> Markup:
    """Return a line of text whose baseline begins, ends or is centred at a point, as ``text_anchor`` says."""
    return element("text", content, x=x, y=y, **attributes)


def title(content: str) -> Markup:
    """Return the text that browsers show while the pointer is over the enclosing element."""
    return element("title", content)


def _short(value: str | float) -> str:
    return value if isinstance(value, str) else f"{round(value, 2):g}"

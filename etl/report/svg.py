"""Makes the SVG that Vega draws part of a page: colours by its style sheet, titles for marks, no fonts, no classes."""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

_SVG: Final = "{http://www.w3.org/2000/svg}"
_DROPPED = ("aria-label", "aria-hidden", "aria-roledescription", "class", "font-family", "pointer-events", "role")
_DIGITS: Final = re.compile(r"(\.\d\d)\d+")
_ROOT_DROPPED = ("class", "height", "version", "width")


def for_page(drawing: str, label: str, css_class: str) -> str:
    """Return ``drawing``, an SVG document of Vega, as an element of an HTML page, read out as ``label``.

    What Vega calls the label of a mark becomes the mark's title, which browsers show without any script.
    """
    root = ET.fromstring(drawing)  # noqa: S314 (drawn by this program, from numbers and words of its own)
    for parent in root.iter():
        for child in list(parent):
            if _draws_nothing(child):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        title = element.get("aria-label") if element.get("role") == "graphics-symbol" else None
        for name in _DROPPED:
            element.attrib.pop(name, None)
        element.attrib.update({name: _DIGITS.sub(r"\1", value) for name, value in element.items()})
        if title and element.tag != "g":
            ET.SubElement(element, "title").text = title
    for name in _ROOT_DROPPED:
        root.attrib.pop(name, None)
    root.attrib.update({"class": css_class, "role": "img", "aria-label": label})
    return ET.tostring(root, encoding="unicode")


def _draws_nothing(element: ET.Element) -> bool:
    is_empty = element.tag == f"{_SVG}path" and (element.get("d") or "").startswith(("M0,0h0v0h0Z", "M0.5,0.5h0v0h0Z"))
    is_backdrop = element.get("class") == "background"
    return is_empty or is_backdrop or element.get("display") == "none"

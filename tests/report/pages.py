"""Reads pages as a strict XML parser does, and runs the checks that apply to all of them."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def parsed(text: str) -> ET.Element:
    """Return the page as a strict XML parser reads it."""
    return ET.fromstring(text)  # noqa: S314 (a page of ours)


def words(element: ET.Element) -> str:
    return " ".join("".join(element.itertext()).split())


def section(root: ET.Element, name: str) -> ET.Element:
    return next(one for one in root.iter("section") if one.get("aria-labelledby") == name)


def check_self_contained(page: str) -> None:
    """Check that a page is well-formed, has no scripts, and fetches nothing."""
    root = parsed(page)
    assert page.startswith("<!DOCTYPE html>\n")
    assert {element.tag for element in root.iter()} & {"script", "img", "iframe", "object", "embed", "form"} == set()
    for element in root.iter():
        for name, value in element.items():
            assert not name.startswith("on"), (element.tag, name)
            assert name.rpartition("}")[2] not in ("src", "href", "srcset", "action") or value == "data:,"
    (policy,) = (one.get("content") for one in root.iter("meta") if one.get("http-equiv"))
    assert str(policy).startswith("default-src 'none'; ")
    for styles in (*STYLE.findall(page), *(one.get("style", "") for one in root.iter())):
        assert not re.search(r"url\(|@import|@font-face|expression", styles)


def check_accessible(page: str) -> ET.Element:
    """Check headings, names of sections, drawings and heads of tables; return the page."""
    root = parsed(page)
    names = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(set(names)) == len(names)
    assert {one.get("aria-labelledby") for one in root.iter("section")} == {
        element.get("id") for element in root.iter("h2")
    }
    assert (root.get("lang"), len(list(root.iter("h1")))) == ("en", 1)
    for drawing in root.iter("svg"):
        assert drawing.get("role") == "img"
        assert len(drawing.get("aria-label", "")) > 10
    for table in root.iter("table"):
        assert {head.get("scope") for head in table.iter("th")} <= {"col", "row"}
    classes = [drawing.get("class") for drawing in root.iter("svg")]
    assert classes.count("wide") == classes.count("narrow")
    return root


def check_colours(page: str) -> None:
    """Check that drawings have colours of the style sheet alone, and that both schemes define all of them."""
    (style,) = STYLE.findall(page)
    light, dark, *_ = re.findall(r":root \{(.*?)\}", style, re.DOTALL)
    defined = [set(re.findall(r"(--[\w-]+):", part)) for part in (light, dark)]
    colours = {
        value
        for drawing in parsed(page).iter("svg")
        for element in drawing.iter()
        for name, value in element.items()
        if name in ("fill", "stroke")
    } - {"none", "transparent"}
    assert {re.sub(r"^var\((--[\w-]+)\)$", r"\1", colour) for colour in colours} <= defined[0] & defined[1]
    assert set(re.findall(r"var\((--[\w-]+)\)", page)) <= defined[0]
    assert defined[0] == defined[1]

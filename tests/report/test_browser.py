"""The page in a real browser: no errors, no requests, no overflow, enough contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from etl.report.library_page import library_page
from etl.report.read import read_library_facts, read_run_facts
from etl.report.run_page import run_page
from tests.report.browser import Browser, find_browser, running
from tests.report.libraries import hostile_library
from tests.report.runs import hostile_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")

# Opens all details, then returns the width that the page needs, the drawings that are shown, texts with too little
# contrast (WCAG AA), and texts beyond the edge of their card.
LOOK = """(() => {
  for (const closed of document.querySelectorAll("details")) closed.open = true;
  const shown = element => element.checkVisibility() && element.getBoundingClientRect().width > 0;
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255);
    const [r, g, b] = parts.map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!colour.startsWith("rgba(0, 0, 0, 0")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const contrast = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const faint = [], outside = [];
  for (const element of document.querySelectorAll("body *")) {
    const texts = [...element.childNodes].filter(node => node.nodeType === 3 && node.data.trim());
    if (!texts.length || !shown(element) || element.tagName === "title") continue;
    const style = getComputedStyle(element), drawing = element.closest("svg");
    const ratio = contrast(drawing ? style.fill : style.color, behind(drawing ? drawing.parentElement : element));
    if (ratio < 4.5) faint.push([element.textContent, ratio]);
    const box = element.getBoundingClientRect(), edge = element.closest(".card, .tiles, header, footer");
    const limits = edge.getBoundingClientRect();
    if (box.left < limits.left || box.right > limits.right + 1) outside.push(element.textContent);
  }
  return {
    width: document.documentElement.scrollWidth,
    drawings: [...document.querySelectorAll("svg")].filter(shown).map(drawing => drawing.getAttribute("class")),
    faint, outside, back: light(getComputedStyle(document.body).backgroundColor),
  };
})()"""

# Of the rankings: the periods whose panel is shown.
SHOWN_PANELS = """[...document.querySelectorAll(".panel")]
  .filter(panel => panel.checkVisibility())
  .map(panel => panel.previousElementSibling.htmlFor)"""

BROKEN = {
    "a script that fails": "<script>nowhere()</script>",
    "a picture that is not there": "<img src='nowhere.png'/>",
    "a message": "<script>console.log('hello')</script>",
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = find_browser()
    if program is None:
        pytest.skip("no browser: install chromium, or name one in ETL_TEST_BROWSER")
    with running(program) as one:
        yield one


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return run_page(read_run_facts(hostile_run(tmp_path_factory.mktemp("hostile"))))


@pytest.fixture(scope="module")
def hostile_listener() -> str:
    return library_page(read_library_facts(hostile_library()))


@pytest.mark.parametrize(("kind", "drawings"), [("hostile", 5), ("hostile_listener", 3)], ids=["run", "library"])
def test_page_on_phone_and_desk_in_light_and_dark(
    kind: str, drawings: int, browser: Browser, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(request.getfixturevalue(kind), encoding="utf-8")
    for width in WIDTHS:
        for scheme in SCHEMES:
            seen = browser.see(path.as_uri(), width, scheme, LOOK)
            assert seen.complaints == []
            assert seen.fetched == [path.as_uri()]
            answer = seen.answer
            assert answer["width"] == width
            assert set(answer["drawings"]) == {"narrow" if width < 720 else "wide"}
            assert len(answer["drawings"]) == drawings
            assert answer["faint"] == []
            assert answer["outside"] == []
            assert (answer["back"] > 0.5) == (scheme == "light")


def test_a_year_is_chosen_without_a_script(browser: Browser, hostile_listener: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(hostile_listener, encoding="utf-8")
    for chosen in ("all-time", "year-2021", "year-2010"):
        choose = f"document.getElementById('{chosen}').click();"
        seen = browser.see(path.as_uri(), 390, "light", f"{choose} {SHOWN_PANELS}")
        assert seen.answer == [chosen]
        assert seen.complaints == []


@pytest.mark.parametrize("what", BROKEN)
def test_browser_reports_defects(what: str, browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "broken.html"
    path.write_text(f"<!DOCTYPE html><html><body>{BROKEN[what]}</body></html>", encoding="utf-8")
    assert browser.see(path.as_uri(), 390, "light", "1").complaints


def test_policy_blocks_scripts_and_network(browser: Browser, hostile: str, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    stowaway = "<script>document.title = 'taken over'</script><img src='http://127.0.0.1:9999/x.png'/></body>"
    path.write_text(hostile.replace("</body>", stowaway), encoding="utf-8")
    seen = browser.see(path.as_uri(), 390, "light", "document.title")
    assert seen.answer != "taken over"
    assert len(seen.complaints) == 2


def test_browser_reports_overflow_and_low_contrast(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "wide.html"
    card = "<div class='card' style='width: 200px'><p style='width: 900px; color: #eee'>{}</p></div>"
    path.write_text(f"<!DOCTYPE html><html><body>{card.format('wide')}</body></html>", encoding="utf-8")
    answer = browser.see(path.as_uri(), 390, "light", LOOK).answer
    assert answer["width"] > 390
    assert answer["outside"] == ["wide"]
    assert [text for text, _ in answer["faint"]] == ["wide"]

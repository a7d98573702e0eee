"""The curve of ``growth`` shows every measured point, on logarithmic scales."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from benchmarks.picture import KINDS, curves, picture

SVG = "{http://www.w3.org/2000/svg}"


def test_every_point_of_every_kind_is_drawn() -> None:
    seconds = {"10000": 0.5, "1000": 0.7, "100000": 5.0, "1000 again": 1.0, "10000 again": 2.0, "1000+500": 0.9}
    found = curves({name: {"seconds": {"median": median}} for name, median in {**seconds, "other": 3.0}.items()})
    assert [list(curve.values()) for curve in found.values()] == [[0.7, 0.5, 5.0], [1.0, 2.0], [0.9]]
    root = ET.fromstring(picture(found))  # noqa: S314 (a picture of ours)
    groups = [one for one in root.iter(f"{SVG}g") if one.get("fill", "") == one.get("stroke")]
    points = [[float(dot.get("cx", "")) for dot in group.iter(f"{SVG}circle")] for group in groups]
    assert [len(group) for group in points] == [3, 2, 1]
    assert points[0][1] - points[0][0] == pytest.approx(points[0][2] - points[0][1], abs=0.02)
    assert {one.text for one in root.iter(f"{SVG}text")} >= {*KINDS.values(), "1k", "10k", "100k", "0.5", "1", "2", "5"}

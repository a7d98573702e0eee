"""Reads pages of Last.fm's API in XML, which the API sends unless asked for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from etl.formats.base import LASTFM_FOUNDED, Format, Peek, ReadOptions
from etl.formats.lastfm import CLIENT, PREFERENCE, SERVICE, LastfmScrobble, read_tracks
from etl.formats.page_totals import name_error_pages, of_lastfm_xml
from etl.parsers import XmlElements

if TYPE_CHECKING:
    import polars as pl


def to_fields(track: ET.Element) -> dict[str, Any]:
    """Return the fields that the API's JSON has for the track. With extended=1, an artist's name is in an element."""
    date = track.find("date")
    fields = {
        "artist": _named(track.find("artist")),
        "name": track.findtext("name"),
        "mbid": track.findtext("mbid"),
        "album": _named(track.find("album")),
        "date": None if date is None else _known({"uts": date.get("uts"), "#text": date.text}),
        "@attr": _known({"nowplaying": track.get("nowplaying")}) or None,
    }
    return _known(fields)


def _named(element: ET.Element | None) -> dict[str, str] | None:
    if element is None:
        return None
    mbid = element.get("mbid")
    return _known({"#text": element.findtext("name", element.text), "mbid": element.findtext("mbid", mbid)})


def _known(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def to_element(fields: dict[str, Any]) -> ET.Element:
    """Return the element from which ``to_fields`` gets ``fields``."""
    track = ET.Element("track", fields.get("@attr", {}))
    for key, value in fields.items():
        if isinstance(value, str):
            ET.SubElement(track, key).text = value
        elif key != "@attr":
            attributes = {name: text for name, text in value.items() if name != "#text"}
            ET.SubElement(track, key, attributes).text = value.get("#text")
    return track


LAYOUT = XmlElements(LastfmScrobble, "track", ("lfm", "recenttracks"), to_fields, to_element)


def read_xml(data: bytes, options: ReadOptions) -> pl.DataFrame:  # noqa: ARG001 (one signature for all formats)
    """Read one or several pages. Columns out: ``EXTRACTED``."""
    return read_tracks(name_error_pages(LAYOUT.read(data), of_lastfm_xml(data)))


def _is_xml(peek: Peek) -> bool:
    return peek.head.lstrip().startswith(b"<") and b"<recenttracks" in peek.head


FORMAT = Format(
    name="lastfm-xml",
    source="lastfm",
    title="Last.fm API pages (XML)",
    file_names=("recenttracks*.xml",),
    how_to_get="Save the answers of the API's user.getRecentTracks, one file per page or all in one. JSON works, too.",
    sample="lastfm/xml",
    recognise=_is_xml,
    read=read_xml,
    layout=LAYOUT,
    earliest=LASTFM_FOUNDED,
    client=CLIENT,
    preference=PREFERENCE,
    service=SERVICE,
    totals=of_lastfm_xml,
)

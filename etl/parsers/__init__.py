"""Turns bytes into records, and finds the bytes of a record again. Pure: no file, clock or network.

There is one ``Layout`` for each kind of file: a JSON list, several of them joined, JSON Lines, pages of JSON, a JSON
list in an envelope, delimited text (also a sheet of a workbook), XML. ``records`` decodes records and says why one is
broken; ``locate`` finds them again.
"""

from etl.parsers.base import JsonList, Layout
from etl.parsers.delimited import Delimited, Table
from etl.parsers.delimited_split import Dialect
from etl.parsers.json_envelope import JsonEnvelope
from etl.parsers.json_joined import JsonJoined
from etl.parsers.json_lines import JsonLines
from etl.parsers.json_pages import JsonPages
from etl.parsers.locate import locate, mapped_fields
from etl.parsers.records import Broken, Records, read_records
from etl.parsers.utf8 import to_utf8
from etl.parsers.xml_elements import XmlElements

__all__ = [
    "Broken",
    "Delimited",
    "Dialect",
    "JsonEnvelope",
    "JsonJoined",
    "JsonLines",
    "JsonList",
    "JsonPages",
    "Layout",
    "Records",
    "Table",
    "XmlElements",
    "locate",
    "mapped_fields",
    "read_records",
    "to_utf8",
]

"""From bytes to records, and from a row back to its bytes. Pure: no file, clock or network.

``split`` cuts a document into records, ``records`` decodes them and says what is broken, ``places`` finds one again;
``layout`` puts the three together for one kind of file.
"""

from etl.parsers.base import JsonList, Layout
from etl.parsers.delimited import Delimited, Table
from etl.parsers.delimited_split import Dialect
from etl.parsers.json_envelope import JsonEnvelope
from etl.parsers.json_lines import JsonLines
from etl.parsers.json_pages import JsonPages
from etl.parsers.json_split import to_utf8
from etl.parsers.locate import locate, mapped_fields
from etl.parsers.records import Broken, Records, read_records
from etl.parsers.xml_elements import XmlElements

__all__ = [
    "Broken",
    "Delimited",
    "Dialect",
    "JsonEnvelope",
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

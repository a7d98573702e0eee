"""From bytes to records, and from a row back to its bytes. Pure: no file, clock or network.

``split`` cuts a document into records, ``records`` decodes them and says what is broken, ``places`` finds one again;
``layout`` puts the three together for one kind of file.
"""

from etl.decode.cells import Dialect
from etl.decode.elements import XmlElements
from etl.decode.envelope import JsonEnvelope
from etl.decode.layout import JsonList, Layout
from etl.decode.lines import JsonLines
from etl.decode.pages import JsonPages
from etl.decode.places import locate, mapped_fields
from etl.decode.records import Broken, Records, read_records
from etl.decode.split import to_utf8
from etl.decode.tables import Delimited, Table

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

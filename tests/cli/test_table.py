"""Tables on terminals of any width: cells are shortened, then moved below their row, and never lost."""

from __future__ import annotations

from etl.cli.table import TextTable

HEADERS = ("file", "about", "rows")
ROWS = (("a/long/path/to/file.json", "what the file is, in many words", "12"), ("b.json", "", "3"))


def lines(available: int | None) -> list[str]:
    table = TextTable(HEADERS, ROWS, right=(2,), cut=(0,), keep_end=(0,), below=(1,))
    return [text for _, text in table.lines(available)]


def test_a_pipe_gets_every_cell_whole_in_one_line() -> None:
    assert lines(None) == [
        "file                      about                            rows",
        "------------------------  -------------------------------  ----",
        "a/long/path/to/file.json  what the file is, in many words    12",
        "b.json                                                        3",
    ]


def test_paths_are_shortened_at_their_beginning_first() -> None:
    assert all(len(line) <= 55 for line in lines(55))
    assert lines(55)[2].startswith("…")
    assert "/file.json  what the file is, in many words" in lines(55)[2]


def test_columns_that_must_not_be_shortened_are_wrapped() -> None:
    assert lines(48) == [
        "file                  about                 rows",
        "--------------------  --------------------  ----",
        "…g/path/to/file.json  what the file is, in    12",
        "                      many words",
        "b.json                                         3",
    ]


def test_columns_without_room_to_wrap_move_below_their_row() -> None:
    assert lines(30) == [
        "file                      rows",
        "------------------------  ----",
        "a/long/path/to/file.json    12",
        "  what the file is, in many",
        "  words",
        "b.json                       3",
    ]


def test_a_row_becomes_text_where_no_table_fits() -> None:
    assert lines(16) == [
        "a/long/path/to/file.json",
        "  about: what",
        "  the file is,",
        "  in many words;",
        "  rows: 12",
        "b.json",
        "  rows: 3",
    ]


def test_wide_characters_count_twice() -> None:
    table = TextTable(("artist",), (("東京事変",), ("ab",)))
    assert table.widths == [8]

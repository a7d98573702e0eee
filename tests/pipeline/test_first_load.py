from __future__ import annotations

from typing import TYPE_CHECKING

from tests.helpers.support import content, counts, load, scrobble, write_maloja

if TYPE_CHECKING:
    from pathlib import Path


def test_a_first_load_inserts_every_listen_and_a_second_none(tmp_path: Path, any_database: str) -> None:
    export = write_maloja(
        tmp_path / "maloja_export.json",
        [
            scrobble(1, ["Ann Wells"], "First", "Debut"),
            scrobble(2, ["Ann Wells", "Bo Li"], "Second", "Debut"),
            scrobble(3, ["Ann Wells"], "First", "Debut"),
            scrobble(4, ["Bo Li"], "Alone"),
        ],
    )

    first = load(tmp_path / "home", any_database, export)
    after_first = content(any_database)
    second = load(tmp_path / "home", any_database, export)
    forced = load(tmp_path / "home", any_database, export, force=True)

    assert first["status"] == "complete"
    assert first["counts"]["inserted"] == 4
    assert first["created"] == {"artists": 2, "albums": 2, "tracks": 3}
    assert counts(any_database)["listens"] == 4
    assert [file["status"] for file in second["files"]] == ["known"]
    assert forced["counts"]["already_present"] == 4
    assert forced["counts"]["cache_hits"] == forced["counts"]["keys"] == 3
    assert content(any_database) == after_first

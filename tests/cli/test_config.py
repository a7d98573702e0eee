"""``etl config show`` shows each setting and its origin; commands use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.program import SAMPLES, etl

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "s3cret-w0rd"  # noqa: S105 (what must not be seen)


def shown(*arguments: str | Path, **env: str) -> dict[str, Any]:
    done = etl(*arguments, "config", "show", "--json", env=env)
    assert done.code == 0, done.err
    settings: dict[str, Any] = done.json["settings"]
    return {name: (entry["value"], entry["origin"], entry["place"]) for name, entry in settings.items()}


def test_each_setting_comes_from_the_first_that_has_it(tmp_path: Path) -> None:
    file = tmp_path / "etl.toml"
    file.write_text('home = "data"\nworkers = 4\nuser = "ann"\n')
    done = etl("--config", file, "config", "show", "--home", tmp_path / "typed", "--json", env={"ETL_WORKERS": "8"})
    settings = done.json["settings"]
    assert done.json["file"] == str(file)
    assert settings["home"] == {"value": str(tmp_path / "typed"), "origin": "option", "place": "--home"}
    assert settings["workers"] == {"value": 8, "origin": "env", "place": "ETL_WORKERS"}
    assert settings["user"] == {"value": "ann", "origin": "file", "place": f"{file}, line 3"}
    assert settings["max_rejects"] == {"value": 0, "origin": "default", "place": None}
    assert shown("--config", file)["home"] == (str(tmp_path / "data"), "file", f"{file}, line 1")


def test_passwords_are_hidden_wherever_they_come_from(tmp_path: Path) -> None:
    dsn = f"postgresql://ann:{PASSWORD}@db/koito?password={PASSWORD}&sslmode=require&sslpassword={PASSWORD}"
    (tmp_path / "secret").write_text(dsn)
    (tmp_path / "etl.toml").write_text(f'dsn = "{dsn}"\n')
    found = [
        etl("config", "show", "--dsn", dsn),
        etl("config", "show", env={"ETL_DSN": dsn}),
        etl("config", "show", "--json", env={"ETL_DSN_FILE": str(tmp_path / "secret")}),
        etl("config", "show", "--json", env={"ETL_CONFIG": str(tmp_path / "etl.toml")}),
    ]
    assert [done.code for done in found] == [0] * 4
    assert all(PASSWORD not in done.out + done.err and done.out.count("***") == 3 for done in found)


@pytest.mark.parametrize(
    "dsn", [f"host=db password={PASSWORD}", f"ann:{PASSWORD}@db/koito", f"postgresql://db/k?pass%77ord={PASSWORD}"]
)
def test_an_invalid_address_is_refused_without_its_password(dsn: str) -> None:
    done = etl("config", "show", env={"ETL_DSN": dsn})
    assert done.code == 2
    assert "database address" in done.err
    assert PASSWORD not in done.err + done.out


def test_an_unknown_key_ends_every_command_with_2_but_help(tmp_path: Path) -> None:
    (tmp_path / "etl.toml").write_text("\nworker = 2\n")
    env = {"ETL_CONFIG": str(tmp_path / "etl.toml")}
    for arguments in (["sources"], ["config", "show"], ["run", str(SAMPLES)]):
        done = etl(*arguments, env=env)
        assert done.code == 2
        assert 'etl.toml, line 2: "worker" is not known. Did you mean workers?' in done.err
    assert etl("run", "--help", env=env).code == 0


def test_a_misspelt_variable_draws_a_warning() -> None:
    done = etl("config", "show", env={"ETL_WORKER": "3"})
    assert done.code == 0
    assert "warning: ETL_WORKER is not known. Did you mean ETL_WORKERS?" in done.err


def test_a_run_obeys_file_environment_and_options_in_turn(database: str, tmp_path: Path) -> None:
    (tmp_path / "etl.toml").write_text(
        f'dsn = "{database}"\nhome = "home"\nworkers = 3\nspotify_plays = "trackdone"\ndoubles = "keep"\n'
    )
    env = {"ETL_CONFIG": str(tmp_path / "etl.toml"), "ETL_SPOTIFY_PLAYS": "heard"}
    done = etl("run", SAMPLES / "maloja", "--json", "--workers", "1", env=env)
    assert done.code == 0, done.err
    settings = done.json["settings"]
    assert (settings["workers"], settings["spotify_plays"], settings["doubles"]) == (1, "heard", "keep")
    assert done.json["run_dir"].startswith(str(tmp_path / "home" / "runs"))
    checked = etl("check", SAMPLES / "spotify", "--json", env={"ETL_CONFIG": str(tmp_path / "etl.toml")}).json
    assert "not_played_to_end" in checked["skipped_by_reason"]


@pytest.mark.parametrize(
    ("words", "cword", "wanted"), [("etl ru", 1, {"run", "runs"}), ("etl run --progress p", 3, {"plain"})]
)
def test_bash_completes(words: str, cword: int, wanted: set[str]) -> None:
    env = {"_ETL_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(cword)}
    assert set(etl(env=env).out.split()) >= wanted

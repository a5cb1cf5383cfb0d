"""The ingest command: results on stdout, progress on stderr, exit codes that scripts can trust."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

import indexer.cli
from core.errors import UnreadableFeed
from tests.color_encoder import ColorEncoder
from tests.indexer.shop import colour_shop, feed


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    """The commands with the tests' encoder in the place of the packaged one."""
    monkeypatch.setattr(indexer.cli, "load_encoder", lambda *_: ColorEncoder())
    made = typer.Typer(pretty_exceptions_enable=False)
    indexer.cli.add_commands(made)
    return made


def run(app: typer.Typer, *arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)


def test_an_ingest_ends_with_its_counts(app: typer.Typer, tmp_path: Path) -> None:
    source = colour_shop(tmp_path / "feed", 3)

    ran = run(app, "ingest", source, "--data", tmp_path / "data")

    assert ran.exit_code == 0
    assert ran.stdout == "stored 3, updated 0, unchanged 0, removed 0, rejected 0\n"
    assert "encoded 3 pictures" in ran.stderr


def test_json_is_all_there_is_on_stdout(app: typer.Typer, tmp_path: Path) -> None:
    source = feed(tmp_path / "feed", [{"id": "a", "title": "a"}, {"id": "b"}])

    ran = run(app, "ingest", source, "--data", tmp_path / "data", "--json")

    report = json.loads(ran.stdout)
    assert {name: report[name] for name in ("stored", "updated", "unchanged", "removed", "rejected")} == {
        "stored": 1,
        "updated": 0,
        "unchanged": 0,
        "removed": 0,
        "rejected": 1,
    }
    assert Path(report["rejects_file"]).exists()
    assert report["pictures_encoded"] == 0


def test_strict_fails_when_something_was_rejected(app: typer.Typer, tmp_path: Path) -> None:
    source = feed(tmp_path / "feed", [{"id": "a", "title": "a"}, {"id": "b"}])

    assert run(app, "ingest", source, "--data", tmp_path / "data", "--strict").exit_code == 1
    assert run(app, "ingest", source, "--data", tmp_path / "data").exit_code == 0


def test_rejects_are_shown_with_line_and_reason(app: typer.Typer, tmp_path: Path) -> None:
    source = feed(tmp_path / "feed", [{"id": "a", "title": "a"}, {"id": "b"}])
    run(app, "ingest", source, "--data", tmp_path / "data")

    plain = run(app, "rejects", "--data", tmp_path / "data")
    listed = json.loads(run(app, "rejects", "--data", tmp_path / "data", "--json").stdout)

    assert plain.stdout == "line 2\tb\tempty_product\tit has neither a title nor a picture\n"
    assert [(each["line"], each["id"], each["code"]) for each in listed] == [(2, "b", "empty_product")]


def test_a_feed_comes_in_on_stdin_too(app: typer.Typer, tmp_path: Path) -> None:
    ran = run(app, "ingest", "-", "--data", tmp_path / "data", stdin=b'{"id": "a", "title": "a"}\n')

    assert ran.stdout.startswith("stored 1,")


@pytest.mark.parametrize(
    "arguments",
    [("--prune", "--limit", "3"), ("--limit", "0"), ("--format", "pdf"), ("--index-fields", "title,colour")],
)
def test_contradictory_and_unknown_options_are_refused(
    app: typer.Typer, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    source = colour_shop(tmp_path / "feed", 1)

    assert run(app, "ingest", source, "--data", tmp_path / "data", *arguments).exit_code == 2
    assert not (tmp_path / "data").exists()


def test_a_feed_that_is_not_there_is_named_before_anything_is_made(app: typer.Typer, tmp_path: Path) -> None:
    ran = run(app, "ingest", "nowhere.csv", "--data", tmp_path / "data")

    assert isinstance(ran.exception, UnreadableFeed)
    assert not (tmp_path / "data").exists()

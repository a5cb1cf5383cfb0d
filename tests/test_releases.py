"""Data folders and databases that earlier states made are opened, searched, written to and backed up as they were."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

import lychee
from core.catalog import CatalogStore
from core.catalog.migrations import KNOWN
from core.encoder import Encoder, load_encoder
from core.language import Language
from core.settings import Settings
from tests.postgres import emptied

RELEASES = Path(__file__).parent / "releases"
ANSWERS = json.loads((RELEASES / "answers.json").read_text("utf-8"))
PRODUCTS = 6
CLOSE = 2e-4
"""The answers were written with four digits."""


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """The feed of all releases, and the queries that were asked."""
    unpack("feed", tmp_path / "feed")
    queries = (json.dumps(each["asked"], ensure_ascii=False) for each in ANSWERS)
    (tmp_path / "feed" / "queries.jsonl").write_text("\n".join(queries), "utf-8")
    return tmp_path / "feed"


@pytest.fixture(params=sorted(path.name[: -len(".tar.xz")] for path in RELEASES.glob("*-schema-*.tar.xz")))
def release(
    request: pytest.FixtureRequest, tmp_path: Path, feed: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """One of the releases, which the settings name."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LYCHEE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LYCHEE_DATA", str(tmp_path / "data"))
    name = str(request.param)
    unpack(name, tmp_path / "data")
    if name.startswith("postgres"):
        url = emptied(request.getfixturevalue("postgres"))
        psycopg = pytest.importorskip("psycopg")
        # A connection of its own: a dump sets the search path of whoever reads it.
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((tmp_path / "data" / "dump.sql").read_text("utf-8"))
        monkeypatch.setenv("LYCHEE_DATABASE_URL", url)
    return name


def unpack(name: str, folder: Path) -> None:
    with tarfile.open(RELEASES / f"{name}.tar.xz") as packed:
        packed.extractall(folder, filter="data")


def said(capfd: pytest.CaptureFixture[str], *command: str) -> str:
    """What a command prints that does as it is told."""
    assert lychee.run(list(command)) == 0, capfd.readouterr().err
    return capfd.readouterr().out


def hits(capfd: pytest.CaptureFixture[str], feed: Path) -> list[Any]:
    """Ids and similarities of what each query finds, best first."""
    lines = said(capfd, "batch-search", str(feed / "queries.jsonl"), "--no-rerank").splitlines()
    return [[[hit["id"], hit["similarity"]] for hit in json.loads(line)["hits"]] for line in lines]


def assert_as_answered(found: list[Any]) -> None:
    for now, then in zip(found, ANSWERS, strict=True):
        assert [product for product, _ in now] == [product for product, _ in then["hits"]]
        assert [each for _, each in now] == pytest.approx([each for _, each in then["hits"]], abs=CLOSE)


@pytest.fixture(scope="module")
def encoder(language: Language) -> Encoder:
    """The encoder that made the data, loaded once."""
    return load_encoder(Settings(), language)


def test_what_an_earlier_release_stored_is_found_as_it_was_and_goes_on(
    release: str,
    encoder: Encoder,
    feed: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("search.opening", "search.commands.housekeeping", "indexer.cli"):
        monkeypatch.setattr(f"{module}.load_encoder", lambda *_: encoder)

    assert_as_answered(hits(capfd, feed))
    said(capfd, "index", "check")

    report = json.loads(said(capfd, "ingest", str(feed / "products.jsonl"), "--json"))
    assert report["unchanged"] + report["updated"] == PRODUCTS
    assert (report["stored"], report["rejected"], report["pictures_encoded"]) == (0, 0, 0)
    assert_as_answered(hits(capfd, feed))

    (feed / "more.jsonl").write_text(json.dumps({"id": "new", "title": "yellow umbrella"}), "utf-8")
    assert json.loads(said(capfd, "ingest", str(feed / "more.jsonl"), "--json"))["stored"] == 1
    found = hits(capfd, feed)
    assert "new" in {product for query in found for product, _ in query}
    said(capfd, "index", "check")

    if release.startswith("sqlite"):
        said(capfd, "backup", str(tmp_path / "copy"))
        said(capfd, "restore", str(tmp_path / "copy"), "--data", str(tmp_path / "restored"))
        monkeypatch.setenv("LYCHEE_DATA", str(tmp_path / "restored"))
        assert hits(capfd, feed) == found
        said(capfd, "index", "check")


def test_a_catalog_of_an_earlier_release_has_todays_schema_once_it_was_opened(
    release: str, tmp_path: Path
) -> None:
    url = os.environ.get("LYCHEE_DATABASE_URL", f"sqlite:///{tmp_path / 'data' / 'catalog.db'}")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    asked = "SELECT version_num FROM alembic_version"
    with engine.connect() as connection:
        before = connection.exec_driver_sql(asked).scalar()
    CatalogStore.open(url).close()
    with engine.connect() as connection:
        after = connection.exec_driver_sql(asked).scalar()
    engine.dispose()

    assert f"schema-{before}" in release
    assert after == KNOWN[-1]

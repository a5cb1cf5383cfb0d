"""`lychee ingest --warm-judge`: the lychee judge has looked at the products before anyone searches."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import indexer.cli
from core.catalog import CatalogStore
from core.errors import UnreadableImage
from core.pictures import PictureStore
from core.types import Pixels, Score
from rerank.judgement import Asked, Document, Picture
from search.second_stage import documents_of
from tests.color_encoder import ColorEncoder
from tests.models.conftest import Load

PHOTOS = Path(__file__).resolve().parents[2] / "indexer" / "demo" / "images"
NAMES = ("tent", "laptop", "football")


def test_what_an_ingest_has_warmed_is_scored_without_its_pictures(
    checkpoints: dict[str, Path], load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed, data = tmp_path / "feed.jsonl", tmp_path / "data"
    rows = [{"id": name, "title": name, "image": f"{name}.jpg"} for name in NAMES]
    feed.write_text("\n".join(json.dumps(row) for row in [*rows, {"id": "words", "title": "no picture"}]))
    for name, value in {
        "RERANKER": "lychee",
        "RERANKER_MODEL": checkpoints["qwen25"],
        "DTYPE": "float32",
    }.items():
        monkeypatch.setenv(f"LYCHEE_{name}", str(value))
    app = typer.Typer()
    app.callback()(lambda: None)
    indexer.cli.add_commands(app)

    ran = CliRunner().invoke(
        app, ["ingest", str(feed), "--images", str(PHOTOS), "--data", str(data), "--warm-judge"]
    )

    assert ran.exit_code == 0, ran.output
    assert "the judge knows 3 pictures; 0 can't be read" in ran.output
    documents = [_unseen(document) for document in _documents(data)]
    found = load(checkpoints["qwen25"], data=data).score(Asked("tent"), documents)
    assert len(found) == 4
    assert all(isinstance(judgement, Score) for judgement in found)


def _documents(data: Path) -> list[Document]:
    """The products as a search would have them judged."""
    with closing(CatalogStore.open(f"sqlite:///{data}/catalog.db")) as store:
        catalog = store.catalog("products")
        keys = np.array(list(catalog.keys_of([*NAMES, "words"]).values()), np.int64)
        return list(documents_of(catalog, keys, ColorEncoder(), PictureStore(data)).values())


def _unseen(document: Document) -> Document:
    def nothing() -> Pixels:
        raise UnreadableImage("picture", "it is gone")

    return (
        document
        if document.picture is None
        else replace(document, picture=Picture(document.picture.hash, nothing))
    )

"""Pictures behind links are fetched once, and again only when there is a reason to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.fetch import Fetcher
from indexer.report import IngestReport
from indexer.sources import PictureSources
from tests.indexer.shop import Shop, feed, picture


class Counted(SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked for."""

    asked: list[str] = []  # noqa: RUF012 the server makes a handler a request; the list is the class's

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    Counted.asked.clear()
    (tmp_path / "web").mkdir()
    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Counted, directory=str(tmp_path / "web")))
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


def ingest(shop: Shop, source: Path) -> IngestReport:
    return shop.ingest(source, sources=PictureSources(source.parent, Fetcher(allow=lambda _: True)))


def test_an_unchanged_row_fetches_nothing(shop: Shop, tmp_path: Path, web: str) -> None:
    picture(tmp_path / "web" / "red.png", "red")
    source = feed(tmp_path / "feed", [{"id": "a", "title": "a", "image": f"{web}/red.png"}])

    first, second = ingest(shop, source), ingest(shop, source)

    assert (first.stored, first.pictures_encoded) == (1, 1)
    assert second.unchanged == 1
    assert Counted.asked == ["/red.png"]


def test_a_picture_that_was_missing_is_asked_for_again(shop: Shop, tmp_path: Path, web: str) -> None:
    source = feed(tmp_path / "feed", [{"id": "a", "title": "a", "image": f"{web}/red.png"}])

    first = ingest(shop, source)
    picture(tmp_path / "web" / "red.png", "red")
    second = ingest(shop, source)

    assert (first.stored, first.rejected) == (1, 1)
    assert (second.updated, second.rejected, second.pictures_encoded) == (1, 0, 1)


def test_a_picture_in_the_feed_itself_is_read(shop: Shop, tmp_path: Path) -> None:
    gif = "data:image/gif;base64,R0lGODdhAQABAIAAAP8AAP8AACwAAAAAAQABAAACAkQBADs="

    report = shop.ingest(feed(tmp_path / "feed", [{"id": "a", "image": gif}]))

    assert (report.stored, report.pictures_encoded, report.rejected) == (1, 1, 0)

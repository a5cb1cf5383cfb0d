"""Small shops for tests: plain coloured pictures on disk, ingested by the production path."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core.catalog import CatalogStore
from core.language import Language
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, IngestReport, Workbench
from rerank.judgement import Reranker
from search.engine import SearchEngine
from tests.color_encoder import COLOURS, ColorEncoder

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Shop:
    """A data folder with one encoder and one store."""

    data: Path
    store: CatalogStore
    encoder: ColorEncoder
    language: Language

    def ingest(self, rows: Sequence[Row], *, catalog: str = "products", prune: bool = False) -> IngestReport:
        """Writes a feed of the rows and ingests it."""
        feed = self.data / "feed.jsonl"
        feed.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
        bench = Workbench(self.store, self.encoder, self.language, self.data)
        return ingest(open_feed(feed), bench, IngestOptions(catalog, prune=prune))

    def engine(self, reranker: Reranker | None = None) -> SearchEngine:
        """A search engine over the shop."""
        return SearchEngine(self.store, self.encoder, self.language, data=self.data, reranker=reranker)


def product(shop: Shop, title: str, colour: str, **fields: object) -> Row:
    """A row whose picture is all one colour; the id is the title."""
    image = shop.data / f"{colour}.png"
    if not image.exists():
        rgb = next(rgb for names, rgb in COLOURS.items() if colour in names.split("|"))
        Image.new("RGB", (64, 64), tuple(int(part) for part in rgb)).save(image)
    return {"id": title, "title": title, "image": image.name, **fields}


def coloured_shop(shop: Shop) -> Shop:
    """Shoes and bags in three colours."""
    shop.ingest(
        [
            product(shop, f"{colour} {thing}", colour, price=price, attributes={"color": colour})
            for thing, price in (("shoe", 50.0), ("bag", 120.0))
            for colour in ("red", "green", "blue")
        ]
    )
    return shop

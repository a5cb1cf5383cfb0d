"""Small shops of plain colours for the tests of ingest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from core.catalog import Catalog, CatalogStore
from core.encoder import Encoder
from core.encoder_choice import EncoderChoice
from core.language import Language
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, IngestReport, Watch, Workbench
from indexer.sources import PictureSources
from tests.color_encoder import ColorEncoder

COLOURS = ("red", "green", "blue", "yellow", "black", "white", "purple", "orange")


def picture(path: Path, colour: str | tuple[int, int, int], size: tuple[int, int] = (64, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)


def feed(folder: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "products.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


def colour_shop(folder: Path, products: int) -> Path:
    """A feed with a picture of its own for each product: no two are the same bytes."""
    for n in range(products):
        picture(folder / f"{n}.png", (n % 256, n // 256, 77))
    return feed(
        folder, ({"id": f"p{n}", "title": f"thing {n}", "image": f"{n}.png"} for n in range(products))
    )


@dataclass
class Shop:
    """A data folder with what ingest needs."""

    data: Path
    language: Language
    encoder: ColorEncoder = field(default_factory=ColorEncoder)
    url: str = ""
    """Of the database; SQLite in the data folder unless given."""

    def __post_init__(self) -> None:
        self.url = self.url or f"sqlite:///{self.data / 'catalog.db'}"
        self.store = CatalogStore.open(self.url)

    def ingest(
        self,
        source: Path,
        options: IngestOptions | None = None,
        *,
        watch: Watch | None = None,
        sources: PictureSources | None = None,
        encoder: Encoder | None = None,
        choice: EncoderChoice | None = None,
    ) -> IngestReport:
        bench = Workbench(self.store, encoder or self.encoder, self.language, self.data, choice)
        return ingest(open_feed(source), bench, options or IngestOptions(), watch=watch, sources=sources)

    def catalog(self, name: str = "products") -> Catalog:
        return self.store.catalog(name)

    def ids(self, name: str = "products") -> list[str]:
        return sorted(product.id for product in self.catalog(name).export())

    def rejects(self, name: str = "products") -> list[tuple[int, str | None, str]]:
        """Line, id and code of the last ingest's rejects, from its file."""
        path = self.data / "rejects" / f"{name}.jsonl"
        if not path.exists():
            return []
        found = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
        return [(each["line"], each["id"], each["code"]) for each in found]

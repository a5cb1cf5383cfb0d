"""Writes feeds and reads them, for the tests of their formats."""

from __future__ import annotations

from pathlib import Path

from core.types import Product
from indexer.feeds import FeedFormat, open_feed
from indexer.rows import FeedRow, Reject


def read(
    path: Path, form: FeedFormat = "auto"
) -> tuple[list[Product], list[tuple[int | None, str | None, str]]]:
    """The products of a feed, and line, id and code of all that was refused."""
    products, rejects = [], []
    for row in open_feed(path, form=form).rows():
        found = [row] if isinstance(row, Reject) else list(row.problems)
        products += [row.product] if isinstance(row, FeedRow) else []
        rejects += [(reject.line, reject.product_id, reject.code) for reject in found]
    return products, rejects


def one(path: Path, form: FeedFormat = "auto") -> Product:
    products, rejects = read(path, form)
    assert rejects == []
    (product,) = products
    return product


def written(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_text(text, encoding)
    return path

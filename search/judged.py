"""Judged queries and relevance rows, read from JSON lines and TSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from core.errors import UnreadableFeed
from core.images import ENCODER_SIDE, decode
from core.picture_files import read_local
from core.types import Query


@dataclass(frozen=True, slots=True)
class JudgedQuery:
    """One line of a queries file; a plain batch line has an id, text and image only."""

    id: str
    text: str = ""
    image: str | None = None
    kind: str = ""
    lang: str = ""
    type: str = ""
    hide_fields: tuple[str, ...] = ()
    judged: str = "complete"
    """`pool` ranks judged ids only, `pool-category` only products that have a category."""


def read_queries(path: Path) -> Iterator[JudgedQuery]:
    """The queries in file order; UnreadableFeed names the line that can't be read."""
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _query(path, number, line)
    except OSError as error:
        raise UnreadableFeed(str(path), error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise UnreadableFeed(str(path), "it is not UTF-8") from error


def _query(path: Path, number: int, line: str) -> JudgedQuery:
    try:
        row = json.loads(line)
        return JudgedQuery(
            id=str(row["id"]),
            text=row.get("text") or "",
            image=row.get("image"),
            kind=row.get("kind") or "",
            lang=row.get("lang") or "",
            type=row.get("type") or "",
            hide_fields=tuple(row.get("hide_fields") or ()),
            judged=row.get("judged") or "complete",
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnreadableFeed(
            f"{path}, line {number}", "a query is a JSON object with `id` and `text` or `image`"
        ) from error


def read_relevances(path: Path) -> dict[str, Mapping[str, int]]:
    """Relevance by query id and product id."""
    relevances: dict[str, dict[str, int]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                relevances.setdefault(row["query_id"], {})[row["product_id"]] = int(row["relevance"])
    except OSError as error:
        raise UnreadableFeed(str(path), error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFeed(
            str(path), "relevances are a TSV with the columns query_id, product_id, relevance"
        ) from error
    return dict(relevances)


def engine_query(query: JudgedQuery, root: Path, limit: int) -> Query:
    """The query with its picture read from below `root`; UnreadableImage, InvalidQuery."""
    image = None
    if query.image:
        image = decode(read_local(query.image, root), source=query.image, at_least=ENCODER_SIDE)
    return Query(text=query.text, image=image, limit=limit)

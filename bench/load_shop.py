"""A shop of any size for measurements under load: the demo shop's goods in many colours, makes and pictures."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from indexer.cli import DEMO

VIEWS = 6
"""Pictures of one kind of goods: as it is, mirrored, nearer, and so on."""
SIDE = 480
_COLOURS = {"red": "红色", "blue": "蓝色", "green": "绿色", "black": "黑色", "white": "白色", "pink": "粉色"}
_MAKES = ("Aldous", "Brenner", "Corvin", "Dahlia", "Estuary", "Fennel", "Grove", "Harrow")
_FOR = ("", "for men", "for women", "for children", "for travel", "for the kitchen")
SEED = 20_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One search as a shopper sends it: the body of POST /api/search."""

    kind: str
    """words, picture or both; with or without the judge."""
    body: bytes


def write_feed(folder: Path, products: int) -> Path:
    """The feed of so many products, with their pictures beside it."""
    goods = _goods()
    pictures = folder / "pictures"
    pictures.mkdir()
    for good in goods:
        for view in range(VIEWS):
            (pictures / f"{good['id']}-{view}.jpg").write_bytes(_view(good, view))
    feed = folder / "products.jsonl"
    with feed.open("w", encoding="utf-8") as lines:
        for row in _rows(goods, products):
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return feed


def searches(count: int) -> list[Asked]:
    """Seven in ten by words, two by picture, one by both; every other one with the judge. The same ones each time."""
    draw, goods = random.Random(SEED), _goods()
    asked = []
    for number in range(count):
        good, place = draw.choice(goods), number % 20 // 2
        colour = draw.choice(sorted(_COLOURS))
        words = f"{colour} {good['title']}" if draw.random() < 0.6 else _chinese(good, colour)
        query: dict[str, Any] = {}
        if place < 7 or place == 9:
            query["text"] = words if place < 7 else colour
        if place >= 7:
            picture = base64.b64encode(_view(good, draw.randrange(VIEWS), nearer=0.06)).decode()
            query["image"] = f"data:image/jpeg;base64,{picture}"
        kind = "words" if place < 7 else "picture" if place < 9 else "both"
        judged = number % 2 == 0
        body: dict[str, Any] = {"query": query, "rerank": {"enabled": judged}}
        if number % 5 == 0:
            body["filter"] = f"price < {draw.choice((20, 100, 400))}"
        asked.append(Asked(f"{kind}, judged" if judged else kind, json.dumps(body).encode()))
    return asked


def _goods() -> list[dict[str, Any]]:
    with DEMO.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def _rows(goods: list[dict[str, Any]], products: int) -> Iterator[dict[str, Any]]:
    draw = random.Random(SEED + 1)
    for number in range(products):
        good = goods[number % len(goods)]
        colour, make = draw.choice(sorted(_COLOURS)), draw.choice(_MAKES)
        title = f"{make} {colour} {good['title']} {draw.choice(_FOR)}".strip()
        yield {
            "id": f"p{number}",
            "title": title,
            "title_zh": f"{_COLOURS[colour]}{good.get('title_zh', '')}",
            # Every description its own, as a shop's are: equal texts would be encoded once.
            "description": f"{title}, model {number}. {good.get('description', '')[:200]}",
            "category": good.get("category", ""),
            "price": round(draw.lognormvariate(3.5, 1.2), 2),
            "currency": "USD",
            "image": f"pictures/{good['id']}-{number // len(goods) % VIEWS}.jpg",
            "attributes": {"color": [colour], "brand": [make]},
        }


def _chinese(good: dict[str, Any], colour: str) -> str:
    return f"{_COLOURS[colour]}{good.get('title_zh') or good['title']}"


def _view(good: dict[str, Any], view: int, nearer: float = 0.0) -> bytes:
    with Image.open(DEMO.parent / good["image"]) as opened:
        picture = opened.convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    ground.alpha_composite(picture)
    whole = ImageOps.mirror(ground) if view % 2 else ground
    margin = int(min(whole.size) * (0.04 * (view // 2) + nearer))
    shown = ImageOps.crop(whole.convert("RGB"), margin) if margin else whole.convert("RGB")
    buffer = BytesIO()
    ImageOps.contain(shown, (SIDE, SIDE)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()

"""The searches that a server under a fault is asked, and what became of each."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEMO = Path(__file__).resolve().parents[1] / "indexer" / "demo"
WORDS = ("red lipstick", "black sunglasses", "鞋子", "sofa without pattern", "手机", "perfume under $100")
LIKE_PICTURES = ("laptop.jpg", "1f4f7.webp", "1f45f.webp")
BOTH_WORDS = ("in black", "红色", "cheaper, leather")
LIMIT = 20
WIDE = 200
"""So many hits hold every product that a judge could have put onto the first page."""
NO_CONNECTION, HANG = "no connection", "hang"


@dataclass(frozen=True, slots=True)
class Ask:
    """One search as a shopper's page sends it."""

    name: str
    query: Mapping[str, str]
    judged: bool

    def body(self, limit: int = LIMIT, *, fresh: bool = False) -> dict[str, object]:
        """What is posted to /api/search; `fresh` for what no judge was asked before."""
        instruction = {"instruction": f"shopper {uuid.uuid4()}"} if fresh else {}
        return {"query": dict(self.query), "limit": limit, "rerank": {"enabled": self.judged, **instruction}}

    def unjudged(self) -> Ask:
        """The same in recall's order."""
        return Ask(self.name, self.query, judged=False)


def asks() -> list[Ask]:
    """By words, by picture and by both; every other one is judged."""
    queries: list[tuple[str, dict[str, str]]] = [(words, {"text": words}) for words in WORDS]
    for picture, words in zip(_pictures(), BOTH_WORDS, strict=True):
        data = base64.b64encode(picture.read_bytes()).decode()
        queries.append((picture.name, {"image": data}))
        queries.append((f"{picture.name} {words}", {"image": data, "text": words}))
    return [Ask(name, query, judged=judged) for name, query in queries for judged in (True, False)]


def _pictures() -> list[Path]:
    named = [DEMO / "images" / name for name in LIKE_PICTURES]
    others = sorted((DEMO / "images").iterdir())
    return [path if path.exists() else others[17 * number] for number, path in enumerate(named)]


@dataclass(frozen=True, slots=True)
class Right:
    """The answers of one search before anything was harmed."""

    judged: tuple[str, ...]
    recalled: tuple[str, ...]
    window: frozenset[str]

    def holds(self, ids: Sequence[str], status: str) -> bool:
        """Whether these ids are the answer that a judge who came so far must lead to."""
        if status == "full":
            return tuple(ids) == self.judged
        if status == "partial":
            return len(ids) == len(self.recalled) and self.window.issuperset(ids)
        return tuple(ids) == self.recalled


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of one request."""

    began: float
    ended: float
    outcome: str
    """A status, or why there is none."""
    right: bool = True
    """False for an answer of other products than before the fault."""
    degraded: bool = False
    """Answered, but not judged as it was asked to be."""
    reason: str = ""
    """What a refusal said, or why judging ended early."""

    @property
    def well(self) -> bool:
        """Answered as if nothing had happened."""
        return self.outcome == "200" and self.right and not self.degraded


@dataclass(slots=True)
class Reading:
    """What an answer of the API says."""

    ids: list[str] = field(default_factory=list)
    status: str = ""
    reason: str = ""

    @classmethod
    def of(cls, body: bytes) -> Reading:
        """Of a search that was answered 200."""
        answer = json.loads(body)
        rerank = answer["rerank"]
        return cls([hit["id"] for hit in answer["hits"]], rerank["status"], rerank["reason"] or "")


def refusal(status: int, content_type: str, body: bytes, retry_after: str | None) -> str:
    """The sentence of a refusal; what is no problem+json is said to be none."""
    if not content_type.startswith("application/problem+json"):
        return f"NOT A PROBLEM DOCUMENT: {content_type} {body[:80]!r}"
    detail = str(json.loads(body).get("detail", ""))
    return detail + (f" [Retry-After {retry_after}]" if retry_after else "")

"""Clients of a server under load, light enough to share its processors: one connection each, one search after another."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bench.load_shop import Asked

PATIENCE_SECONDS = 90.0
SHED = (429, 503)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    retry_after: float | None
    body: bytes
    seconds: float


@dataclass(slots=True)
class Tally:
    """What many clients were told."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: dict[str, list[float]] = field(default_factory=dict)
    """Seconds of accepted searches by kind."""
    shed: int = 0
    errors_5xx: int = 0
    """What is no answer and no refusal that says when to come again; lost connections among them."""
    wrong: int = 0
    degraded: int = 0
    """Answers that say themselves that the judge didn't come to an end."""
    wrong_examples: list[str] = field(default_factory=list)

    @property
    def accepted(self) -> list[float]:
        return [seconds for each in self.took.values() for seconds in each]


class Connection:
    """One HTTP/1.1 connection that is kept; opened anew when the server has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def search(self, body: bytes) -> Reply:
        """Sends the search; OSError, asyncio.IncompleteReadError or TimeoutError where no answer comes."""
        started = time.perf_counter()
        head = (
            f"POST /api/search HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        async with asyncio.timeout(PATIENCE_SECONDS):
            if self._streams is None:
                self._streams = await asyncio.open_connection(self._host, self._port)
            reader, writer = self._streams
            try:
                writer.write(head.encode() + body)
                status, headers = _head_of(await reader.readuntil(b"\r\n\r\n"))
                answer = await reader.readexactly(int(headers["content-length"]))
            except BaseException:
                self.close()
                raise
        if headers.get("connection") == "close":
            self.close()
        after = headers.get("retry-after")
        return Reply(status, None if after is None else float(after), answer, time.perf_counter() - started)

    def close(self) -> None:
        """Ends it; the next search opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def alone(address: tuple[str, int], searches: Sequence[Asked], rounds: int) -> tuple[list[Any], Tally]:
    """Each search by itself, nothing else going on: what is right, and how long it takes. The first round warms up."""
    connection, tally = Connection(*address), Tally()
    right: list[Any] = []
    for turn in range(rounds + 1):
        for number, asked in enumerate(searches):
            reply = await connection.search(asked.body)
            if reply.status != 200:
                raise RuntimeError(f"alone, a search was answered {reply.status}: {reply.body[:300]!r}")
            if turn == 0:
                right.append(shown(reply.body))
                continue
            if shown(reply.body) != right[number]:
                raise RuntimeError(f"asked again alone, {asked.kind} is answered otherwise")
            tally.took.setdefault(asked.kind, []).append(reply.seconds)
    connection.close()
    return right, tally


async def together(
    address: tuple[str, int], searches: Sequence[Asked], right: Sequence[Any], *, clients: int, seconds: float
) -> Tally:
    """So many clients for so long, each asking on as soon as it is answered, or told to come again later."""
    tally, until = Tally(), time.perf_counter() + seconds
    await asyncio.gather(
        *(_client(address, searches, right, tally, first * 7, until) for first in range(clients))
    )
    return tally


async def _client(
    address: tuple[str, int],
    searches: Sequence[Asked],
    right: Sequence[Any],
    tally: Tally,
    number: int,
    until: float,
) -> None:
    connection = Connection(*address)
    while time.perf_counter() < until:
        number = (number + 1) % len(searches)
        asked = searches[number]
        try:
            reply = await connection.search(asked.body)
        except (OSError, asyncio.IncompleteReadError):
            tally.statuses[0] += 1
            tally.errors_5xx += 1
            await asyncio.sleep(0.1)
            continue
        tally.statuses[reply.status] += 1
        if reply.status in SHED and reply.retry_after is not None:
            tally.shed += 1
            await asyncio.sleep(min(reply.retry_after, max(0.0, until - time.perf_counter())))
        elif reply.status != 200:
            tally.errors_5xx += 1
        else:
            tally.took.setdefault(asked.kind, []).append(reply.seconds)
            _compare(tally, asked, shown(reply.body), right[number])
    connection.close()


def _compare(tally: Tally, asked: Asked, answer: Any, expected: Any) -> None:
    if answer == expected:
        return
    if answer["rerank"] != expected["rerank"]:
        tally.degraded += 1
        return
    tally.wrong += 1
    if len(tally.wrong_examples) < 3:
        tally.wrong_examples.append(f"{asked.kind}: {answer['hits'][:3]} for {expected['hits'][:3]}")


def shown(body: bytes) -> Any:
    """What must be the same whoever else asks: hits with their numbers, totals, how far the judge came."""
    answer = json.loads(body)
    hits = [
        (hit["id"], hit["rank"], hit["similarity"], hit["relevance"], hit["band"]) for hit in answer["hits"]
    ]
    return {
        "hits": hits,
        "total": answer["total"],
        "rerank": (answer["rerank"]["status"], answer["rerank"]["scored"]),
    }


def _head_of(head: bytes) -> tuple[int, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.split(":", 1) for line in lines if line)
    return int(first.split(" ", 2)[1]), {name.lower(): value.strip() for name, value in pairs}

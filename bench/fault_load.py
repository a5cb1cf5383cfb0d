"""A steady load of mixed searches on a running server, and what each phase of a fault did to it."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType

import httpx2

from bench.fault_asking import HANG, NO_CONNECTION, WIDE, Ask, Asked, Reading, Right, asks, refusal

CLIENTS = 8
PAUSE_SECONDS = 1.0
READY_EVERY_SECONDS = 0.5
CALM_SECONDS = 4.0
"""So long all must be well before a server counts as healed."""
GIVE_UP_SECONDS = 120.0
WELL_ASKED = 12
"""Requests at least, of which a calm consists."""


@dataclass(slots=True)
class Phase:
    """A stretch of time between two acts."""

    name: str
    began: float
    ended: float = 0.0


@dataclass(slots=True)
class Observed:
    """What a fault did."""

    phases: dict[str, list[Asked]] = field(default_factory=dict)
    ready: dict[str, Counter[str]] = field(default_factory=dict)
    healed_seconds: float | None = None
    """From the fault's end until the last answer that was not as before; None where that never came."""
    notes: list[str] = field(default_factory=list)


class Load:
    """Eight shoppers and one watcher of /readyz, in a thread with an event loop of its own."""

    def __init__(self, url: str, *, limit_seconds: float, fresh: bool = False) -> None:
        """`limit_seconds` is the server's own limit of a request: what takes much longer hangs.

        `fresh` makes each search one that no judge has judged before, as in a shop where everybody asks something else.
        """
        self._url, self._fresh = url, fresh
        self._patience = limit_seconds + 5.0
        self._asks, self._rights = asks(), dict[tuple[str, bool], Right]()
        self._asked: list[Asked] = []
        self._ready: list[tuple[float, str]] = []
        self._phases: list[Phase] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._removed = 0.0
        self.healed: float | None = None

    def __enter__(self) -> Load:
        self._learn()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def phase(self, name: str, seconds: float) -> None:
        """Goes on so long, and keeps what happens under that name."""
        self._begin(name)
        time.sleep(seconds)

    def until_well(self, name: str = "after", *, since: float | None = None) -> None:
        """Goes on until all has been well for a while, and notes how long that took from `since`, or from now."""
        self._begin(name)
        began = time.monotonic()
        self._removed = began if since is None else since
        while time.monotonic() - began < GIVE_UP_SECONDS:
            time.sleep(0.2)
            now = time.monotonic()
            if now - began > CALM_SECONDS and self._well_since(now - CALM_SECONDS):
                self.healed = self._last_ill()
                return
        self.healed = None

    def observed(self) -> Observed:
        """All of it, by phase."""
        observed = Observed(healed_seconds=self.healed)
        for phase, following in itertools.zip_longest(self._phases, self._phases[1:]):
            end = following.began if following else float("inf")
            within = [each for each in list(self._asked) if phase.began <= each.began < end]
            observed.phases[phase.name] = within
            said = Counter(what for when, what in list(self._ready) if phase.began <= when < end)
            observed.ready[phase.name] = said
        return observed

    def _well_since(self, moment: float) -> bool:
        late = [each for each in self._asked if each.began > moment]
        ready = self._ready[-1][1] if self._ready else ""
        return len(late) >= WELL_ASKED and all(each.well for each in late) and ready == "200"

    def _last_ill(self) -> float:
        ill = [each.ended for each in self._asked if not each.well]
        unready = [when for when, what in self._ready if not what.startswith("200")]
        return max(0.0, max(ill + unready, default=0.0) - self._removed)

    def _begin(self, name: str) -> None:
        self._phases.append(Phase(name, time.monotonic()))

    def _learn(self) -> None:
        """The right answers, asked one after the other while all is well."""
        with httpx2.Client(base_url=self._url, timeout=60.0) as client:

            def told(ask: Ask, limit: int) -> Reading:
                answer = client.post("/api/search", json=ask.body(limit))
                answer.raise_for_status()
                return Reading.of(answer.content)

            for ask in self._asks:
                wide = told(ask.unjudged(), WIDE).ids
                judged = told(ask, len_of_page(ask))
                page = wide[: len_of_page(ask)]
                self._rights[ask.name, ask.judged] = Right(tuple(judged.ids), tuple(page), frozenset(wide))

    async def _run(self) -> None:
        numbers = itertools.count()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(CLIENTS):
                tasks.create_task(self._shop(lambda: self._asks[next(numbers) % len(self._asks)]))
            tasks.create_task(self._watch())

    async def _shop(self, choose: Callable[[], Ask]) -> None:
        # A client of its own: connections that a dying server leaves behind must not trouble the others.
        async with httpx2.AsyncClient(base_url=self._url, timeout=self._patience) as client:
            while not self._over.is_set():
                self._asked.append(await self._ask(client, choose()))
                await asyncio.sleep(PAUSE_SECONDS)

    async def _ask(self, client: httpx2.AsyncClient, ask: Ask) -> Asked:
        began = time.monotonic()
        try:
            answer = await asyncio.wait_for(
                client.post("/api/search", json=ask.body(fresh=self._fresh)), self._patience
            )
        except (httpx2.TimeoutException, TimeoutError):
            return Asked(began, time.monotonic(), HANG)
        except httpx2.TransportError as error:
            return Asked(began, time.monotonic(), NO_CONNECTION, reason=type(error).__name__)
        ended, status = time.monotonic(), answer.status_code
        if status != httpx2.codes.OK:
            said = refusal(
                status,
                answer.headers.get("content-type", ""),
                answer.content,
                answer.headers.get("retry-after"),
            )
            return Asked(began, ended, str(status), reason=said)
        read = Reading.of(answer.content)
        right = self._rights[ask.name, ask.judged].holds(read.ids, read.status)
        degraded = ask.judged and read.status != "full"
        reason = read.reason if degraded else f"{ask.name}, judged: {ask.judged}" if not right else ""
        return Asked(began, ended, "200", right=right, degraded=degraded, reason=reason)

    async def _watch(self) -> None:
        async with httpx2.AsyncClient(base_url=self._url, timeout=self._patience) as client:
            while not self._over.is_set():
                began = time.monotonic()
                self._ready.append((began, await _readiness(client)))
                await asyncio.sleep(READY_EVERY_SECONDS)


def len_of_page(ask: Ask) -> int:
    """How many hits a search shows."""
    limit = ask.body()["limit"]
    assert isinstance(limit, int)
    return limit


async def _readiness(client: httpx2.AsyncClient) -> str:
    try:
        answer = await client.get("/readyz")
    except httpx2.TimeoutException:
        return HANG
    except httpx2.TransportError:
        return NO_CONNECTION
    if answer.status_code == httpx2.codes.OK:
        return "200"
    detail: Mapping[str, object] = answer.json()
    return f"{answer.status_code}: {detail.get('detail', '')}"


def outcomes(asked: Sequence[Asked]) -> Counter[str]:
    """How many of each outcome."""
    return Counter(each.outcome for each in asked)

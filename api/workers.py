"""Several processes that serve together: begun, watched, begun anew when one dies, and ended together.

They are forked from a parent that loads no model and has no threads: models and their threads don't outlive a fork.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from socket import socket, socketpair

from api.budgets import IN_MEMORY
from api.keys import Key, Keyring
from core.door_errors import CountedApart, TooManyWorkers, WorkerFailed
from core.errors import LycheeError
from core.settings import Settings

AGAIN_AFTER_SECONDS = 5.0
"""After a process that could not begin; whatever it lacked may come back."""
MOST_A_PROCESSOR = 4
_TOLD = (signal.SIGTERM, signal.SIGINT)
Refusal = tuple[str, int]
"""A sentence, and the exit code that goes with it."""
Work = Callable[[Callable[[], None]], None]
"""Serves until SIGTERM comes, and calls what it is given once it does."""
log = logging.getLogger("lychee.workers")
_FORK = multiprocessing.get_context("fork")


def check_workers(workers: int, settings: Settings, keyring: Keyring) -> None:
    """Refuses what several processes can't do well: TooManyWorkers, CountedApart, UnsafeKeyring."""
    most = MOST_A_PROCESSOR * len(os.sched_getaffinity(0))
    if workers > most:
        raise TooManyWorkers(workers, most)
    if settings.rate_store != IN_MEMORY:
        return
    if settings.rate_limit is not None:
        raise CountedApart(workers, "LYCHEE_RATE_LIMIT")
    for key in filter(_is_rated, keyring.keys()):
        raise CountedApart(workers, f"the rate of key {key.id}")


def _is_rated(key: Key) -> bool:
    return key.rate is not None and key.revoked is None


@dataclass(slots=True)
class _Worker:
    process: ForkProcess
    wire: Connection
    answers: bool = False
    refusal: Refusal | None = None

    @classmethod
    def begun(cls, work: Work) -> _Worker:
        ours, theirs = _FORK.Pipe(duplex=False)
        process = _FORK.Process(target=_working, args=(work, theirs, os.getpid()))
        with _signals_held():
            process.start()
        theirs.close()
        return cls(process, ours)

    def listen(self) -> None:
        """What it has said since it was asked last."""
        with suppress(EOFError, OSError):
            while not self.wire.closed and self.wire.poll():
                self.refusal = self.wire.recv()
                self.answers = self.refusal is None

    def failed(self) -> WorkerFailed:
        """Why it ended."""
        self.process.join()
        if self.refusal is not None:
            return WorkerFailed(*self.refusal)
        code = self.process.exitcode or 0
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return WorkerFailed(f"a worker ended with {how} before it could answer; its log may say why")


class Workers:
    """So many processes at work; one that dies is replaced at once."""

    def __init__(
        self, count: int, work: Work, *, finishing_seconds: float, buried: Callable[[int], None]
    ) -> None:
        """`buried` is called with the id of each process that has ended."""
        self._count, self._work, self._buried = count, work, buried
        self._finishing_seconds = finishing_seconds
        self._running: list[_Worker] = []
        self._is_complete = False
        self._not_before = 0.0

    def run(self, complete: Callable[[], None]) -> None:
        """Until SIGTERM or SIGINT; `complete` is called once, when all answer; WorkerFailed when that can't be."""
        with _told() as told:
            try:
                while not told.times:
                    self._fill()
                    self._wait(told)
                    self._look()
                    if not self._is_complete and self._answering() == self._count:
                        self._is_complete = True
                        complete()
            finally:
                self._end(told)

    def _answering(self) -> int:
        return sum(worker.answers for worker in self._running)

    def _fill(self) -> None:
        # The first begins alone: what can't be is said once, and what it mends at its start the others find done.
        wanted = self._count if self._is_complete or self._answering() else 1
        while len(self._running) < wanted and time.monotonic() >= self._not_before:
            self._running.append(_Worker.begun(self._work))

    def _wait(self, told: _Told) -> None:
        awaited: list[Connection | socket | int] = [told.bell]
        awaited += [worker.process.sentinel for worker in self._running]
        awaited += [worker.wire for worker in self._running if not worker.answers]
        pause = self._not_before - time.monotonic()
        wait(awaited, pause if len(self._running) < self._count and pause > 0 else None)

    def _look(self) -> None:
        for worker in list(self._running):
            is_dead = not worker.process.is_alive()
            worker.listen()
            if is_dead:
                self._bury(worker)

    def _bury(self, worker: _Worker) -> None:
        failure = worker.failed()
        self._running.remove(worker)
        worker.wire.close()
        self._buried(worker.process.pid or 0)
        if worker.answers:
            log.warning("worker %s ended (%s); another begins", worker.process.pid, worker.process.exitcode)
            return
        if not (self._is_complete and self._answering()):
            raise failure
        self._not_before = time.monotonic() + AGAIN_AFTER_SECONDS
        log.warning("a worker could not begin, which is tried again: %s", failure)

    def _end(self, told: _Told) -> None:
        """Each finishes what is under way; who takes too long, or is told twice, is ended."""
        for worker in self._running:
            worker.process.terminate()
        times, until = told.times, time.monotonic() + self._finishing_seconds
        while (left := until - time.monotonic()) > 0 and told.times <= max(times, 1):
            living = [worker.process.sentinel for worker in self._running if worker.process.is_alive()]
            if not living:
                break
            wait([told.bell, *living], left)
            told.hush()
        for worker in self._running:
            worker.process.kill()
            worker.process.join()


@dataclass(slots=True)
class _Told:
    """How often this process was told to end, and what wakes it when it is."""

    bell: socket
    times: int = 0

    def tell(self, *_: object) -> None:
        self.times += 1

    def hush(self) -> None:
        with suppress(BlockingIOError):
            self.bell.recv(64)


@contextmanager
def _told() -> Iterator[_Told]:
    bell, rope = socketpair()
    with bell, rope:
        bell.setblocking(False)
        rope.setblocking(False)
        told = _Told(bell)
        before = {each: signal.signal(each, told.tell) for each in _TOLD}
        rung = signal.set_wakeup_fd(rope.fileno(), warn_on_full_buffer=False)
        try:
            yield told
        finally:
            signal.set_wakeup_fd(rung)
            for each, handler in before.items():
                signal.signal(each, handler)


@contextmanager
def _signals_held() -> Iterator[None]:
    """None is lost to a process that has just been forked, and still has its parent's handlers."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _TOLD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD)


def _working(work: Work, wire: Connection, parent: int) -> None:
    """What a forked process does."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A terminal's Ctrl-C reaches all of them: the parent alone acts on it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TOLD)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    try:
        work(lambda: wire.send(None))
    except LycheeError as error:
        wire.send((str(error), error.exit_code))
        sys.exit(error.exit_code)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os.kill(os.getpid(), signal.SIGTERM)

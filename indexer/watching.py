"""An ingest or a rebuild at the terminal: progress with rate and time left on stderr, and Ctrl-C that loses nothing."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from core.command import note

_SECONDS_A_LINE = 10.0


class TerminalWatch:
    """Shows how it goes: a bar on a terminal, a plain line now and then elsewhere."""

    def __init__(self, *, quiet: bool = False, doing: str = "ingesting", what: str = "rows") -> None:
        self._stopping = False
        self._quiet, self._doing, self._what = quiet, doing, what
        self._done, self._total, self._started = 0, 0, time.monotonic()
        self._next_line = self._started + _SECONDS_A_LINE
        self._bar: Progress | None = None
        self._task = TaskID(0)

    def begin(self, total: int | None) -> None:
        self._total = total or 0
        if sys.stderr.isatty() and not self._quiet:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
            )
            self._bar = Progress(*columns, console=Console(stderr=True))
            self._task = self._bar.add_task(self._doing, total=total, rate="")
            self._bar.start()

    def advance(self, rows: int) -> None:
        self._done += rows
        rate = self._done / max(time.monotonic() - self._started, 1e-9)
        if self._bar is not None:
            self._bar.update(self._task, completed=self._done, rate=f"{rate:,.0f} a second")
        elif not self._quiet and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _SECONDS_A_LINE
            left = f", {max(0, self._total - self._done) / rate:,.0f} s left" if self._total else ""
            done = f"{self._done:,} of {self._total or '?':,} {self._what}"
            note(f"{self._doing}: {done}, {rate:,.0f} a second{left}")

    def publishing(self) -> None:
        if self._bar is not None:
            self._bar.update(self._task, description="building the index")

    def stopping(self) -> bool:
        return self._stopping

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While it lasts, the first Ctrl-C asks it to end after the transaction it is in."""
        before = signal.signal(signal.SIGINT, self._stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            if self._bar is not None:
                self._bar.stop()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        # A second one ends the process at once: the catalog's transactions make that safe too.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        note(f"stopping after the {self._what} in work; press Ctrl-C again to stop at once")

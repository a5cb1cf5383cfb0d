"""Runs one target for so long: counts examples, keeps what broke it, what took longest and what took most memory."""

from __future__ import annotations

import re
import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.strategies import SearchStrategy

SLOW_SECONDS, MUCH_MEMORY = 1.0, 500_000_000
"""What a small input may take, in time of the processor; more is a finding."""
_A_ROUND = 100
_DIGITS = re.compile(r"(?:0x)?[0-9a-fA-F]*[0-9][0-9a-fA-F]*|'[^']*'")
"""What differs between two examples of one error."""


@dataclass(frozen=True, slots=True)
class Target:
    """What is tried: inputs, what is done with one, and the errors that are an answer to it."""

    name: str
    inputs: SearchStrategy[Any]
    check: Callable[[Any], object]
    refusals: tuple[type[Exception], ...] = ()

    def answers(self, example: Any) -> None:
        """Tries one input; anything that is no refusal comes out."""
        try:
            self.check(example)
        except self.refusals:
            return


@dataclass(slots=True)
class Found:
    """What a run found out."""

    target: str
    seed: int
    examples: int = 0
    seconds: float = 0.0
    worked_seconds: float = 0.0
    """Of them, those that the processor was ours: on a busy machine few."""
    crashes: dict[str, str] = field(default_factory=dict)
    """An example by the place where it broke."""
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")

    @property
    def is_clean(self) -> bool:
        """Whether nothing broke and nothing took more than it may."""
        return not self.crashes and self.slowest[0] <= SLOW_SECONDS and self.largest[0] <= MUCH_MEMORY

    def lines(self) -> list[str]:
        """For people."""
        told = [
            f"{self.target}: {self.examples:,} examples in {self.seconds:.0f} s "
            f"({self.worked_seconds:.0f} s of the processor), seed {self.seed}, "
            f"{len(self.crashes)} crashes",
            f"  slowest {1000 * self.slowest[0]:,.0f} ms: {self.slowest[1]}",
            f"  largest {self.largest[0] / 1e6:,.0f} MB: {self.largest[1]}",
        ]
        return told + [f"  CRASH {where}\n    {example}" for where, example in self.crashes.items()]


def run(target: Target, *, seconds: float, first_seed: int) -> Found:
    """Tries inputs until the time is over; the same seed makes the same ones."""
    found, started, worked = Found(target.name, first_seed), time.monotonic(), time.process_time()
    until, round_seed = started + seconds, first_seed
    while time.monotonic() < until:
        _round(target, found, round_seed, until)
        round_seed += 1
    found.seconds, found.worked_seconds = time.monotonic() - started, time.process_time() - worked
    return found


def _round(target: Target, found: Found, round_seed: int, until: float) -> None:
    @seed(round_seed)
    @settings(
        max_examples=_A_ROUND, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(target.inputs)
    def tried(example: Any) -> None:
        if time.monotonic() < until:
            attempt(target, found, example)

    tried()


def attempt(target: Target, found: Found, example: Any) -> None:
    """Tries one input, and notes what came of it."""
    before, started = _peak(), time.process_time()
    try:
        target.answers(example)
    except (Exception, BaseExceptionGroup) as error:  # whatever comes is what is looked for
        found.crashes.setdefault(_place(error), shown(example))
    took, grown = time.process_time() - started, _peak() - before
    found.examples += 1
    if took > found.slowest[0]:
        found.slowest = (took, shown(example))
    if grown > found.largest[0]:
        found.largest = (grown, shown(example))


def shown(example: object) -> str:
    """An example on one line, shortened in the middle."""
    text = repr(example)
    return text if len(text) <= 600 else f"{text[:400]} … {text[-150:]} ({len(text):,} characters)"


def _place(error: BaseException) -> str:
    """Which error, and the last lines of ours that it came through."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        f"{Path(each.filename).name}:{each.lineno}" for each in frames if "site-packages" not in each.filename
    ]
    return f"{type(error).__name__}: {_DIGITS.sub('#', str(error)[:200])} ({' '.join(ours[-3:])})"


def _peak() -> int:
    """The most memory that this process has held; only what exceeds all before it shows."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

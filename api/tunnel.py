"""A public address for a server that has none: the tunnel program that the user has, started, read and stopped."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import TunnelProblem

ADDRESS_SECONDS = 45.0
"""How long a tunnel may take to name its address."""
STOP_SECONDS = 8.0
"""How long its end is waited for: longer than the keeper's patience."""
_KEEPER = Path(__file__).with_name("tunnel_keeper.py")
_SSH_HOST = re.compile(r"[A-Za-z0-9_.@\[\]:][A-Za-z0-9_.@\[\]:-]*")
# What it prints also names its terms and, where it fails, the address it asked for a tunnel.
_OF_CLOUDFLARED = re.compile(r"(https://(?!api\.)[a-z0-9-]+\.trycloudflare\.com)\b")
# Tunnel hosts greet with links to their manuals: the address stands alone, or behind what it is.
_OF_SSH = re.compile(r"(?i)(?:\b(?:tunneled|forwarding)\b.*?|^\s*)(https?://[^\s\]]+)\s*$")
_KEPT_LINES = 5


@dataclass(frozen=True, slots=True)
class TunnelPlan:
    """Which program opens the tunnel, and how its words are read."""

    command: tuple[str, ...]
    address: re.Pattern[str]

    @property
    def program(self) -> str:
        return self.command[0]


def tunnel_plan(wanted: str, local: str) -> TunnelPlan:
    """The plan of `cloudflared` or `ssh:HOST` to our own `local` address, such as 127.0.0.1:7860.

    TunnelProblem for another, or where the program is missing.
    """
    kind, _, host = wanted.partition(":")
    if wanted == "cloudflared":
        plan = TunnelPlan(("cloudflared", "tunnel", "--url", f"http://{local}"), _OF_CLOUDFLARED)
    elif kind == "ssh" and _SSH_HOST.fullmatch(host):
        options = ("-T", "-o", "ExitOnForwardFailure=yes", "-o", "ServerAliveInterval=30")
        plan = TunnelPlan(("ssh", *options, "-R", f"80:{local}", host), _OF_SSH)
    else:
        raise TunnelProblem(wanted, "it is neither `cloudflared` nor `ssh:HOST`, such as ssh:localhost.run")
    if shutil.which(plan.program) is None:
        raise TunnelProblem(plan.program, "there is no such program here; install it, or leave out --tunnel")
    return plan


class Tunnel:
    """A running tunnel program."""

    def __init__(self, plan: TunnelPlan, process: asyncio.subprocess.Process) -> None:
        self._plan, self._process = plan, process
        self._said: deque[str] = deque(maxlen=_KEPT_LINES)

    async def address(self) -> str:
        """The public address, once the program names it; TunnelProblem when it doesn't."""
        try:
            async with asyncio.timeout(ADDRESS_SECONDS):
                async for line in self._lines():
                    if found := self._plan.address.search(line):
                        return found[1].rstrip("/.")
        except TimeoutError as error:
            reason = f"it named no address within {ADDRESS_SECONDS:.0f} seconds{self._last_words()}"
            raise TunnelProblem(self._plan.program, reason) from error
        raise TunnelProblem(self._plan.program, f"it ended{self._last_words()}")

    async def ended(self) -> str:
        """Waits until the program ends, and answers why, as far as it says."""
        async for _ in self._lines():
            pass  # Unread words would fill the pipe and stop the program.
        return f"it ended{self._last_words()}"

    async def stop(self) -> None:
        """Ends the program: the keeper does, when its standard input closes."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        # Something that the program had started may hold its output open for longer.
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await self.ended()
                await self._process.wait()

    async def _lines(self) -> AsyncIterator[str]:
        output = self._process.stdout
        while output is not None:
            try:
                raw = await output.readline()
            except ValueError:  # a line longer than the reader's buffer says nothing to us
                continue
            if not raw:
                return
            line = raw.decode("utf-8", "replace").strip()
            if line:
                self._said.append(line)
            yield line

    def _last_words(self) -> str:
        return f": {' / '.join(self._said)}" if self._said else " without a word"


@asynccontextmanager
async def open_tunnel(plan: TunnelPlan) -> AsyncIterator[Tunnel]:
    """The tunnel, for as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(_KEEPER)),
        *plan.command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    tunnel = Tunnel(plan, process)
    try:
        yield tunnel
    finally:
        await tunnel.stop()

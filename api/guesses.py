"""Slows down who guesses a password: each sender after a few tries, and all senders together."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from dataclasses import dataclass

FREE_TRIES = 3
"""Wrong passwords of one sender that cost no wait: people mistype."""
LONGEST_WAIT = 300.0
FORGOTTEN_AFTER = 3600.0
TRIES_OF_ALL = 30
"""Wrong passwords a minute from all senders who never knew the right one."""
MINUTE = 60.0
_REMEMBERED = 10_000


@dataclass(slots=True)
class _Sender:
    wrong: int = 0
    last: float = 0.0
    known: bool = False
    """Whether it once had the right password: strangers' guesses don't keep it out."""


class Guesses:
    """What was guessed so far, by sender; the caller holds the lock and brings the clock."""

    def __init__(self) -> None:
        self._senders: OrderedDict[str, _Sender] = OrderedDict()
        self._strangers: deque[float] = deque()

    def wait(self, address: str, now: float) -> float:
        """Seconds until the sender may try again; 0 for now."""
        # Who is only asked about isn't remembered: refused guesses would push out the senders that count.
        sender = self._senders.get(network_of(address), _Sender())
        own = 0.0
        if sender.wrong >= FREE_TRIES and now - sender.last <= FORGOTTEN_AFTER:
            own = sender.last + min(2.0 ** (sender.wrong - FREE_TRIES), LONGEST_WAIT) - now
        while self._strangers and self._strangers[0] <= now - MINUTE:
            self._strangers.popleft()
        crowded = len(self._strangers) >= TRIES_OF_ALL and not sender.known
        return max(0.0, own, self._strangers[0] + MINUTE - now if crowded else 0.0)

    def wrong(self, address: str, now: float) -> None:
        """One more wrong password."""
        sender = self._sender(address, now)
        sender.wrong, sender.last = sender.wrong + 1, now
        if not sender.known:
            self._strangers.append(now)

    def right(self, address: str, now: float) -> None:
        """The sender knows the password."""
        sender = self._sender(address, now)
        sender.wrong, sender.known = 0, True

    def _sender(self, address: str, now: float) -> _Sender:
        name = network_of(address)
        sender = self._senders.setdefault(name, _Sender())
        self._senders.move_to_end(name)
        if len(self._senders) > _REMEMBERED:
            self._senders.popitem(last=False)
        if now - sender.last > FORGOTTEN_AFTER:
            sender.wrong = 0
        return sender


def network_of(address: str) -> str:
    """The sender behind an address: a household has a whole /64 of IPv6 addresses to guess from."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 6 and parsed.ipv4_mapped is None:
        return str(ipaddress.ip_network(f"{parsed}/64", strict=False))
    return str(parsed)

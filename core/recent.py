"""What was used most recently, by name: the one cache of the house."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """At most `kept` values; what was not used for longest goes first. Safe for many threads."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._values: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()
        self.found = self.missed = 0
        """How often `get` had an answer, and had none."""

    def __len__(self) -> int:
        return len(self._values)

    def keep(self, name: K, value: V) -> None:
        """Remembers a value under its name."""
        with self._lock:
            self._values[name] = value
            self._trim(name)

    def kept_or(self, name: K, value: V) -> V:
        """The value that is remembered; where none is, this one from now on."""
        with self._lock:
            found = self._values.setdefault(name, value)
            self._trim(name)
            return found

    def forget(self, name: K) -> None:
        """Nothing is remembered under that name any more."""
        with self._lock:
            self._values.pop(name, None)

    def get(self, name: K) -> V | None:
        """The value, if it is still remembered."""
        with self._lock:
            if name not in self._values:
                self.missed += 1
                return None
            self.found += 1
            self._values.move_to_end(name)
            return self._values[name]

    def _trim(self, used: K) -> None:
        self._values.move_to_end(used)
        while len(self._values) > self._kept:
            self._values.popitem(last=False)

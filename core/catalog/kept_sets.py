"""The sets of products that filters came to, remembered for as long as nothing changes."""

from __future__ import annotations

import threading
from collections import OrderedDict

from core.filters import Filter
from core.key_set import KeySet

MAX_BYTES = 64 << 20
"""What the sets of one catalog take in memory at most: five hundred that half of a million products are in."""
ENTRY_BYTES = 500
"""What a set and the filter that it belongs to take beside the keys."""


class KeptSets:
    """One catalog's sets of one revision, the most recently used ones; safe for many threads."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._revision, self._bytes = -1, 0
        self._sets: OrderedDict[Filter, tuple[KeySet, int]] = OrderedDict()

    def get(self, revision: int, tree: Filter) -> KeySet | None:
        """What the filter comes to, if it was worked out in that revision and is still remembered."""
        with self._lock:
            if revision != self._revision or tree not in self._sets:
                return None
            known, _ = self._sets[tree]
            self._hold(tree, known)
            return known

    def kept_or(self, revision: int, tree: Filter, found: KeySet) -> KeySet:
        """What is remembered; where nothing is, this set from now on. Of older revisions nothing is."""
        with self._lock:
            if revision < self._revision:
                return found
            if revision > self._revision:
                self._revision, self._bytes = revision, 0
                self._sets.clear()
            known, _ = self._sets.get(tree, (found, 0))
            self._hold(tree, known)
            return known

    def _hold(self, tree: Filter, known: KeySet) -> None:
        """Weighs a set each time it is used: it grows once somebody asks for its other form."""
        _, weighed = self._sets.pop(tree, (known, 0))
        size = known.held_bytes + ENTRY_BYTES
        self._sets[tree] = known, size
        self._bytes += size - weighed
        while self._bytes > self._max_bytes and len(self._sets) > 1:
            _, (_, dropped) = self._sets.popitem(last=False)
            self._bytes -= dropped

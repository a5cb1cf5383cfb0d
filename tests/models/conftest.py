"""Small checkpoints of the real architectures, and judges loaded from them by the production path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bench.random_checkpoint import TINY, image_processor, qwen3, qwen25, save, tokenizer
from core.encoder import Encoder
from core.language import Language
from core.settings import Settings
from rerank.judgement import Picture
from rerank.loading import load_reranker
from rerank.lychee import LycheeReranker
from tests.color_encoder import ColorEncoder

KINDS = ("qwen25", "qwen3")
# Such small tensors are done before a second thread has begun.
torch.set_num_threads(1)
Load = Callable[..., LycheeReranker]


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each kind, as it would come from the hub."""
    words, folder = tokenizer(), tmp_path_factory.mktemp("checkpoints")
    return {
        "qwen25": save(folder / "qwen25", model=qwen25(TINY, words), words=words, images=image_processor()),
        "qwen3": save(folder / "qwen3", model=qwen3(words), words=words, images=image_processor(16)),
    }


@pytest.fixture(scope="session")
def load(language: Language, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Loads the judge that the settings name."""
    encoder: Encoder = ColorEncoder()

    def loaded(model: Path | str, **settings: Any) -> LycheeReranker:
        there = {"data": tmp_path_factory.mktemp("data"), "device": "cpu", "dtype": "float32", **settings}
        judge = load_reranker(
            Settings(reranker="lychee", reranker_model=str(model), **there), encoder, language
        )
        assert isinstance(judge, LycheeReranker)
        return judge

    return loaded


@pytest.fixture(scope="session", params=KINDS)
def judge(request: pytest.FixtureRequest, checkpoints: dict[str, Path], load: Load) -> LycheeReranker:
    """A judge of each kind."""
    return load(checkpoints[request.param])


def noise(height: int, width: int, *, seed: int = 0) -> Picture:
    """A picture without any two like pixels, read-only as decoded ones are."""
    drawn = np.random.default_rng([height, width, seed]).integers(0, 256, (height, width, 3), dtype=np.uint8)
    drawn.flags.writeable = False
    return Picture.of(drawn)

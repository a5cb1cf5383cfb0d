"""Without its packages the lychee judge is refused by name, and nothing but asking for it needs them."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from core.errors import MissingExtra
from core.language import Language
from core.settings import Settings
from rerank.loading import load_reranker
from tests.color_encoder import ColorEncoder

HEAVY = ("torch", "torchvision", "transformers", "open_clip", "tokenizers", "huggingface_hub")


@pytest.mark.skipif(find_spec("torch") is not None, reason="the extra is installed")
def test_a_missing_extra_is_named(language: Language, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, reranker="lychee")

    with pytest.raises(MissingExtra, match=r"the lychee judge needs .*pip install 'lychee-search\[lychee\]'"):
        load_reranker(settings, ColorEncoder(), language)


def test_searching_and_serving_load_no_heavy_model_library() -> None:
    script = f"import sys, api.app, search, indexer.cli, rerank.loading; print([n for n in {HEAVY} if n in sys.modules])"

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_only_the_lychee_judge_can_be_warmed(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "lychee",
        "ingest",
        "nowhere.csv",
        "--warm-judge",
        "--data",
        str(tmp_path),
    ]

    found = subprocess.run(command, capture_output=True, text=True, check=False)

    assert found.returncode == 2
    assert "for the lychee judge" in found.stderr

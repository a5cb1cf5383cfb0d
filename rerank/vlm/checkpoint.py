"""Loads the judge's model from the hub or a folder, and refuses what would answer nonsense: wrong kinds, missing weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from safetensors import SafetensorError
from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

from core.devices import NAMES, device_of, dtype_of
from core.errors import RerankerProblem
from core.settings import Settings
from rerank.vlm.precision import quantization_of
from rerank.vlm.running import is_out_of_memory

KINDS = {"qwen2_5_vl": "Qwen2.5-VL", "qwen3_vl": "Qwen3-VL"}
"""Architectures whose rerankers read this prompt: lychee-rerank-mm, and Qwen3-VL-Reranker."""
_NEEDED = ("config.json", "preprocessor_config.json", "tokenizer*.json", "*.safetensors")
_WANTED = ["*.json", "*.safetensors", "merges.txt", "*.jinja"]
_SAMPLE, _EVERY = 1 << 20, 64 << 20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model that is ready to judge, and what goes with it."""

    name: str
    revision: str
    """The hub's commit, or a digest of the folder's content."""
    model: Any
    tokenizer: Any
    image_processor: Any
    quantized: str = "none"

    @property
    def device(self) -> torch.device:
        found: torch.device = self.model.device
        return found

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of what is not quantized."""
        found: torch.dtype = self.model.lm_head.weight.dtype
        return found

    @property
    def identity(self) -> str:
        """Names everything that the numbers come from."""
        quantized = "" if self.quantized == "none" else f"+{self.quantized}"
        return f"{self.name}@{self.revision}+{NAMES[self.dtype]}{quantized}"

    @property
    def token_side(self) -> int:
        """A visual token shows a square of so many pixels a side: 28, or 32 for Qwen3-VL."""
        return int(self.image_processor.patch_size * self.image_processor.merge_size)


def load_checkpoint(settings: Settings) -> Checkpoint:
    """The checkpoint that the settings name; InvalidSetting, MissingExtra, RerankerProblem."""
    name = settings.reranker_model
    device = device_of(settings.device)
    dtype = dtype_of(settings.dtype, device)
    quantization = quantization_of(settings.quantize, dtype)
    folder, revision = _folder_of(name)
    _check(name, folder)
    with _problems_named(name):
        model = _model(name, folder, device, dtype=dtype, quantization_config=quantization)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        images = AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    return Checkpoint(name, revision, model, tokenizer, images, settings.quantize)


def _model(name: str, folder: Path, device: torch.device, **options: Any) -> Any:
    # Straight onto the GPU: the CPU's memory need not hold the weights first.
    placed = {"device_map": {"": device}} if device.type == "cuda" else {}
    model, found = AutoModelForImageTextToText.from_pretrained(
        folder, local_files_only=True, use_safetensors=True, output_loading_info=True, **options, **placed
    )
    # transformers fills what a checkpoint lacks with random numbers, and goes on.
    if missing := sorted(found["missing_keys"]):
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise RerankerProblem(name, f"the checkpoint lacks weights: {', '.join(missing[:3])}{more}")
    return model.eval().requires_grad_(False)


def _folder_of(name: str) -> tuple[Path, str]:
    """The folder with the checkpoint's files, fetched from the hub where it is not one, and its revision."""
    if Path(name).is_dir():
        return Path(name), _content_digest(Path(name))
    try:
        folder = Path(snapshot_download(name, allow_patterns=_WANTED))
    except HFValidationError as error:
        raise RerankerProblem(name, "there is no such folder, and it is no name of the hub's") from error
    except GatedRepoError as error:
        raise RerankerProblem(
            name, "the hub asks for access first; log in with `huggingface-cli login`"
        ) from error
    except RepositoryNotFoundError as error:
        raise RerankerProblem(name, "neither a folder nor a model of the hub has that name") from error
    except (LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        reason = (
            "it is not on this machine and the hub can't be reached; set LYCHEE_RERANKER_MODEL to a folder"
        )
        raise RerankerProblem(name, reason) from error
    return folder, folder.name[:12]


def _check(name: str, folder: Path) -> None:
    if missing := [pattern for pattern in _NEEDED if not any(folder.glob(pattern))]:
        raise RerankerProblem(name, f"{folder} has no {', no '.join(missing)}")
    try:
        kind = json.loads((folder / "config.json").read_text("utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise RerankerProblem(name, f"its config.json can't be read ({error})") from error
    if kind not in KINDS:
        raise RerankerProblem(name, f"it is a {kind!r} model, not {' or '.join(KINDS.values())}")


def _content_digest(folder: Path) -> str:
    """Small files whole; of large ones their size and a megabyte of every 64: merged weights differ all over."""
    digest = hashlib.blake2b(digest_size=6)
    for path in sorted(path for path in folder.iterdir() if path.suffix in (".json", ".safetensors", ".txt")):
        size = path.stat().st_size
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as file:
            for start in range(0, size, _SAMPLE if size < _EVERY else _EVERY):
                file.seek(start)
                digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


@contextmanager
def _problems_named(name: str) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise RerankerProblem(name, f"its files can't be loaded: {_sentence(error)}") from error
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            reason = "its weights don't fit into the memory; set LYCHEE_QUANTIZE=8bit or 4bit, or choose a smaller one"
            raise RerankerProblem(name, reason) from error
        raise RerankerProblem(name, f"its files can't be loaded: {_sentence(error)}") from error


def _sentence(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]

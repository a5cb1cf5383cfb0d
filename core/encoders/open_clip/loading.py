"""Builds the model that a source names and fills it with its weights: all of them, or an error that says what to do."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip

from core.encoders.open_clip.running import is_out_of_memory
from core.encoders.open_clip.source import Source
from core.errors import EncoderProblem


def model_of(source: Source) -> Any:
    """open_clip's own module on the CPU, in float32, ready to answer. Raises EncoderProblem."""
    with _problems_named(source), _without_notice():
        model = open_clip.create_model(
            source.architecture,
            load_weights=False,
            pretrained_text=False,
            force_quick_gelu=source.has_quick_gelu,
            force_preprocess_cfg=dict(source.preprocessing),
        )
        # Strict, and always: a model that kept a random number would answer nonsense without a word.
        open_clip.load_checkpoint(model, str(source.checkpoint), strict=True, weights_only=True)
    return model.eval().requires_grad_(False)


def tokenizer_of(source: Source) -> Any:
    """open_clip's tokenizer of the model: texts to ids of shape (n, context length). Raises EncoderProblem."""
    try:
        return open_clip.get_tokenizer(source.architecture)
    except (OSError, ValueError, KeyError, TypeError) as error:
        wanted = source.structure["text_cfg"].get("hf_tokenizer_name", "its tokenizer")
        where = "the folder" if source.architecture.startswith("local-dir:") else "the hub's cache"
        reason = f"the tokenizer {wanted} can't be loaded: put its files (tokenizer.json …) into {where}"
        raise EncoderProblem(source.name, reason) from error


@contextmanager
def _problems_named(source: Source) -> Iterator[None]:
    file = Path(source.checkpoint).name
    try:
        yield
    except (pickle.UnpicklingError, EOFError, AttributeError) as error:
        reason = f"{file} is no checkpoint of weights alone ({_sentence(error)})"
        raise EncoderProblem(source.name, reason) from error
    except (RuntimeError, KeyError, TypeError, ValueError, AssertionError, MemoryError) as error:
        if is_out_of_memory(error):
            raise EncoderProblem(source.name, "its weights don't fit into the memory") from error
        reason = f"{file} doesn't fit the architecture {source.architecture} ({_sentence(error)})"
        raise EncoderProblem(source.name, f"{reason}; name the one it was trained as") from error
    except OSError as error:
        wanted = source.structure["text_cfg"].get("hf_model_name", "another repository")
        reason = (
            f"a part of it can't be had ({_sentence(error)}); fetch {wanted} where the hub can be reached"
        )
        raise EncoderProblem(source.name, reason) from error
    except Exception as error:  # safetensors raises a class of its own
        reason = f"{file} can't be loaded ({_sentence(error)})"
        raise EncoderProblem(source.name, reason) from error


@contextmanager
def _without_notice() -> Iterator[None]:
    """Keeps open_clip from warning that the weights are random: they are not, a moment later."""

    def is_worth_it(record: logging.LogRecord) -> bool:
        return "initialized randomly" not in record.getMessage()

    root = logging.getLogger()
    root.addFilter(is_worth_it)
    try:
        yield
    finally:
        root.removeFilter(is_worth_it)


def _sentence(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).strip().splitlines()]
    return (" ".join(lines[:2]) if lines else type(error).__name__)[:200]

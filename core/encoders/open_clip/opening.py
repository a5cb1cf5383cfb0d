"""From a source to a model that runs: on a CPU converted once and kept, elsewhere as open_clip builds it."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
import openvino as ov
import torch
from open_clip.transform import PreprocessCfg

from core.devices import device_of, dtype_of
from core.encoders.open_clip.compiled import CompiledEngine, compiled
from core.encoders.open_clip.conversions import TOWERS, Conversions, Converted
from core.encoders.open_clip.converting import (
    Choice,
    picture_graph,
    quickest_for_pictures,
    right_for_texts,
    text_graph,
)
from core.encoders.open_clip.eager import EagerEngine
from core.encoders.open_clip.engine import Engine
from core.encoders.open_clip.loading import model_of, tokenizer_of
from core.encoders.open_clip.preparing import Preparation
from core.encoders.open_clip.samples import TEXTS, sample_pictures
from core.encoders.open_clip.source import Source
from core.encoders.open_clip.tokens import Tokens
from core.encoders.open_clip.towers import PictureTower, TextTower
from core.encoders.open_clip.traits import Traits
from core.errors import InvalidSetting
from core.settings import Settings

log = logging.getLogger("lychee.encoder")
RECIPE = "1"
"""Grows with every change of what a conversion makes."""
_CONVERTING = threading.Lock()
"""Torch follows one computation at a time."""


class _CannotConvert(Exception):
    """OpenVINO lacks something that the model needs."""


@dataclass(frozen=True, slots=True)
class Built:
    """A model's towers with its weights, as torch runs them."""

    pictures: PictureTower
    texts: TextTower
    traits: Traits


@dataclass(frozen=True, slots=True)
class Opened:
    """A model that runs, and what goes with it."""

    engine: Engine
    traits: Traits
    tokens: Tokens
    digest: str
    """Of weights, architecture and preprocessing."""


def opened(source: Source, settings: Settings) -> Opened:
    """Raises InvalidSetting, EncoderProblem."""
    tokenizer, digest = tokenizer_of(source), source.digest()
    device = device_of(settings.device)
    if device.type == "cpu":
        found = _on_cpu(source, settings, tokenizer=tokenizer, digest=digest)
    else:
        found = _eager(built(source), device, dtype_of(settings.dtype, device))
    engine, traits = found
    return Opened(engine, traits, Tokens(tokenizer, traits.span), digest)


def _on_cpu(source: Source, settings: Settings, *, tokenizer: Any, digest: str) -> tuple[Engine, Traits]:
    if settings.dtype == "float16":
        raise InvalidSetting(
            "LYCHEE_DTYPE", "float16", "on a CPU open_clip runs in auto, bfloat16 or float32"
        )

    def make() -> Converted:
        towers = built(source)
        try:
            return _converted(towers, Tokens(tokenizer, towers.traits.span), settings.dtype)
        except Exception as error:  # whatever a foreign model makes a foreign converter raise
            raise _CannotConvert from error

    try:
        with _CONVERTING:
            found = Conversions(settings.data / "encoders").get(_key(digest, settings.dtype), make)
    except _CannotConvert as error:
        log.warning("OpenVINO can't convert %s, torch runs it: %s", source.name, error.__cause__)
        cpu = torch.device("cpu")
        return _eager(built(source), cpu, dtype_of(settings.dtype, cpu))
    return _compiled(found), Traits.of_json(found.facts["traits"])


def _eager(towers: Built, device: torch.device, dtype: torch.dtype) -> tuple[Engine, Traits]:
    return EagerEngine(towers.pictures, towers.texts, device=device, dtype=dtype), towers.traits


def built(source: Source) -> Built:
    """The towers with their weights, on the CPU. Raises EncoderProblem."""
    model = model_of(source)
    preprocessing = model.visual.preprocess_cfg
    texts = TextTower(model)
    pictures = PictureTower(model, Preparation.of(PreprocessCfg(**preprocessing)))
    traits = Traits(int(source.structure["embed_dim"]), preprocessing, texts.span)
    return Built(pictures.eval(), texts.eval(), traits)


def _converted(towers: Built, tokens: Tokens, dtype: str) -> Converted:
    preparation = Preparation.of(PreprocessCfg(**towers.traits.preprocessing))
    pixels = np.stack([preparation.prepare(each) for each in sample_pictures()])
    ids = [each for _, each in tokens.batches(TEXTS)]
    any_length = towers.traits.span.is_cut
    pictures = quickest_for_pictures(picture_graph(towers.pictures, pixels), pixels, dtype)
    graph = text_graph(towers.texts, torch.from_numpy(tokens.ids(TEXTS)), any_length=any_length)
    texts = right_for_texts(graph, ids, dtype)
    chosen = dict(zip(TOWERS, (pictures, texts), strict=True))
    for tower, choice in chosen.items():
        log.info("%s run in %s: cosine to float32 %.5f", tower, choice.numbers, choice.cosine)
    facts = {tower: choice.numbers for tower, choice in chosen.items()}
    cosines = {tower: choice.cosine for tower, choice in chosen.items()}
    whole = {**facts, "cosines": cosines, "traits": towers.traits.as_json()}
    return Converted({tower: choice.graph for tower, choice in chosen.items()}, whole)


def _compiled(found: Converted) -> Engine:
    models = []
    for tower in TOWERS:
        choice = Choice(found.graphs[tower], found.facts[tower], found.facts["cosines"][tower])
        models.append(compiled(choice.graph, choice.precision))
    numbers = ", ".join(f"{tower} in {found.facts[tower]}" for tower in TOWERS)
    return CompiledEngine(*models, numbers=numbers)


def _key(digest: str, dtype: str) -> str:
    """Names all that a conversion depends on: the quickest numbers of one CPU are not those of another."""
    core = ov.Core()
    chip = [core.get_property("CPU", name) for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")]
    facts = [RECIPE, digest, dtype, ov.get_version(), torch.__version__, *map(str, chip)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]

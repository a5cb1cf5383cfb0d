"""Which model the settings name: its architecture, its preprocessing, and the file with its weights, on this machine."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import open_clip

from core.encoders.open_clip.hub import HUB, hub_file, unreachable
from core.errors import EncoderProblem, InvalidSetting

MODEL, PRETRAINED = "LYCHEE_OPEN_CLIP_MODEL", "LYCHEE_OPEN_CLIP_PRETRAINED"
CONFIG = "open_clip_config.json"
WEIGHTS = (
    "open_clip_model.safetensors",
    "open_clip_pytorch_model.safetensors",
    "open_clip_pytorch_model.bin",
)
"""What the weights are called in a folder or a repository, the best first."""
_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_NAMED = 4
"""Of many names a message shows so many."""


@dataclass(frozen=True, slots=True)
class Source:
    """An architecture and a file with weights for it."""

    name: str
    """As the settings have it, for messages."""
    architecture: str
    """open_clip's name for it: a built-in one, hf-hub:org/name, or local-dir:path."""
    checkpoint: Path
    structure: Mapping[str, Any]
    """What the model is built from."""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """What a picture goes through, where it isn't open_clip's default."""

    @property
    def has_quick_gelu(self) -> bool:
        """Whether the weights were trained with OpenAI's quick form of GELU; with the other one they answer nonsense."""
        return bool(self.structure.get("quick_gelu", False))

    def digest(self) -> str:
        """Of the weights' bytes, the architecture and the preprocessing, wherever they lie: 16 hex digits."""
        with self.checkpoint.open("rb") as file:
            weights = hashlib.file_digest(file, "sha256").hexdigest()
        facts = [weights, self.structure, self.preprocessing]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def source_of(model: str, pretrained: str | None) -> Source:
    """Fetches from the hub what is not on this machine yet. Raises InvalidSetting, EncoderProblem."""
    is_whole = model.startswith(HUB) or Path(model).exists()
    if is_whole and pretrained:
        raise InvalidSetting(PRETRAINED, pretrained, f"leave it out: {model} brings its own weights")
    if model.startswith(HUB):
        return _from_hub(model)
    return _from_path(Path(model)) if is_whole else _built_in(model, pretrained)


def _from_hub(name: str) -> Source:
    repository = name.removeprefix(HUB)
    config = hub_file(name, repository, [CONFIG], MODEL)
    return _configured(name, name, config, hub_file(name, repository, WEIGHTS, MODEL))


def _from_path(path: Path) -> Source:
    folder = path if path.is_dir() else path.parent
    config = folder / CONFIG
    if not config.is_file() and path.is_dir():
        raise EncoderProblem(str(path), f"the folder has no {CONFIG}")
    if not config.is_file():
        reason = f"no {CONFIG} lies beside it: name its architecture here, and the file as {PRETRAINED}"
        raise InvalidSetting(MODEL, str(path), reason)
    weights = _folder_weights(path) if path.is_dir() else path
    return _configured(str(path), f"local-dir:{folder.resolve()}", config, weights)


def _folder_weights(folder: Path) -> Path:
    found = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    if found:
        return found[0]
    others = [path for path in folder.iterdir() if path.suffix in _SUFFIXES]
    if len(others) != 1:
        reason = f"the folder has {len(others)} checkpoint files; name one of them, or call it {WEIGHTS[0]}"
        raise EncoderProblem(str(folder), reason)
    return others[0]


def _configured(name: str, architecture: str, path: Path, checkpoint: Path) -> Source:
    try:
        config = json.loads(path.read_text("utf-8"))
        structure = config["model_cfg"]
        if not {"embed_dim", "vision_cfg", "text_cfg"} <= structure.keys():
            raise KeyError("embed_dim, vision_cfg, text_cfg")
        return Source(name, architecture, checkpoint, structure, config.get("preprocess_cfg") or {})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise EncoderProblem(name, f"its {CONFIG} can't be read ({error!r})") from error


def _built_in(model: str, pretrained: str | None) -> Source:
    structure = open_clip.get_model_config(model)
    if structure is None:
        near = difflib.get_close_matches(model, open_clip.list_models(), n=_NAMED, cutoff=0.3)
        nearest = f" (nearest: {', '.join(near)})" if near else ""
        reason = f"neither a folder or file, nor hf-hub:org/name, nor a model that open_clip knows{nearest}"
        raise InvalidSetting(MODEL, model, reason)
    tags = open_clip.list_pretrained_tags_by_model(model)
    if not pretrained:
        known = f"a tag ({_some(tags)}), " if tags else ""
        raise InvalidSetting(
            PRETRAINED, "", f"{model} needs weights: {known}hf-hub:org/name or a checkpoint file"
        )
    name, tag = f"{model}:{pretrained}", open_clip.get_pretrained_cfg(model, pretrained)
    if not tag:
        return Source(name, model, _weights_of(name, pretrained, tags), structure)
    wanted = {key: tag[key] for key in ("mean", "std", "interpolation", "resize_mode") if tag.get(key)}
    # The same name is used for weights of both forms of GELU; the tag knows.
    structure = {**structure, "quick_gelu": bool(tag.get("quick_gelu", False))}
    return Source(name, model, _tagged_weights(name, tag), structure, wanted)


def _weights_of(name: str, pretrained: str, tags: Sequence[str]) -> Path:
    path = Path(pretrained)
    if pretrained.startswith(HUB):
        return hub_file(name, pretrained.removeprefix(HUB), WEIGHTS, PRETRAINED)
    if path.is_dir():
        return _folder_weights(path)
    if path.is_file():
        return path
    known = f"a tag of this model ({_some(tags)})" if tags else "a tag: this model has none"
    raise InvalidSetting(
        PRETRAINED, pretrained, f"neither a file or folder, nor hf-hub:org/name, nor {known}"
    )


def _tagged_weights(name: str, tag: Mapping[str, Any]) -> Path:
    repository, _, file = str(tag.get("hf_hub") or "").rpartition("/")
    if repository:
        files = [f"{file.rpartition('.')[0]}.safetensors", file] if file else WEIGHTS
        return hub_file(name, repository, files, PRETRAINED)
    try:
        return Path(open_clip.download_pretrained(dict(tag)))
    except (OSError, RuntimeError) as error:
        raise unreachable(name, PRETRAINED) from error


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more

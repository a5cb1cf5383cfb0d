"""The open_clip encoder takes its weights from where the settings say, and refuses by name what would be random."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import pytest
import torch

from core.errors import EncoderProblem, InvalidSetting
from tests.models.open_clip_models import encoder_of, tiny, tiny_siglip

WEIGHTS, CONFIG = "open_clip_pytorch_model.bin", "open_clip_config.json"
RED = [np.full((70, 90, 3), (200, 20, 20), np.uint8)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that may be spoiled."""
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


@pytest.fixture
def known(checkpoint: Path) -> Any:
    """The architecture among open_clip's own, for the time of a test."""
    name = "a-tiny-model"
    structure = json.loads((checkpoint / CONFIG).read_text("utf-8"))["model_cfg"]
    open_clip.factory._MODEL_CONFIGS[name] = structure
    yield name
    del open_clip.factory._MODEL_CONFIGS[name]


def test_a_folder_and_a_file_in_it_are_the_same_model(checkpoint: Path, tmp_path: Path) -> None:
    by_folder, by_file = (encoder_of(path, tmp_path) for path in (checkpoint, checkpoint / WEIGHTS))

    assert by_folder.fingerprint == by_file.fingerprint.replace("open-clip-pytorch-model.bin", "tiny")
    assert np.array_equal(by_folder.encode_images(RED).vectors, by_file.encode_images(RED).vectors)


def test_the_fingerprint_tells_weights_and_preprocessing_apart_but_not_places(
    checkpoint: Path, copy: Path, tmp_path: Path
) -> None:
    digests = [encoder_of(path, tmp_path).fingerprint.rpartition("-")[2] for path in (checkpoint, copy)]
    config = json.loads((copy / CONFIG).read_text("utf-8"))
    config["preprocess_cfg"]["mean"] = [0.5, 0.5, 0.5]
    (copy / CONFIG).write_text(json.dumps(config), "utf-8")
    digests.append(encoder_of(copy, tmp_path).fingerprint.rpartition("-")[2])
    weights = torch.load(copy / WEIGHTS)
    weights["visual.proj"] *= 1.01
    torch.save(weights, copy / WEIGHTS)
    digests.append(encoder_of(copy, tmp_path).fingerprint.rpartition("-")[2])

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


@pytest.mark.parametrize("what", ["file", "folder"])
def test_an_architecture_by_name_takes_weights_of_a_file_or_folder(
    checkpoint: Path, known: str, tmp_path: Path, what: str
) -> None:
    weights = checkpoint / WEIGHTS if what == "file" else checkpoint

    encoder = encoder_of(known, tmp_path, open_clip_pretrained=str(weights), dtype="float32")

    expected = encoder_of(checkpoint, tmp_path, dtype="float32").encode_images(RED).vectors
    assert np.abs(encoder.encode_images(RED).vectors - expected).max() < 1e-5


def test_safetensors_are_read_too(copy: Path, checkpoint: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file(torch.load(copy / WEIGHTS), copy / "open_clip_model.safetensors")
    (copy / WEIGHTS).unlink()

    both = (encoder_of(path, tmp_path, dtype="float32") for path in (copy, checkpoint))
    found, expected = (encoder.encode_images(RED).vectors for encoder in both)

    assert np.abs(found - expected).max() < 1e-6


def test_a_model_of_the_hubs_cache_needs_no_network(checkpoint: Path, tmp_path: Path) -> None:
    place = tmp_path / "hub" / "models--shop--tiny"
    shutil.copytree(checkpoint, place / "snapshots" / "abc")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")

    found = _loaded(tmp_path, "hf-hub:shop/tiny", HF_HUB_OFFLINE="0")

    assert found.startswith("open-clip-tiny-")
    assert found.rpartition("-")[2] == encoder_of(checkpoint, tmp_path).fingerprint.rpartition("-")[2]


@pytest.mark.parametrize(
    ("model", "pretrained"), [("hf-hub:nobody/none", ""), ("ViT-B-32", "laion2b_s34b_b79k")]
)
def test_a_model_that_the_hub_is_needed_for_is_refused_where_it_cannot_be_reached(
    tmp_path: Path, model: str, pretrained: str
) -> None:
    found = _loaded(tmp_path, model, LYCHEE_OPEN_CLIP_PRETRAINED=pretrained, HF_HUB_OFFLINE="1")

    assert "it is not on this machine and the hub can't be reached; set LYCHEE_OPEN_CLIP_" in found


def _loaded(cache: Path, model: str, **environment: str) -> str:
    """The fingerprint, or what is wrong: in a process of its own, for the hub's place is read at import."""
    script = (
        "from core.encoder import load_encoder; from core.errors import LycheeError\n"
        "from core.language import Language; from core.settings import Settings\n"
        "try: print(load_encoder(Settings(encoder='open_clip'), Language.load()).fingerprint)\n"
        "except LycheeError as problem: print(problem)"
    )
    settings = {"LYCHEE_DATA": str(cache / "data"), "LYCHEE_OPEN_CLIP_MODEL": model, "LYCHEE_DEVICE": "cpu"}
    where = {"HF_HUB_CACHE": str(cache / "hub"), "HOME": str(cache), "PATH": "", **settings, **environment}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=where)
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


@pytest.mark.parametrize(
    ("model", "pretrained", "says"),
    [
        ("ViT-B32", None, r"nearest: .*ViT-B-32"),
        ("ViT-B-32", None, r"PRETRAINED='': ViT-B-32 needs weights: a tag \(openai"),
        ("ViT-B-32", "laion9b", r"PRETRAINED='laion9b': neither a file or folder.*a tag of this model"),
        ("hf-hub:shop/tiny", "openai", "leave it out: hf-hub:shop/tiny brings its own weights"),
    ],
)
def test_a_setting_that_names_no_weights_is_refused(
    tmp_path: Path, model: str, pretrained: str | None, says: str
) -> None:
    with pytest.raises(InvalidSetting, match=says):
        encoder_of(model, tmp_path, open_clip_pretrained=pretrained)


def test_a_folder_without_its_files_is_refused(copy: Path, tmp_path: Path) -> None:
    (copy / CONFIG).write_text("{}")
    with pytest.raises(EncoderProblem, match=r"its open_clip_config\.json can't be read"):
        encoder_of(copy, tmp_path)

    (copy / WEIGHTS).rename(copy / "one.pt")
    (copy / "two.pt").write_bytes(b"")
    with pytest.raises(EncoderProblem, match="the folder has 2 checkpoint files; name one of them"):
        encoder_of(copy, tmp_path)

    (copy / CONFIG).unlink()
    with pytest.raises(EncoderProblem, match=r"the folder has no open_clip_config\.json"):
        encoder_of(copy, tmp_path)
    with pytest.raises(InvalidSetting, match=r"no open_clip_config\.json lies beside it"):
        encoder_of(copy / "one.pt", tmp_path)


def test_weights_of_another_architecture_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(EncoderProblem, match=r"doesn't fit the architecture ViT-S-32 .*name the one it was"):
        encoder_of("ViT-S-32", tmp_path, open_clip_pretrained=str(checkpoint / WEIGHTS))


def test_missing_weights_are_refused_instead_of_made_up(copy: Path, tmp_path: Path) -> None:
    weights = torch.load(copy / WEIGHTS)
    weights.pop("visual.ln_post.weight")
    torch.save(weights, copy / WEIGHTS)

    with pytest.raises(EncoderProblem, match=r'Missing key\(s\) in state_dict: "visual\.ln_post\.weight"'):
        encoder_of(copy, tmp_path)


class _Surprise:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("this must not run",)


@pytest.mark.parametrize("content", [b"", b"no weights at all", None])
def test_what_is_no_checkpoint_is_refused_and_not_run(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    if content is None:
        torch.save({"state_dict": _Surprise()}, copy / WEIGHTS)
    else:
        (copy / WEIGHTS).write_bytes(content)

    with pytest.raises(EncoderProblem, match=WEIGHTS):
        encoder_of(copy, tmp_path)
    assert "this must not run" not in capsys.readouterr().out


def test_a_tokenizer_that_is_missing_is_named(tmp_path: Path) -> None:
    folder = tiny_siglip(tmp_path / "model")
    for path in folder.glob("tokenizer*"):
        path.unlink()

    with pytest.raises(
        EncoderProblem, match="the tokenizer beside the weights can't be loaded: put its files"
    ):
        encoder_of(folder, tmp_path)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"device": "cuda:3"}, "no CUDA GPU is found"),
        ({"dtype": "float16"}, "on a CPU open_clip runs in auto"),
    ],
)
def test_what_this_machine_cannot_compute_is_refused(
    checkpoint: Path, tmp_path: Path, settings: dict[str, str], says: str
) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")

    with pytest.raises(InvalidSetting, match=says):
        encoder_of(checkpoint, tmp_path, **settings)

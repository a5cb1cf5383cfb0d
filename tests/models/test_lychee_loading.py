"""The lychee judge loads what fits its settings, and refuses by name what would answer nonsense or nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from bench.random_checkpoint import TINY, image_processor, qwen25, save, tokenizer
from core.devices import dtype_of
from core.errors import InvalidSetting, RerankerProblem
from core.types import Score
from rerank.judgement import Asked, Document
from rerank.lychee import LycheeReranker
from tests.models.conftest import Load, noise

ASKED = Asked("red shoe")
DOCUMENTS = [Document(f"shoe {number}", noise(60, 90, seed=number)) for number in range(8)]
HEAVY = ("torch", "torchvision", "transformers", "open_clip", "tokenizers", "huggingface_hub")


@pytest.fixture
def copy(checkpoints: dict[str, Path], tmp_path: Path) -> Path:
    """A checkpoint that may be spoiled."""
    return Path(shutil.copytree(checkpoints["qwen25"], tmp_path / "copy"))


def test_a_judge_names_its_content_its_numbers_and_its_budget(
    load: Load, checkpoints: dict[str, Path], copy: Path
) -> None:
    first, again = load(checkpoints["qwen25"]), load(copy)
    digest = first.model.partition("@")[2]
    weights = load_file(copy / "model.safetensors")
    save_file(
        {name: each * 1.01 for name, each in weights.items()}, copy / "model.safetensors", {"format": "pt"}
    )

    assert digest.endswith("+float32+313600px")
    assert again.model.endswith(digest)
    assert not load(copy).model.endswith(digest)
    assert load(checkpoints["qwen3"]).model.endswith("+313600px")


def test_a_folder_that_is_not_there_is_refused(load: Load) -> None:
    with pytest.raises(RerankerProblem, match="reranker /no/such/folder: there is no such folder"):
        load("/no/such/folder")


def test_a_model_that_the_hub_is_needed_for_is_refused_where_it_cannot_be_reached(tmp_path: Path) -> None:
    script = (
        "from core.settings import Settings; from core.errors import RerankerProblem\n"
        "from rerank.lychee import LycheeReranker\n"
        "try: LycheeReranker.load(Settings(reranker_model='nobody/no-such-model'))\n"
        "except RerankerProblem as problem: print(problem)"
    )
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path), "PATH": ""}

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)

    assert "nobody/no-such-model: it is not on this machine and the hub can't be reached" in found.stdout


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_checkpoint_without_one_of_its_files_is_refused(load: Load, copy: Path, name: str) -> None:
    (copy / name).unlink()

    with pytest.raises(RerankerProblem, match="has no"):
        load(copy)


def test_another_architecture_is_refused(load: Load, copy: Path) -> None:
    (copy / "config.json").write_text(json.dumps({"model_type": "bert"}))

    with pytest.raises(RerankerProblem, match=r"it is a 'bert' model, not Qwen2\.5-VL or Qwen3-VL"):
        load(copy)


def test_missing_weights_are_refused_instead_of_made_up(load: Load, copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    weights.pop("lm_head.weight")
    save_file(weights, copy / "model.safetensors", {"format": "pt"})

    with pytest.raises(RerankerProblem, match=r"lacks weights: lm_head\.weight"):
        load(copy)


@pytest.mark.parametrize("content", [b"", b"no weights at all"])
def test_damaged_weights_are_refused(load: Load, copy: Path, content: bytes) -> None:
    (copy / "model.safetensors").write_bytes(content)

    with pytest.raises(RerankerProblem, match="its files can't be loaded"):
        load(copy)


def test_a_tokenizer_without_one_token_for_an_answer_is_refused(load: Load, copy: Path) -> None:
    path = copy / "tokenizer.json"
    rules = json.loads(path.read_text("utf-8"))
    rules["model"]["merges"] = [merge for merge in rules["model"]["merges"] if "".join(merge) != "yes"]
    path.write_text(json.dumps(rules), "utf-8")

    with pytest.raises(RerankerProblem, match="splits the answer 'yes' into 2 tokens"):
        load(copy)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1"])
def test_a_gpu_that_is_not_there_is_refused(load: Load, checkpoints: dict[str, Path], device: str) -> None:
    with pytest.raises(InvalidSetting, match=f"LYCHEE_DEVICE='{device}': no CUDA GPU is found"):
        load(checkpoints["qwen25"], device=device)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "auto"])
def test_the_dtype_of_the_settings_is_the_models(
    load: Load, checkpoints: dict[str, Path], dtype: str
) -> None:
    judge = load(checkpoints["qwen25"], dtype=dtype)

    expected = dtype_of("auto", torch.device("cpu")) if dtype == "auto" else getattr(torch, dtype)
    assert judge.checkpoint.dtype == expected
    assert all(isinstance(judgement, Score) for judgement in judge.score(ASKED, DOCUMENTS[:2]))


@pytest.mark.parametrize(("quantize", "kind"), [("8bit", "Linear8bitLt"), ("4bit", "Linear4bit")])
def test_language_layers_alone_are_quantized(
    load: Load, checkpoints: dict[str, Path], quantize: str, kind: str
) -> None:
    pytest.importorskip("bitsandbytes")

    judge = load(checkpoints["qwen25"], quantize=quantize)

    products = {name: type(module).__name__ for name, module in _products(judge)}
    assert {products[name] for name in products if ".layers." in name} == {kind}
    assert {products[name] for name in products if ".layers." not in name} == {"Linear"}
    assert "lm_head" in products
    assert f"+{quantize}+" in judge.model
    assert all(isinstance(judgement, Score) for judgement in judge.score(ASKED, DOCUMENTS[:3]))


def _products(judge: LycheeReranker) -> Iterator[tuple[str, Any]]:
    for name, module in judge.checkpoint.model.named_modules():
        if isinstance(module, torch.nn.Linear):
            yield name, module


@pytest.fixture
def narrow(judge: LycheeReranker, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The judge's model on a device that has memory for no more rows than are written here."""
    most = [8]
    layers = judge.checkpoint.model.model.language_model
    roomy = layers.forward

    def tight(*args: Any, **inputs: Any) -> Any:
        if inputs["inputs_embeds"].shape[0] > most[0]:
            raise torch.OutOfMemoryError("out of memory: tried to allocate 2 GiB")
        return roomy(*args, **inputs)

    monkeypatch.setattr(layers, "forward", tight)
    return most


@pytest.mark.parametrize("rows", [5, 2, 1])
def test_a_batch_that_does_not_fit_is_halved_until_it_does(
    judge: LycheeReranker, narrow: list[int], rows: int
) -> None:
    expected = judge.score(ASKED, DOCUMENTS)
    narrow[0] = rows

    found = judge.score(ASKED, DOCUMENTS)

    for one, other in zip(found, expected, strict=True):
        assert isinstance(one, Score)
        assert isinstance(other, Score)
        assert one.relevance == pytest.approx(other.relevance, abs=1e-4)


def test_a_single_document_that_does_not_fit_is_a_problem_with_a_name(
    judge: LycheeReranker, narrow: list[int]
) -> None:
    narrow[0] = 0

    with pytest.raises(RerankerProblem, match="out of memory for a single document"):
        judge.score(ASKED, DOCUMENTS)


def test_an_answer_that_is_no_number_fails_instead_of_being_ordered(load: Load, copy: Path) -> None:
    weights = load_file(copy / "model.safetensors")
    last = next(name for name in weights if name.endswith(".norm.weight"))
    weights[last] = torch.full_like(weights[last], float("inf"))
    save_file(weights, copy / "model.safetensors", {"format": "pt"})

    (found,) = load(copy).score(ASKED, DOCUMENTS[:1])

    assert not isinstance(found, Score)
    assert "the model answered no number" in found.reason


def test_weights_that_are_shared_between_input_and_head_are_loaded(load: Load, tmp_path: Path) -> None:
    words = tokenizer()
    model = qwen25(replace(TINY, tied=True), words)
    folder = save(tmp_path / "tied", model=model, words=words, images=image_processor())

    assert isinstance(load(folder).score(ASKED, DOCUMENTS[:1])[0], Score)


def test_searching_and_serving_load_no_heavy_library_where_they_are_installed() -> None:
    script = f"import sys, api.app, search, indexer.cli, rerank.loading; print([n for n in {HEAVY} if n in sys.modules])"

    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"


def test_a_checkpoint_in_the_older_form_of_the_hub_scores_alike(
    load: Load, checkpoints: dict[str, Path], copy: Path
) -> None:
    config = json.loads((copy / "config.json").read_text("utf-8"))
    words, turning = config.pop("text_config"), {"rope_theta": 1e6}
    sections = words.pop("rope_parameters")["mrope_section"]
    scaling = {"rope_scaling": {"type": "mrope", "mrope_section": sections}}
    kept = {name: value for name, value in words.items() if name not in ("model_type", "layer_types")}
    seen = {name: value for name, value in config["vision_config"].items() if name != "rope_parameters"}
    seen.pop("model_type")
    flat = {
        **config,
        **kept,
        **turning,
        **scaling,
        "vision_config": {**seen, "in_chans": 3, "spatial_patch_size": 14},
    }
    (copy / "config.json").write_text(
        json.dumps({**flat, "torch_dtype": "bfloat16", "sliding_window": 32768})
    )
    images = json.loads((copy / "preprocessor_config.json").read_text("utf-8"))
    older = {
        name: images[name]
        for name in ("patch_size", "temporal_patch_size", "merge_size", "image_mean", "image_std")
    }
    named = {"image_processor_type": "Qwen2VLImageProcessor", "processor_class": "Qwen2_5_VLProcessor"}
    budget = {"min_pixels": 3136, "max_pixels": 12845056}
    (copy / "preprocessor_config.json").write_text(json.dumps({**older, **named, **budget}))

    assert load(copy).score(ASKED, DOCUMENTS) == load(checkpoints["qwen25"]).score(ASKED, DOCUMENTS)

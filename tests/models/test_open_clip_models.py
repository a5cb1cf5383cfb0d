"""The recommended models are what their architectures come to, and are listed in the document."""

from __future__ import annotations

from pathlib import Path

import open_clip
import pytest
import torch
from transformers import XLMRobertaConfig

from core.encoders.open_clip.models import DEFAULT, RECOMMENDED, Recommended
from core.settings import Settings

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "open-clip.md").read_text("utf-8")


@pytest.mark.parametrize("model", RECOMMENDED, ids=lambda model: model.architecture)
def test_dimension_side_and_parameters_are_the_architectures_own(model: Recommended, tmp_path: Path) -> None:
    structure = open_clip.get_model_config(model.architecture)
    if name := structure["text_cfg"].get("hf_model_name"):
        assert name == "xlm-roberta-base"
        # That model's own figures, which open_clip would fetch from the hub.
        XLMRobertaConfig(vocab_size=250_002, max_position_embeddings=514, type_vocab_size=1).save_pretrained(
            tmp_path
        )
        structure["text_cfg"] |= {"hf_model_name": str(tmp_path), "hf_model_pretrained": False}
    kind = open_clip.CLIP
    if structure.pop("custom_text", False) or name:
        kind = open_clip.CustomTextCLIP
    with torch.device("meta"):
        built = kind(**structure)

    assert model.dim == structure["embed_dim"]
    assert model.side == structure["vision_cfg"]["image_size"]
    assert sum(each.numel() for each in built.parameters()) / 1e6 == pytest.approx(model.parameters, abs=0.06)


@pytest.mark.parametrize("model", RECOMMENDED, ids=lambda model: model.architecture)
def test_the_document_lists_it_with_its_figures(model: Recommended) -> None:
    line = next(line for line in DOCUMENT.splitlines() if line.startswith(f"| `{model.setting}`"))

    for figure in (
        str(model.dim),
        str(model.side),
        f"{model.parameters:.0f} M",
        model.licence,
        model.languages,
    ):
        assert figure in line


def test_the_default_is_the_one_of_the_settings() -> None:
    assert Settings().open_clip_model == DEFAULT == RECOMMENDED[0].setting

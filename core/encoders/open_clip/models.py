"""Models worth starting from, by language, size and licence; any other model of open_clip's works as well."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recommended:
    """One model as it is published; dimension and parameters are those of open_clip's architecture of that name."""

    setting: str
    """For LYCHEE_OPEN_CLIP_MODEL."""
    architecture: str
    """open_clip's name of it."""
    dim: int
    side: int
    """Pixels of the square that a picture becomes."""
    parameters: float
    """Millions."""
    languages: str
    licence: str
    """Of the weights, as their model card had it when this was written; read it before selling by it."""
    needs: str = ""
    """Beside the extra [clip] and the repository itself."""


DEFAULT = "hf-hub:timm/ViT-B-32-SigLIP2-256"
"""Chinese and English among some hundred languages, a permissive licence, and quick enough for a CPU."""

RECOMMENDED = (
    Recommended(DEFAULT, "ViT-B-32-SigLIP2-256", 768, 256, 376.9, "multilingual", "Apache-2.0"),
    Recommended(
        "hf-hub:timm/ViT-B-16-SigLIP2", "ViT-B-16-SigLIP2", 768, 224, 375.2, "multilingual", "Apache-2.0"
    ),
    Recommended(
        "hf-hub:timm/ViT-L-16-SigLIP2-256",
        "ViT-L-16-SigLIP2-256",
        1024,
        256,
        881.5,
        "multilingual",
        "Apache-2.0",
        "a GPU",
    ),
    Recommended(
        "hf-hub:laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k",
        "xlm-roberta-base-ViT-B-32",
        512,
        224,
        366.1,
        "multilingual",
        "MIT",
        "configuration and tokenizer of hf-hub:xlm-roberta-base",
    ),
    Recommended(
        "hf-hub:timm/MobileCLIP2-S0-OpenCLIP", "MobileCLIP2-S0", 512, 256, 74.8, "English", "Apple's own"
    ),
    Recommended(
        "hf-hub:timm/MobileCLIP2-B-OpenCLIP", "MobileCLIP2-B", 512, 224, 149.8, "English", "Apple's own"
    ),
    Recommended(
        "hf-hub:Marqo/marqo-ecommerce-embeddings-B",
        "ViT-B-16-SigLIP",
        768,
        224,
        203.2,
        "English",
        "Apache-2.0",
    ),
    Recommended(
        "hf-hub:Marqo/marqo-ecommerce-embeddings-L",
        "ViT-L-16-SigLIP-256",
        1024,
        256,
        652.2,
        "English",
        "Apache-2.0",
        "a GPU",
    ),
)

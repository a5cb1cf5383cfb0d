"""How fast the open_clip encoder is against open_clip itself, and how near its vectors are: one table.

    python -m bench.encode [--quick] [--json]

ViT-B/32 with random weights, on which speed does not depend; both sides take turns, and every ratio is the median
of the rounds' ratios. Needs the extra [clip]. The first minute goes into converting the model, which is done once.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from PIL import Image

if not __package__:  # python bench/encode.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.pictures import SIDE, photo
from bench.random_clip import save_random
from bench.table import print_json, print_table
from core.encoder import load_encoder
from core.encoders.open_clip.encoder import OpenClipEncoder
from core.images import ENCODER_SIDE, decode
from core.language import Language
from core.settings import Settings
from core.types import Vectors

MODEL = "ViT-B-32"
BATCH = 16
PICTURES = 32
DEMO = Path(__file__).resolve().parents[1] / "indexer" / "demo" / "images"
QUERIES = (
    "black running shoes for men",
    "red dress",
    "warm winter jacket with a hood",
    "a blue ceramic mug",
    "leather sofa",
    "yoga pants with a high waist, women",
    "stainless steel bottle 500 ml",
    "lipstick, shade 04 rosewood",
)


@dataclass(frozen=True, slots=True)
class Plain:
    """open_clip as its readme uses it."""

    model: Any
    preprocess: Any
    tokenizer: Any

    @classmethod
    def of(cls, folder: Path) -> Plain:
        """The checkpoint in a folder, in float32 on the CPU."""
        import open_clip

        model, preprocess = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
        return cls(model.eval(), preprocess, open_clip.get_tokenizer(f"local-dir:{folder}"))

    def pictures(self, planes: Any) -> Vectors:
        """Prepared float tensors (n, 3, height, width), in batches."""
        import torch

        with torch.inference_mode():
            parts = [self.model.encode_image(part, normalize=True) for part in planes.split(BATCH)]
            return np.asarray(torch.cat(parts).numpy())

    def text(self, text: str) -> Vectors:
        """One text, of whatever length, padded to the model's."""
        import torch

        with torch.inference_mode():
            return np.asarray(self.model.encode_text(self.tokenizer([text]), normalize=True).numpy())

    def planes(self, images: Sequence[Image.Image]) -> Any:
        """What `pictures` takes."""
        import torch

        return torch.stack([self.preprocess(image) for image in images])

    def files(self, files: Sequence[bytes]) -> Vectors:
        """JPEGs, decoded whole."""
        return self.pictures(self.planes([Image.open(BytesIO(file)).convert("RGB") for file in files]))


@dataclass(frozen=True, slots=True)
class Race:
    """Both sides' seconds for the same work, round by round."""

    what: str
    pieces: int
    ours: Sequence[float]
    theirs: Sequence[float]

    @property
    def ratio(self) -> float:
        """How many times as fast ours is."""
        return median(their / our for our, their in zip(self.ours, self.theirs, strict=True))

    @property
    def row(self) -> tuple[str, str, str, str]:
        """For the table."""
        their, our = (f"{self.pieces / median(seconds):.1f}/s" for seconds in (self.theirs, self.ours))
        return self.what, their, our, f"{self.ratio:.2f} x"


def raced(
    what: str, pieces: int, ours: Callable[[], object], theirs: Callable[[], object], rounds: int
) -> Race:
    """Alternating, after one round that doesn't count."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for side, act in zip(seconds, (ours, theirs), strict=True):
            begun = time.perf_counter()
            act()
            if number:
                side.append(time.perf_counter() - begun)
    return Race(what, pieces, *seconds)


def races(encoder: OpenClipEncoder, plain: Plain, rounds: int) -> list[Race]:
    """Pictures, texts one by one, and files."""
    files = [photo(seed) for seed in range(PICTURES)]
    planes = plain.planes([Image.open(BytesIO(file)).convert("RGB") for file in files])
    prepared = [encoder.prepare(decode(file, source="bench")) for file in files]

    def ours_by_file() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            encoder.encode_prepared(list(pool.map(read, files)))

    def read(file: bytes) -> Any:
        return encoder.prepare(decode(file, source="bench", at_least=ENCODER_SIDE))

    def our_texts() -> None:
        for text in QUERIES:
            encoder.encode_texts([text], as_query=True)

    def their_texts() -> None:
        for text in QUERIES:
            plain.text(text)

    return [
        raced(
            f"pictures, {PICTURES} at a time",
            PICTURES,
            lambda: encoder.encode_prepared(prepared),
            lambda: plain.pictures(planes),
            rounds,
        ),
        raced("texts, one by one", len(QUERIES), our_texts, their_texts, rounds),
        raced(f"{SIDE} px JPEG to vector", PICTURES, ours_by_file, lambda: plain.files(files), rounds),
    ]


def nearness(encoder: OpenClipEncoder, plain: Plain) -> dict[str, float]:
    """The lowest cosine of both sides' vectors of one thing, and the mean one of different pictures for comparison."""
    images = [Image.open(path).convert("RGB") for path in sorted(DEMO.iterdir())[::6]]
    theirs = plain.pictures(plain.planes(images))
    ours = encoder.encode_images([np.asarray(image) for image in images]).vectors
    texts = np.concatenate([plain.text(text) for text in QUERIES])
    others = theirs @ theirs.T
    return {
        "cosine": float((ours * theirs).sum(axis=1).min()),
        "cosine_of_texts": float((encoder.encode_texts(QUERIES).vectors * texts).sum(axis=1).min()),
        "cosine_of_different_pictures": float(others[np.triu_indices(len(others), 1)].mean()),
    }


def main() -> None:
    """Prints one table, or one document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="three rounds instead of seven")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = save_random(MODEL, Path(folder) / MODEL)
        settings = Settings(
            encoder="open_clip", data=Path(folder), open_clip_model=str(checkpoint), device="cpu"
        )
        encoder = load_encoder(settings, Language.load())
        assert isinstance(encoder, OpenClipEncoder)
        plain = Plain.of(checkpoint)
        found, near = races(encoder, plain, 3 if wanted.quick else 7), nearness(encoder, plain)
    if wanted.json:
        names = ("clip_pictures_vs_open_clip", "clip_texts_vs_open_clip", "file_to_vector_vs_plain")
        ratios = {name: race.ratio for name, race in zip(names, found, strict=True)}
        print_json({**ratios, **near, "engine": encoder.runs_on})
        return
    print_table(("what", "open_clip", "ours", "ratio"), [race.row for race in found])
    print_table(("lowest cosine to open_clip", ""), [(name, f"{value:.5f}") for name, value in near.items()])
    print(encoder.runs_on)


if __name__ == "__main__":
    main()

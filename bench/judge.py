"""The judge: how good and how fast, each figure beside the one that was asked for.

python -m bench.judge [--judged ../shared/data] [--keep FOLDER] [--only quality speed model]    tables
python -m bench.judge --only speed model --json                                                 one document

Quality and the negatives need the judged catalogues; the model's speed needs the [lychee] extra.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # python bench/judge.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import numpy as np

from bench.judge_cases import outcomes
from bench.judge_negatives import negatives, shares_low
from bench.judge_quality import FITTED, SETS, Reliability, cells, opened, pooled, reliabilities
from bench.judge_speed import speeds
from bench.table import print_json, print_table
from core.types import Band
from search.engine import SearchEngine

JUDGED = Path(__file__).resolve().parents[2] / "shared" / "data"
PARTS = ("quality", "speed", "model")
STATING = ("luma_apparel", "chinese")
"""Catalogues whose products state colours, genders and patterns, so that what contradicts them is plain."""


def print_reliability(found: Sequence[Reliability]) -> None:
    """Every set, and all sets of one way of asking together."""
    ways = [way for way in ("words", "pictures", "both") if any(each.name.endswith(way) for each in found)]
    everything = [*found, *(pooled(found, way) for way in ways)]
    print_table(
        ("pairs not fitted", "pairs", "relevant", "expected error", "green (relevant)", "yellow", "red"),
        [
            (
                each.name,
                str(len(each.relevant)),
                f"{each.relevant.mean():.3f}",
                f"{each.expected_error:.3f}",
                *(f"{count} ({share:.2f})" for count, share in _bands(each)),
            )
            for each in everything
        ],
    )


def _bands(reliability: Reliability) -> list[tuple[int, float]]:
    return [reliability.of_band(low, high) for low, high in ((0.7, 1.0), (0.4, 0.7), (-1.0, 0.4))]


def print_cells(engine: SearchEngine, judged: Path, sets: Sequence[str]) -> dict[str, float]:
    """Recall's order against the judge's; answers what the goals are about."""
    rows, gains, worst = [], [], ("", 0.0)
    attributes: list[float] = []
    for name in sets:
        for cell in cells(engine, judged, name):
            before, after = cell.quality.ndcg_10, cell.answered.ndcg_10
            rows.append(
                (
                    name,
                    cell.kind,
                    cell.lang,
                    str(cell.queries),
                    f"{before:.3f}",
                    f"{after:.3f}",
                    f"{after - before:+.4f}",
                )
            )
            gains.append(after - before)
            worst = min(worst, (f"{name} {cell.kind} {cell.lang}", after - before), key=lambda each: each[1])
            if name == "luma_apparel" and cell.kind == "attr":
                attributes.append(after)
    seen = {name: "every other query fitted" if name in FITTED else "not fitted" for name in sets}
    print_table(("set", "kind", "lang", "queries", "recall nDCG@10", "judged", "gain"), rows)
    print(
        " · ".join(f"{name}: {how}" for name, how in seen.items()),
        f"\nworst cell: {worst[0]} {worst[1]:+.4f}\n",
    )
    found = {"ndcg_gain_mean": float(np.mean(gains)), "ndcg_gain_worst": worst[1]}
    return found | ({"luma_attributes_ndcg": min(attributes)} if attributes else {})


def print_cases(engine: SearchEngine) -> None:
    """The cases that users of lychee know."""
    assert engine.reranker is not None
    print_table(
        ("case", "relevances", "order as shown", "bands shown", "bands given"),
        [
            (
                each.case.name,
                " ".join(f"{relevance:.2f}" for relevance in each.relevances),
                "yes" if each.is_ordered else "no",
                " ".join("-" if band is None else band.value for band in each.case.bands),
                " ".join(Band.of(relevance).value for relevance in each.relevances),
            )
            for each in outcomes(engine.reranker)
        ],
    )


def print_negatives(engine: SearchEngine) -> dict[str, float]:
    """The share of explicit negatives under 0.4, for each kind of contradiction."""
    assert engine.reranker is not None
    products = [each for name in STATING for each in engine.store.catalog(name).export()]
    shares = shares_low(engine.reranker, list(negatives(products, engine.language)))
    print_table(
        ("explicit negatives", "judged", "under 0.4", "asked"),
        [(kind, str(count), f"{share:.3f}", "0.90") for kind, (count, share) in shares.items()],
    )
    return {f"negatives_low_{kind}": share for kind, (_, share) in shares.items()}


def quality(judged: Path, folder: Path, sets: Sequence[str]) -> dict[str, float]:
    """Everything about how good the lite judge is."""
    engine = opened(folder, judged, sets)
    print_cases(engine)
    found = print_negatives(engine) if set(STATING) <= set(sets) else {}
    reliability = list(reliabilities(engine, judged, sets))
    print_reliability(reliability)
    found["expected_calibration_error_words"] = pooled(reliability, "words").expected_error
    return found | print_cells(engine, judged, sets)


def main() -> None:
    """Measures what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--judged", type=Path, default=JUDGED)
    parser.add_argument("--keep", type=Path, help="folder to keep the ingested catalogues in")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--json", action="store_true", help="of speed and model only")
    asked = parser.parse_args()
    found: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        if "quality" in asked.only and not asked.json:
            found |= quality(asked.judged, asked.keep or Path(folder), asked.sets)
        if "speed" in asked.only:
            found |= speeds(Path(folder))
    if "model" in asked.only and importlib.util.find_spec("torch") is not None:
        from bench.judge_model import figures  # needs torch

        found |= figures()
    if asked.json:
        print_json(found)
    else:
        print_table(("figure", "measured"), [(name, str(value)) for name, value in found.items()])


if __name__ == "__main__":
    main()

"""How many pairs a second the lychee judge scores, against the plain loop that runs the whole model on one pair at a time.

python -m bench.judge_model            tables, some minutes on two cores
python -m bench.judge_model --json     one document

The weights are random, the shapes those of the 3B model: every layer as wide as the original's, but 9 of 36 language
and 8 of 32 vision layers, so both sides of the model weigh what they weigh there. Full depth is extrapolated from each
part's own seconds: head and decoding don't grow with the layers.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

# Threads that wait in a busy loop would take the seconds of those that work.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch

from bench.plain_judge import SIDE, PlainLoop, Shown, parts, shown
from bench.random_checkpoint import TRUE_3B, image_processor, quick_qwen25, tokenizer
from bench.table import print_json, print_table
from core.types import Score
from rerank.instructions import PRODUCT_INSTRUCTION
from rerank.judgement import Asked
from rerank.lychee import LycheeReranker, Shortcuts
from rerank.vlm.checkpoint import Checkpoint
from rerank.vlm.vision_files import VisionFiles

DEPTH = 4
"""The model has so many times fewer layers than the original, on both sides."""
CAPPED = 64
"""Visual tokens of the capped run: 224 x 224 pixels."""
NONE = Shortcuts(vision_cache=False, shared_prefix=False, two_rows=False, sorted_buckets=False)
STEPS: tuple[tuple[str, dict[str, bool], int, int | None], ...] = (
    ("two vocabulary rows", {"two_rows": True}, 1, None),
    ("+ vision features kept", {"vision_cache": True}, 1, None),
    ("+ shared prefix", {"shared_prefix": True}, 1, None),
    ("+ sorted buckets of 8", {"sorted_buckets": True}, 8, None),
    (f"+ pictures capped to {CAPPED} visual tokens", {}, 8, CAPPED),
)
"""What is added, the shortcut's name, documents that run together, the picture budget in visual tokens."""
SENTENCES = (
    "pairs_per_second_vs_plain_same_pictures",
    "pairs_per_second_vs_plain",
    "at_full_depth_vs_plain_same_pictures",
    "at_full_depth_vs_plain",
    "with_a_query_picture_vs_plain",
    "largest_relevance_difference_same_pictures",
    "with_a_query_picture_largest_difference",
)
"""What is printed below the tables."""


@dataclass(frozen=True, slots=True)
class Run:
    """One way of scoring, measured."""

    what: str
    seconds: float
    """A pair."""
    cpu: float
    """Processor seconds a pair: comparable on a machine that others use too."""
    relevances: Sequence[float]


def checkpoint() -> Checkpoint:
    """The 3B model's shapes at a quarter of its depth, in float32."""
    words = tokenizer()
    shape = replace(TRUE_3B, layers=TRUE_3B.layers // DEPTH, vision_layers=TRUE_3B.vision_layers // DEPTH)
    return Checkpoint("random-3b", "bench", quick_qwen25(shape, words), words, image_processor())


def measured(what: str, score: Callable[[], Sequence[float]]) -> Run:
    """One run over all documents."""
    begun, busy = time.perf_counter(), time.process_time()
    relevances = score()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - busy
    return Run(what, seconds / len(relevances), cpu / len(relevances), relevances)


def ladder(
    made: Checkpoint, files: VisionFiles, asked: Asked, documents: Sequence[Shown], plainly: int
) -> list[Run]:
    """The plain loop over the first few documents, then the judge over all, one shortcut more at a time."""
    runs = [plain_run(made, asked, documents[:plainly])]
    taken = NONE
    for what, added, batch, visual_tokens in STEPS:
        taken = replace(taken, **added)
        pixels = None if visual_tokens is None else visual_tokens * made.token_side**2
        judge = LycheeReranker(made, files=files, shortcuts=taken, batch=batch, max_pixels=pixels)
        # Until the prefix is shared nothing gains from more documents: the first few do.
        runs.append(judge_run(what, judge, asked, documents if taken.shared_prefix else documents[:plainly]))
    return runs


def plain_run(made: Checkpoint, asked: Asked, documents: Sequence[Shown]) -> Run:
    """The plain loop over the documents."""
    return measured("plain loop", partial(PlainLoop(made).score, asked, documents))


def judge_run(what: str, judge: LycheeReranker, asked: Asked, documents: Sequence[Shown]) -> Run:
    """The judge over the documents, whose pictures it knows if it keeps any."""
    for each in documents if judge.shortcuts.vision_cache else ():
        judge.warm(each.picture)
    return measured(what, partial(_relevances, judge, asked, documents))


def _relevances(judge: LycheeReranker, asked: Asked, documents: Sequence[Shown]) -> list[float]:
    judgements = judge.score(asked, [each.document for each in documents])
    return [judgement.relevance for judgement in judgements if isinstance(judgement, Score)]


def figures(*, documents: int = 5, plainly: int = 2) -> dict[str, Any]:
    """Everything that is measured here, by name.

    What is compared is processor seconds, both loops on the same threads: on a machine that others use, too, the clock
    says who else was there.
    """
    made, shelf = checkpoint(), shown(documents)
    asked = Asked("red embroidered butterfly dress", instruction=PRODUCT_INSTRUCTION)
    like_this = replace(asked, picture=shown(documents + 1)[-1].picture)
    seconds = parts(made, asked, shelf)
    with TemporaryDirectory() as folder:
        files = VisionFiles(Path(folder))
        runs = ladder(made, files, asked, shelf, plainly)
        judge = LycheeReranker(made, files=files)
        by_picture = [
            plain_run(made, like_this, shelf[:1]),
            judge_run("all, same pictures", judge, like_this, shelf),
        ]
    return {
        **_summed_up(runs, seconds),
        "with_a_query_picture_vs_plain": by_picture[0].cpu / by_picture[1].cpu,
        "with_a_query_picture_largest_difference": _difference(*by_picture),
        "shapes": f"Qwen2.5-VL-3B in float32, {TRUE_3B.layers // DEPTH} of {TRUE_3B.layers} language layers, "
        f"{TRUE_3B.vision_layers // DEPTH} of {TRUE_3B.vision_layers} vision layers, random weights, "
        f"{SIDE} x {SIDE} pixels, {torch.get_num_threads()} threads",
    }


def _summed_up(runs: Sequence[Run], seconds: Mapping[str, float]) -> dict[str, Any]:
    plain, same, capped = runs[0], runs[-2], runs[-1]
    # Head and decoding are there once, however deep the model is.
    once = (seconds["decoding"] + seconds["head"]) / sum(seconds.values()) * plain.cpu
    deep = DEPTH * (plain.cpu - once) + once
    return {
        "pairs_per_second_vs_plain": plain.cpu / capped.cpu,
        "pairs_per_second_vs_plain_same_pictures": plain.cpu / same.cpu,
        "at_full_depth_vs_plain": deep / (DEPTH * capped.cpu),
        "at_full_depth_vs_plain_same_pictures": deep / (DEPTH * same.cpu),
        "largest_relevance_difference_same_pictures": max(_difference(plain, run) for run in runs[1:-1]),
        "relevances": [round(float(each), 4) for each in plain.relevances],
        "steps": {
            run.what: {"seconds": run.seconds, "cpu": run.cpu, "vs_plain": plain.cpu / run.cpu}
            for run in runs
        },
        "plain_seconds_by_part": dict(seconds),
    }


def _difference(plain: Run, run: Run) -> float:
    return float(max(abs(one - other) for one, other in zip(plain.relevances, run.relevances, strict=False)))


def main() -> None:
    """Prints one table, or one document."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    wanted = parser.parse_args()
    found = figures()
    if wanted.json:
        print_json(found)
        return
    print(found["shapes"], end="\n\n")
    print_table(
        ("scoring", "seconds a pair", "processor seconds", "vs plain"),
        [
            (what, f"{run['seconds']:.2f}", f"{run['cpu']:.2f}", f"{run['vs_plain']:.1f}")
            for what, run in found["steps"].items()
        ],
    )
    by_part = found["plain_seconds_by_part"].items()
    print_table(
        ("part of the plain loop", "s a pair"), [(what, f"{seconds:.2f}") for what, seconds in by_part]
    )
    for name in SENTENCES:
        print(f"{name.replace('_', ' ')}: {found[name]:.3g}")


if __name__ == "__main__":
    main()

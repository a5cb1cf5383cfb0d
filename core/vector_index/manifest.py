"""What a published index says of itself, and how its files are checked against that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from core.errors import DamagedIndex
from core.vector_index.files import KEYS, QUICK, VECTORS
from core.vector_index.quick import Effort
from core.vector_index.rows import Shape

FORMAT = 2
MANIFEST = "manifest.json"
WHOLE_BELOW_BYTES = 96 << 20
"""Files below this are read whole when an index opens; of longer ones, samples (`verify` reads all)."""
SAMPLES = 64
SAMPLE_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What a file must be like."""

    bytes: int
    checksum: str
    """BLAKE2b of the whole file."""
    sample: str
    """BLAKE2b of 64 evenly spaced pieces, the first and the last included."""

    @classmethod
    def of(cls, path: Path) -> FileCheck:
        return cls(path.stat().st_size, _checksum(path), _sample(path))

    def examine(self, path: Path, *, whole: bool) -> None:
        """Raises DamagedIndex where the file is not what it was."""
        if not path.is_file():
            raise DamagedIndex(str(path), "the file is missing")
        size = path.stat().st_size
        if size != self.bytes:
            raise DamagedIndex(str(path), f"it has {size:,} bytes instead of {self.bytes:,}")
        whole = whole or size < WHOLE_BELOW_BYTES
        if (_checksum(path) != self.checksum) if whole else (_sample(path) != self.sample):
            raise DamagedIndex(str(path), "its checksum is wrong")


@dataclass(frozen=True, slots=True)
class SegmentFacts:
    """What one segment holds and how it is searched."""

    name: str
    count: int
    """Rows; a product with three pictures has three."""
    products: int
    effort: Effort
    files: Mapping[str, FileCheck]

    @property
    def index_bytes(self) -> int:
        """Of codes, stored vectors and keys; long features come on top."""
        return sum(self.files[name].bytes for name in (KEYS, VECTORS, QUICK))


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one published index."""

    fingerprint: str
    dim: int
    feature_dim: int
    revision: int
    recall: float
    """Part of the hundred nearest rows that searches are set to find."""
    segments: tuple[SegmentFacts, ...]
    hidden: Mapping[str, FileCheck]
    """Files with the keys that no longer count, one for each segment that has such."""
    format: int = FORMAT

    @property
    def shape(self) -> Shape | None:
        """Length of the vectors and of the features; None where there are none."""
        return (self.dim, self.feature_dim) if self.segments else None

    def write(self, folder: Path) -> Path:
        facts = asdict(self)
        path = folder / MANIFEST
        path.write_bytes(orjson.dumps({"facts": facts, "checksum": _facts_checksum(facts)}))
        return path

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """Raises DamagedIndex where it is missing, altered or of another format."""
        path = folder / MANIFEST
        try:
            document = orjson.loads(path.read_bytes())
            facts = document["facts"]
            if document["checksum"] != _facts_checksum(facts):
                raise DamagedIndex(str(path), "its checksum is wrong")
            if facts["format"] != FORMAT:
                raise DamagedIndex(str(path), f"format {facts['format']} is not {FORMAT}")
            segments = tuple(_segment(each) for each in facts.pop("segments"))
            return cls(segments=segments, hidden=_checks(facts.pop("hidden")), **facts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedIndex(str(path), f"it cannot be read ({error})") from error


def _segment(facts: Mapping[str, Any]) -> SegmentFacts:
    rest = {name: facts[name] for name in ("name", "count", "products")}
    return SegmentFacts(**rest, effort=Effort(**facts["effort"]), files=_checks(facts["files"]))


def _checks(facts: Mapping[str, Any]) -> dict[str, FileCheck]:
    return {name: FileCheck(**check) for name, check in facts.items()}


def _facts_checksum(facts: Mapping[str, object]) -> str:
    return hashlib.blake2b(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS), digest_size=16).hexdigest()


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _sample(path: Path) -> str:
    size = path.stat().st_size
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        for number in range(SAMPLES):
            file.seek(max(0, size - SAMPLE_BYTES) * number // (SAMPLES - 1))
            digest.update(file.read(SAMPLE_BYTES))
    return digest.hexdigest()

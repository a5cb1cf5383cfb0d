"""What a published index says of itself, and how its files are checked against that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from core.errors import DamagedIndex

FORMAT = 1
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
class Manifest:
    """The facts of one published index."""

    fingerprint: str
    dim: int
    feature_dim: int
    count: int
    """Rows; a product with three pictures has three."""
    products: int
    revision: int
    files: Mapping[str, FileCheck]
    format: int = FORMAT

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
            files = {name: FileCheck(**check) for name, check in facts.pop("files").items()}
            return cls(files=files, **facts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DamagedIndex(str(path), f"it cannot be read ({error})") from error


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

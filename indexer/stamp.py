"""What a stored row depends on beside the feed: the fields that count, and how words are read."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import core.language


def row_stamp(index_fields: tuple[str, ...]) -> str:
    """Goes into every row's hash: a row counts as unchanged only where all of this is the same.

    The encoder is none of it: vectors lie beside the rows, and those that are missing are made at an ingest's end.
    """
    return f"{','.join(index_fields)}|{_language_version()}"


@cache
def _language_version() -> str:
    """Of vocabulary and code: with a new version of them every row's words are written anew.

    Texts and pictures are not encoded again for it, as long as they stay the same.
    """
    folder = Path(core.language.__file__).parent
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()

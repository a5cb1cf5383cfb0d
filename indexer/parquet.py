"""Parquet feeds; pyarrow is known here alone, and comes with an extra."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core.errors import MissingExtra, UnreadableFeed
from indexer.rows import RawRow

_ROWS_AT_ONCE = 1_000


def read_parquet(path: Path) -> Iterator[RawRow]:
    """The rows of a feed, numbered from 1. Raises MissingExtra where pyarrow isn't installed."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtra("a Parquet feed", "parquet") from error
    number = 0
    try:
        for batch in ParquetFile(path).iter_batches(batch_size=_ROWS_AT_ONCE):
            for columns in batch.to_pylist():
                number += 1
                yield RawRow(number, columns)
    except ArrowException as error:
        raise UnreadableFeed(
            str(path), f"it is no Parquet file, or a damaged one ({str(error)[:120]})"
        ) from error

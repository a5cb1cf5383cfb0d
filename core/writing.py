"""What the write path offers to a running server: the one thing that `api` and `indexer`, which never meet, agree on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.catalog import Reject


@dataclass(frozen=True, slots=True)
class Written:
    """What became of products that were sent."""

    stored: int
    """Products that were not there before."""
    updated: int
    unchanged: int
    rejected: tuple[Reject, ...]
    """What was refused, products and pictures alone; the line is the product's number among those sent, from 1."""


class ProductWriter(Protocol):
    """Writes into catalogs that are being searched; safe for many threads.

    Both raise InvalidQuery for a catalog's name that is none, IngestRunning while another writes there for longer
    than is waited, EncoderSwitched while the server changes over to another encoder, DataFolderProblem.
    """

    def put(self, catalog: str, entries: Sequence[Mapping[str, object]]) -> Written:
        """Adds and updates products, each as a feed's row has it; the catalog is made where there is none.

        What is counted is stored for good; a running server finds it within two seconds.
        """

    def remove(self, catalog: str, product_id: str) -> None:
        """Removes a product; UnknownCatalog, UnknownProduct."""

"""Where a catalog's indexes lie, and how they are made from its rows: the write path publishes, the read path repairs."""

from __future__ import annotations

import re
from pathlib import Path

from core.catalog import Catalog
from core.errors import InvalidQuery
from core.types import Channel
from core.vector_index import VectorIndex

VECTOR_CHANNELS = (Channel.PICTURE, Channel.TEXT)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def check_catalog_name(name: str) -> str:
    """The name itself; it names folders and tables, so it must be plain."""
    if not _NAME.fullmatch(name):
        raise InvalidQuery(
            f"catalog name {name!r} must be 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter or digit"
        )
    return name


def index_folder(data: Path, catalog: str, channel: Channel) -> Path:
    """The folder of one channel's published index."""
    return data / "index" / check_catalog_name(catalog) / channel.value


def publish_channel(data: Path, catalog: Catalog, channel: Channel, fingerprint: str) -> VectorIndex:
    """Builds one channel's index from the rows and puts it in the place of the old one."""
    # The revision is read before the rows: a change that comes between is then applied twice, never lost.
    revision = catalog.revision()
    return VectorIndex.publish(
        index_folder(data, catalog.name, channel),
        catalog.vectors(channel, fingerprint),
        fingerprint=fingerprint,
        revision=revision,
    )


def publish(data: Path, catalog: Catalog, fingerprint: str) -> None:
    """Builds and publishes every vector channel of a catalog."""
    for channel in VECTOR_CHANNELS:
        publish_channel(data, catalog, channel, fingerprint)

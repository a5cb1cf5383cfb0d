"""Where a catalog's indexes lie, and how they are made from its rows: the write path publishes, the read path repairs."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path

from core.catalog import Catalog
from core.errors import DataFolderProblem, InvalidQuery
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


def index_folder(data: Path, catalog: str, channel: Channel, fingerprint: str) -> Path:
    """The folder of one channel's published index: those of several encoders lie side by side."""
    return data / "index" / check_catalog_name(catalog) / encoder_folder(fingerprint) / channel.value


def encoder_folder(fingerprint: str) -> str:
    """What the folder of an encoder's indexes is called."""
    return hashlib.blake2b(fingerprint.encode(), digest_size=6).hexdigest()


def publish_channel(
    data: Path, catalog: Catalog, channel: Channel, fingerprint: str, *, revision: int | None = None
) -> VectorIndex:
    """Builds one channel's index from the rows and puts it in the place of the old one; DataFolderProblem.

    `revision` is the one up to which all products have their vectors, where that is not the newest.
    """
    folder = index_folder(data, catalog.name, channel, fingerprint)
    # The revision is read before the rows: a change that comes between is then applied twice, never lost.
    revision = catalog.revision() if revision is None else revision
    rows = catalog.vectors(channel, fingerprint)
    try:
        index = VectorIndex.publish(folder, rows, fingerprint=fingerprint, revision=revision)
    except OSError as error:
        raise DataFolderProblem(str(folder), error.strerror or str(error)) from error
    # Before a catalog could have several encoders, its index lay here.
    shutil.rmtree(folder.parents[1] / channel.value, ignore_errors=True)
    return index


def publish(data: Path, catalog: Catalog, fingerprint: str, *, revision: int | None = None) -> None:
    """Builds and publishes every vector channel of a catalog."""
    for channel in VECTOR_CHANNELS:
        publish_channel(data, catalog, channel, fingerprint, revision=revision)

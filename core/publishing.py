"""Where a catalog's indexes lie, and how they are made from its rows: the write path publishes, the read path repairs."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.catalog import Catalog
from core.errors import DamagedIndex, DataFolderProblem, EncoderMismatch, InvalidQuery
from core.types import Channel, Vectors
from core.vector_index import Changes, Making, Tuned, VectorIndex, publish_anew, repairing

VECTOR_CHANNELS = (Channel.PICTURE, Channel.TEXT)
ASKED_TEXTS = 200
"""Texts that stand for what shoppers will type, when it is measured how hard pictures must be searched for them."""
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
) -> None:
    """Builds one channel's index from the rows and puts it in the place of the old one; DataFolderProblem.

    `revision` is the one up to which all products have their vectors, where that is not the newest.
    """
    folder = index_folder(data, catalog.name, channel, fingerprint)
    # The revision is read before the rows: a change that comes between is then applied twice, never lost.
    revision = catalog.revision() if revision is None else revision
    rows, making = catalog.vectors(channel, fingerprint), how_made(catalog, channel, fingerprint)
    try:
        publish_anew(folder, rows, fingerprint=fingerprint, revision=revision, making=making)
    except OSError as error:
        raise DataFolderProblem(str(folder), error.strerror or str(error)) from error
    # Before a catalog could have several encoders, its index lay here.
    shutil.rmtree(folder.parents[1] / channel.value, ignore_errors=True)


def repair_channel(data: Path, catalog: Catalog, channel: Channel, fingerprint: str) -> None:
    """Builds an index that can't be opened anew; of several processes that find it so, one does. DataFolderProblem."""
    folder = index_folder(data, catalog.name, channel, fingerprint)
    with repairing(folder):
        try:
            VectorIndex.open(folder, fingerprint=fingerprint)
        except (FileNotFoundError, DamagedIndex, EncoderMismatch):
            publish_channel(data, catalog, channel, fingerprint)


def publish_changes(
    data: Path, catalog: Catalog, channel: Channel, fingerprint: str, *, gently: bool = False
) -> None:
    """Adds to one channel's index what it lacks; builds it anew where there is nothing sound to add to.

    Nothing is written where nothing has changed. `gently` leaves the other processors to searches, and the work to
    another process that is about to do it. DataFolderProblem.
    """
    folder = index_folder(data, catalog.name, channel, fingerprint)

    def since(revision: int) -> Changes:
        return changes_since(catalog, channel, fingerprint, revision)

    try:
        making = replace(how_made(catalog, channel, fingerprint), gently=gently)
        VectorIndex.publish_changes(folder, since, fingerprint=fingerprint, making=making)
    except (FileNotFoundError, DamagedIndex, EncoderMismatch):
        repair_channel(data, catalog, channel, fingerprint)
    except BlockingIOError:
        return
    except OSError as error:
        raise DataFolderProblem(str(folder), error.strerror or str(error)) from error


def tune_channel(
    data: Path, catalog: Catalog, channel: Channel, fingerprint: str, recall: float
) -> list[Tuned]:
    """Sets a channel's searches to a recall; one finding a segment of codes, none where all is compared.

    FileNotFoundError, DamagedIndex, EncoderMismatch.
    """
    folder = index_folder(data, catalog.name, channel, fingerprint)
    making = how_made(catalog, channel, fingerprint)
    return VectorIndex.tune(folder, recall, fingerprint=fingerprint, making=making)


def changes_since(catalog: Catalog, channel: Channel, fingerprint: str, revision: int) -> Changes:
    """What an index that knows a catalog up to a revision has yet to learn."""
    # The revision is read before the rows: a change that comes between is then applied twice, never lost.
    newest = catalog.revision()
    # A product that has changed may have no vector left in this channel, so it is named as gone, too.
    gone = np.union1d(catalog.removed_since(revision), catalog.changed_since(revision))
    return Changes(catalog.vectors(channel, fingerprint, since=revision), gone, newest)


def how_made(catalog: Catalog, channel: Channel, fingerprint: str) -> Making:
    """How a channel's segments are made: words are asked of pictures, too, so recall is measured with both."""

    def asked() -> Vectors:
        keys = catalog.changed_since(0)
        sample = keys[:: max(1, len(keys) // ASKED_TEXTS)]
        batches = catalog.vectors_of(Channel.TEXT, fingerprint, sample)
        found = [batch.vectors for batch in batches]
        return np.concatenate(found) if found else np.empty((0, 0), np.float32)

    return Making(asked=asked if channel is Channel.PICTURE else None)


def publish(data: Path, catalog: Catalog, fingerprint: str, *, revision: int | None = None) -> None:
    """Builds and publishes every vector channel of a catalog."""
    for channel in VECTOR_CHANNELS:
        publish_channel(data, catalog, channel, fingerprint, revision=revision)

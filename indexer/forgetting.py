"""Frees what encoders left behind that no catalog is searched by any more, nor was before its last switch."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.encoder_choice import EncoderChoice
from core.language import Language
from core.publishing import encoder_folder
from core.settings import Settings
from indexer.lock import exclusive, rebuilding
from indexer.report import Watch


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is gone."""

    vectors: int
    index_folders: int


def forget_encoder_before(
    store: CatalogStore, name: str, settings: Settings, language: Language, watch: Watch
) -> Forgotten:
    """Gives up a catalog's way back, then drops the vectors and indexes of every encoder that no catalog names.

    Told to stop, it keeps the rest for the next time. Raises IngestRunning and RebuildRunning at its beginning: their
    encoder may be one that no catalog names yet.
    """
    names = store.names()
    with ExitStack() as rebuilds:
        for each in names:
            rebuilds.enter_context(rebuilding(settings.data, each))
        with ExitStack() as ingests:
            for each in names:
                ingests.enter_context(exclusive(settings.data, each))
            store.catalog(name).encoding.forget_before()
            kept = _in_use(store, settings, language)
        folders = _without(settings.data, names, {encoder_folder(fingerprint) for fingerprint in kept})
        return Forgotten(_dropped(store, kept, watch), folders)


def _without(data: Path, names: list[str], kept: set[str]) -> int:
    """Takes away all index folders but those that are kept; how many they were."""
    folders = [each for name in names for each in (data / "index" / name).glob("*") if each.name not in kept]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return len(folders)


def _dropped(store: CatalogStore, kept: set[str], watch: Watch) -> int:
    dropped = 0
    watch.begin(None)
    for vectors in store.drop_vectors_of_others(kept):
        dropped += vectors
        watch.advance(vectors)
        if watch.stopping():
            break
    return dropped


def _in_use(store: CatalogStore, settings: Settings, language: Language) -> set[str]:
    """The fingerprints of the encoders that catalogs are searched by, have vectors of, or can go back to."""
    encoders = [store.catalog(name).encoding.encoders() for name in store.names()]
    chosen = {each.choice or EncoderChoice.of(settings) for each in encoders}
    named = {known for each in encoders for known in (each.fingerprint, each.before_fingerprint) if known}
    return named | {load_encoder(settings, language, each).fingerprint for each in chosen}

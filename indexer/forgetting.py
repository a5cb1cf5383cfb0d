"""Frees what encoders left behind that no catalog is searched by any more, nor was before its last switch."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass

from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.encoder_choice import EncoderChoice
from core.language import Language
from core.publishing import encoder_folder
from core.settings import Settings
from indexer.lock import exclusive, rebuilding


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What is gone."""

    vectors: int
    index_folders: int


def forget_encoder_before(
    store: CatalogStore, name: str, settings: Settings, language: Language
) -> Forgotten:
    """Gives up a catalog's way back, then drops the vectors and indexes of every encoder that no catalog names.

    Raises IngestRunning and RebuildRunning: their encoder may be one that no catalog names yet.
    """
    data, names = settings.data, store.names()
    with ExitStack() as held:
        for each in names:
            held.enter_context(rebuilding(data, each))
            held.enter_context(exclusive(data, each))
        store.catalog(name).encoding.forget_before()
        kept = _in_use(store, settings, language)
        folders = [
            folder
            for each in names
            for folder in (data / "index" / each).glob("*")
            if folder.name not in {encoder_folder(fingerprint) for fingerprint in kept}
        ]
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        return Forgotten(store.drop_vectors_of_others(kept), len(folders))


def _in_use(store: CatalogStore, settings: Settings, language: Language) -> set[str]:
    """The fingerprints of the encoders that catalogs are searched by, have vectors of, or can go back to."""
    encoders = [store.catalog(name).encoding.encoders() for name in store.names()]
    chosen = {each.choice or EncoderChoice.of(settings) for each in encoders}
    named = {known for each in encoders for known in (each.fingerprint, each.before_fingerprint) if known}
    return named | {load_encoder(settings, language, each).fingerprint for each in chosen}

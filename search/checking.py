"""What `lychee doctor` and `lychee index check` look at."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.catalog import Catalog, CatalogStore
from core.encoder import load_encoder
from core.errors import LycheeError
from core.language import Language
from core.publishing import VECTOR_CHANNELS, index_folder
from core.settings import Settings
from core.vector_index import VectorIndex


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    detail: str
    sound: bool = True


def check_indexes(data: Path, catalog: Catalog, fingerprint: str) -> list[Finding]:
    """One finding a vector channel: every file against its checksum, and the revision against the catalog's."""
    findings = []
    for channel in VECTOR_CHANNELS:
        what = f"index {catalog.name}/{channel.value}"
        try:
            folder = index_folder(data, catalog.name, channel, fingerprint)
            VectorIndex.verify(folder)
            index = VectorIndex.open(folder, fingerprint=fingerprint)
        except FileNotFoundError:
            findings.append(Finding(what, "not published yet; `lychee index rebuild` makes it", sound=False))
        except LycheeError as error:
            findings.append(Finding(what, str(error), sound=False))
        else:
            behind = catalog.revision() - index.revision
            detail = f"{len(index):,} vectors" + (f", {behind} changes behind" if behind else "")
            findings.append(Finding(what, detail))
    return findings


def check_setup(settings: Settings) -> list[Finding]:
    """The settings with their sources, then the data folder, the encoder, and each catalog's indexes."""
    findings = [
        Finding(f"LYCHEE_{name.upper()}", f"{getattr(settings, name)} ({_source(settings, name)})")
        for name in type(settings).model_fields
    ]
    try:
        store = CatalogStore.open(settings.url)
        findings.append(Finding("catalog", settings.url))
        encoder = load_encoder(settings, Language.load())
        findings.append(Finding("encoder", encoder.fingerprint))
    except LycheeError as error:
        return [*findings, Finding("set-up", str(error), sound=False)]
    for name in store.names():
        findings += check_indexes(settings.data, store.catalog(name), encoder.fingerprint)
    return findings


def _source(settings: Settings, name: str) -> str:
    if f"LYCHEE_{name.upper()}" in os.environ:
        return "environment"
    return "set" if name in settings.model_fields_set else "default"

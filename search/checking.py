"""What `lychee doctor` and `lychee index check` look at."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from core.catalog import Catalog, CatalogStore
from core.encoder import load_encoder
from core.encoder_choice import EncoderChoice
from core.errors import LycheeError
from core.language import Language
from core.publishing import VECTOR_CHANNELS, index_folder
from core.setting_checks import misfits
from core.setting_names import unknown_settings
from core.setting_words import without_password
from core.settings import Settings
from core.vector_index import VectorIndex


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    detail: str
    sound: bool = True


def check_catalog(settings: Settings, catalog: Catalog, fingerprint: str) -> list[Finding]:
    """Which encoder searches the catalog, whether it has seen all of it, and the state of its indexes."""
    encoders = catalog.encoding.encoders()
    before = "" if encoders.before is None else f", before {encoders.before}"
    chosen = f"{encoders.choice or EncoderChoice.of(settings)} ({fingerprint}){before}"
    findings = [Finding(f"encoder of {catalog.name}", chosen)]
    if products := catalog.encoding.unsearchable(fingerprint):
        findings.append(
            Finding(f"encoder of {catalog.name}", unsearchable(catalog.name, products), sound=False)
        )
    return findings + check_indexes(settings.data, catalog, fingerprint)


def unsearchable(name: str, products: int) -> str:
    """What to do about products that an encoder has not seen."""
    return f"{products:,} products have no vector of this encoder; run `lychee index rebuild {name}`"


def check_indexes(data: Path, catalog: Catalog, fingerprint: str) -> list[Finding]:
    """One finding a vector channel: every file against its checksum, and the revision against the catalog's."""
    findings = []
    mend = f"`lychee index rebuild {catalog.name}` or the next start of a server makes it"
    for channel in VECTOR_CHANNELS:
        what = f"index {catalog.name}/{channel.value}"
        try:
            folder = index_folder(data, catalog.name, channel, fingerprint)
            VectorIndex.verify(folder)
            index = VectorIndex.open(folder, fingerprint=fingerprint)
        except FileNotFoundError:
            findings.append(Finding(what, f"not published yet; {mend}", sound=False))
        except LycheeError as error:
            findings.append(Finding(what, f"{error}; {mend}", sound=False))
        else:
            behind = catalog.revision() - index.revision
            late = f", {behind} changes behind: a server catches up when it starts" if behind else ""
            detail = f"{len(index):,} vectors{late}"
            findings.append(Finding(what, detail))
    return findings


def check_settings(settings: Settings) -> list[Finding]:
    """The settings with their sources, those that don't fit with what would, and names that nobody reads."""
    wrong = {each.name: each.reason for each in misfits(settings)}
    findings = []
    for name in type(settings).model_fields:
        variable = f"LYCHEE_{name.upper()}"
        said = f"{without_password(getattr(settings, name))} ({_source(settings, name)})"
        if variable in wrong:
            findings.append(Finding(variable, f"{said}: {wrong[variable]}", sound=False))
        else:
            findings.append(Finding(variable, said))
    return findings + [Finding(each.name, str(each), sound=False) for each in unknown_settings()]


def check_setup(settings: Settings) -> list[Finding]:
    """The database, and each catalog's encoder and indexes."""
    findings: list[Finding] = []
    language = Language.load()
    try:
        store = CatalogStore.open(settings.url)
        findings.append(Finding("catalog", without_password(settings.url)))
        fingerprint = load_encoder(settings, language).fingerprint
        findings.append(Finding("encoder", fingerprint))
    except LycheeError as error:
        return [*findings, Finding("set-up", str(error), sound=False)]
    known = {EncoderChoice.of(settings): fingerprint}
    for name in store.names():
        catalog = store.catalog(name)
        choice = catalog.encoding.encoders().choice or EncoderChoice.of(settings)
        try:
            if choice not in known:
                known[choice] = load_encoder(settings, language, choice).fingerprint
            findings += check_catalog(settings, catalog, known[choice])
        except LycheeError as error:
            findings.append(Finding(f"encoder of {name}", str(error), sound=False))
    return findings


def _source(settings: Settings, name: str) -> str:
    if f"LYCHEE_{name.upper()}" in os.environ:
        return "environment"
    return "set" if name in settings.model_fields_set else "default"

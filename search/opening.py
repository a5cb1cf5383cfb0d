"""Opens a search engine from the settings: the one place where the read path's parts are put together."""

from __future__ import annotations

import gc
from importlib import import_module
from pathlib import Path

from core.catalog import CatalogStore
from core.encoder import load_encoder
from core.encoder_choice import EncoderChoice
from core.language import Language
from core.settings import Settings
from rerank.judgement import Reranker
from rerank.loading import load_reranker
from search.engine import SearchEngine
from search.judging import Judging
from search.models import Loaded, LoadModels
from search.window_files import WindowFiles
from search.windows import Windows


def open_engine(
    settings: Settings, language: Language | None = None, windows: Path | None = None
) -> SearchEngine:
    """Loads the models and opens the catalogs; DataFolderProblem, MissingExtra.

    `language` is one that is there already, `windows` a folder where other processes find those of this one.
    """
    store = CatalogStore.open(settings.url)
    language = language or Language.load()
    encoder = load_encoder(settings, language)
    usual = Loaded(encoder, load_reranker(settings, encoder, language))
    engine = SearchEngine(
        store,
        usual.encoder,
        language,
        data=settings.data,
        reranker=usual.reranker,
        load=loader(settings, language, usual),
        judging=Judging(depth=settings.rerank_depth, budget_ms=settings.rerank_budget_ms),
        device=settings.device,
        windows=Windows(files=None if windows is None else WindowFiles(windows)),
    )
    keep_loaded()
    return engine


def load_forkable(settings: Settings) -> Language:
    """What processes that are forked from this one can share: code and tables, nothing that has begun a thread."""
    if settings.encoder_name == "lite":
        import_module("core.encoders.lite")
    if settings.reranker_name == "lite":
        import_module("rerank.lite")
    language = Language.load()
    keep_loaded()
    return language


def loader(settings: Settings, language: Language, usual: Loaded) -> LoadModels:
    """Loads what a catalog was switched to; `usual` is what the settings say, and what can be shared of it is."""

    def load(choice: EncoderChoice) -> Loaded:
        if choice == EncoderChoice.of(settings):
            return usual
        encoder = load_encoder(settings, language, choice)
        # Only the lite judge works with the encoder's own numbers.
        is_own = settings.reranker_name == "lite"
        judge = load_reranker(settings, encoder, language) if is_own else usual.reranker
        keep_loaded()
        return Loaded(encoder, judge)

    return load


def open_reranker(settings: Settings) -> Reranker | None:
    """The judge alone, for which no catalog is opened; MissingExtra, InvalidSetting, RerankerProblem."""
    language = Language.load()
    return load_reranker(settings, load_encoder(settings, language), language)


def keep_loaded() -> None:
    """What is loaded now stays: the collector, which takes a tenth of a second to walk through it, need not again."""
    gc.collect()
    gc.freeze()

"""The one place that picks a reranker."""

from __future__ import annotations

from core.encoder import Encoder
from core.errors import MissingExtra
from core.language import Language
from core.settings import Settings
from rerank.judgement import Reranker


def load_reranker(settings: Settings, encoder: Encoder, language: Language) -> Reranker | None:
    """The reranker that the settings name, None for `none`; the heavy import happens here and not before.

    MissingExtra, InvalidSetting and RerankerProblem say why it can't be had. The encoder and the language are what
    the rest of the process works with: the lite judge shares them.
    """
    match settings.reranker_name:
        case "none":
            return None
        case "lite":
            from rerank.lite import LiteReranker

            return LiteReranker.load(encoder, language)
        case "lychee":
            try:
                from rerank.lychee import LycheeReranker  # heavy: loads torch and transformers

                return LycheeReranker.load(settings)
            except ImportError as error:
                raise MissingExtra("the lychee judge", "lychee") from error
        case "remote":
            from rerank.remote import RemoteReranker  # its HTTP client is needed by nobody else

            return RemoteReranker.of(settings)

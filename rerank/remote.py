"""The remote judge: any server with the /v1/rerank form of Jina, Cohere and vLLM."""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import InvalidSetting, RerankerProblem, UnreadableImage
from core.pictures import jpeg
from core.setting_checks import is_web_address
from core.settings import Settings
from core.types import Score
from rerank.judgement import Asked, Document, Judgement, Picture, Unscored
from rerank.remote_call import CallFailed, JsonServer, Patience

BATCH = 32
"""Documents a request."""
PICTURE_SIDE = 768
"""Pixels of the longer side of a picture that is sent."""
_ROUTE = "/v1/rerank"
_ROUNDING = 1e-6
"""By so much a server's own arithmetic may miss 0 or 1; what is farther out is no probability."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A query or a document, ready to be sent."""

    text: str
    picture: str | None
    """A data URI."""


_Form = Callable[[_Side], object]


class RemoteReranker:
    """Asks a server, batch by batch; texts alone go as plain strings, which every such server takes."""

    micro_batch = BATCH
    is_pairwise = True

    def __init__(self, url: str, *, key: str | None, model: str, patience: Patience | None = None) -> None:
        address = _checked(url)
        self._server = JsonServer(address, _checked_key(key), patience or Patience())
        self._name = model
        self.model = f"{model}@{_shown(address)}"
        self._forms: tuple[_Form, ...] = (_as_fields, _as_parts)

    @classmethod
    def of(cls, settings: Settings) -> RemoteReranker:
        """The judge that the settings name; InvalidSetting where they don't say enough."""
        if not settings.reranker_url:
            reason = "the remote judge needs the address of a server's rerank route"
            raise InvalidSetting("LYCHEE_RERANKER_URL", "", reason)
        key = settings.reranker_key.get_secret_value() if settings.reranker_key else None
        return cls(settings.reranker_url, key=key, model=settings.reranker_model)

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        """One judgement a document, in input order; RerankerProblem."""
        try:
            query = _Side(_question(asked), _data_uri(asked.picture))
            batches = (documents[start : start + BATCH] for start in range(0, len(documents), BATCH))
            return [each for batch in batches for each in self._judged(query, asked.instruction, batch)]
        except UnreadableImage as error:
            raise RerankerProblem(self.model, f"the query's picture can't be sent: {error.reason}") from error
        except CallFailed as failure:
            raise RerankerProblem(self.model, failure.reason) from failure

    def close(self) -> None:
        """Gives up the connections; the judge is of no use afterwards."""
        self._server.close()

    def _judged(self, query: _Side, instruction: str, batch: Sequence[Document]) -> list[Judgement]:
        sides = [_side(document) for document in batch]
        sent = [side for side in sides if isinstance(side, _Side)]
        judgements = iter(_read(self._answer(query, sent, instruction), len(sent)) if sent else [])
        return [next(judgements) if isinstance(side, _Side) else side for side in sides]

    def _answer(self, query: _Side, sides: Sequence[_Side], instruction: str) -> object:
        """Pictures are sent in the form that the server is known to take; else in each until one is taken."""
        if all(side.picture is None for side in (query, *sides)):
            return self._server.ask(self._body(query, sides, instruction, _as_fields))
        refusals: list[str] = []
        for form in self._forms:
            try:
                answer = self._server.ask(self._body(query, sides, instruction, form))
            except CallFailed as failure:
                if failure.status not in (400, 422):
                    raise
                refusals.append(failure.reason)
            else:
                self._forms = (form,)
                return answer
        raise CallFailed("; and with pictures as parts of `content`: ".join(refusals))

    def _body(self, query: _Side, sides: Sequence[_Side], instruction: str, form: _Form) -> object:
        return {
            "model": self._name,
            "query": form(query),
            "documents": [form(side) for side in sides],
            "top_n": len(sides),
            "return_documents": False,
            "instruction": instruction,
        }


def _checked(url: str) -> str:
    """The address to ask: with a route, and without secrets, which would turn up in logs."""
    if not is_web_address(url):
        reason = "it must be the http or https address of a server's rerank route"
        raise InvalidSetting("LYCHEE_RERANKER_URL", _shown(url), reason)
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise InvalidSetting("LYCHEE_RERANKER_URL", _shown(url), "put the key into LYCHEE_RERANKER_KEY")
    return parts._replace(path=_ROUTE).geturl() if parts.path in ("", "/") else url


def _checked_key(key: str | None) -> str | None:
    if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
        raise InvalidSetting("LYCHEE_RERANKER_KEY", "…", "it has characters that no key has")
    return key


def _shown(url: str) -> str:
    """The address without what may be secret in it."""
    return re.sub(r"//[^/@]*@", "//", url.partition("?")[0])


def _question(asked: Asked) -> str:
    """The words; what is refused is said in words, too, as the form has no field for it."""
    if not asked.exclude:
        return asked.text
    return f"{asked.text} (but not: {', '.join(asked.exclude)})".strip()


def _side(document: Document) -> _Side | Unscored:
    try:
        return _Side(document.text, _data_uri(document.picture))
    except UnreadableImage as error:
        return Unscored(f"its picture can't be read: {error.reason}")


def _data_uri(picture: Picture | None) -> str | None:
    if picture is None:
        return None
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(picture.load(), PICTURE_SIDE)).decode()}"


def _as_fields(side: _Side) -> object:
    """Jina's form."""
    if side.picture is None:
        return side.text
    return {"image": side.picture} | ({"text": side.text} if side.text else {})


def _as_parts(side: _Side) -> object:
    """vLLM's form; the picture first, as such judges are trained."""
    if side.picture is None:
        return side.text
    picture = {"type": "image_url", "image_url": {"url": side.picture}}
    return {"content": [picture, *([{"type": "text", "text": side.text}] if side.text else [])]}


def _read(answer: object, count: int) -> list[Judgement]:
    """The judgements in input order; CallFailed for an answer that isn't one for each of `count` documents."""
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise CallFailed("its answer has no list of `results`")
    judgements: dict[int, Judgement] = {}
    for result in answer["results"]:
        index = _index(result, count)
        if index in judgements:
            raise CallFailed(f"it answers document {index} twice")
        judgements[index] = Score(_relevance(result, index))
    for failure in _failures(answer):
        judgements.setdefault(_index(failure, count), Unscored(str(failure.get("error", "no reason given"))))
    missing = [str(index) for index in range(count) if index not in judgements]
    if missing:
        raise CallFailed(f"of {count} documents it leaves out {', '.join(missing)}")
    return [judgements[index] for index in range(count)]


def _failures(answer: dict[str, object]) -> list[dict[str, object]]:
    """What our own servers say of documents that could not be judged."""
    failed = answer.get("failed")
    return [each for each in failed if isinstance(each, dict)] if isinstance(failed, list) else []


def _index(result: object, count: int) -> int:
    index = result.get("index") if isinstance(result, dict) else None
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
        raise CallFailed(f"it answers document {index!r}, and 0 to {count - 1} were asked")
    return index


def _relevance(result: dict[str, object], index: int) -> float:
    score = result.get("relevance_score")
    if not isinstance(score, int | float) or isinstance(score, bool) or not math.isfinite(score):
        raise CallFailed(f"document {index} has no relevance_score that is a number")
    if not -_ROUNDING <= score <= 1 + _ROUNDING:
        raise CallFailed(
            f"document {index} has relevance_score {score:g}, which is not from 0 to 1: "
            "let the server answer probabilities instead of logits"
        )
    return min(max(float(score), 0.0), 1.0)

"""From named errors to HTTP problems, in one table."""

from __future__ import annotations

import errno
import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.headers import add_security_headers
from api.request_notes import NOTES, REQUEST_ID
from api.schemas import ProblemBody
from core.database_errors import DatabaseReplaced, DatabaseUnreachable
from core.door_errors import (
    AnswerTooSlow,
    ForbiddenToKey,
    KeyWanted,
    RefusedProduct,
    ServerBusy,
    TooMuchWork,
    UnknownKey,
    UnsafeKeyring,
    WritingOff,
)
from core.errors import (
    DamagedIndex,
    DataFolderProblem,
    EncoderMismatch,
    EncoderProblem,
    EncoderSwitched,
    IngestRunning,
    InvalidDocument,
    InvalidQuery,
    LycheeError,
    MissingExtra,
    NoReranker,
    RerankerProblem,
    TooManyGuesses,
    UnknownCatalog,
    UnknownProduct,
    UnreadableImage,
)

STATUS: dict[type[LycheeError], HTTPStatus] = {
    UnknownCatalog: HTTPStatus.NOT_FOUND,
    UnknownProduct: HTTPStatus.NOT_FOUND,
    InvalidDocument: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidQuery: HTTPStatus.BAD_REQUEST,
    UnreadableImage: HTTPStatus.UNPROCESSABLE_ENTITY,
    EncoderMismatch: HTTPStatus.SERVICE_UNAVAILABLE,
    EncoderProblem: HTTPStatus.SERVICE_UNAVAILABLE,
    MissingExtra: HTTPStatus.SERVICE_UNAVAILABLE,
    DamagedIndex: HTTPStatus.SERVICE_UNAVAILABLE,
    DataFolderProblem: HTTPStatus.SERVICE_UNAVAILABLE,
    NoReranker: HTTPStatus.SERVICE_UNAVAILABLE,
    RerankerProblem: HTTPStatus.SERVICE_UNAVAILABLE,
    EncoderSwitched: HTTPStatus.SERVICE_UNAVAILABLE,
    IngestRunning: HTTPStatus.CONFLICT,
    RefusedProduct: HTTPStatus.UNPROCESSABLE_ENTITY,
    KeyWanted: HTTPStatus.UNAUTHORIZED,
    UnknownKey: HTTPStatus.UNAUTHORIZED,
    ForbiddenToKey: HTTPStatus.FORBIDDEN,
    WritingOff: HTTPStatus.FORBIDDEN,
    UnsafeKeyring: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyGuesses: HTTPStatus.TOO_MANY_REQUESTS,
    TooMuchWork: HTTPStatus.TOO_MANY_REQUESTS,
    ServerBusy: HTTPStatus.SERVICE_UNAVAILABLE,
    AnswerTooSlow: HTTPStatus.SERVICE_UNAVAILABLE,
}
AGAIN_AFTER_SECONDS: dict[type[LycheeError], int] = {
    IngestRunning: 10,
    EncoderSwitched: 5,
    AnswerTooSlow: 30,
    DatabaseUnreachable: 5,
    DatabaseReplaced: 1,
    DataFolderProblem: 30,
}
"""What passes by itself."""
SHORT_OF = {
    errno.ENOSPC: "disk space",
    errno.EDQUOT: "disk space",
    errno.EMFILE: "files that it may open",
    errno.ENFILE: "files that it may open",
    errno.ENOMEM: "memory",
    errno.EIO: "a disk that can be read and written",
    errno.EROFS: "a disk that can be written",
}
"""What the system refuses a server that is set up rightly, wherever it asks."""
_INSIDE = ("/api/products/batch", "/readyz")
"""What only who may write is answered, or who watches the server."""
log = logging.getLogger("lychee.api")


def status_of(error: LycheeError) -> HTTPStatus:
    """The status that an error is answered with."""
    known = (status for kind, status in STATUS.items() if isinstance(error, kind))
    return next(known, HTTPStatus.BAD_REQUEST)


def problem(status: HTTPStatus, detail: str, request: Request) -> JSONResponse:
    """One application/problem+json answer."""
    body = ProblemBody(title=status.phrase, status=status, detail=detail, instance=request.url.path)
    return JSONResponse(body.model_dump(), status, media_type="application/problem+json")


def refusal(error: LycheeError, request: Request) -> JSONResponse:
    """The problem that an error is, with what a program needs to go on."""
    is_trusted = request.method in ("PUT", "DELETE") or request.scope["path"] in _INSIDE
    answer = problem(status_of(error), str(error) if is_trusted else told(error), request)
    if isinstance(error, KeyWanted | UnknownKey):
        answer.headers["WWW-Authenticate"] = 'Bearer realm="lychee"'
    answer.headers.update(when_again(error))
    return answer


def told(error: LycheeError) -> str:
    """What anybody may know: addresses and folders are for who runs the server, or may write to it."""
    if not isinstance(error, DataFolderProblem):
        return str(error)
    log.warning("refused: %s", error)
    return "the catalog can't be read just now; the server's log says why"


def when_again(error: LycheeError) -> dict[str, str]:
    """The header that says when to ask again, where that can help."""
    usual = AGAIN_AFTER_SECONDS.get(type(error))
    seconds = error.seconds if isinstance(error, TooManyGuesses | TooMuchWork | ServerBusy) else usual
    return {} if seconds is None else {"Retry-After": str(seconds)}


def add_error_handlers(app: FastAPI) -> None:
    """Every error leaves as a problem, never as a stack trace."""

    @app.exception_handler(LycheeError)
    async def refused(request: Request, error: LycheeError) -> JSONResponse:
        return refusal(error, request)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}: {first['msg']}", request)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        return problem(HTTPStatus(error.status_code), str(error.detail), request)

    @app.exception_handler(OSError)
    async def short_of(request: Request, error: OSError) -> JSONResponse:
        if error.errno not in SHORT_OF:
            raise error
        log.error("%s at %s", error, request.url.path)
        answer = problem(
            HTTPStatus.SERVICE_UNAVAILABLE, f"the server is short of {SHORT_OF[error.errno]}", request
        )
        answer.headers["Retry-After"] = str(AGAIN_AFTER_SECONDS[DataFolderProblem])
        return answer

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> JSONResponse:
        log.exception("unforeseen error at %s", request.url.path, exc_info=error)
        answer = problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log says more", request)
        add_security_headers(answer.headers)
        # This answer passes no layer of ours; its id leads to what the log says.
        if (notes := NOTES.get()) is not None:
            answer.headers[REQUEST_ID] = notes.request_id
        return answer

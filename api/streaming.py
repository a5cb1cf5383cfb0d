"""An answer as Server-sent events: recall's order at once, the judge's when it is there."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from http import HTTPStatus
from typing import Any

from anyio import to_thread
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from api.errors import status_of, told
from api.schemas import AnswerBody, ProblemBody
from core.errors import LycheeError
from search.answer import Answer

EVENTS = "text/event-stream"
EVENT: dict[str, Any] = {
    "type": "object",
    "description": "One event; its data is JSON: an AnswerBody, at the end the query's id, a ProblemBody for an error",
    "properties": {
        "event": {"type": "string", "enum": ["recall", "reranked", "done", "error"]},
        "data": {"type": "string"},
    },
    "required": ["event", "data"],
}
"""What the description says of an event."""
log = logging.getLogger("lychee.api")


class DoneBody(BaseModel):
    """The last event of a stream."""

    query_id: str


def wants_events(accept: str) -> bool:
    """Whether an Accept header asks for a stream."""
    return any(part.partition(";")[0].strip().lower() == EVENTS for part in accept.split(","))


def streamed(
    answers: Iterator[Answer], over: threading.Event, body_of: Callable[[Answer], AnswerBody]
) -> StreamingResponse:
    """The answers as events; what can't be searched at all is refused before the stream begins.

    `over` is what the answers are made with: it is set when the client goes away, which ends the judging.
    """
    return StreamingResponse(
        _events(next(answers), answers, over, body_of),
        media_type=EVENTS,
        # A proxy that gathers the answer before it passes it on would undo it all.
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def _events(
    first: Answer, answers: Iterator[Answer], over: threading.Event, body_of: Callable[[Answer], AnswerBody]
) -> AsyncIterator[str]:
    answer: Answer | None = first
    try:
        while answer is not None:
            yield _event("reranked" if answer.is_final else "recall", body_of(answer))
            # A client that goes away cancels this; the thread then ends by itself as soon as `over` is set.
            answer = await to_thread.run_sync(next, answers, None, abandon_on_cancel=True)
        yield _event("done", DoneBody(query_id=first.query_id))
    except LycheeError as error:
        yield _problem(status_of(error), told(error))
    except Exception:
        log.exception("unforeseen error in a stream")
        yield _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log says more")
    finally:
        over.set()


def _problem(status: HTTPStatus, detail: str) -> str:
    return _event("error", ProblemBody(title=status.phrase, status=status, detail=detail))


def _event(name: str, body: BaseModel) -> str:
    # JSON has no line ends of its own, so that one line of data holds it all.
    return f"event: {name}\ndata: {body.model_dump_json()}\n\n"

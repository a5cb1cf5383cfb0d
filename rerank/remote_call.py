"""One question to a server that answers JSON: time-outs, bounded retries, and a deadline over all of them.

It alone knows the HTTP client and the retrying.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import httpx2
import orjson
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

MAX_ANSWER_BYTES = 16_000_000
REST_SECONDS = 5.0
"""After every attempt of a question has failed to reach the server: others need not spend their time on it, too."""
_BUSY = {408, 425, 429, 500, 502, 503, 504}
"""Answers that may be others a moment later."""
_HINTS = {
    401: "; check LYCHEE_RERANKER_KEY",
    403: "; check LYCHEE_RERANKER_KEY",
    404: "; LYCHEE_RERANKER_URL must be the address of its rerank route",
    405: "; LYCHEE_RERANKER_URL must be the address of its rerank route",
}
_EXCERPT = 200

log = logging.getLogger("lychee.remote")
# At its usual level the client logs every address, and an address may hold a secret.
logging.getLogger("httpx2").setLevel(logging.WARNING)


def _log_retry(details: RetryDetails) -> None:
    log.warning("the remote judge is asked again in %.1f s: %s", details.wait_for, details.caused_by)


set_on_retry_hooks([_log_retry])


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for, in seconds."""

    connect: float = 3.0
    read: float = 30.0
    """Without a byte of the answer."""
    total: float = 60.0
    """Over all attempts."""
    attempts: int = 4


class CallFailed(Exception):
    """The server gave no answer that can be used; says what was wrong, never the key."""

    def __init__(
        self,
        reason: str,
        *,
        status: int | None = None,
        again: bool = False,
        after: float | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason, self.status = reason, status
        self.again, self.after = again, after


class JsonServer:
    """A route that is asked by POST; safe for many threads."""

    def __init__(self, url: str, key: str | None, patience: Patience) -> None:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._url, self._key, self._patience = url, key, patience
        self._client = httpx2.Client(headers=headers)
        self._rests_until = 0.0

    def ask(self, body: object) -> object:
        """The parsed answer; CallFailed, at once while a server that could not be reached is left alone."""
        if (left := self._rests_until - time.monotonic()) > 0:
            raise CallFailed(f"it could not be reached; it is asked again in {left:.0f} s")
        try:
            return self._asked(orjson.dumps(body))
        except CallFailed as failure:
            if failure.again and failure.status is None:
                self._rests_until = time.monotonic() + REST_SECONDS
            raise

    def _asked(self, content: bytes) -> object:
        ends = time.monotonic() + self._patience.total

        def pause(error: Exception) -> bool | float:
            if not isinstance(error, CallFailed) or not error.again:
                return False
            left = ends - time.monotonic()
            if error.after is None:
                return left > 0
            return error.after if error.after < left else False

        for attempt in stamina.retry_context(
            on=pause,
            attempts=self._patience.attempts,
            timeout=self._patience.total,
            wait_initial=0.2,
            wait_jitter=0.2,
        ):
            with attempt:
                return self._asked_once(content, ends)
        raise AssertionError("the retrying either answers or raises")

    def close(self) -> None:
        """Closes the connections that are kept."""
        self._client.close()

    def _asked_once(self, content: bytes, ends: float) -> object:
        left = max(ends - time.monotonic(), 0.001)
        timeout = httpx2.Timeout(min(self._patience.read, left), connect=min(self._patience.connect, left))
        try:
            with self._client.stream("POST", self._url, content=content, timeout=timeout) as response:
                return self._understood(response, _read(response, ends))
        except httpx2.TimeoutException as error:
            raise CallFailed(f"it did not answer in time ({type(error).__name__})", again=True) from error
        except httpx2.RequestError as error:
            reason = self._excerpt(str(error) or type(error).__name__)
            raise CallFailed(f"the connection failed: {reason}", again=True) from error

    def _understood(self, response: httpx2.Response, body: bytes) -> object:
        status = response.status_code
        if status != HTTPStatus.OK:
            reason = f"it answered {status} {response.reason_phrase}{_HINTS.get(status, '')}: "
            raise CallFailed(
                reason
                + self._excerpt(response.headers.get("location", "") or body.decode("utf-8", "replace")),
                status=status,
                again=status in _BUSY,
                after=_seconds(response.headers.get("retry-after", "")),
            )
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            shown = self._excerpt(body.decode("utf-8", "replace"))
            raise CallFailed(f"its answer is not JSON: {shown}") from error

    def _excerpt(self, text: str) -> str:
        """The beginning of what a server says, on one line, without the key that it may repeat."""
        if self._key:
            text = text.replace(self._key, "…")
        shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
        return shown[:_EXCERPT] + "…" if len(shown) > _EXCERPT else shown or "(nothing)"


def _read(response: httpx2.Response, ends: float) -> bytes:
    """The whole answer; a time-out guards each piece, this the sum of them."""
    received = bytearray()
    for chunk in response.iter_bytes():
        received += chunk
        if len(received) > MAX_ANSWER_BYTES:
            raise CallFailed(f"its answer is larger than {MAX_ANSWER_BYTES // 1_000_000} MB")
        if time.monotonic() > ends:
            raise CallFailed("its answer took too long to arrive")
    return bytes(received)


def _seconds(retry_after: str) -> float | None:
    """What a Retry-After header asks for, in seconds or as a date; None for none that can be read."""
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())

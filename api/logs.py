"""Where a server's log goes and in which form: lines for people, or a JSON document a line for machines."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import orjson

from api.open_connections import OneASecond
from api.request_notes import NOTES
from core.settings import LogFormat


def set_up_logging(log_format: LogFormat) -> None:
    """To stderr, from INFO up; once a process."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("asyncio").addFilter(OneASecond())
    # It logs the address of each request, and addresses may hold secrets.
    for talkative in ("httpx2", "httpcore2", "httpx", "httpcore"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
    # What it migrates is worth a line, which plug-ins it has is not.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)


class TextLines(logging.Formatter):
    """Level, source, sentence, stages of searches, and the id of the request."""

    def __init__(self) -> None:
        super().__init__("%(levelname)s %(name)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 the library's name
        """One line, whatever the sentence holds."""
        words = [super().formatMessage(record).replace("\r", "\\r").replace("\n", "\\n")]
        words += [_spoken(searched) for searched in _facts(record).get("searches", ())]
        notes = NOTES.get()
        if notes is None:
            return " ".join(words)
        ids = (
            [notes.request_id] if notes.trace is None else [notes.request_id, f"trace {notes.trace.trace_id}"]
        )
        return " ".join([*words, f"[{', '.join(ids)}]"])


class JsonLines(logging.Formatter):
    """One document a line, with what a record says of its own in fields beside its sentence."""

    def format(self, record: logging.LogRecord) -> str:
        """The document."""
        notes = NOTES.get()
        document: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if notes is not None:
            document["request_id"] = notes.request_id
            if notes.trace is not None:
                document["trace_id"] = notes.trace.trace_id
        if record.exc_info:
            document["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(document | _facts(record), default=str).decode()


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] = getattr(record, "facts", {})
    return facts


def _spoken(searched: dict[str, Any]) -> str:
    stages = " ".join(f"{stage}={milliseconds}" for stage, milliseconds in searched["took_ms"].items())
    words = f" query={searched['query']!r}" if "query" in searched else ""
    about = f"{searched['catalog']}: {searched['hits']} of {searched['total']}, judged {searched['rerank']}"
    return f"({about}, {stages}{words})"

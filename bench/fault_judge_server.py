"""A remote judge for faults: a few lines of HTTP in a process of its own, whose scores depend on the words alone."""

from __future__ import annotations

import json
import sys
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

GARBAGE = (
    b"<html>the proxy is upset</html>",
    b'{"results": [{"index": 0, "relevance_score": "high"}]}',
    b"{",
)


class Judging(BaseHTTPRequestHandler):
    """Answers /v1/rerank, or garbage."""

    protocol_version = "HTTP/1.1"
    garbage: ClassVar[bool] = False
    asked: ClassVar[int] = 0

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        Judging.asked += 1
        answer = GARBAGE[self.asked % len(GARBAGE)] if self.garbage else _answer(body)
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the library's name
        """Says nothing."""


def _answer(body: dict[str, object]) -> bytes:
    documents = body["documents"]
    assert isinstance(documents, list)
    scores = [zlib.crc32(json.dumps([body["query"], each]).encode()) / 2**32 for each in documents]
    results = [{"index": place, "relevance_score": score} for place, score in enumerate(scores)]
    return json.dumps({"results": results}).encode()


if __name__ == "__main__":
    Judging.garbage = sys.argv[2:] == ["garbage"]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Judging).serve_forever()

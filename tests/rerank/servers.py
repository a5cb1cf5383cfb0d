"""Real servers on this machine for the remote judge, which answer whatever a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Scripted(BaseHTTPRequestHandler):
    """One request: what came in, and ways to answer it."""

    protocol_version = "HTTP/1.1"
    answer: Callable[[Scripted], None]
    seen: list[Scripted]
    body: Any

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append(self)
        type(self).answer(self)

    def send(self, content: object, status: int = 200, **headers: str) -> None:
        """A whole answer: JSON, or the text as it is."""
        sent = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        self.wfile.write(sent)

    def results(self, score: float = 0.5) -> None:
        """What a good server answers: every document has that score."""
        count = len(self.body["documents"])
        self.send({"results": [{"index": index, "relevance_score": score} for index in range(count)]})

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def answering(answer: Callable[[Scripted], None]) -> Iterator[tuple[str, list[Scripted]]]:
    """The address of a server that answers so, and the requests that it has seen."""
    seen: list[Scripted] = []
    script = type("Script", (Scripted,), {"answer": staticmethod(answer), "seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), script) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/v1/rerank", seen
        finally:
            server.shutdown()

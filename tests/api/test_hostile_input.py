"""What somebody sends to do harm: odd paths, packed and deep bodies, texts that would be script or headers."""

from __future__ import annotations

import gzip
import json
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.patient_protocol import PatientProtocol
from core.catalog import CatalogStore
from core.language import Language
from core.settings import Settings
from indexer.putting import CatalogWriter
from tests.color_encoder import ColorEncoder
from tests.markup import find, parsed
from tests.serving import listening
from tests.shops import Shop, coloured_shop, product

ADMIN = {"x-api-key": "an admin key of the tests"}
JSON = {"content-type": "application/json"}
SECRET = "what lies beside the catalog"
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'\r\n\r\nevent: done\r\ndata: {}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory, language: Language) -> Iterator[Shop]:
    """A shop with a product whose author means harm, and with a file beside it that is nobody's business."""
    folder = tmp_path_factory.mktemp("around") / "data"
    folder.mkdir()
    for place in (folder, folder.parent):
        (place / "secret.txt").write_text(SECRET)
    store = CatalogStore.open(f"sqlite:///{folder}/catalog.db")
    made = coloured_shop(Shop(folder, store, ColorEncoder(), language))
    texts = {"title": HOSTILE, "description": HOSTILE, "attributes": {"brand": HOSTILE}}
    made.ingest([product(made, "h", "red") | texts | {"link": "javascript:alert(1)"}])
    yield made
    store.close()


@pytest.fixture(scope="module")
def client(hostile: Shop) -> Iterator[TestClient]:
    settings, engine = Settings(data=hostile.data, admin_key=ADMIN["x-api-key"]), hostile.engine()
    app = create_app(settings, engine, writer=CatalogWriter(engine, hostile.data))
    with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as running:
        yield running


UP = [
    "../",
    "..%2f",
    "%2e%2e/",
    "%2e%2e%2f",
    "..%252f",
    "%252e%252e%252f",
    "..\\",
    "..%5c",
    "..%255c",
    "....//",
    "..;/",
]


@pytest.mark.parametrize(
    "where",
    ["/images/products/{}", "/images/{}", "/images/{}/x", "/static/{}", "/uploads/{}", "/api/products/{}"],
)
def test_no_way_up_leads_to_a_file(client: TestClient, where: str) -> None:
    for path in [where.format(up * steps + "secret.txt") for up in UP for steps in (1, 2, 4)]:
        answer = client.get(path, follow_redirects=True)

        assert answer.status_code in (400, 404), path
        assert SECRET not in answer.text


ODD = [
    "%00", "secret.txt%00.png", "/etc/passwd", "%2fetc%2fpasswd", "file:%2f%2f%2fetc%2fpasswd", "C:%5cwindows%5cwin.ini",
    "%c0%ae%c0%ae%2fsecret.txt", "x" * 5_000, "%ff%fe", "CON", "%0a", "*", "~root",
]  # fmt: skip


@pytest.mark.parametrize(
    "where", ["/images/products/{}", "/images/{}/red%20shoe", "/static/{}", "/uploads/{}"]
)
def test_no_odd_name_leads_to_a_file_or_breaks_the_server(client: TestClient, where: str) -> None:
    for name in ODD:
        answer = client.get(where.format(name))

        assert answer.status_code in (400, 404), name
        assert "root:" not in answer.text


def test_no_catalog_is_made_outside_of_the_folder(hostile: Shop, client: TestClient) -> None:
    before = sorted(path.name for path in hostile.data.parent.iterdir())

    for catalog in [
        "../evil",
        "..%2fevil",
        "a/b",
        "a\\b",
        ".",
        "..",
        "a\nb",
        "a\0b",
        "",
        "x" * 300,
        "keys.json",
    ]:
        answer = client.put(
            "/api/products/x", params={"catalog": catalog}, json={"title": "x"}, headers=ADMIN
        )
        assert answer.status_code == 400, catalog

    assert sorted(path.name for path in hostile.data.parent.iterdir()) == before


def test_no_upload_is_a_path(client: TestClient) -> None:
    for picture in [
        "upload:../keys",
        "upload:../../secret.txt",
        "upload:/etc/passwd",
        "upload:..%2fkeys",
        "upload:",
        "upload:\0",
    ]:
        answer = client.post("/api/search", json={"query": {"image": picture}})

        assert (answer.status_code, "no longer kept" in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["/api/search", "/api/rerank", "/v1/rerank", "/api/products/batch"])
def test_a_packed_body_is_not_unpacked(client: TestClient, path: str) -> None:
    packed = gzip.compress(b'{"query": {"text": "red"}' + b" " * 50_000_000 + b"}", 1)
    for coding in ("gzip", "deflate", "br", "gzip, gzip"):
        answer = client.post(path, content=packed, headers=JSON | ADMIN | {"content-encoding": coding})

        assert answer.status_code in (400, 415, 422)
        assert answer.headers["content-type"] == "application/problem+json"


DEEP = [
    "[" * 200_000 + "]" * 200_000,
    '{"a":' * 100_000 + "1" + "}" * 100_000,
    '{"query": ' + "[" * 60_000 + "]" * 60_000 + "}",
    '{"query": "x", "documents": ' + "[" * 60_000 + "]" * 60_000 + "}",
    '{"products": [' + '{"id": "x", "a": ' + "[" * 60_000 + "]" * 60_000 + "}]}",
    '{"title": ' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "}",
    '{"query": 1e999999, "products": 1e999999}',
    "-" * 100_000,
    '"' + "\\u0000" * 100_000 + '"',
]


@pytest.mark.parametrize(
    "address",
    [
        "POST /api/search",
        "POST /api/rerank",
        "POST /v1/rerank",
        "POST /api/products/batch",
        "PUT /api/products/x",
    ],
)
def test_json_that_nests_without_end_is_refused_everywhere(client: TestClient, address: str) -> None:
    method, path = address.split()
    for body in DEEP:
        answer = client.request(method, path, content=body, headers=JSON | ADMIN)

        assert 400 <= answer.status_code < 500, body[:40]
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 5_000


def test_of_names_that_are_given_twice_one_counts_everywhere(client: TestClient) -> None:
    body = '{"query": {"text": "red shoe", "text": "blue bag"}, "limit": 50, "limit": 1}'

    (hit,) = client.post("/api/search", content=body, headers=JSON).json()["hits"]

    assert hit["id"] == "blue bag"


@pytest.mark.parametrize(
    "path", ["/?q=script+alert", "/?q=script+alert&lang=zh", "/?like=h", "/", "/?q=script&facets=brand"]
)
def test_what_looks_like_script_is_text_in_the_page(client: TestClient, path: str) -> None:
    text = client.get(path).text
    page = parsed(text)

    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert all(each.get("src", "").startswith("/static/") for each in find(page, "script"))
    assert not find(page, "[onerror]")
    assert not [
        each
        for each in find(page, "a")
        if re.match(r"(?i)\s*(javascript|data|vbscript):", each.get("href", ""))
    ]


def test_what_looks_like_an_event_stays_within_one_of_a_stream(client: TestClient) -> None:
    answer = client.post("/api/search", json={"query": {"text": "script alert"}, "stream": True})

    events = [line for line in answer.text.splitlines() if line.startswith("event:")]
    assert "alert(1)" in answer.text
    assert set(events) <= {"event: recall", "event: reranked", "event: done"}
    assert events.count("event: done") == 1
    assert answer.headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize(
    "path",
    [
        "/api/search?q=script+alert",
        "/api/products/h",
        "/api/products/h/similar",
        "/api/search?q=x&sort=<script>",
    ],
)
def test_answers_of_the_api_are_never_pages(client: TestClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["content-type"] in ("application/json", "application/problem+json")
    assert headers["x-content-type-options"] == "nosniff"


ENDS = ["%0d%0a", "%0a", "%0d", "%E5%98%8A%E5%98%8D", "%c4%8a", "%0d%0a%0d%0a"]


@pytest.mark.parametrize(
    "path",
    [
        "/images/products{}X-Evil:1/x", "/images/{}X-Evil:1/red%20shoe", "/api/products/a{}X-Evil:1/similar",
        "/api/search?q=x&catalog=a{}X-Evil:1", "/?q=x&lang={}X-Evil:1", "/favicon.ico?v={}X-Evil:1", "/static/{}X-Evil:1",
        "/uploads/{}X-Evil:1", "/?catalog={}X-Evil:1",
    ],
)  # fmt: skip
def test_no_part_of_an_address_becomes_a_header(client: TestClient, path: str) -> None:
    for end in ENDS:
        headers = client.get(path.format(end)).headers

        assert "x-evil" not in headers
        assert not any(set("\r\n") & set(value) for value in headers.values())


def test_no_field_of_a_form_becomes_a_header(client: TestClient) -> None:
    for field in ["q", "catalog", "lang", "filter", "sort", "like", "image"]:
        answer = client.post("/", data={"q": "red", field: "x\r\nSet-Cookie: a=b\r\n\r\n<script>"})

        assert "set-cookie" not in answer.headers
        assert "<script>" not in answer.headers.get("location", "")


def test_the_name_of_a_sent_file_is_nothing_but_a_name(client: TestClient) -> None:
    for name in ("../../x.png", 'a"\r\nX-Evil: 1', "<script>.png", "x" * 10_000):
        answer = client.post("/api/pictures", files={"picture": (name, b"no picture")})

        assert answer.status_code in (400, 422)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "x-evil" not in answer.headers


@pytest.fixture(scope="module")
def port(hostile: Shop) -> Iterator[int]:
    app = create_app(Settings(data=hostile.data), hostile.engine())
    with listening(app, http=PatientProtocol, log_level="critical") as port:
        yield port


def said(port: int, request: bytes) -> bytes:
    answer = b""
    # What is sent after a refusal is answered by the system, not by the server.
    with socket.create_connection(("127.0.0.1", port), timeout=20) as opened, suppress(ConnectionError):
        opened.sendall(request)
        while part := opened.recv(65_536):
            answer += part
    return answer


@pytest.mark.parametrize(
    "lines",
    [
        b"X-Request-Id: a\r\n Set-Cookie: a=b\r\n",
        b"X-Request-Id: a\nSet-Cookie: a=b\r\n",
        b"X-Request-Id: a\rSet-Cookie: a=b\r\n",
        b"X-Request-Id: a%0d%0aSet-Cookie: a=b\r\n",
        b"Origin: https://a.example\r\n Set-Cookie: a=b\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Host: y\r\n",
        b"X: " + b"x" * 200_000 + b"\r\n",
    ],
)  # fmt: skip
def test_headers_that_would_split_an_answer_or_hide_a_request_are_refused_or_harmless(
    port: int, lines: bytes
) -> None:
    answer = said(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + lines + b"\r\n")

    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nset-cookie" not in head
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert answer[9:12] in (b"200", b"400", b"431", b"")


def test_secrets_and_words_are_in_no_line_of_the_log(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client.get("/api/search?q=sesame&key=sesame", headers={"x-api-key": "lychee_00000000_sesame"})
    client.get("/api/search?q=sesame&sort=sesame", headers={"cookie": "lychee_session=sesame"})
    client.post("/api/search", json={"query": {"text": "sesame"}, "filter": "sesame <"})
    client.post("/api/search", content='{"query": "sesame', headers=JSON)
    client.post("/api/rerank", json={"query": "sesame", "documents": ["sesame"]})
    client.put("/api/products/x", json={"title": "sesame"}, headers={"authorization": "Bearer sesame sesame"})
    client.get("/login?token=sesame&password=sesame")
    client.post("/", data={"q": "sesame"})

    ours = [
        record.getMessage() + json.dumps(vars(record), default=str)
        for record in caplog.records
        if record.name.startswith("lychee")
    ]
    assert ours
    assert not [line for line in ours if "sesame" in line]

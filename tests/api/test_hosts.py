"""A server answers to its own names: a web page whose name was made to lead here gets nothing."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from fastapi.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from api.app import create_app
from api.hosts import KnownHosts, host_of, is_loopback, machine_names, with_hosts
from api.sharing import Gate
from core.settings import Settings
from tests.shops import Shop, coloured_shop


def server(shop: Shop, gate: Gate | None = None, **settings: object) -> TestClient:
    made = with_hosts(Settings.model_validate({"data": shop.data, **settings}))
    return TestClient(create_app(made, coloured_shop(shop).engine(), gate), raise_server_exceptions=False)


def status(client: TestClient, host: str, path: str = "/api/search?q=red") -> int:
    return client.get(path, headers={"host": host}).status_code


@pytest.mark.parametrize(
    "path", ["/api/search?q=red", "/", "/metrics", "/images/products/red%20shoe", "/healthz"]
)
def test_a_name_that_was_made_to_lead_to_loopback_is_refused_everywhere(shop: Shop, path: str) -> None:
    answer = server(shop).get(path, headers={"host": "evil.example:7860"})

    assert answer.status_code == 421
    assert answer.headers["content-type"] == "application/problem+json"
    assert "LYCHEE_ALLOWED_HOSTS" in answer.json()["detail"]
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "localhost:7860", "LocalHost:7860", "localhost.", "shop.localhost:7860", "127.0.0.1:7860",
        "127.0.0.2", "[::1]:7860", "[::1]", socket.gethostname(), "192.168.1.7:7860",
    ],
)  # fmt: skip
def test_this_machines_own_names_and_addresses_are_let_in(shop: Shop, host: str) -> None:
    assert status(server(shop), host) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "evillocalhost", "127.0.0.1.nip.example", "localhost@evil.example",
        "evil.example@localhost", "localhost/", "localhost:x", "localhost:80:80", "localhost, evil.example", "",
        "[::1", "a b", "xn--lcalhost-n4a",
    ],
)  # fmt: skip
def test_what_only_looks_like_one_is_refused(shop: Shop, host: str) -> None:
    assert status(server(shop), host) == 421


def test_names_of_the_settings_take_the_place_of_the_usual_ones(shop: Shop) -> None:
    client = server(shop, allowed_hosts="shop.example, *.cdn.example")

    assert status(client, "shop.example") == status(client, "SHOP.example:443") == 200
    assert status(client, "a.cdn.example") == status(client, "b.a.cdn.example") == 200
    assert status(client, "www.shop.example") == status(client, "cdn.example") == 421
    assert status(client, "localhost") == 421
    assert status(client, "10.1.2.3:7860", "/healthz") == 200


@pytest.mark.parametrize("settings", [{"host": "0.0.0.0"}, {"host": "10.0.0.5"}, {"allowed_hosts": "*"}])
def test_beyond_loopback_and_where_it_is_said_any_name_will_do(shop: Shop, settings: dict[str, Any]) -> None:
    assert status(server(shop, **settings), "shop.example") == 200


def test_a_shared_server_is_known_by_whatever_name_its_tunnel_has(shop: Shop) -> None:
    client = server(shop, Gate("correct horse"))
    headers = {"host": "some-words.trycloudflare.example", "authorization": "Bearer correct horse"}

    assert client.get("/api/search?q=red", headers=headers).status_code == 200
    assert status(client, "some-words.trycloudflare.example") == 401


def test_who_names_no_host_is_no_browser_and_who_names_two_must_know_both() -> None:
    def reached(*hosts: str) -> bool:
        seen: list[str] = []

        async def within(scope: Scope, receive: Receive, send: Send) -> None:
            seen.append("inside")

        async def nothing() -> Message:
            return {"type": "http.disconnect"}

        async def unheard(message: Message) -> None:
            return

        headers = [(b"host", host.encode()) for host in hosts]
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": headers}
        asyncio.run(KnownHosts(within, ("localhost",))(scope, nothing, unheard))
        return bool(seen)

    assert reached()
    assert reached("localhost")
    assert not reached("localhost", "evil.example")
    assert not reached("evil.example", "localhost")


def test_loopback_is_told_from_other_addresses() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST.")] == [
        True
    ] * 5
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "shop.example", "localhost.evil.example")))


def test_hosts_are_read_from_headers_as_browsers_send_them() -> None:
    assert [host_of(header) for header in ("A.example:80", "[::1]:80", "1.2.3.4")] == [
        "a.example",
        "::1",
        "1.2.3.4",
    ]
    assert host_of("a@b") is host_of("a/b") is host_of("a?b") is host_of("a#b") is host_of("a:b") is None
    assert socket.gethostname().lower() in machine_names()

"""A shared server lets in who has the password, and makes everybody else wait."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from api.app import create_app
from api.guesses import FREE_TRIES, TRIES_OF_ALL
from api.sharing import COOKIE, LINK_SECONDS, SESSION_SECONDS, Gate, generated_password
from core.errors import TooManyGuesses, WeakPassword
from core.settings import Settings
from tests.markup import find, parsed, texts
from tests.shops import Shop, coloured_shop

PASSWORD = "correct horse"
BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@dataclass
class Clock:
    """Goes on when it is told to."""

    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gate(clock: Clock) -> Gate:
    return Gate(PASSWORD, clock=clock)


@pytest.fixture
def app(shop: Shop, gate: Gate) -> FastAPI:
    coloured_shop(shop)
    return create_app(Settings(data=shop.data), shop.engine(), gate)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, follow_redirects=False) as running:
        yield running


def test_a_page_leads_a_stranger_to_the_password_and_back(client: TestClient) -> None:
    refused = client.get("/?q=red+shoe", headers=BROWSER)
    assert (refused.status_code, refused.headers["location"]) == (303, "/login?next=%2F%3Fq%3Dred%2Bshoe")
    page = parsed(client.get(refused.headers["location"]).text)
    form = {each.get("name", ""): each.get("value", "") for each in find(page, "form input")}

    inside = client.post("/login", data=form | {"password": PASSWORD})

    assert (inside.status_code, inside.headers["location"]) == (303, "/?q=red+shoe")
    assert client.get("/?q=red+shoe", headers=BROWSER).status_code == 200
    assert client.get("/api/search?q=red").status_code == 200


def test_the_session_is_a_cookie_that_no_script_reads_and_no_other_site_sends(client: TestClient) -> None:
    near = client.post("/login", data={"password": PASSWORD}).headers["set-cookie"]
    client.base_url = client.base_url.copy_with(scheme="https")
    tunneled = client.post("/login", data={"password": PASSWORD}).headers["set-cookie"]

    assert "HttpOnly" in near
    assert "SameSite=lax" in near
    assert f"Max-Age={SESSION_SECONDS}" in near
    assert "Secure" not in near
    assert "Secure" in tunneled


@pytest.mark.parametrize(
    "path",
    [
        "/api/search?q=x",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/rerank",
        "/images/products/red%20shoe",
        "/uploads/x",
    ],
)
def test_everything_is_behind_the_password(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "/login" in answer.json()["detail"]


def test_what_is_sent_by_a_stranger_is_not_looked_at(client: TestClient) -> None:
    assert client.post("/api/rerank", json={"query": "x", "document": "y"}).status_code == 401
    assert client.post("/api/pictures", files={"picture": ("x.png", b"x")}).status_code == 401
    assert client.post("/rerank", data={"q": "x"}, headers=BROWSER).headers["location"] == "/login"


def test_the_way_in_the_pulse_and_the_files_of_the_pages_are_open(client: TestClient) -> None:
    page = parsed(client.get("/login").text)
    style = find(page, "link[rel=stylesheet]")[0].get("href", "")

    assert client.get(style).status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {PASSWORD}",
        f"bearer {PASSWORD}",
        "Basic " + base64.b64encode(f"me:{PASSWORD}".encode()).decode(),
    ],
)
def test_programs_send_the_password_along(client: TestClient, authorization: str) -> None:
    answer = client.get("/api/search?q=red+shoe", headers={"authorization": authorization})

    assert answer.status_code == 200
    assert COOKIE not in answer.cookies


@pytest.mark.parametrize(
    "authorization", ["Bearer wrong", "Bearer", "Basic !!!", "Basic " + base64.b64encode(b"\xff").decode()]
)
def test_a_wrong_password_of_a_program_is_refused(client: TestClient, authorization: str) -> None:
    answer = client.get("/api/search?q=x", headers={"authorization": authorization} | BROWSER)

    assert answer.status_code == 401


def test_a_forged_session_is_refused(client: TestClient, gate: Gate, clock: Clock) -> None:
    until, _, signature = gate.session().partition(".")
    other = Gate(PASSWORD, clock=clock).session()

    forged = [
        f"{int(until) + 1}.{signature}",
        f"{until}.{'0' * 64}",
        until,
        "",
        ".",
        "9999999999.",
        other,
        "é.é",
    ]

    for cookie in forged:
        assert not gate.admits_session(cookie), cookie
        sent = client.get("/api/search?q=x", headers={b"cookie": f"{COOKIE}={cookie}".encode()})
        assert sent.status_code == 401


def test_a_session_ends(gate: Gate, clock: Clock) -> None:
    session = gate.session()
    clock.now += SESSION_SECONDS - 1
    assert gate.admits_session(session)
    clock.now += 1
    assert not gate.admits_session(session)


def test_a_wrong_password_is_said_to_be_one_in_the_readers_language(client: TestClient) -> None:
    answer = client.post("/login", data={"password": "wrong", "next": "/?q=x", "lang": "zh"})

    assert answer.status_code == 401
    page = parsed(answer.text)
    assert texts(page, "[role=alert]") == ["密码不正确。"]
    assert find(page, "input[name=next]")[0].get("value") == "/?q=x"
    assert "set-cookie" not in answer.headers


def test_who_guesses_waits_longer_and_longer(gate: Gate, clock: Clock) -> None:
    def guess() -> float:
        try:
            assert not gate.knows("wrong", "10.0.0.1")
        except TooManyGuesses as error:
            return error.seconds
        return 0

    assert [guess() for _ in range(FREE_TRIES)] == [0, 0, 0]
    waits = []
    for _ in range(12):
        waits.append(guess())
        clock.now += waits[-1]
        assert guess() == 0
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_not_even_the_right_password_is_looked_at_before_the_wait_is_over(
    client: TestClient, clock: Clock
) -> None:
    for _ in range(FREE_TRIES + 1):
        client.post("/login", data={"password": "wrong"})

    early = client.post("/login", data={"password": PASSWORD})
    api = client.get("/api/search?q=x", headers={"authorization": f"Bearer {PASSWORD}"})
    clock.now += 1

    assert (early.status_code, early.headers["retry-after"]) == (429, "1")
    assert "Please try again in 1 s." in texts(parsed(early.text), "[role=alert]")[0]
    assert (api.status_code, api.headers["retry-after"]) == (429, "1")
    assert client.post("/login", data={"password": PASSWORD}).status_code == 303


def test_the_right_password_ends_the_count_and_so_does_an_hour(gate: Gate, clock: Clock) -> None:
    for _ in range(FREE_TRIES):
        gate.knows("wrong", "10.0.0.1")
        gate.knows("wrong", "10.0.0.2")
    clock.now += 2

    assert gate.knows(PASSWORD, "10.0.0.1")
    assert not gate.knows("wrong", "10.0.0.1")
    assert not gate.knows("wrong", "10.0.0.1")
    clock.now += 3_601
    for _ in range(FREE_TRIES):
        assert not gate.knows("wrong", "10.0.0.2")


@pytest.mark.parametrize(
    "address", [lambda n: f"10.0.{n}.1", lambda n: f"2001:db8:{n:x}::1"], ids=["IPv4", "IPv6"]
)
def test_guesses_from_many_addresses_are_slowed_down_together(
    gate: Gate, clock: Clock, address: Callable[[int], str]
) -> None:
    assert gate.knows(PASSWORD, "192.168.0.7")
    for n in range(TRIES_OF_ALL):
        assert not gate.knows("wrong", address(n))

    with pytest.raises(TooManyGuesses) as refused:
        gate.knows(PASSWORD, address(99))

    assert 0 < refused.value.seconds <= 60
    # Who once knew the password isn't kept out by strangers.
    assert gate.knows(PASSWORD, "192.168.0.7")
    clock.now += 60
    assert gate.knows(PASSWORD, address(99))


def test_the_addresses_of_one_household_count_as_one(gate: Gate) -> None:
    for n in range(FREE_TRIES):
        assert not gate.knows("wrong", f"2001:db8::{n + 1:x}")

    with pytest.raises(TooManyGuesses):
        gate.knows("wrong", "2001:db8::fffe")


def test_guesses_that_are_refused_push_nobody_out_of_memory(gate: Gate, clock: Clock) -> None:
    assert gate.knows(PASSWORD, "192.168.0.7")
    for n in range(TRIES_OF_ALL):
        gate.knows("wrong", f"10.0.{n}.1")

    for n in range(10_100):
        with pytest.raises(TooManyGuesses):
            gate.knows("wrong", f"172.{n >> 8}.{n & 255}.1")

    assert gate.knows(PASSWORD, "192.168.0.7")


def test_many_guesses_at_once_are_looked_at_one_after_the_other(gate: Gate) -> None:
    def guess(_: int) -> bool:
        try:
            return gate.knows("wrong", "10.0.0.1")
        except TooManyGuesses:
            return True

    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(guess, range(300)))

    assert answers.count(False) == FREE_TRIES


def believing_proxies(app: FastAPI) -> Any:
    """As uvicorn serves it: what a tunnel on this machine says of a sender is believed."""
    return ProxyHeadersMiddleware(cast(Any, app), trusted_hosts="127.0.0.1")


def test_who_lies_about_the_address_is_slowed_down_with_all_the_others(app: FastAPI) -> None:
    # What a tunnel passes on may say anything of where it comes from.
    with TestClient(believing_proxies(app), client=("127.0.0.1", 1)) as client:
        codes = [
            client.post(
                "/login", data={"password": "wrong"}, headers={"x-forwarded-for": f"10.0.{n}.1"}
            ).status_code
            for n in range(TRIES_OF_ALL + 5)
        ]

    assert codes == [401] * TRIES_OF_ALL + [429] * 5


def test_who_is_not_a_proxy_of_this_machine_says_nothing_of_its_address(app: FastAPI) -> None:
    with TestClient(believing_proxies(app), client=("10.7.7.7", 1)) as client:
        codes = [
            client.post(
                "/login", data={"password": "wrong"}, headers={"x-forwarded-for": f"10.0.{n}.1"}
            ).status_code
            for n in range(FREE_TRIES + 2)
        ]

    assert codes[-1] == 429


def test_behind_a_tunnel_that_speaks_tls_the_session_goes_by_tls_alone(app: FastAPI) -> None:
    with TestClient(believing_proxies(app), client=("127.0.0.1", 1), follow_redirects=False) as client:
        answer = client.post("/login", data={"password": PASSWORD}, headers={"x-forwarded-proto": "https"})

    assert "Secure" in answer.headers["set-cookie"]


def test_sessions_and_links_end_with_the_server(shop: Shop, client: TestClient, gate: Gate) -> None:
    client.post("/login", data={"password": PASSWORD})
    again = create_app(Settings(data=shop.data), shop.engine(), Gate(PASSWORD))
    with TestClient(again, cookies=client.cookies) as restarted:
        assert client.get("/api/search?q=red").status_code == 200
        assert restarted.get("/api/search?q=red").status_code == 401
        assert "set-cookie" not in restarted.get(f"/login?token={gate.link_token}").headers


def test_another_sender_does_not_wait_for_one_that_guesses(app: FastAPI) -> None:
    with TestClient(app, client=("10.9.9.9", 1)) as one, TestClient(app, client=("10.8.8.8", 1)) as other:
        for _ in range(FREE_TRIES + 2):
            last = one.post("/login", data={"password": "wrong"})

        assert last.status_code == 429
        assert other.post("/login", data={"password": "wrong"}).status_code == 401


def test_the_link_logs_in_leaves_the_address_and_is_not_kept(client: TestClient, gate: Gate) -> None:
    answer = client.get(f"/login?token={gate.link_token}&next=/rerank", headers=BROWSER)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert client.get("/api/search?q=red").status_code == 200


def test_the_link_is_over_soon_and_no_other_token_logs_in(
    client: TestClient, gate: Gate, clock: Clock
) -> None:
    clock.now += LINK_SECONDS

    for token in (gate.link_token, "", "x", "é"):
        answer = client.get("/login", params={"token": token})
        assert "set-cookie" not in answer.headers
        assert answer.status_code == 200
    assert "no longer logs in" in client.get(f"/login?token={gate.link_token}").text


@pytest.mark.parametrize(
    "where", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/\n/evil"]
)
def test_the_way_on_never_leaves_the_server(client: TestClient, where: str) -> None:
    answer = client.post("/login", data={"password": PASSWORD, "next": where})

    assert answer.headers["location"] == "/"


def test_a_generated_password_is_long_and_can_be_typed() -> None:
    passwords = {generated_password() for _ in range(100)}

    assert len(passwords) == 100
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{4}-){2}[a-hjkmnp-z2-9]{4}", each) for each in passwords)


def test_a_short_password_is_refused() -> None:
    with pytest.raises(WeakPassword, match="8 characters"):
        Gate("1234567")


def test_a_server_that_is_not_shared_has_no_door(shop: Shop) -> None:
    with TestClient(create_app(Settings(data=shop.data), shop.engine())) as client:
        assert client.get("/login").status_code == 404

"""Tunnel programs: what they print is read, and they end when they should."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import api.tunnel
from api.tunnel import open_tunnel, tunnel_plan
from core.errors import TunnelProblem

Program = Callable[[str, str], Path]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a shell script on the path, and nothing else but the system's own programs."""

    def put(name: str, script: str) -> Path:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho $$ $* > {tmp_path}/log\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")
        return tmp_path / "log"

    return put


async def address(wanted: str) -> str:
    async with open_tunnel(tunnel_plan(wanted, "127.0.0.1:7860")) as tunnel:
        return await tunnel.address()


LOCALHOST_RUN = """
echo "Welcome to localhost.run!"
echo "Follow your favourite reverse tunnel at [https://twitter.com/localhost_run]."
echo "To set up and manage custom domains go to https://admin.localhost.run/"
echo "abc123.lhr.life tunneled with tls termination, https://abc123.lhr.life"
"""
SERVEO = """
echo "Forwarding HTTP traffic from https://quiet.serveo.net"
"""
PINGGY = """
echo "You are not authenticated. Upgrade at https://dashboard.pinggy.io for more"
echo ""
echo "   https://rnd.a.free.pinggy.link"
"""
CLOUDFLARED = """
echo '2026 INF Thank you: https://www.cloudflare.com/website-terms/ and https://developers.cloudflare.com' >&2
echo '2026 INF |  https://quiet-lake.trycloudflare.com              |' >&2
"""


@pytest.mark.parametrize(
    ("wanted", "script", "public"),
    [
        ("ssh:localhost.run", LOCALHOST_RUN, "https://abc123.lhr.life"),
        ("ssh:serveo.net", SERVEO, "https://quiet.serveo.net"),
        ("ssh:a.pinggy.io", PINGGY, "https://rnd.a.free.pinggy.link"),
        ("cloudflared", CLOUDFLARED, "https://quiet-lake.trycloudflare.com"),
    ],
)
def test_the_address_is_found_among_what_else_is_said(
    program: Program, wanted: str, script: str, public: str
) -> None:
    log = program(wanted.partition(":")[0], f"{script}\nexec sleep 600")

    assert asyncio.run(address(wanted)) == public

    pid, *arguments = log.read_text().split()
    assert "127.0.0.1:7860" in arguments[-1] or "80:127.0.0.1:7860" in arguments
    assert not Path(f"/proc/{pid}").exists()


def test_a_program_that_will_not_stop_is_stopped(program: Program) -> None:
    log = program("cloudflared", f"trap '' TERM\n{CLOUDFLARED}\nwhile true; do sleep 1; done")

    asyncio.run(address("cloudflared"))

    assert not Path(f"/proc/{log.read_text().split()[0]}").exists()


def test_what_a_program_started_itself_does_not_hold_the_end_up(program: Program) -> None:
    log = program("cloudflared", f"{CLOUDFLARED}\nsleep 15\n")

    began = time.monotonic()
    asyncio.run(address("cloudflared"))

    assert time.monotonic() - began < api.tunnel.STOP_SECONDS
    assert not Path(f"/proc/{log.read_text().split()[0]}").exists()


def test_a_program_that_ends_is_a_problem_with_its_last_words(program: Program) -> None:
    program("cloudflared", "echo 'failed to ask https://api.trycloudflare.com/tunnel' >&2; exit 1")

    with pytest.raises(TunnelProblem, match="it ended: failed to ask"):
        asyncio.run(address("cloudflared"))


def test_a_program_that_names_no_address_is_not_waited_for_forever(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.tunnel, "ADDRESS_SECONDS", 1.0)
    program("ssh", "echo 'host key?'; exec sleep 600")

    began = time.monotonic()
    with pytest.raises(TunnelProblem, match=r"named no address within 1 seconds: host key\?"):
        asyncio.run(address("ssh:example.com"))

    assert time.monotonic() - began < 20


def test_a_program_that_says_very_much_is_read_on(program: Program) -> None:
    program("ssh", f"head -c 300000 /dev/zero | tr '\\0' x; echo; {SERVEO}\nexec sleep 600")

    assert asyncio.run(address("ssh:serveo.net")) == "https://quiet.serveo.net"


@pytest.mark.parametrize(
    "wanted", ["", "ngrok", "ssh", "ssh:", "ssh:-oProxyCommand=x", "ssh:a b", "cloudflared:x"]
)
def test_another_way_is_refused(wanted: str) -> None:
    with pytest.raises(TunnelProblem, match="neither `cloudflared` nor `ssh:HOST`"):
        tunnel_plan(wanted, "127.0.0.1:7860")


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(TunnelProblem, match="cloudflared: there is no such program here"):
        tunnel_plan("cloudflared", "127.0.0.1:7860")

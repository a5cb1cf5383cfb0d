"""`lychee share` as a real process: on the network behind its password, and through a tunnel that ends with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener, urlopen

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 240.0
"""Seconds: the models take their time where much else runs."""
CLOUDFLARED = """#!/bin/sh
echo "$$ $*" > "$TUNNEL_LOG"
echo "INF Thank you for trying Cloudflare Tunnel: https://www.cloudflare.com/website-terms/" >&2
echo "INF |  https://quiet-lake.trycloudflare.com                     |" >&2
exec sleep 600
"""
DYING = """#!/bin/sh
echo 'ERR Error unmarshaling QuickTunnel response: "https://api.trycloudflare.com/tunnel"' >&2
exit 1
"""
SHORT = """#!/bin/sh
echo "https://quiet-lake.trycloudflare.com"
sleep 3
echo "connection lost"
"""


@dataclass
class Shared:
    """A running command."""

    process: subprocess.Popen[str]
    port: int
    out: Path
    log: Path

    def said(self, pattern: str) -> str:
        """What it says, once it says so; its first group, where there is one."""
        found = awaited(lambda: re.search(pattern, self.out.read_text("utf-8")), self.process)
        return found[found.re.groups and 1]

    def tunnel_pid(self) -> int:
        """The tunnel program, once it runs."""
        return int(awaited(self._logged, self.process).split()[0])

    def _logged(self) -> str | None:
        return (self.log.read_text() or None) if self.log.exists() else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Share = Callable[..., Shared]
T = TypeVar("T")


def awaited(look: Callable[[], T | None], process: subprocess.Popen[str]) -> T:
    """What is there after a while; AssertionError with what the process said where it never is."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain; the process answered {process.poll()}")


def runs(pid: int) -> bool:
    """Whether a process is there and not merely waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def has_ended(pid: int, process: subprocess.Popen[str]) -> bool:
    return awaited(lambda: not runs(pid) or None, process)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    """Starts `lychee share` in a folder of its own, with programs of our own on its path."""
    started: list[Shared] = []

    def start(*options: str, encoding: str = "utf-8", **programs: str) -> Shared:
        programs_folder = tmp_path / "bin"
        programs_folder.mkdir()
        for name, script in programs.items():
            (programs_folder / name).write_text(script)
            (programs_folder / name).chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        out, log = tmp_path / "out.txt", tmp_path / "tunnel.log"
        environment = os.environ | {
            "PATH": f"{programs_folder}{os.pathsep}/usr/bin{os.pathsep}/bin" if programs else "/nowhere",
            "TUNNEL_LOG": str(log),
            "LYCHEE_RERANKER": "none",
            "PYTHONIOENCODING": encoding,
        }
        command = [
            sys.executable,
            "lychee.py",
            "share",
            "--data",
            str(tmp_path / "data"),
            "--port",
            str(port),
        ]
        with out.open("w") as written:
            process = subprocess.Popen(
                [*command, *options],
                cwd=ROOT,
                env=environment,
                stdout=written,
                stderr=subprocess.STDOUT,
                text=True,
                process_group=0,
            )
        started.append(Shared(process, port, out, log))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        if each.log.exists():
            assert has_ended(each.tunnel_pid(), each.process)


def test_share_is_on_the_network_behind_the_password_that_it_prints(share: Share) -> None:
    shared = share()
    password = shared.said(r"Password: +(\S+)")
    shared.said("The code logs a phone in until")

    with pytest.raises(HTTPError, match="401") as refused:
        urlopen(f"{shared.url}/readyz")
    refused.value.close()
    known = Request(f"{shared.url}/readyz", headers={"Authorization": f"Bearer {password}"})
    with urlopen(known) as answer:
        assert answer.status == 200
    listening = Path("/proc/net/tcp").read_text()
    assert f" 00000000:{shared.port:04X} " in listening
    assert [guess(shared) for _ in range(5)] == [401, 401, 401, 429, 429]
    # A tunnel on this machine says for whom it asks, and that the way to it is encrypted.
    assert guess(shared, "203.0.113.9") == 401
    tunneled = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    sent = Request(f"{shared.url}/login", f"password={password}".encode(), tunneled)
    with pytest.raises(HTTPError) as inside:
        build_opener(NoRedirect()).open(sent)
    assert "Secure" in inside.value.headers["Set-Cookie"]
    inside.value.close()


class NoRedirect(HTTPRedirectHandler):
    """Takes a redirect for an answer."""

    def redirect_request(self, *_: object) -> None:
        return None


def guess(shared: Shared, sender: str = "127.0.0.1") -> int:
    """Sends a wrong password; answers the status."""
    try:
        sent = Request(f"{shared.url}/login", b"password=wrong", {"X-Forwarded-For": sender})
        with urlopen(sent) as answer:
            return int(answer.status)
    except HTTPError as refused:
        with refused:
            return refused.code


def test_the_printed_link_logs_in(share: Share) -> None:
    # Where the terminal can't show the code, its link is printed.
    shared = share("--password", "correct horse", encoding="latin-1")
    token = shared.said(r"(/login\?token=\S+)")

    browser = build_opener(HTTPCookieProcessor())
    with browser.open(f"{shared.url}{token}") as answer:
        assert answer.url == f"{shared.url}/"
    with browser.open(f"{shared.url}/readyz") as answer:
        assert answer.status == 200
    assert "Password:             correct horse" in shared.out.read_text()


def test_a_tunnel_names_its_address_and_ends_with_the_command(share: Share) -> None:
    shared = share("--tunnel", "cloudflared", cloudflared=CLOUDFLARED)
    assert shared.said(r"Public address: +(\S+)") == "https://quiet-lake.trycloudflare.com"
    shared.said("The code logs a phone in until")
    pid = shared.tunnel_pid()
    assert f"127.0.0.1:{shared.port}" in shared.log.read_text()

    shared.process.send_signal(signal.SIGINT)

    shared.process.wait(PATIENCE)
    assert has_ended(pid, shared.process)


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_tunnel_ends_even_when_the_command_is_killed(share: Share, end: signal.Signals) -> None:
    shared = share("--tunnel", "cloudflared", cloudflared=CLOUDFLARED)
    pid = shared.tunnel_pid()
    shared.said("Public address:")
    assert runs(pid)

    shared.process.send_signal(end)

    shared.process.wait(PATIENCE)
    assert has_ended(pid, shared.process)


def test_a_tunnel_that_dies_at_once_ends_the_command_with_its_last_words(share: Share) -> None:
    shared = share("--tunnel", "cloudflared", cloudflared=DYING)

    assert shared.process.wait(PATIENCE) == 1
    said = shared.out.read_text()
    assert "lychee: cannot open a tunnel with cloudflared: it ended: ERR Error unmarshaling" in said
    assert "Public address" not in said
    assert "Traceback" not in said


def test_a_tunnel_that_dies_later_is_said_to_be_gone_and_the_network_goes_on(share: Share) -> None:
    shared = share("--tunnel", "cloudflared", cloudflared=SHORT)
    shared.said("Public address:")

    shared.said("the tunnel of cloudflared is closed: it ended: .*connection lost")

    with urlopen(f"{shared.url}/healthz") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--tunnel", "cloudflared"), "there is no such program here; install it, or leave out --tunnel"),
        (("--tunnel", "ssh:-oProxyCommand=x"), "neither `cloudflared` nor `ssh:HOST`"),
        (("--tunnel", "ngrok"), "neither `cloudflared` nor `ssh:HOST`"),
        (("--password", "short"), "too short"),
    ],
)
def test_what_can_not_work_is_said_before_a_model_is_loaded(
    share: Share, options: tuple[str, ...], reason: str
) -> None:
    shared = share(*options)

    assert shared.process.wait(PATIENCE) in (1, 2)
    assert reason in shared.out.read_text()
    assert "Loading model" not in shared.out.read_text()

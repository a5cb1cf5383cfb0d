"""Settings that don't fit are refused at start: each by its name, its value, and what would fit, all at once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import lychee
from core.settings import Settings

SECRET = "hunter2-hunter2-hunter2"
ANY_TEXT = {"open_clip_model", "open_clip_pretrained", "reranker_model"}
"""Names of models and folders: whether they are there is seen where they are opened."""
BAD = {
    "data": ["a-file", "a-file/below", "/proc/nowhere"],
    "database_url": [
        "mysql://user:{secret}@host/shop",
        "postgresql:/user:{secret}@host",
        "postgresql://user:{secret}@host:port/shop",
        "sqlite://",
        "sqlite:///.",
        "sqlite://host/catalog.db",
        "catalog.db",
    ],
    "encoder": ["clip", "LITE"],
    "profile": ["large"],
    "reranker": ["yes"],
    "reranker_url": ["judge.example/v1/rerank", "ftp://user:{secret}@judge.example", "http://", "http://[::1", "http://a b"],
    "reranker_key": ["{secret} ключ"],
    "reranker_pixels": ["many", "10", "1e5"],
    "rerank_depth": ["0", "1,000", "５０", "50.5", "0x20"],
    "rerank_budget_ms": ["1.5s", "600001"],
    "device": ["gpu", "cuda:", "cuda:first"],
    "dtype": ["fp16"],
    "quantize": ["int8"],
    "admin_key": ["hunter2", "{secret} with spaces"],
    "search_keys_required": ["perhaps", "2"],
    "cors_origins": ["shop.example", "https://shop.example/", "https://a.example;https://b.example", "*"],
    "rate_limit": ["6000", "6000/week", "0/minute", "-1/second"],
    "rate_store": ["memcached://host", "redis://", "redis://:{secret}@host:port"],
    "at_once": ["0", "two"],
    "queue": ["-1", "lots"],
    "queue_ms": ["0", "1s"],
    "request_seconds": ["0", "nan", "inf", "1m", "1,5"],
    "allowed_hosts": ["https://shop.example", "shop.example:443", "shop*.example", "shop.example/x", "shop..example"],
    "host": ["http://localhost", "127.0.0.1:7860", "999.1.1.1", "a..b", "a host"],
    "port": ["seven", "0", "65536", "tcp://10.0.0.1:7860", "7_8_6_0_0"],
    "log_format": ["xml"],
    "log_queries": ["sometimes"],
}  # fmt: skip
CASES = [(name, value) for name, values in BAD.items() for value in values]
COMMANDS = [
    ["search", "shoe"], ["batch-search", "q.jsonl"], ["eval", "q.jsonl", "q.tsv"], ["rerank", "shoe", "--document", "a"],
    ["load"], ["share"], ["demo"], ["ingest", "feed.csv"], ["rejects"], ["catalog", "list"], ["catalog", "show", "x"],
    ["catalog", "export", "x"], ["catalog", "remove", "x"], ["index", "check"], ["index", "rebuild"], ["index", "tune"],
    ["index", "forget"], ["backup", "copy"], ["restore", "copy"], ["keys", "list"], ["keys", "create"], ["doctor"],
]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, without settings, and with a file in it."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LYCHEE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "a-file").write_text("")
    for feed in ("q.jsonl", "q.tsv", "feed.csv"):
        (tmp_path / feed).write_text("")
    return tmp_path


def refusals(capfd: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    """What a command says that is refused for its settings."""
    assert lychee.run(list(arguments) or ["catalog", "list"]) == 2
    said = capfd.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert SECRET not in said.err
    return said.err.splitlines()


def test_bad_values_are_known_of_every_setting() -> None:
    assert set(BAD) | ANY_TEXT == set(Settings.model_fields)


@pytest.mark.parametrize("place", ["environment", ".env"])
@pytest.mark.parametrize(("name", "value"), CASES)
def test_a_value_that_does_not_fit_is_named_with_what_would(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    *,
    place: str,
    name: str,
    value: str,
) -> None:
    variable, value = f"LYCHEE_{name.upper()}", value.format(secret=SECRET)
    if place == "environment":
        monkeypatch.setenv(variable, value)
    else:
        (folder / ".env").write_text(f"{variable}='{value}'\n", "utf-8")

    (said,) = refusals(capfd)

    assert said.startswith(f"lychee: setting {variable}=")
    assert SECRET in value or name.endswith("_key") or repr(value) in said
    assert len(said.partition("': ")[2]) > 10


def test_all_bad_settings_are_told_at_once_by_every_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name, values in BAD.items():
        monkeypatch.setenv(f"LYCHEE_{name.upper()}", values[0].format(secret=SECRET))

    for command in COMMANDS:
        said = refusals(capfd, *command)
        named = {line.partition("setting ")[2].partition("=")[0] for line in said}
        assert (len(said), named) == (len(BAD), {f"LYCHEE_{name.upper()}" for name in BAD}), command


def test_the_server_is_refused_without_a_stack_trace_before_it_loads_anything(folder: Path) -> None:
    (folder / ".env").write_text("LYCHEE_PORT=seven\nLYCHEE_QUEUE=lots\n")
    command = [sys.executable, lychee.__file__, "load"]

    left = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)

    assert (left.returncode, left.stdout) == (2, "")
    assert left.stderr.splitlines() == [
        "lychee: setting LYCHEE_QUEUE='lots': it takes a whole number in plain digits, from 0 to 10000",
        "lychee: setting LYCHEE_PORT='seven': it takes a whole number in plain digits, from 1 to 65535",
    ]


def test_what_kubernetes_puts_in_the_place_of_the_port_is_known(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYCHEE_PORT", "tcp://10.0.0.1:7860")

    (said,) = refusals(capfd)

    assert "enableServiceLinks: false" in said


@pytest.mark.parametrize("name", ["reranker", "profile"])
def test_a_remote_judge_needs_an_address(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(f"LYCHEE_{name.upper()}", "remote")

    (said,) = refusals(capfd)

    assert "LYCHEE_RERANKER_URL" in said
    assert "https://judge.example/v1/rerank" in said


@pytest.mark.parametrize(
    ("variable", "value", "package", "says"),
    [
        ("LYCHEE_DATABASE_URL", "postgresql://host/shop", "psycopg", "pip install 'lychee-search[postgres]'"),
        ("LYCHEE_RATE_STORE", "redis://host:6379", "redis", "pip install 'lychee-search[redis]'"),
    ],
)
def test_a_setting_whose_extra_is_not_installed_says_how_to_install_it(
    *,
    variable: str,
    value: str,
    package: str,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for module in ("core.catalog.address", "core.setting_checks"):
        monkeypatch.setattr(f"{module}.find_spec", lambda name: None if name == package else object())
    monkeypatch.setenv(variable, value)

    (said,) = refusals(capfd)

    assert (variable in said, says in said) == (True, True)


def test_a_card_needs_its_driver_and_torch(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYCHEE_DEVICE", "cuda:1")
    monkeypatch.setenv("LYCHEE_ENCODER", "open_clip")
    monkeypatch.setattr("core.setting_checks.CARD_DRIVERS", ())
    assert "no NVIDIA driver is loaded" in refusals(capfd)[0]

    monkeypatch.setattr("core.setting_checks.CARD_DRIVERS", ("/",))
    monkeypatch.setattr("core.setting_checks.find_spec", lambda _: None)
    assert "pip install 'lychee-search[clip]'" in refusals(capfd)[0]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"LYCHEE_PORT=8000\n\xff\xfe\n", "line 2 is not UTF-8"),
        ("LYCHEE_PORT=8000".encode("utf-16"), "line 1 is not UTF-8"),
        (b"# a comment\n\nLYCHEE_PORT 8000\n", "line 3 is not NAME=value"),
        (b'LYCHEE_DATA="here\n', "line 1 is not NAME=value"),
    ],
)
def test_a_file_of_settings_that_is_none_is_named_with_the_line(
    content: bytes, says: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_bytes(content)

    (said,) = refusals(capfd)

    assert said.startswith("lychee: cannot read settings from .env: ")
    assert says in said


def test_a_file_of_settings_that_begins_with_a_mark_is_read(folder: Path) -> None:
    (folder / ".env").write_text("LYCHEE_PORT=8000\n", "utf-8-sig")

    assert Settings().port == 8000


def test_names_that_nobody_reads_are_told_with_the_nearest_and_refuse_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (folder / ".env").write_text("LYCHEE_RERANK_DEPHT=10\nOTHER_NAME=1\n")
    monkeypatch.setenv("LYCHEE_COLOUR_OF_THE_SKY", "blue")
    for name in ("SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP", "PORT_7860_TCP", "PORT_7860_TCP_ADDR"):
        monkeypatch.setenv(f"LYCHEE_{name}", "10.0.0.1")
    monkeypatch.setenv("LYCHEE_SHARE_PASSWORD", SECRET)

    assert lychee.run(["doctor", "--json"]) == 1
    said = capfd.readouterr().out
    assert "LYCHEE_RERANK_DEPHT is no setting and changes nothing; LYCHEE_RERANK_DEPTH is meant?" in said
    assert "LYCHEE_COLOUR_OF_THE_SKY is no setting" in said
    assert "SERVICE" not in said
    assert "TCP" not in said
    assert "SHARE_PASSWORD" not in said
    assert lychee.run(["catalog", "list"]) == 0


def test_a_server_tells_at_its_start_of_names_that_nobody_reads(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        (folder / ".env").write_text(f"LYCHEE_RERANK_DEPHT=10\nLYCHEE_PORT={taken.getsockname()[1]}\n")
        command = [sys.executable, lychee.__file__, "load"]
        left = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)

    assert "LYCHEE_RERANK_DEPTH is meant?" in left.stderr.splitlines()[0]
    assert left.returncode == 2

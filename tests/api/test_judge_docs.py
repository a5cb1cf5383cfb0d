"""What docs/judge.md tells its readers to type is accepted, and its tables are the code's."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import lychee
from api.app import create_app
from api.body_limit import MAX_BODY_BYTES
from api.judging import MAX_DOCUMENT_CHARACTERS, MAX_DOCUMENTS, MAX_QUESTION_CHARACTERS
from core.language import Language
from core.settings import Settings
from rerank.instructions import PRESETS, Preset
from rerank.remote import BATCH, PICTURE_SIDE
from rerank.remote_call import Patience
from tests.color_encoder import ColorEncoder
from tests.shops import Shop
from tests.word_judge import WordJudge

ROOT = Path(__file__).resolve().parents[2]
DOCS = (ROOT / "docs" / "judge.md").read_text("utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
CURLS = [block for block in BLOCKS if block.startswith("curl ")]
COMMANDS = [block for block in BLOCKS if block.startswith("lychee ")]


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    app = create_app(Settings(data=shop.data), shop.engine(WordJudge()))
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


def body_of(curl: str) -> object:
    """The JSON that the shell would send, with files put in as base64."""
    inline = re.search(r"--json '(.*)'", curl, re.DOTALL)
    here = re.search(r"--json @- <<JSON\n(.*)\nJSON", curl, re.DOTALL)
    found = inline or here
    assert found, curl
    files = r"\$\(base64 -w0 ([^)]+)\)"
    return json.loads(
        re.sub(files, lambda file: base64.b64encode((ROOT / file[1]).read_bytes()).decode(), found[1])
    )


def test_there_is_an_example_of_each_use_for_the_shell_and_for_http() -> None:
    for blocks in (COMMANDS, CURLS):
        for preset in ("serp", "support", "coldstart", "copyright"):
            assert any(preset in block for block in blocks), preset


@pytest.mark.parametrize("curl", CURLS)
def test_every_request_of_the_docs_is_answered(curl: str, client: TestClient) -> None:
    route = re.search(r"http://localhost:7860(\S+)", curl)
    assert route

    answer = client.post(route[1], json=body_of(curl))

    assert answer.status_code == 200, answer.text
    assert not answer.json().get("failed")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_docs_runs(
    command: str,
    monkeypatch: pytest.MonkeyPatch,
    language: Language,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("search.opening.Language.load", lambda: language)
    monkeypatch.setattr("search.opening.load_encoder", lambda *_: ColorEncoder())
    monkeypatch.setattr("search.opening.load_reranker", lambda *_: WordJudge())
    monkeypatch.setenv("LYCHEE_DATA", str(tmp_path))
    monkeypatch.chdir(ROOT)

    assert lychee.run(shlex.split(command)[1:]) == 0
    assert "failed" not in capfd.readouterr().out


@pytest.mark.parametrize("preset", PRESETS.values(), ids=list(PRESETS))
def test_the_table_of_presets_is_the_codes(preset: Preset) -> None:
    flagged = "–"
    if preset.flag_below is not None:
        flagged = f"below {preset.flag_below}"
    if preset.flag_above is not None:
        flagged = f"above {preset.flag_above} in both directions"
    cells = (
        f"`{preset.name}`",
        preset.instruction,
        str(preset.top_n or "all"),
        "yes" if preset.both_ways else "no",
        flagged,
    )

    assert f"| {' | '.join(cells)} |" in DOCS


def test_the_limits_are_the_codes() -> None:
    patience = Patience()

    assert f"more than {MAX_DOCUMENTS:,} documents" in DOCS
    assert f"more than {MAX_DOCUMENT_CHARACTERS:,} characters" in DOCS
    assert f"more than {MAX_QUESTION_CHARACTERS:,} characters" in DOCS
    assert f"more than {MAX_BODY_BYTES // 1_000_000} MB" in DOCS
    assert f"{BATCH} documents go into a request" in DOCS
    assert f"at most {PICTURE_SIDE} pixels" in DOCS
    assert f"{patience.connect:g} seconds to connect and {patience.read:g} seconds without" in DOCS
    assert f"{patience.total:g} seconds in all" in DOCS
    assert patience.attempts == 4

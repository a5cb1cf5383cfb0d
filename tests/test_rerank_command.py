"""`lychee rerank` as its users type it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import lychee
from core.language import Language
from rerank.judgement import Reranker
from tests.color_encoder import ColorEncoder
from tests.word_judge import WordJudge

Output = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def word_judge(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, language: Language) -> WordJudge:
    """The command loads the tests' encoder and judge."""
    judge = WordJudge()
    monkeypatch.setattr("search.opening.Language.load", lambda: language)
    monkeypatch.setattr("search.opening.load_encoder", lambda *_: ColorEncoder())
    monkeypatch.setattr("search.opening.load_reranker", lambda *_: judge)
    monkeypatch.setenv("LYCHEE_DATA", str(tmp_path / "none"))
    return judge


def judged(capfd: Output, *arguments: str) -> Any:
    assert lychee.run(["rerank", *arguments, "--json"]) == 0
    return json.loads(capfd.readouterr().out)


def refused(capfd: Output, *arguments: str) -> str:
    assert lychee.run(["rerank", *arguments]) == 2
    output = capfd.readouterr()
    assert output.out == ""
    return output.err


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.new("RGB", (30, 30), "red").save(path)
    return path


def test_documents_are_listed_best_first_with_their_bands(capfd: Output) -> None:
    arguments = ["--document", "bag", "--document", "red shoe", "--document", "red bag"]

    assert lychee.run(["rerank", "red shoe", *arguments]) == 0

    output = capfd.readouterr()
    rows = [line.strip().split(maxsplit=3) for line in output.out.splitlines()[1:]]
    assert rows == [
        ["1", "1.000", "high", "red shoe"],
        ["2", "0.500", "medium", "red bag"],
        ["3", "0.000", "low", "bag"],
    ]
    assert "3 of 3 judged by words@1" in output.err


def test_json_is_the_answer_of_the_api(capfd: Output) -> None:
    answer = judged(capfd, "red", "--document", "blue", "--document", "red", "--top-n", "1")

    assert [(each["document"], each["score"], each["index"]) for each in answer["results"]] == [
        ("red", 1.0, 1)
    ]
    assert set(answer) == {
        "results", "scored", "of", "failed", "model", "preset", "instruction", "took_ms",
    }  # fmt: skip


def test_texts_pictures_and_a_files_documents_are_judged_together(
    capfd: Output, photo: Path, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.txt"
    texts.write_bytes("\ufeffred\nshoe\n---\nblue --- bag\r\n---\r\n".encode())

    answer = judged(capfd, "red", "--file", str(texts), "--image", str(photo), "--document", "red")

    documents = {each["index"]: each["document"] for each in answer["results"]}
    assert documents == {
        0: "red", 1: {"text": "", "image": str(photo)}, 2: "red\nshoe", 3: "blue --- bag",
    }  # fmt: skip


def test_documents_come_from_stdin(capfd: Output, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("红 鞋\n---\n蓝 包".encode())))

    assert judged(capfd, "红", "--file", "-")["results"][0]["document"] == "红 鞋"


def test_a_picture_can_ask_and_both_ways_can_be_judged(capfd: Output, photo: Path) -> None:
    answer = judged(capfd, "--query-image", str(photo), "--image", str(photo), "--preset", "copyright")

    (result,) = answer["results"]
    assert (result["score"], result["score_reversed"], result["flagged"]) == (1.0, 1.0, True)


def test_flags_and_the_other_direction_have_columns(capfd: Output) -> None:
    assert lychee.run(["rerank", "red", "--document", "red", "--preset", "copyright"]) == 0

    head, row = capfd.readouterr().out.splitlines()
    assert head.split() == ["#", "score", "band", "reversed", "flagged", "document"]
    assert row.split() == ["1", "1.000", "high", "1.000", "flagged", "red"]


def test_the_instruction_reaches_the_judge(capfd: Output, word_judge: WordJudge) -> None:
    judged(capfd, "red", "--document", "red", "--instruction", "Mind the colour.")

    assert word_judge.instructions == ["Mind the colour."]


def test_a_broken_picture_fails_alone(capfd: Output, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")

    assert lychee.run(["rerank", "red", "--image", str(broken), "--document", "red"]) == 0

    output = capfd.readouterr()
    assert "failed" in output.out.splitlines()[2]
    assert "1 of 2 judged" in output.err


def test_nothing_judged_is_a_failure(capfd: Output) -> None:
    assert lychee.run(["rerank", "red", "--document", "unreadable"]) == 1
    assert "it can't be read" in capfd.readouterr().out


def test_documents_cannot_steer_the_terminal(capfd: Output) -> None:
    assert lychee.run(["rerank", "red", "--document", "\x1b[2J[bold]red[/bold]\r\x07[/]\nlast"]) == 0

    row = capfd.readouterr().out.splitlines()[1].strip()
    assert row.split(maxsplit=3)[3] == "[2J[bold]red[/bold] [/] last"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["red"], "name documents with --document, --image or --file"),
        (["--document", "red"], "the query has neither words nor a picture"),
        (["red", "--document", "red", "--preset", "best"], "unknown preset 'best' (known: default,"),
        (["red", "--image", "nowhere.jpg"], "cannot read nowhere.jpg: there is no such file"),
        (["red", "--file", "nowhere.txt"], "nowhere.txt: no such file"),
        (["red", "--document", "x" * 100_001], "--document 'xxxxxxxxxxxxxxxxxxxx': its text has 100,001"),
    ],
)
def test_wrong_use_is_said_in_a_sentence(capfd: Output, arguments: list[str], says: str) -> None:
    assert says in refused(capfd, *arguments)


def test_a_query_picture_that_is_none_is_wrong_use(capfd: Output, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("no picture")

    assert "broken.jpg" in refused(capfd, "--query-image", str(broken), "--document", "red")


def test_a_file_of_another_encoding_is_refused(capfd: Output, tmp_path: Path) -> None:
    (tmp_path / "gbk.txt").write_bytes("红色".encode("gbk"))

    assert "it is not UTF-8" in refused(capfd, "red", "--file", str(tmp_path / "gbk.txt"))


@pytest.mark.parametrize(
    ("judge", "code", "says"),
    [(None, 2, "LYCHEE_RERANKER"), (WordJudge(fails_after=0), 1, "it is out of memory")],
)
def test_a_judge_that_cannot_judge_is_named(
    judge: Reranker | None, code: int, says: str, capfd: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.opening.load_reranker", lambda *_: judge)

    assert lychee.run(["rerank", "red", "--document", "red"]) == code
    assert says in capfd.readouterr().err

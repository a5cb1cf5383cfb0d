"""`lychee search`, `batch-search` and `eval` with a judge: what the terminal shows, and what it says on stderr."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import lychee
from core.encoder import Encoder
from core.types import Score
from rerank.judgement import Asked, Document, Judgement
from tests.color_encoder import ColorEncoder
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def judge(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> WordJudge:
    """The commands load the tests' encoder and judge, and find the coloured shop."""
    judge = WordJudge(micro_batch=2)

    def load(*_: object) -> Encoder:
        return ColorEncoder()

    monkeypatch.setattr("search.opening.load_encoder", load)
    monkeypatch.setattr("search.opening.load_reranker", lambda *_: judge)
    monkeypatch.setenv("LYCHEE_DATA", str(shop.data))
    coloured_shop(shop)
    return judge


def test_search_prints_relevance_with_its_band_and_who_judged(capfd: Captured) -> None:
    assert lychee.run(["search", "red bag", "--limit", "3"]) == 0

    shown = capfd.readouterr()
    head, first = shown.out.splitlines()[:2]
    assert "relevance" in head
    assert "red bag" in first
    assert "1.00 high" in first
    assert "judged 6 of 6 by words@1" in shown.err


def test_search_without_the_judge_says_so_and_shows_no_relevance(judge: WordJudge, capfd: Captured) -> None:
    assert lychee.run(["search", "red bag", "--no-rerank"]) == 0

    shown = capfd.readouterr()
    assert "relevance" not in shown.out
    assert "not judged: the search asked for recall's order" in shown.err
    assert judge.judged == 0


def test_explain_shows_where_recall_had_a_hit_and_what_the_judge_checked(capfd: Captured) -> None:
    assert lychee.run(["search", "shoe red new", "--explain", "--limit", "1"]) == 0

    out = capfd.readouterr().out
    assert "recall" in out.splitlines()[0]
    assert "1. recall by" in out
    assert "judged by words: word shoe: yes 1.00, word red: yes 1.00, word new: no 1.00" in out


def test_a_judge_that_is_cut_off_is_not_passed_off_as_one_that_has_finished(
    judge: WordJudge, capfd: Captured
) -> None:
    judge.seconds = 0.2

    assert lychee.run(["search", "red bag", "--budget-ms", "600"]) == 0

    shown = capfd.readouterr()
    assert "not judged" in shown.out
    assert "judged 2 of 6 by words@1: the 600 ms for judging were spent" in shown.err


def test_only_hits_of_a_band_are_shown_and_the_others_counted(capfd: Captured) -> None:
    assert lychee.run(["search", "red bag", "--min-band", "high", "--depth", "4"]) == 0

    shown = capfd.readouterr()
    assert len(shown.out.splitlines()) == 2
    assert "not shown: 3 judged to be less, 2 not judged" in shown.err


def test_the_instruction_reaches_the_judge(judge: WordJudge, capfd: Captured) -> None:
    assert lychee.run(["search", "red bag", "--instruction", "weigh the colour", "--json"]) == 0

    answer = json.loads(capfd.readouterr().out)
    assert set(judge.instructions) == {"weigh the colour"}
    assert answer["hits"][0]["checks"][0]["wanted"] == "red"


@pytest.mark.parametrize("wish", [["--depth", "3"], ["--min-band", "high"], ["--instruction", "x"]])
def test_wishes_for_a_judge_that_is_left_out_are_refused(wish: list[str], capfd: Captured) -> None:
    assert lychee.run(["search", "red bag", "--no-rerank", *wish]) == 2

    assert f"{wish[0]} is for the judge" in capfd.readouterr().err


def test_a_batch_is_judged_as_long_as_it_takes(judge: WordJudge, tmp_path: Path, capfd: Captured) -> None:
    judge.seconds = 0.02
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "a", "text": "red bag"}\n')

    assert lychee.run(["batch-search", str(queries)]) == 0
    judged = json.loads(capfd.readouterr().out)
    assert lychee.run(["batch-search", str(queries), "--budget-ms", "100"]) == 0
    hasty = json.loads(capfd.readouterr().out)
    assert lychee.run(["batch-search", str(queries), "--no-rerank"]) == 0
    plain = json.loads(capfd.readouterr().out)

    assert judged["rerank"]["status"] == "full"
    assert judged["hits"][0]["relevance"] == 1.0
    assert hasty["rerank"]["status"] == "partial"
    assert plain["rerank"]["status"] == "skipped"
    assert plain["hits"][0]["relevance"] is None


@pytest.fixture
def judged_set(tmp_path: Path) -> list[str]:
    """Recall puts the red bag first; what was judged relevant is what the words judge prefers."""
    (tmp_path / "queries.jsonl").write_text(
        '{"id": "a", "text": "blue shoe", "kind": "colour", "lang": "en"}\n'
        '{"id": "b", "text": "red bag", "kind": "colour", "lang": "en", "hide_fields": ["description"]}\n'
    )
    (tmp_path / "qrels.tsv").write_text("query_id\tproduct_id\trelevance\na\tblue shoe\t1\nb\tred bag\t1\n")
    return ["eval", str(tmp_path / "queries.jsonl"), str(tmp_path / "qrels.tsv")]


class Contrary(WordJudge):
    """Likes best what has the fewest of the words."""

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        judged = super().score(asked, documents)
        return [Score(1.0 - each.relevance) if isinstance(each, Score) else each for each in judged]


def test_eval_measures_recall_and_judge_side_by_side(
    judge: WordJudge, judged_set: list[str], capfd: Captured
) -> None:
    judge.seconds = 0.3

    assert lychee.run([*judged_set, "--depth", "3", "--json"]) == 0

    document = json.loads(capfd.readouterr().out)
    (cell,) = document["cells"]
    assert document["rerank"] == {"model": "words@1", "statuses": {"full": 2}}
    assert judge.judged == 6
    assert cell["with_rerank"]["ndcg_10"] == cell["ndcg_10"] == 1.0
    assert cell["without_rerank"]["ndcg_10"] == 1.0


def test_eval_shows_what_a_judge_spoils(
    monkeypatch: pytest.MonkeyPatch, judged_set: list[str], capfd: Captured
) -> None:
    monkeypatch.setattr("search.opening.load_reranker", lambda *_: Contrary())

    assert lychee.run(judged_set) == 0

    shown = capfd.readouterr()
    rows = [line.split() for line in shown.out.splitlines()]
    assert rows[0][-1] == "hit@1"
    assert rows[1][:4] == ["colour", "en", "2", "recall"]
    assert (rows[1][-1], rows[2][0], rows[2][-1]) == ("1.000", "judged", "0.000")
    assert "judged by words@1: 2 full" in shown.err


def test_eval_says_how_often_the_judge_failed(
    monkeypatch: pytest.MonkeyPatch, judged_set: list[str], capfd: Captured
) -> None:
    monkeypatch.setattr("search.opening.load_reranker", lambda *_: WordJudge(fails_after=0))

    assert lychee.run(judged_set) == 0

    assert "judged by words@1: 2 failed" in capfd.readouterr().err


def test_eval_without_the_judge_has_recalls_figures_only(
    judge: WordJudge, judged_set: list[str], capfd: Captured
) -> None:
    assert lychee.run([*judged_set, "--no-rerank", "--json"]) == 0

    (cell,) = json.loads(capfd.readouterr().out)["cells"]
    assert cell["with_rerank"] is None
    assert cell["without_rerank"]["hit_1"] == cell["hit_1"] == 1.0
    assert judge.judged == 0

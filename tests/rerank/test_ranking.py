"""Many documents judged: the order, both ways, the presets' lines, and what fails."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest

from core.errors import RerankerProblem, UnreadableImage
from core.types import Pixels
from rerank.instructions import PRESETS, preset_of
from rerank.judgement import Asked, Document, Judgement, Picture, Reranker
from rerank.ranking import PICTURES_TOGETHER, Ranking, rank
from tests.word_judge import WordJudge

DEFAULT = PRESETS["default"]


def ranked(
    texts: Sequence[str],
    query: str = "red shoe",
    preset: str = "default",
    *,
    both_ways: bool | None = None,
    top_n: int | None = None,
) -> Ranking:
    documents = [Document(text) for text in texts]
    return rank(
        WordJudge(), Asked(query), documents, preset=preset_of(preset), both_ways=both_ways, top_n=top_n
    )


def texts(ranking: Ranking) -> list[str]:
    return [item.document.text for item in ranking.items]


def unreadable() -> Pixels:
    raise UnreadableImage("documents.1", "the picture is damaged")


def test_the_best_document_comes_first_and_each_keeps_its_place_in_the_input() -> None:
    ranking = ranked(["blue bag", "a red bag", "red shoe"])

    assert texts(ranking) == ["red shoe", "a red bag", "blue bag"]
    assert [item.index for item in ranking.items] == [2, 1, 0]


def test_equally_good_documents_stay_in_the_order_they_came_in() -> None:
    assert texts(ranked([f"red {number}" for number in range(30)])) == [
        f"red {number}" for number in range(30)
    ]


def test_a_document_that_cannot_be_judged_comes_last_with_its_reason() -> None:
    ranking = ranked(["unreadable", "green", "red shoe"])

    assert texts(ranking) == ["red shoe", "green", "unreadable"]
    assert ranking.items[-1].score is None
    assert [(item.index, item.error) for item in ranking.failed] == [(0, "it can't be read")]


def test_top_n_counts_the_best_while_everything_is_judged() -> None:
    ranking = ranked(["blue", "unreadable", "red", "red shoe"], top_n=2)

    assert texts(ranking) == ["red shoe", "red"]
    assert ranking.of == 4
    assert [item.index for item in ranking.failed] == [1]


@pytest.mark.parametrize(("preset", "answered"), [("serp", 20), ("coldstart", 10), ("default", 30)])
def test_a_preset_says_how_many_are_answered(preset: str, answered: int) -> None:
    assert len(ranked(["red"] * 30, preset=preset).items) == answered


def test_what_the_request_says_goes_before_the_preset() -> None:
    assert len(ranked(["red"] * 30, preset="serp", top_n=25).items) == 25
    assert ranked(["red"], preset="copyright", both_ways=False).items[0].swapped is None


def test_a_reply_under_a_half_is_flagged_and_one_of_a_half_is_not() -> None:
    ranking = ranked(["red shoe", "red bag", "bag"], preset="support")

    assert [(item.document.text, item.flagged) for item in ranking.items] == [
        ("red shoe", False), ("red bag", False), ("bag", True),
    ]  # fmt: skip


def test_a_copy_is_flagged_only_where_both_directions_agree() -> None:
    ranking = ranked(["red shoe", "red shoe with a long story"], preset="copyright")

    copy, longer = ranking.items
    assert (copy.score, copy.swapped_score) != (None, None)
    assert copy.flagged is True
    assert longer.score is not None
    assert longer.score.relevance == 1.0
    assert longer.swapped_score is not None
    assert longer.swapped_score.relevance < 0.5
    assert longer.flagged is False


def test_a_direction_that_cannot_be_judged_leaves_the_flag_open_and_says_so() -> None:
    ranking = ranked(["red"], query="unreadable red", preset="copyright")

    (item,) = ranking.items
    assert item.score is not None
    assert item.flagged is None
    assert item.error == "with the roles swapped: it can't be read"


def test_a_picture_that_cannot_be_read_fails_alone() -> None:
    documents = [Document("red"), Document("red shoe", Picture("broken", unreadable)), Document("shoe")]

    ranking = rank(WordJudge(), Asked("red shoe"), documents, preset=DEFAULT)

    assert texts(ranking) == ["red", "shoe", "red shoe"]
    assert [(item.index, item.error) for item in ranking.failed] == [
        (1, "its picture can't be read: the picture is damaged")
    ]


def test_an_empty_document_fails_alone() -> None:
    ranking = ranked(["red", " \n", "red shoe"])

    assert texts(ranking) == ["red shoe", "red", " \n"]
    assert ranking.failed[0].error == "it has neither words nor a picture"


def test_pictures_are_decoded_side_by_side_and_no_more_than_are_judged_together() -> None:
    meeting = threading.Barrier(2)
    held: list[int] = []

    class Looking(WordJudge):
        def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
            held.append(len(decoded))
            return super().score(asked, documents)

    decoded: list[int] = []

    def load() -> Pixels:
        decoded.append(1)
        meeting.wait(timeout=10)
        return np.zeros((4, 4, 3), np.uint8)

    documents = [Document("red", Picture(str(number), load)) for number in range(8)]
    rank(Looking(micro_batch=2), Asked("red"), documents, preset=DEFAULT)
    assert held == [2, 4, 6, 8]

    rank(Looking(micro_batch=1_000), Asked("red"), documents * 4, preset=DEFAULT)
    assert held[4:] == [8 + PICTURES_TOGETHER, 8 + 2 * PICTURES_TOGETHER]


def test_a_judge_that_fails_at_once_is_an_error() -> None:
    with pytest.raises(RerankerProblem):
        rank(WordJudge(fails_after=0), Asked("red"), [Document("red")], preset=DEFAULT)


def test_a_judge_that_fails_on_the_way_leaves_the_rest_unjudged_and_is_not_asked_again() -> None:
    judge: Reranker = WordJudge(micro_batch=2, fails_after=2)
    documents = [Document(text) for text in ("blue", "red", "red shoe", "red shoe", "red shoe")]

    ranking = rank(judge, Asked("red shoe"), documents, preset=DEFAULT)

    assert texts(ranking)[:2] == ["red", "blue"]
    assert [item.index for item in ranking.failed] == [2, 3, 4]
    assert ranking.failed[0].error == "not judged: reranker words@1: it is out of memory"

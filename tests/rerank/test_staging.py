"""A judge that is quick, slow, broken, or never comes back: the search is answered in time and told the truth."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest

from core.types import Score
from rerank.judgement import Asked, Document, Judgement, Unscored
from rerank.pair_cache import PairCache
from rerank.staging import UNFORESEEN, Budget, Stage, Staged
from tests.word_judge import WordJudge

ASKED = Asked("red shoe")
DOCUMENTS = [Document(f"red shoe {number}" if number % 2 else f"red bag {number}") for number in range(10)]


class HangingJudge(WordJudge):
    """Judges one micro-batch, and the next only once it is let go; like a server that stopped answering."""

    def __init__(self, *, answers: int = 0) -> None:
        super().__init__(micro_batch=4)
        self.let_go = threading.Event()
        self._answers = answers

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        if self._answers <= 0:
            self.let_go.wait(20)
        self._answers -= 1
        return super().score(asked, documents)


@pytest.fixture
def hanging() -> Iterator[HangingJudge]:
    judge = HangingJudge()
    yield judge
    judge.let_go.set()


def relevances(staged: Staged) -> list[float | None]:
    return [each.relevance if isinstance(each, Score) else None for each in staged.judgements]


def test_all_are_judged_in_input_order_while_there_is_time() -> None:
    staged = Stage(WordJudge(micro_batch=3)).judge(ASKED, DOCUMENTS, Budget(5_000))

    assert relevances(staged) == [0.5, 1.0] * 5
    assert staged.reason is None


def test_without_a_bound_a_slow_judge_judges_all() -> None:
    staged = Stage(WordJudge(micro_batch=5, seconds=0.02)).judge(ASKED, DOCUMENTS, Budget())

    assert None not in relevances(staged)


def test_the_first_of_the_list_are_judged_and_no_batch_is_begun_that_would_end_too_late() -> None:
    judge = WordJudge(micro_batch=2, seconds=0.1)

    began = time.monotonic()
    staged = Stage(judge).judge(ASKED, DOCUMENTS, Budget(700))
    seconds = time.monotonic() - began
    time.sleep(0.3)

    scored = [each is not None for each in relevances(staged)]
    assert 2 <= sum(scored) < 10
    assert scored == sorted(scored, reverse=True)
    assert judge.judged == sum(scored), "work was begun that could not be used"
    assert seconds < 1.0
    assert staged.reason == "the 700 ms for judging were spent"


def test_a_judge_that_hangs_is_left_at_the_deadline_with_nothing_judged(hanging: HangingJudge) -> None:
    began = time.monotonic()
    staged = Stage(hanging).judge(ASKED, DOCUMENTS, Budget(150))

    assert 0.14 < time.monotonic() - began < 1.0
    assert relevances(staged) == [None] * 10
    assert staged.reason == "the 150 ms for judging were spent"


def test_a_judge_that_stops_answering_in_the_middle_leaves_what_it_has_judged(
    hanging: HangingJudge,
) -> None:
    hanging._answers = 1

    staged = Stage(hanging).judge(ASKED, DOCUMENTS, Budget(200))

    assert [each is not None for each in relevances(staged)] == [True] * 4 + [False] * 6


def test_what_a_late_judge_says_at_last_serves_the_next_search(hanging: HangingJudge) -> None:
    stage = Stage(hanging)
    stage.judge(ASKED, DOCUMENTS[:4], Budget(100))

    hanging.let_go.set()
    wait_until(lambda: len(stage.pairs) == 4)
    staged = stage.judge(ASKED, DOCUMENTS[:4], Budget(100))

    assert None not in relevances(staged)
    assert hanging.judged == 4


def test_a_judge_that_hangs_holds_a_bounded_number_of_threads_and_no_shopper_waits_for_it_any_more(
    hanging: HangingJudge,
) -> None:
    stage = Stage(hanging, turns=2)
    for number in range(2):
        stage.judge(Asked(f"shoe {number}"), DOCUMENTS, Budget(50))

    began = time.monotonic()
    staged = stage.judge(ASKED, DOCUMENTS, Budget(5_000))

    assert time.monotonic() - began < 1.0
    assert staged.reason == "the judge has not come back from 2 earlier searches"
    wait_until(lambda: judges_at_work() == 2)
    hanging.let_go.set()
    wait_until(lambda: stage.judge(ASKED, DOCUMENTS, Budget(1_000)).reason is None)


def test_when_all_turns_are_taken_a_search_waits_for_its_turn_within_its_budget() -> None:
    stage = Stage(WordJudge(micro_batch=10, seconds=0.03), turns=1)
    answers: list[Staged] = []
    threads = [
        threading.Thread(
            target=lambda n=number: answers.append(stage.judge(Asked(f"bag {n}"), DOCUMENTS, Budget(400)))
        )
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    reasons = [answer.reason for answer in answers]
    assert None in reasons
    assert reasons.count(None) < 3


@pytest.mark.parametrize("budget", [None, 5_000])
def test_a_judge_that_fails_gives_its_reason_and_keeps_what_was_judged_before(budget: int | None) -> None:
    judge = WordJudge(micro_batch=4, fails_after=4)

    staged = Stage(judge).judge(ASKED, DOCUMENTS, Budget(budget))

    assert [each is not None for each in relevances(staged)] == [True] * 4 + [False] * 6
    assert staged.reason == "reranker words@1: it is out of memory"


def test_a_failure_that_nobody_foresaw_is_a_plain_sentence_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(WordJudge):
        def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
            raise KeyError("/srv/model/layer.7")

    staged = Stage(Broken()).judge(ASKED, DOCUMENTS, Budget(5_000))

    assert staged.reason == UNFORESEEN
    assert "layer.7" in caplog.text


def test_a_judge_that_answers_too_few_is_not_believed() -> None:
    class Forgetful(WordJudge):
        def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
            return super().score(asked, documents)[1:]

    stage = Stage(Forgetful(micro_batch=4))

    staged = stage.judge(ASKED, DOCUMENTS, Budget(5_000))

    assert relevances(staged) == [None] * 10
    assert staged.reason == "reranker words@1: it answered 3 judgements for 4 documents"
    assert len(stage.pairs) == 0


def test_a_document_that_can_not_be_judged_leaves_the_others_judged() -> None:
    documents = [Document("red shoe"), Document("unreadable"), Document("bag")]

    staged = Stage(WordJudge()).judge(ASKED, documents, Budget(5_000))

    assert relevances(staged) == [1.0, None, 0.0]
    assert isinstance(staged.judgements[1], Unscored)
    assert staged.reason is None


def test_pairs_that_were_judged_before_cost_neither_judging_nor_time() -> None:
    judge = WordJudge(micro_batch=2)
    stage = Stage(judge)
    first = stage.judge(ASKED, DOCUMENTS, Budget(5_000))

    judge.seconds = 1.0
    second = stage.judge(ASKED, DOCUMENTS, Budget(1))

    assert second == first
    assert judge.judged == 10


def test_scores_that_depend_on_more_than_the_pair_are_not_remembered() -> None:
    class Comparing(WordJudge):
        is_pairwise = False

    judge = Comparing()
    stage = Stage(judge)

    for _ in range(2):
        assert None not in relevances(stage.judge(ASKED, DOCUMENTS, Budget(5_000)))
    assert judge.judged == 20


def test_a_cache_that_is_shared_is_used_though_it_is_empty_yet() -> None:
    pairs, judge = PairCache(), WordJudge()

    for _ in range(2):
        Stage(judge, pairs).judge(ASKED, DOCUMENTS, Budget(5_000))

    assert judge.judged == 10


def test_a_caller_who_goes_away_ends_the_judging() -> None:
    judge, over = WordJudge(micro_batch=1, seconds=0.05), threading.Event()
    threading.Timer(0.12, over.set).start()

    began = time.monotonic()
    staged = Stage(judge).judge(ASKED, DOCUMENTS, Budget(5_000), over=over)
    judged = judge.judged
    time.sleep(0.2)

    assert time.monotonic() - began < 1.0
    assert staged.reason == "the search was given up"
    assert judge.judged <= judged + 1


def test_a_judge_that_hangs_does_not_keep_the_process_from_ending() -> None:
    program = """
import time
from rerank import staging
from rerank.judgement import Asked, Document

class Hanging:
    model, micro_batch, is_pairwise = "hanging@1", 1, True
    def score(self, asked, documents):
        time.sleep(60)

staging.EXIT_SECONDS = 0.2
stage = staging.Stage(Hanging())
print(stage.judge(Asked("red"), [Document("red")], staging.Budget(100)).reason)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "the 100 ms for judging were spent\n"


def judges_at_work() -> int:
    return sum(thread.name == "judge" for thread in threading.enumerate())


def wait_until(holds: object) -> None:
    assert callable(holds)
    give_up = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.01)

"""What is remembered of judged pairs."""

from __future__ import annotations

from core.types import Score
from rerank.judgement import Asked, Document, Unscored
from rerank.pair_cache import PairCache

SHOE, BAG = Document("red shoe"), Document("red bag")


def test_a_pair_is_remembered_for_its_judge_question_and_document() -> None:
    pairs = PairCache()

    pairs.keep("judge@1", Asked("red"), [SHOE], [Score(0.9)])

    assert pairs.scores("judge@1", Asked("red"), [SHOE, BAG]) == [Score(0.9), None]
    assert pairs.scores("judge@2", Asked("red"), [SHOE]) == [None]
    assert pairs.scores("judge@1", Asked("red", instruction="another"), [SHOE]) == [None]
    assert pairs.scores("judge@1", Asked("red", exclude=("shoe",)), [SHOE]) == [None]


def test_a_document_goes_by_its_identity_where_it_has_one() -> None:
    pairs = PairCache()
    before, after = Document("red shoe", identity="row-1"), Document("red shoe", identity="row-2")

    pairs.keep("judge@1", Asked("red"), [before], [Score(0.9)])

    assert pairs.scores("judge@1", Asked("red"), [after]) == [None]


def test_what_could_not_be_judged_is_tried_again() -> None:
    pairs = PairCache()

    pairs.keep("judge@1", Asked("red"), [SHOE], [Unscored("it can't be read")])

    assert pairs.scores("judge@1", Asked("red"), [SHOE]) == [None]


def test_what_was_not_used_for_longest_is_forgotten_first() -> None:
    pairs, asked = PairCache(kept=2), Asked("red")
    for document in (SHOE, BAG):
        pairs.keep("judge@1", asked, [document], [Score(0.5)])

    pairs.scores("judge@1", asked, [SHOE])
    pairs.keep("judge@1", asked, [Document("red hat")], [Score(0.5)])

    assert pairs.scores("judge@1", asked, [SHOE, BAG]) == [Score(0.5), None]
    assert len(pairs) == 2

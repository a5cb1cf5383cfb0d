"""What a judge does to an answer: its order, what is hidden, what is said of it, and what stays when it fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from core.errors import InvalidQuery
from core.recent import Recent
from core.types import Band, Pixels, Query
from rerank.instructions import PRODUCT_INSTRUCTION
from rerank.judgement import Asked, Document, Judgement
from search.answer import Answer, RerankReport
from search.judging import Judging
from search.second_stage import documents_of
from search.windows import Cursor
from tests.shops import Shop, coloured_shop, product
from tests.word_judge import WordJudge

SHOES = Query(text="red shoe new", limit=10)
PATIENT = Judging(budget_ms=None)


class SeeingJudge(WordJudge):
    """Keeps what it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self.documents: list[Document] = []

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        self.asked.append(asked)
        self.documents += documents
        return super().score(asked, documents)


class HangingJudge(WordJudge):
    """A server that took the request and never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        self.let_go.wait(20)
        return super().score(asked, documents)


def ids(answer: Answer) -> list[str]:
    return [hit.candidate.product.id for hit in answer.hits]


def relevances(answer: Answer) -> list[float | None]:
    return [None if hit.score is None else round(hit.score.relevance, 2) for hit in answer.hits]


def plain(red: int, green: int, blue: int) -> Pixels:
    return np.full((32, 32, 3), (red, green, blue), dtype=np.uint8)


@pytest.fixture
def new_shop(shop: Shop) -> Shop:
    """Recall puts the cloak far down, which only the judge, who looks inside words, finds to be all that is asked."""
    coloured_shop(shop)
    shop.ingest(
        [
            product(
                shop, "red sandal", "red", description="brand new, a red shoe for the summer", price=80.0
            ),
            product(shop, "green cloak", "green", description="redshoenew"),
        ]
    )
    return shop


def recalled(shop: Shop, query: Query) -> list[str]:
    return ids(shop.engine().search(query, "products"))


def test_the_judge_decides_the_order_and_each_hit_says_where_recall_had_it(new_shop: Shop) -> None:
    before = recalled(new_shop, SHOES)

    answer = new_shop.engine(WordJudge()).search(SHOES, "products")

    assert answer.rerank == RerankReport("full", 8, 8, None, "words@1")
    assert before.index("green cloak") > 3
    assert ids(answer)[:2] == ["red sandal", "green cloak"]
    assert relevances(answer) == sorted(relevances(answer), reverse=True)  # type: ignore[type-var]
    assert [hit.rank for hit in answer.hits] == list(range(1, 9))
    assert [before[hit.recall_rank - 1] for hit in answer.hits] == ids(answer)


def test_products_that_fit_equally_well_keep_recalls_order(new_shop: Shop) -> None:
    answer = new_shop.engine(WordJudge()).search(SHOES, "products")

    ranks: dict[float | None, list[int]] = {}
    for hit, relevance in zip(answer.hits, relevances(answer), strict=True):
        ranks.setdefault(relevance, []).append(hit.recall_rank)
    assert any(len(equal) > 1 for equal in ranks.values())
    assert all(equal == sorted(equal) for equal in ranks.values())


def test_only_the_best_of_recall_are_judged_and_the_others_follow_in_its_order(new_shop: Shop) -> None:
    before = recalled(new_shop, SHOES)
    judge = WordJudge()

    answer = new_shop.engine(judge).search(SHOES, "products", Judging(depth=3))

    assert judge.judged == 3
    assert (answer.rerank.status, answer.rerank.scored, answer.rerank.of) == ("full", 3, 3)
    assert sorted(ids(answer)[:3]) == sorted(before[:3])
    assert ids(answer)[3:] == before[3:]
    assert relevances(answer)[3:] == [None] * 5


def test_a_slow_judge_judges_the_best_of_recall_and_the_answer_says_how_many(new_shop: Shop) -> None:
    before = recalled(new_shop, SHOES)
    judge = WordJudge(micro_batch=2, seconds=0.1)

    answer = new_shop.engine(judge).search(SHOES, "products", Judging(budget_ms=550))

    scored = answer.rerank.scored
    assert answer.rerank.status == "partial"
    assert answer.rerank.reason == "the 550 ms for judging were spent"
    assert 2 <= scored < answer.rerank.of == 8
    assert sorted(ids(answer)[:scored]) == sorted(before[:scored])
    assert ids(answer)[scored:] == before[scored:]


def test_a_judge_that_never_answers_leaves_recalls_order_at_the_deadline(new_shop: Shop) -> None:
    before, judge = recalled(new_shop, SHOES), HangingJudge()
    engine = new_shop.engine(judge)
    engine.live("products")

    began = time.monotonic()
    answer = engine.search(SHOES, "products", Judging(budget_ms=200))
    seconds = time.monotonic() - began
    judge.let_go.set()

    assert seconds < 2.0
    assert ids(answer) == before
    assert answer.rerank == RerankReport("failed", 0, 8, "the 200 ms for judging were spent", "words@1")


def test_a_judge_that_fails_at_once_leaves_recalls_order_and_its_reason(new_shop: Shop) -> None:
    before = recalled(new_shop, SHOES)

    answer = new_shop.engine(WordJudge(fails_after=0)).search(SHOES, "products")

    assert ids(answer) == before
    assert answer.rerank.status == "failed"
    assert answer.rerank.reason == "reranker words@1: it is out of memory"


def test_a_judge_that_fails_in_the_middle_is_partly_used(new_shop: Shop) -> None:
    judge = WordJudge(micro_batch=4, fails_after=4)

    answer = new_shop.engine(judge).search(SHOES, "products")

    assert (answer.rerank.status, answer.rerank.scored, answer.rerank.of) == ("partial", 4, 8)
    assert answer.rerank.reason == "reranker words@1: it is out of memory"


def test_a_product_that_can_not_be_judged_stands_below_those_that_are(shop: Shop) -> None:
    coloured_shop(shop)
    shop.ingest([product(shop, "red shoe unreadable", "red")])

    answer = shop.engine(WordJudge()).search(Query(text="red shoe"), "products")

    assert ids(answer)[-1] == "red shoe unreadable"
    assert answer.hits[-1].score is None
    assert (answer.rerank.status, answer.rerank.scored) == ("partial", 6)
    assert answer.rerank.reason == "1 could not be judged; the first: it can't be read"


def test_a_search_may_ask_for_recalls_order(new_shop: Shop) -> None:
    judge = WordJudge()

    answer = new_shop.engine(judge).search(SHOES, "products", Judging(enabled=False))

    assert ids(answer) == recalled(new_shop, SHOES)
    assert answer.rerank == RerankReport("skipped", reason="the search asked for recall's order")
    assert judge.judged == 0


def test_where_nothing_is_found_nothing_is_judged(new_shop: Shop) -> None:
    answer = new_shop.engine(WordJudge()).search(replace(SHOES, filter="price > 9999"), "products")

    assert answer.hits == ()
    assert answer.rerank.status == "skipped"


def test_all_pages_belong_to_one_window_that_is_judged_once(new_shop: Shop) -> None:
    judge = WordJudge()
    engine = new_shop.engine(judge)
    whole = engine.search(SHOES, "products")
    judge.judged = 0

    query = replace(SHOES, limit=3, instruction="another")
    pages: list[Answer] = []
    while not pages or pages[-1].cursor:
        pages.append(engine.search(replace(query, cursor=pages[-1].cursor if pages else None), "products"))

    hits = [hit for page in pages for hit in page.hits]
    assert judge.judged == 8
    assert [len(page.hits) for page in pages] == [3, 3, 2]
    assert [hit.candidate.product.id for hit in hits] == ids(whole)
    assert [hit.rank for hit in hits] == [hit.rank for hit in whole.hits]
    assert [hit.recall_rank for hit in hits] == [hit.recall_rank for hit in whole.hits]
    assert all(page.rerank == whole.rerank for page in pages)


def test_the_same_search_again_judges_nothing_and_scores_the_same(new_shop: Shop) -> None:
    judge = WordJudge()
    engine = new_shop.engine(judge)
    first = engine.search(SHOES, "products")
    assert judge.judged == 8

    second = engine.search(SHOES, "products", Judging(budget_ms=1))

    assert judge.judged == 8
    assert (ids(second), relevances(second)) == (ids(first), relevances(first))
    assert second.rerank.status == "full"


def test_a_product_that_has_changed_is_judged_anew(new_shop: Shop) -> None:
    judge = WordJudge()
    engine = new_shop.engine(judge)
    engine.search(SHOES, "products")

    new_shop.ingest([product(new_shop, "green cloak", "green", description="worn")])
    answer = engine.search(SHOES, "products")

    assert judge.judged == 9
    assert relevances(answer)[ids(answer).index("green cloak")] == 0.0


def test_only_what_fits_is_shown_and_the_rest_is_counted(new_shop: Shop) -> None:
    engine = new_shop.engine(WordJudge())

    answer = engine.search(
        replace(SHOES, facets=("color",)), "products", replace(PATIENT, min_band=Band.MEDIUM)
    )

    assert ids(answer) == ["red sandal", "green cloak", "red shoe"]
    assert (answer.total.value, answer.total.hidden_below_band, answer.total.hidden_unjudged) == (3, 5, 0)
    assert answer.facets == {"color": {"red": 1}}
    assert answer.cursor is None


def test_what_nobody_judged_can_not_be_said_to_fit_and_is_counted_apart(new_shop: Shop) -> None:
    engine = new_shop.engine(WordJudge())

    answer = engine.search(SHOES, "products", Judging(depth=3, min_band=Band.HIGH))

    assert all(hit.score and hit.score.band is Band.HIGH for hit in answer.hits)
    assert answer.total.hidden_unjudged == 5
    assert answer.total.value + answer.total.hidden_below_band == 3
    assert not answer.total.exact


def test_a_band_that_all_reach_hides_nothing(new_shop: Shop) -> None:
    answer = new_shop.engine(WordJudge()).search(SHOES, "products", Judging(depth=3, min_band=Band.LOW))

    assert len(answer.hits) == 8


def test_where_the_judge_fails_no_hit_is_hidden_and_the_reason_says_so(new_shop: Shop) -> None:
    engine = new_shop.engine(WordJudge(fails_after=0))

    answer = engine.search(SHOES, "products", Judging(min_band=Band.HIGH))

    assert len(answer.hits) == 8
    assert answer.rerank.reason is not None
    assert answer.rerank.reason.endswith("without judgements min_band hides nothing")


def test_prices_sort_what_is_judged_to_fit_and_the_rest_follows_in_recalls_order(new_shop: Shop) -> None:
    before = recalled(new_shop, SHOES)

    answer = new_shop.engine(WordJudge()).search(replace(SHOES, sort="price_desc"), "products")

    fitting = ["red sandal", "red shoe", "green cloak"]
    assert ids(answer)[:3] == fitting, "80, 50, and no price"
    assert ids(answer)[3:] == [each for each in before if each not in fitting]
    assert [before[hit.recall_rank - 1] for hit in answer.hits] == ids(answer)


def test_recalls_answer_comes_first_and_the_judges_with_the_same_id(new_shop: Shop) -> None:
    first, final = new_shop.engine(WordJudge()).answers(replace(SHOES, limit=4), "products")

    assert (first.is_final, final.is_final) == (False, True)
    assert ids(first) == recalled(new_shop, SHOES)[:4]
    assert ids(final)[:2] == ["red sandal", "green cloak"]
    assert (first.query_id, first.cursor) == (final.query_id, final.cursor)
    assert first.rerank.status == "skipped"


def test_recalls_answer_is_sorted_by_price_where_the_query_wants_that(new_shop: Shop) -> None:
    query = replace(SHOES, sort="price_asc")

    first, final = new_shop.engine(WordJudge()).answers(query, "products")

    assert ids(first) == recalled(new_shop, query) != ids(final)
    assert ids(first)[:2] == ["red shoe", "red sandal"]


def test_a_page_that_is_asked_for_while_the_judge_works_waits_for_its_order(new_shop: Shop) -> None:
    engine = new_shop.engine(WordJudge(seconds=0.02))
    whole = ids(new_shop.engine(WordJudge()).search(SHOES, "products"))
    answers = engine.answers(replace(SHOES, limit=4), "products")
    early = next(answers)
    second: list[Answer] = []
    asking = threading.Thread(
        target=lambda: second.append(engine.search(replace(SHOES, limit=4, cursor=early.cursor), "products"))
    )

    asking.start()
    final = next(answers)
    asking.join()

    assert ids(final) + ids(second[0]) == whole


def test_who_goes_away_before_the_judge_has_spoken_leaves_pages_in_recalls_order(new_shop: Shop) -> None:
    judge = WordJudge()
    engine = new_shop.engine(judge)
    answers = engine.answers(replace(SHOES, limit=4), "products")
    early = next(answers)
    answers.close()  # type: ignore[attr-defined]

    second = engine.search(replace(SHOES, limit=4, cursor=early.cursor), "products")

    assert ids(early) + ids(second) == recalled(new_shop, SHOES)
    assert second.rerank.reason == "nobody waited for the judge"
    assert judge.judged == 0


def test_a_search_that_can_not_be_answered_does_not_stand_in_the_way_of_one_that_can(new_shop: Shop) -> None:
    engine = new_shop.engine(WordJudge())
    new_shop.ingest([{"id": "no picture", "title": "no picture"}])
    forgotten = Cursor("long-ago", 0).encode()

    for _ in range(2):
        with pytest.raises(InvalidQuery, match="picture to search by"):
            engine.search(Query(like=("no picture",), cursor=forgotten), "products")

    assert ids(engine.search(replace(SHOES, limit=2, cursor=forgotten), "products")) == [
        "red sandal",
        "green cloak",
    ]


def test_the_judge_gets_the_question_and_what_is_known_of_it(new_shop: Shop) -> None:
    judge = SeeingJudge()
    engine = new_shop.engine(judge)

    engine.search(Query(text="red shoe", image=plain(255, 0, 0), exclude=("blue",)), "products")

    asked = judge.asked[0]
    assert (asked.text, asked.exclude, asked.instruction) == ("red shoe", ("blue",), PRODUCT_INSTRUCTION)
    assert asked.picture is not None
    assert asked.picture.load().shape == (32, 32, 3)
    assert asked.known is not None
    assert asked.known.fingerprint == new_shop.encoder.fingerprint
    assert asked.known.understood is not None
    assert {unit.concept for unit in asked.known.understood.excluded} == {"color:blue"}
    wanted = new_shop.encoder.encode_texts(["red shoe"]).vectors[0]
    assert asked.known.text is not None
    assert asked.known.pictures is not None
    assert np.allclose(asked.known.text, wanted, atol=1e-6)
    assert np.allclose(asked.known.pictures[0], wanted, atol=1e-6)


def test_a_search_may_bring_its_own_instruction(new_shop: Shop) -> None:
    judge = WordJudge()

    new_shop.engine(judge).search(replace(SHOES, instruction="weigh the fabric"), "products")

    assert set(judge.instructions) == {"weigh the fabric"}


def test_the_judge_gets_each_product_with_its_text_its_picture_and_what_is_stored_of_it(
    new_shop: Shop,
) -> None:
    judge = SeeingJudge()
    new_shop.engine(judge).search(Query(text="red sandal"), "products")

    document = next(each for each in judge.documents if each.product and each.product.id == "red sandal")
    assert document.text == "red sandal | price: 80.00 | brand new, a red shoe for the summer"
    assert document.picture is not None
    assert document.picture.load()[0, 0].tolist() == [255, 0, 0]
    assert document.known is not None
    assert document.known.terms is not None
    assert "color:red" in document.known.terms.strong
    shown = new_shop.encoder.encode_images([plain(255, 0, 0)]).vectors
    said = new_shop.encoder.encode_texts([document.text]).vectors[0]
    assert document.known.pictures is not None
    assert document.known.text is not None
    assert np.allclose(document.known.pictures, shown, atol=1e-3)
    assert np.allclose(document.known.text, said, atol=1e-3)


def test_texts_that_were_made_before_are_used_until_the_product_changes(new_shop: Shop) -> None:
    catalog = new_shop.store.catalog("products")
    keys = np.array(list(catalog.keys_of(["red sandal"]).values()))
    texts: Recent[str, str] = Recent(10)
    pictures = new_shop.engine().pictures

    def text() -> str:
        (document,) = documents_of(catalog, keys, new_shop.encoder, pictures, texts=texts).values()
        return document.text

    made = text()
    assert len(texts) == 1
    assert text() is made
    new_shop.ingest([product(new_shop, "red sandal", "red", description="worn")])
    assert text() == "red sandal | worn"


def test_more_like_this_is_judged_by_the_pictures_of_what_it_names(new_shop: Shop) -> None:
    judge = SeeingJudge()
    engine = new_shop.engine(judge)

    engine.search(Query(like=("red shoe",)), "products")
    engine.search(Query(like=("red shoe", "blue shoe")), "products")

    one, two = judge.asked[0], judge.asked[-1]
    assert one.picture is not None
    assert one.picture.load()[0, 0].tolist() == [255, 0, 0]
    assert one.known is not None
    assert one.known.pictures is not None
    assert one.known.pictures.shape == (1, 4)
    assert one.fingerprint != two.fingerprint, "what stands for two is not what stands for one"


def test_the_candidates_can_be_had_as_the_judge_gets_them(new_shop: Shop) -> None:
    considered = new_shop.engine().considered(SHOES, "products", 3)

    titles = [document.product.id for document in considered.documents if document.product]
    assert titles == recalled(new_shop, SHOES)[:3]
    assert [found.evidence.coverage > 0 for found in considered.found] == [True] * 3
    assert considered.asked.text == SHOES.text

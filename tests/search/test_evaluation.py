"""Measuring search on judged queries: the judge sees what recall sees, and no field that the query was made of."""

from __future__ import annotations

from collections.abc import Sequence

from core.types import Query
from rerank.judgement import Asked, Document, Judgement
from search.evaluation import evaluate
from search.judged import JudgedQuery
from search.judging import Judging
from tests.shops import Shop, coloured_shop, product
from tests.word_judge import WordJudge


class ReadingJudge(WordJudge):
    """Looks at each picture, and keeps each text."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
        self.texts += [document.text for document in documents]
        assert all(document.picture is not None and document.picture.load().size for document in documents)
        return super().score(asked, documents)


def test_the_judge_does_not_read_the_fields_that_are_hidden_but_sees_the_pictures(shop: Shop) -> None:
    coloured_shop(shop)
    shop.ingest([product(shop, "red hat", "red", description="a secret")])
    judge = ReadingJudge()
    engine = shop.engine(judge)
    query = JudgedQuery("a", "secret", kind="description", lang="en", hide_fields=("description",))

    (cell,) = evaluate(engine, "products", [query], {"a": {"red hat": 1}}, image_root=shop.data)

    assert cell.statuses == {"full": 1}
    assert len(judge.texts) == 7
    assert not any("secret" in text for text in judge.texts)


def test_what_is_remembered_of_whole_products_is_not_used_for_bared_ones(shop: Shop) -> None:
    shop.ingest([product(shop, "red hat", "red", description="a secret")])
    engine = shop.engine()
    whole = engine.considered(Query(text="red hat"), "products", 1).documents[0]
    seen: list[Document] = []

    class Keeping(WordJudge):
        def score(self, asked: Asked, documents: Sequence[Document]) -> list[Judgement]:
            seen.extend(documents)
            return super().score(asked, documents)

    query = JudgedQuery("a", "red hat", hide_fields=("description",))
    evaluate(shop.engine(Keeping()), "products", [query], {"a": {"red hat": 1}}, image_root=shop.data)

    assert seen[0].fingerprint != whole.fingerprint


def test_recalls_order_and_the_judges_are_measured_apart(shop: Shop) -> None:
    coloured_shop(shop)
    shop.ingest([product(shop, "blue boot", "blue", description="red bag not, yet red and a bag")])
    queries = [JudgedQuery("a", "red bag")]
    relevances = {"a": {"blue boot": 1}}

    (cell,) = evaluate(
        shop.engine(WordJudge()),
        "products",
        queries,
        relevances,
        image_root=shop.data,
        judging=Judging(depth=7, budget_ms=None),
    )

    assert cell.judged is not None
    assert cell.quality.mrr < cell.judged.mrr == cell.answered.mrr

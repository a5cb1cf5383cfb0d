"""What Prometheus reads of a server, read by Prometheus' own parser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from core.settings import Settings
from tests.shops import Shop, coloured_shop, product
from tests.word_judge import WordJudge


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient]:
    coloured_shop(shop)
    app = create_app(Settings(data=shop.data), shop.engine(WordJudge()))
    with TestClient(app, raise_server_exceptions=False) as running:
        yield running


class Scrape:
    """One reading of all numbers."""

    def __init__(self, client: TestClient) -> None:
        answer = client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        self.text = answer.text
        self.families = list(text_string_to_metric_families(answer.text))
        self._samples = [sample for family in self.families for sample in family.samples]

    def value(self, name: str, **labels: str) -> float:
        """The one sample of that name and those labels; 0 where there is none yet."""
        found = [sample.value for sample in self._samples if (sample.name, sample.labels) == (name, labels)]
        return found[0] if found else 0.0

    def labels(self, name: str, label: str) -> set[str]:
        """All values of one label."""
        return {sample.labels[label] for sample in self._samples if sample.name == name}


def search(client: TestClient, text: str, **more: object) -> None:
    assert client.post("/api/search", json={"query": {"text": text}} | more).status_code == 200


def test_a_search_is_counted_in_every_stage(client: TestClient) -> None:
    before = Scrape(client)
    search(client, "red shoe")
    after = Scrape(client)

    for stage in ("encode", "recall", "metadata", "rerank"):
        counted = [each.value("lychee_stage_seconds_count", stage=stage) for each in (before, after)]
        assert counted == [0, 1], stage
    assert after.value("lychee_candidates_sum") == 6
    assert after.value("lychee_judged_total") == 6
    route = {"route": "/api/search", "method": "POST"}
    assert after.value("lychee_requests_total", **route, status="200") == 1
    assert after.value("lychee_request_seconds_count", route="/api/search") == 1


def test_an_answer_is_counted_by_how_far_its_judge_came(client: TestClient) -> None:
    search(client, "red shoe")
    search(client, "red shoe", rerank={"enabled": False})
    search(client, "red shoe", stream=True)
    client.get("/", params={"q": "red shoe"})
    client.get("/api/products/red shoe/similar")

    scrape = Scrape(client)
    counts = {status: scrape.value("lychee_answers_total", rerank=status) for status in ("full", "skipped")}
    assert counts == {"full": 4, "skipped": 1}
    assert scrape.labels("lychee_answers_total", "rerank") == {"full", "partial", "skipped", "failed"}


def test_a_page_further_on_encodes_and_judges_nothing(client: TestClient) -> None:
    first = client.post("/api/search", json={"query": {"text": "shoe"}, "limit": 2}).json()
    search(client, "shoe", limit=2, cursor=first["cursor"])

    scrape = Scrape(client)
    counts = {
        stage: scrape.value("lychee_stage_seconds_count", stage=stage) for stage in ("encode", "metadata")
    }
    assert counts == {"encode": 1, "metadata": 2}


def test_pairs_that_were_judged_before_are_told_from_new_ones(client: TestClient) -> None:
    search(client, "red shoe")
    once = Scrape(client)
    search(client, "red shoe")
    twice = Scrape(client)

    counts = [
        [each.value("lychee_judge_cache_total", found=found) for found in ("yes", "no")]
        for each in (once, twice)
    ]
    assert counts == [[0, 6], [6, 6]]


def test_refusals_count_under_their_route_and_nothing_that_was_sent_becomes_a_label(
    client: TestClient,
) -> None:
    client.post("/api/search", json={"query": {"text": "sesame"}, "catalog": "open-sesame"})
    client.get("/api/products/no-such-sesame")
    client.get("/sesame")
    client.get("/static/sesame.css")
    client.request("SESAME", "/")

    scrape = Scrape(client)
    assert scrape.value("lychee_requests_total", route="/api/search", method="POST", status="404") == 1
    assert scrape.value("lychee_requests_total", route="none", method="GET", status="404") == 1
    assert scrape.value("lychee_requests_total", route="/static", method="GET", status="404") == 1
    assert scrape.labels("lychee_requests_total", "method") == {"GET", "POST", "other"}
    assert "sesame" not in scrape.text.lower()


def test_the_request_that_asks_is_the_one_that_is_being_answered(client: TestClient) -> None:
    assert [Scrape(client).value("lychee_requests_in_flight") for _ in range(2)] == [1, 1]


def test_each_catalog_and_index_is_described_as_it_is_served(client: TestClient, shop: Shop) -> None:
    before = Scrape(client)
    shop.ingest([product(shop, "pink hat", "pink")], catalog="hats")
    after = Scrape(client)

    assert before.value("lychee_catalog_products", catalog="products") == 6
    assert before.labels("lychee_catalog_up", "catalog") == {"products"}
    assert after.value("lychee_catalog_products", catalog="hats") == 1
    assert after.value("lychee_catalog_up", catalog="hats") == 1
    for channel in ("picture", "text"):
        labels = {"catalog": "products", "channel": channel}
        assert after.value("lychee_index_vectors", **labels) == 6
        assert after.value("lychee_index_revision", **labels) == after.value(
            "lychee_catalog_revision", catalog="products"
        )
        assert 0 < after.value("lychee_index_age_seconds", **labels) < 300


def test_what_is_read_names_the_release_and_explains_itself(client: TestClient) -> None:
    scrape = Scrape(client)

    assert len(scrape.labels("lychee_build_info", "version")) == 1
    assert scrape.value("process_resident_memory_bytes") > 0
    assert all(family.documentation for family in scrape.families)

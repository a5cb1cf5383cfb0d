"""The judge over HTTP, as its users and as other rerankers' users call it."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from api.body_limit import MAX_BODY_BYTES
from api.judging import split_documents
from core.settings import Settings
from rerank.instructions import DEFAULT_INSTRUCTION, PRODUCT_INSTRUCTION
from rerank.judgement import Reranker
from tests.shops import Shop
from tests.word_judge import WordJudge


def serving(shop: Shop, reranker: Reranker | None) -> TestClient:
    app = create_app(Settings(data=shop.data), shop.engine(reranker))
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def word_judge() -> WordJudge:
    return WordJudge()


@pytest.fixture
def client(shop: Shop, word_judge: WordJudge) -> Iterator[TestClient]:
    with serving(shop, word_judge) as running:
        yield running


def asked(client: TestClient, route: str = "/api/rerank", **body: object) -> Any:
    answer = client.post(route, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(client: TestClient, body: dict[str, object], route: str = "/api/rerank") -> tuple[int, str]:
    answer = client.post(route, json=body)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


def picture(colour: str = "red", side: int = 40) -> str:
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def order(answer: Any) -> list[int]:
    return [result["index"] for result in answer["results"]]


def test_one_document_gets_a_score_and_a_band(client: TestClient) -> None:
    answer = asked(client, query="red shoe", document="a red bag")

    assert (answer["score"], answer["band"]) == (0.5, "medium")
    assert answer["model"] == "words@1"
    assert answer["checks"][0] == {"attribute": "word", "wanted": "red", "holds": True, "confidence": 1.0}
    assert "score_reversed" not in answer
    assert "flagged" not in answer


def test_many_documents_come_back_best_first_as_they_were_sent(client: TestClient) -> None:
    answer = asked(client, query="red shoe", documents=["bag", {"text": "red shoe"}, "red bag"])

    assert [(each["document"], each["score"], each["band"]) for each in answer["results"]] == [
        ({"text": "red shoe", "image": False}, 1.0, "high"),
        ("red bag", 0.5, "medium"),
        ("bag", 0.0, "low"),
    ]
    assert order(answer) == [1, 2, 0]
    assert (answer["scored"], answer["of"], answer["failed"]) == (3, 3, [])


def test_only_the_best_are_answered_while_all_are_judged(client: TestClient) -> None:
    answer = asked(client, query="red", documents=["blue", "red", "green"], top_n=1)

    assert order(answer) == [1]
    assert answer["of"] == 3


def test_pictures_are_taken_as_data_uri_base64_and_upload_and_are_not_sent_back(client: TestClient) -> None:
    file = base64.b64decode(picture())
    kept = client.post("/api/pictures", files={"picture": ("x.png", file)}).json()["image"]
    lines = "\n".join(picture()[at : at + 76] for at in range(0, len(picture()), 76))
    documents = [
        {"image": f"data:image/png;base64,{picture()}"},
        {"text": "words", "image": lines},
        {"image": kept},
        "words alone",
    ]

    answer = asked(client, query={"image": picture()}, documents=documents)

    assert order(answer) == [0, 1, 2, 3]
    assert [each["score"] for each in answer["results"]] == [1.0, 1.0, 1.0, 0.0]
    assert answer["results"][1]["document"] == {"text": "words", "image": True}


def test_an_instruction_goes_before_the_presets_and_a_preset_before_the_default(
    client: TestClient, word_judge: WordJudge
) -> None:
    used = [
        asked(client, query="a", document="a", **more)["instruction"]
        for more in ({}, {"preset": "product"}, {"preset": "product", "instruction": "Mind the colour."})
    ]

    assert used == [DEFAULT_INSTRUCTION, PRODUCT_INSTRUCTION, "Mind the colour."] == word_judge.instructions


def test_a_reply_that_misses_the_question_is_flagged(client: TestClient) -> None:
    flags = [
        asked(client, query="refund when", document=reply, preset="support")["flagged"]
        for reply in ("you get your refund when it is back", "thank you for your patience")
    ]

    assert flags == [False, True]


def test_a_copy_is_flagged_where_both_directions_say_so(client: TestClient) -> None:
    answer = asked(
        client, query="red moon", documents=["red moon", "red moon over a sea"], preset="copyright"
    )

    assert [(each["score"], each["score_reversed"], each["flagged"]) for each in answer["results"]] == [
        (1.0, 1.0, True), (1.0, 0.4, False),
    ]  # fmt: skip


def test_both_ways_can_be_asked_of_one_document(client: TestClient) -> None:
    answer = asked(client, query="red", document="red shoe", both_ways=True)

    assert (answer["score"], answer["score_reversed"]) == (1.0, 0.5)


def test_a_new_users_first_words_find_ten_of_a_thousand(client: TestClient) -> None:
    pool = [f"story {number} about {'red cats' if number % 90 == 7 else 'dogs'}" for number in range(1_200)]

    answer = asked(client, query="red cats", documents=pool, preset="coldstart")

    assert order(answer) == [7 + 90 * step for step in range(10)]
    assert answer["of"] == 1_200


def test_a_document_that_cannot_be_judged_fails_alone_and_is_listed(client: TestClient) -> None:
    documents = [
        {"text": "red", "image": "AAAA"},
        "",
        {"text": "red", "image": "upload:0123456789abcdef0123456789abcdef"},
        {"text": "red", "image": "data:image/png;base64,!!!"},
        "red --- shoe",
    ]

    answer = asked(client, query="red", documents=documents)

    assert order(answer) == [4, 0, 1, 2, 3]
    assert answer["results"][0]["document"] == "red --- shoe"
    assert [each["score"] for each in answer["results"]] == [1.0, None, None, None, None]
    assert answer["scored"] == 1
    assert [failure["index"] for failure in answer["failed"]] == [0, 1, 2, 3]
    for failure, says in zip(
        answer["failed"], ("no picture of a known", "neither words", "no longer kept", "base64"), strict=True
    ):
        assert says in failure["error"]


def test_what_failed_is_listed_even_where_the_results_end_before_it(client: TestClient) -> None:
    answer = asked(client, query="red", documents=["red", "unreadable"], top_n=1)

    assert order(answer) == [0]
    assert answer["failed"] == [{"index": 1, "error": "it can't be read"}]


def test_a_judge_that_fails_on_the_way_says_what_it_did_not_see(shop: Shop) -> None:
    with serving(shop, WordJudge(micro_batch=2, fails_after=2)) as client:
        answer = asked(client, query="red", documents=["blue", "red", "red", "red"])

    assert order(answer) == [1, 0, 2, 3]
    assert (answer["scored"], answer["of"]) == (2, 4)
    assert "out of memory" in answer["failed"][0]["error"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"query": "a"}, 400, "either `document` or `documents`"),
        ({"query": "a", "document": "b", "documents": ["c"]}, 400, "either `document` or `documents`"),
        ({"query": " ", "document": "b"}, 400, "the query has neither words nor a picture"),
        ({"query": {}, "document": "b"}, 400, "the query has neither words nor a picture"),
        ({"query": "a" * 10_001, "document": "b"}, 400, "the query has 10,001 characters"),
        ({"query": "a", "document": " "}, 422, "document: it has neither words nor a picture"),
        ({"query": "a", "document": "unreadable"}, 422, "document: it can't be read"),
        ({"query": "a", "document": {"image": "AAAA"}}, 422, "document: its picture can't be read"),
        ({"query": {"image": "AAAA"}, "document": "b"}, 422, "the picture of query"),
        ({"query": "a", "documents": []}, 422, "documents: there is none"),
        ({"query": "a", "documents": ["b"] * 10_000}, 422, "at most 2,000 are judged at once, not 10,000"),
        ({"query": "a", "documents": ["b", "c" * 5_000_000]}, 422, "documents.1: its text has 5,000,000"),
        (
            {"query": "a", "documents": ["b", {"image": "https://a.example/x.jpg"}]},
            422,
            "documents.1.image: the server fetches no addresses",
        ),
        ({"query": {"image": "file:///etc/passwd"}, "document": "b"}, 422, "query.image: the server fetches"),
        ({"query": "a", "documents": ["b", {"txt": "c"}]}, 422, "documents.1.parts.txt"),
        ({"query": "a", "documents": ["b", 3]}, 422, "documents.1"),
        ({"query": "a", "documents": ["b"], "top_n": 0}, 422, "top_n"),
        (
            {"query": "a", "document": "b", "preset": "prodcut"},
            400,
            "'prodcut' (known: default, product, serp",
        ),
        ({"query": "a", "document": "b", "presets": "x"}, 422, "presets"),
    ],
)
def test_bad_input_is_refused_and_named(
    client: TestClient, body: dict[str, object], status: int, says: str
) -> None:
    answered, detail = refused(client, body)

    assert answered == status
    assert says in detail


def test_a_body_beyond_the_limit_is_refused_whether_or_not_it_says_its_length(client: TestClient) -> None:
    body = json.dumps({"query": "a", "documents": ["b" * MAX_BODY_BYTES]}).encode()
    pieces = (body[at : at + 1_000_000] for at in range(0, len(body), 1_000_000))

    for content in (body, pieces):
        answer = client.post("/api/rerank", content=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert "larger than 64 MB" in answer.json()["detail"]


def test_without_a_judge_the_setting_is_named(shop: Shop) -> None:
    with serving(shop, None) as client:
        for route in ("/api/rerank", "/v1/rerank"):
            status, detail = refused(client, {"query": "a", "documents": ["b"]}, route)
            assert status == 503
            assert "LYCHEE_RERANKER" in detail


def test_a_judge_that_is_down_is_a_503_with_its_reason(shop: Shop) -> None:
    with serving(shop, WordJudge(fails_after=0)) as client:
        assert refused(client, {"query": "a", "document": "b"}) == (
            503,
            "reranker words@1: it is out of memory",
        )


def test_hostile_texts_are_judged_like_any_other_and_come_back_unchanged(
    client: TestClient, judged: Path
) -> None:
    lines = (judged / "nasty_inputs" / "text_queries.jsonl").read_text("utf-8").splitlines()
    texts = [text for line in lines if (text := json.loads(line)["text"]).strip()]
    texts = [text for text in texts if len(text) <= 100_000]

    answer = asked(client, query="red shoe", documents=[*texts, "red shoe"])

    assert answer["results"][0]["document"] == "red shoe"
    assert answer["results"][0]["score"] == 1.0
    assert {each["document"] for each in answer["results"]} == {*texts, "red shoe"}
    for text in texts:
        if len(text) <= 10_000:
            asked(client, query=text, document="red shoe", both_ways=True)


def test_every_nasty_picture_is_judged_or_fails_alone(client: TestClient, judged: Path) -> None:
    manifest = (judged / "nasty_inputs" / "manifest.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in manifest]
    files = [judged / "nasty_inputs" / row["file"] for row in rows]
    known = [(row, file) for row, file in zip(rows, files, strict=True) if file.stat().st_size < 5_000_000]
    documents = [{"image": base64.b64encode(file.read_bytes()).decode()} for _, file in known]

    answer = asked(client, query={"image": picture()}, documents=documents)

    failed = {failure["index"] for failure in answer["failed"]}
    assert answer["of"] == len(known) > 60
    for index, (row, _) in enumerate(known):
        if row["expect"] == "ok":
            assert index not in failed, row["file"]
        if row["expect"] == "reject":
            assert index in failed, row["file"]


def test_half_a_character_is_replaced_and_harms_nothing(client: TestClient) -> None:
    """Programs that cut texts to a length send them."""

    def send(route: str, content: bytes) -> Any:
        return client.post(route, content=content, headers={"Content-Type": "application/json"}).json()

    half = send("/api/rerank", b'{"query": "red\\ud83d", "documents": ["\\ud83d\\udc57 red", "red \\ud83d"]}')
    wire = send("/v1/rerank", b'{"query": "red", "documents": ["red \\ud83d"]}')

    assert {each["document"] for each in half["results"]} == {"👗 red", "red \ufffd"}
    assert wire["results"][0]["document"] == {"text": "red \ufffd"}


def test_other_rerankers_clients_are_answered_in_their_form(client: TestClient) -> None:
    answer = asked(
        client,
        "/v1/rerank",
        model="jina-reranker-m0",
        query="red shoe",
        documents=["bag", {"text": "red shoe"}, "a red bag"],
        top_n=2,
        max_tokens_per_doc=4096,
        truncate=True,
    )

    assert answer["results"] == [
        {"index": 1, "relevance_score": 1.0, "document": {"text": "red shoe"}},
        {"index": 2, "relevance_score": 0.5, "document": {"text": "a red bag"}},
    ]
    assert answer["model"] == "words@1"
    assert answer["usage"] == {"total_tokens": 3 * 2 + 1 + 2 + 3}
    assert answer["id"].startswith("rerank-")
    assert "failed" not in answer


def test_documents_are_left_out_where_they_are_not_wanted(client: TestClient) -> None:
    for route in ("/v1/rerank", "/v2/rerank"):
        answer = asked(client, route, query="red", documents=["red"], return_documents=False)
        assert answer["results"] == [{"index": 0, "relevance_score": 1.0}]


def test_every_form_of_a_document_with_a_picture_is_taken(client: TestClient) -> None:
    uri = f"data:image/png;base64,{picture()}"
    parts = [{"type": "image_url", "image_url": {"url": uri}}, {"type": "text", "text": "shoe"}]
    documents = [{"image": uri}, {"text": "shoe", "image": picture()}, {"content": parts}, "shoe"]

    for query in ({"image": uri}, {"content": parts[:1]}):
        answer = asked(client, "/v1/rerank", query=query, documents=documents)
        assert {each["index"]: each["relevance_score"] for each in answer["results"]} == {
            0: 1.0, 1: 1.0, 2: 1.0, 3: 0.0,
        }  # fmt: skip
    assert answer["results"][2]["document"] == {"text": "shoe"}


def test_what_cannot_be_judged_is_named_beside_the_results(client: TestClient) -> None:
    answer = asked(client, "/v1/rerank", query="red", documents=["red", {"image": "AAAA"}, {"title": "x"}])

    assert order(answer) == [0]
    assert [failure["index"] for failure in answer["failed"]] == [1, 2]


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"image": "https://a.example/x.jpg"}, "documents.1.image: the server fetches no addresses"),
        (
            {"content": [{"type": "image_url", "image_url": {"url": "AAAA"}}] * 2},
            "documents.1: one picture is judged, not 2",
        ),
        ({"content": [{"type": "video_url"}]}, "documents.1.parts.content.0.type"),
    ],
)
def test_documents_that_no_judge_takes_are_refused_and_named(
    client: TestClient, document: object, says: str
) -> None:
    status, detail = refused(client, {"query": "a", "documents": ["b", document]}, "/v1/rerank")

    assert status == 422
    assert says in detail


def test_scores_are_rounded_for_people_and_whole_for_programs(client: TestClient) -> None:
    third = asked(client, query="a b c", document="a")["score"]
    whole = asked(client, "/v1/rerank", query="a b c", documents=["a"])["results"][0]["relevance_score"]

    assert (third, whole) == (0.333333, 1 / 3)


def test_documents_of_a_text_are_separated_by_lines_of_three_dashes_alone() -> None:
    text = "---\none\nstill --- one\n----\n---\r\ntwo\n\n--- \n \n---\nthree\n"

    assert split_documents(text) == ["one\nstill --- one\n----", "two", "three"]


def test_large_pictures_are_shown_to_the_judge_shrunk(shop: Shop) -> None:
    seen: list[tuple[int, ...]] = []

    class Looking(WordJudge):
        def score(self, asked: Any, documents: Any) -> Any:
            seen.extend(document.picture.load().shape for document in documents)
            return super().score(asked, documents)

    documents = []
    for size in ((4_200, 2_100), (2_000, 12_000)):
        file = io.BytesIO()
        Image.new("RGB", size, "red").save(file, "JPEG")
        documents.append({"image": base64.b64encode(file.getvalue()).decode()})

    with serving(shop, Looking()) as client:
        asked(client, query="a", documents=documents)

    assert seen == [(1_050, 2_100, 3), (6_000, 1_000, 3)]


def test_the_documentation_shows_both_forms_of_a_document(client: TestClient) -> None:
    page = client.get("/docs").text
    section = page[page.index('id="schema-JudgeBody"') :]
    row = section[section.index(">documents<") :].split("</tr>")[0]

    assert "list of string" in row
    assert "#schema-PartsBody" in row

"""The remote judge against real servers: ours, and ones that are slow, busy, broken, or talk nonsense."""

from __future__ import annotations

import base64
import io
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import numpy as np
import pytest
from PIL import Image

from api.app import create_app
from core.errors import InvalidSetting, RerankerProblem, UnreadableImage
from core.settings import Settings
from core.types import Pixels, Score
from rerank.instructions import PRODUCT_INSTRUCTION
from rerank.judgement import Asked, Document, Picture, Unscored
from rerank.loading import load_reranker
from rerank.remote import RemoteReranker
from rerank.remote_call import REST_SECONDS, Patience
from tests.rerank.servers import Scripted, answering
from tests.serving import serving
from tests.shops import Shop
from tests.word_judge import WordJudge

KEY = "sk-a-secret-0123456789"
CALM = Patience(connect=20.0, read=20.0, total=60.0, attempts=3)
"""A busy machine's time."""
HASTY = Patience(connect=5.0, read=0.3, total=2.0, attempts=3)
PICTURE = Picture.of(np.full((900, 1200, 3), 200, np.uint8))
TEXTS = [Document("a red shoe"), Document("a blue bag")]


Judge = Callable[..., RemoteReranker]


@pytest.fixture
def judge() -> Iterator[Judge]:
    """Makes judges and closes their connections in the end."""
    with ExitStack() as made:

        def make(url: str, patience: Patience = CALM) -> RemoteReranker:
            remote = RemoteReranker(url, key=KEY, model="a-model", patience=patience)
            made.callback(remote.close)
            return remote

        yield make


def relevances(judgements: list[Score | Unscored]) -> list[float | None]:
    return [each.relevance if isinstance(each, Score) else None for each in judgements]


def problem(judge: Judge, answer: Callable[[Scripted], None], patience: Patience = CALM) -> str:
    with answering(answer) as (url, _), pytest.raises(RerankerProblem) as raised:
        judge(url, patience).score(Asked("red"), TEXTS)
    assert KEY not in str(raised.value)
    assert url in str(raised.value)
    return str(raised.value)


@pytest.fixture
def ours(shop: Shop) -> Iterator[str]:
    with serving(create_app(Settings(data=shop.data), shop.engine(reranker=WordJudge()))) as url:
        yield url


def test_our_own_server_judges_as_its_judge_would(ours: str, judge: Judge) -> None:
    asked = Asked("red shoe")
    documents = [Document(text) for text in ("bag", "red shoe", "a red bag", "shoe", "unreadable", "red")]

    remote, local = judge(ours).score(asked, documents), WordJudge().score(asked, documents)

    assert relevances(remote) == relevances(local) == [0.0, 1.0, 0.5, 0.5, None, 0.5]


def test_many_documents_are_judged_batch_by_batch_in_input_order(ours: str, judge: Judge) -> None:
    documents = [Document("red" if number % 3 else "blue") for number in range(100)]

    assert relevances(judge(ours).score(Asked("red"), documents)) == [
        float(number % 3 > 0) for number in range(100)
    ]


def test_our_own_server_takes_pictures_on_both_sides(ours: str, judge: Judge) -> None:
    documents = [Document(picture=PICTURE), Document("red", PICTURE), Document("words")]

    assert relevances(judge(ours).score(Asked(picture=PICTURE), documents)) == [1.0, 1.0, 0.0]


def test_texts_go_as_strings_with_the_instruction_the_key_and_the_model(judge: Judge) -> None:
    with answering(Scripted.results) as (url, seen):
        judge(url).score(Asked("red", instruction=PRODUCT_INSTRUCTION, exclude=("printed", "long")), TEXTS)

    assert seen[0].headers["Authorization"] == f"Bearer {KEY}"
    assert seen[0].body == {
        "model": "a-model",
        "query": "red (but not: printed, long)",
        "documents": ["a red shoe", "a blue bag"],
        "top_n": 2,
        "return_documents": False,
        "instruction": PRODUCT_INSTRUCTION,
    }


def test_pictures_go_as_small_jpegs(judge: Judge) -> None:
    with answering(Scripted.results) as (url, seen):
        judge(url).score(Asked("red"), [Document("a shoe", PICTURE), Document("a bag")])

    with_picture, words = seen[0].body["documents"]
    sent = with_picture["image"].removeprefix("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(sent))).size == (768, 576)
    assert (with_picture["text"], words) == ("a shoe", "a bag")


def test_a_server_that_takes_pictures_as_parts_gets_them_so_and_is_asked_right_at_once_later(
    judge: Judge,
) -> None:
    def like_vllm(request: Scripted) -> None:
        if any(isinstance(each, dict) and "content" not in each for each in request.body["documents"]):
            request.send({"error": {"message": "content: field required"}}, 400)
        else:
            request.results(0.25)

    with answering(like_vllm) as (url, seen):
        remote = judge(url)
        answers = [remote.score(Asked("red"), [Document("a shoe", PICTURE)]) for _ in range(2)]

    assert [relevances(answer) for answer in answers] == [[0.25], [0.25]]
    picture, words = seen[2].body["documents"][0]["content"]
    assert (picture["type"], words) == ("image_url", {"type": "text", "text": "a shoe"})
    assert len(seen) == 3


def test_a_server_that_takes_no_pictures_says_so(judge: Judge) -> None:
    def texts_only(request: Scripted) -> None:
        request.send({"detail": "documents must be strings"}, 422)

    with answering(texts_only) as (url, _), pytest.raises(RerankerProblem, match="must be strings"):
        judge(url).score(Asked("red"), [Document("a shoe", PICTURE)])


def test_a_picture_that_cannot_be_read_fails_alone(judge: Judge) -> None:
    def broken() -> Pixels:
        raise UnreadableImage("x.jpg", "the file is empty")

    with answering(Scripted.results) as (url, seen):
        judgements = judge(url).score(Asked("red"), [TEXTS[0], Document("x", Picture("x", broken)), TEXTS[1]])

    assert judgements[1] == Unscored("its picture can't be read: the file is empty")
    assert relevances(judgements) == [0.5, None, 0.5]
    assert len(seen[0].body["documents"]) == 2


def test_results_are_mapped_by_their_index(judge: Judge) -> None:
    def best_first(request: Scripted) -> None:
        request.send(
            {"results": [{"index": 1, "relevance_score": 0.9}, {"index": 0, "relevance_score": 0.1}]}
        )

    with answering(best_first) as (url, _):
        assert relevances(judge(url).score(Asked("red"), TEXTS)) == [0.1, 0.9]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("<!doctype html><title>Welcome</title>", "is not JSON: <!doctype html>"),
        ('{"results": [{"index": 0, "relevance_score": NaN}]}', "is not JSON"),
        ("", r"is not JSON: \(nothing\)"),
        ([1, 2], "no list of `results`"),
        ({"data": []}, "no list of `results`"),
        ({"results": [{"index": 0, "relevance_score": 0.5}]}, "of 2 documents it leaves out 1"),
        ({"results": [{"index": 7, "relevance_score": 0.5}]}, "answers document 7, and 0 to 1"),
        ({"results": ["0.5", "0.4"]}, "answers document None"),
        ({"results": [{"index": 0, "relevance_score": 0.5}] * 2}, "document 0 twice"),
        ({"results": [{"index": 0, "relevance_score": "high"}]}, "document 0 has no relevance_score"),
        ({"results": [{"index": 0, "relevance_score": 3.42}]}, "3.42, which is not from 0 to 1"),
        ({"results": [{"index": 0, "relevance_score": -0.1}]}, "-0.1, which is not from 0 to 1"),
    ],
)
def test_nonsense_is_refused_with_what_was_wrong(answer: object, says: str, judge: Judge) -> None:
    with answering(lambda request: request.send(answer)) as (url, seen):
        with pytest.raises(RerankerProblem, match=says) as raised:
            judge(url).score(Asked("red"), TEXTS)
        assert url in str(raised.value)
        assert len(seen) == 1


def test_a_busy_server_is_asked_again_when_it_says(judge: Judge) -> None:
    def busy_at_first(request: Scripted) -> None:
        if len(request.seen) == 1:
            request.send("slow down", 429, Retry_After="1")
        else:
            request.results()

    started = time.monotonic()
    with answering(busy_at_first) as (url, seen):
        assert relevances(judge(url).score(Asked("red"), TEXTS)) == [0.5, 0.5]

    assert len(seen) == 2
    assert time.monotonic() - started >= 1.0


def test_asking_again_is_logged_with_the_reason(judge: Judge, caplog: pytest.LogCaptureFixture) -> None:
    problem(judge, lambda request: request.send("out of memory", 503))

    said = [record.getMessage() for record in caplog.records if record.name == "lychee.remote"]
    assert len(said) == 2
    assert said[0].startswith("the remote judge is asked again in 0.")
    assert said[0].endswith("it answered 503 Service Unavailable: out of memory")


def test_a_server_that_is_busy_for_longer_than_we_wait_is_given_up_at_once(judge: Judge) -> None:
    started = time.monotonic()

    assert "429" in problem(judge, lambda request: request.send("come tomorrow", 429, Retry_After="86400"))
    assert "429" in problem(
        judge, lambda request: request.send("later", 429, Retry_After="Wed, 21 Oct 2099 07:28:00 GMT")
    )
    assert time.monotonic() - started < CALM.total / 2


def test_a_server_that_keeps_failing_is_asked_a_few_times_and_no_more(judge: Judge) -> None:
    with answering(lambda request: request.send("out of memory", 500)) as (url, seen):
        with pytest.raises(RerankerProblem, match=r"500 .*out of memory"):
            judge(url).score(Asked("red"), TEXTS)
        assert len(seen) == 3


def test_a_server_that_dies_in_the_middle_is_asked_again(judge: Judge) -> None:
    def dies_once(request: Scripted) -> None:
        if len(request.seen) == 1:
            request.send_response(200)
            request.send_header("Content-Length", "1000")
            request.end_headers()
            request.wfile.write(b'{"results": [')
            request.close_connection = True
        else:
            request.results()

    with answering(dies_once) as (url, seen):
        assert relevances(judge(url).score(Asked("red"), TEXTS)) == [0.5, 0.5]
        assert len(seen) == 2


def test_a_server_that_always_dies_in_the_middle_is_named(judge: Judge) -> None:
    def dies(request: Scripted) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.close_connection = True

    assert "the connection failed" in problem(judge, dies)


def test_a_slow_server_is_given_up_within_the_deadline(judge: Judge) -> None:
    started = time.monotonic()

    assert "did not answer in time" in problem(judge, lambda request: time.sleep(30), HASTY)
    assert time.monotonic() - started < 15


def test_a_server_that_drips_its_answer_is_given_up_too(judge: Judge) -> None:
    def drips(request: Scripted) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        try:
            for _ in range(300):
                request.wfile.write(b" ")
                time.sleep(0.1)
        except OSError:
            request.close_connection = True

    started = time.monotonic()

    assert "took too long" in problem(judge, drips, Patience(connect=5, read=5, total=1.0))
    assert time.monotonic() - started < 15


def test_nobody_at_the_address_is_said(judge: Judge) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1/rerank"
        with pytest.raises(RerankerProblem, match=r"the connection failed: .*refused"):
            judge(url).score(Asked("red"), TEXTS)


def test_a_server_that_cannot_be_reached_is_left_alone_for_a_while_and_then_asked_again(
    judge: Judge, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_away = True

    def away_at_first(request: Scripted) -> None:
        if is_away:
            request.close_connection = True
        else:
            request.results()

    with answering(away_at_first) as (url, seen):
        remote = judge(url)
        with pytest.raises(RerankerProblem, match="the connection failed"):
            remote.score(Asked("red"), TEXTS)
        tried = len(seen)
        is_away = False

        with pytest.raises(RerankerProblem, match=r"could not be reached; it is asked again in \d s"):
            remote.score(Asked("red"), TEXTS)
        assert len(seen) == tried
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + REST_SECONDS + 1)
        assert relevances(remote.score(Asked("red"), TEXTS)) == [0.5, 0.5]


def test_a_wrong_key_is_said_without_telling_it(caplog: pytest.LogCaptureFixture, judge: Judge) -> None:
    def repeats_it(request: Scripted) -> None:
        request.send(f"invalid key {request.headers['Authorization']}", 401)

    with caplog.at_level(logging.DEBUG):
        message = problem(judge, repeats_it)

    assert "check LYCHEE_RERANKER_KEY: invalid key Bearer …" in message
    assert KEY not in caplog.text


def test_a_redirect_is_not_followed_with_the_key(judge: Judge) -> None:
    message = problem(
        judge, lambda request: request.send("", 307, Location="http://elsewhere.example/v1/rerank")
    )

    assert "307" in message
    assert "elsewhere.example" in message


def settings(**fields: object) -> Settings:
    return Settings.model_validate({"reranker": "remote", **fields})


def test_an_address_without_a_route_means_the_usual_one() -> None:
    remote = RemoteReranker.of(settings(reranker_url="http://gpu:8000", reranker_model="m"))
    remote.close()

    assert remote.model == "m@http://gpu:8000/v1/rerank"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "LYCHEE_RERANKER_URL='': the remote judge needs the address"),
        ({"reranker_url": "gpu-box:8000"}, "must be the http or https address"),
        ({"reranker_url": "http://[::1/v1"}, "must be the http or https address"),
        ({"reranker_url": "ftp://gpu/v1/rerank"}, "must be the http or https address"),
        ({"reranker_url": "https://me:hunter2@gpu/v1"}, "put the key into LYCHEE_RERANKER_KEY"),
        ({"reranker_url": "http://gpu", "reranker_key": "hunter2\n"}, "characters that no key has"),
    ],
)
def test_settings_that_do_not_fit_are_refused_by_name_without_telling_secrets(
    fields: dict[str, object], says: str, shop: Shop
) -> None:
    with pytest.raises(InvalidSetting, match=says) as raised:
        load_reranker(settings(**fields), shop.encoder, shop.language)
    assert "hunter2" not in str(raised.value)

"""The judge's page as it leaves the server: what a browser without JavaScript gets."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from api.app import create_app
from api.judge_state import MAX_CARDS, MAX_FIELD_BYTES
from core.settings import Settings
from rerank.instructions import DEFAULT_INSTRUCTION, PRESETS, PRODUCT_INSTRUCTION
from tests.markup import find, parsed, texts
from tests.shops import Shop
from tests.word_judge import WordJudge

Files = dict[str, tuple[str, bytes]]


@pytest.fixture
def judge() -> WordJudge:
    return WordJudge()


@pytest.fixture
def client(shop: Shop, judge: WordJudge) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(data=shop.data), shop.engine(judge))) as running:
        yield running


def png(colour: str = "#ff0000") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(buffer, "PNG")
    return buffer.getvalue()


def sent(
    client: TestClient, form: dict[str, str], files: Files | None = None, *, status: int = 200
) -> Element:
    """The page that a form is answered with; always multipart, as the page's own form is."""
    answer = client.post("/rerank", data=form, files=files or {"picture-q": ("", b"")})
    assert answer.status_code == status, answer.text[:2_000]
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return parsed(answer.text)


def values(page: Element) -> dict[str, str]:
    """What the page's form holds and a browser would send again."""
    form = find(page, "form[id=judge]")[0]
    held = {each.get("name", ""): each.get("value", "") for each in find(form, "input[type=hidden]")}
    held |= {each.get("name", ""): "".join(each.itertext()).strip("\n") for each in find(form, "textarea")}
    chosen = [option.get("value", "") for option in find(form, "option[selected]")]
    return held | {"preset": chosen[0]}


def ranking(page: Element) -> list[tuple[str, str]]:
    """Score and document, as the table lists them."""
    return list(zip(texts(page, ".ranking .scored b"), texts(page, ".ranking .content"), strict=True))


def test_one_document_gets_a_score_a_band_in_words_and_what_it_rests_on(client: TestClient) -> None:
    page = sent(client, {"q": "red leather shoe", "text-0": "a red shoe", "do": "one"})

    assert texts(page, ".verdict .big") == ["0.67"]
    assert "may fit" in texts(page, ".verdict.medium .says")[0]
    assert texts(page, ".check.holds") == ["red holds", "shoe holds"]
    assert texts(page, ".check.contradicts") == ["leather contradicts"]
    assert texts(page, ".basis") == ["Judged by words"]


@pytest.mark.parametrize(
    ("document", "band", "words"),
    [("one two six ten", "high", "fits"), ("one two", "medium", "may fit"), ("one", "low", "doesn't fit")],
)
def test_each_band_has_its_colour_and_its_words(
    client: TestClient, document: str, band: str, words: str
) -> None:
    page = sent(client, {"q": "one two six ten", "text-0": document, "do": "one"})

    assert texts(page, f".verdict.{band} strong") == [words]


def test_documents_between_lines_of_dashes_are_ordered_best_first(client: TestClient) -> None:
    documents = "blue bag\n---\nred shoe\r\n---  \n\n---\nred --- bag, --- not a line"

    page = sent(client, {"q": "red shoe", "text-0": documents, "do": "all"})

    assert ranking(page) == [
        ("1.00", "#2 red shoe"),
        ("0.50", "#3 red --- bag, --- not a line"),
        ("0.00", "#1 blue bag"),
    ]
    assert texts(page, ".ranking .place") == ["1", "2", "3"]


def test_one_score_of_many_documents_says_that_it_is_the_first_ones(client: TestClient) -> None:
    page = sent(client, {"q": "red", "text-0": "red\n---\nblue", "text-1": "green", "do": "one"})

    assert texts(page, ".verdict .big") == ["1.00"]
    assert "There are 3 documents" in texts(page, ".note")[0]


def test_what_was_typed_and_sent_stays_in_the_form(client: TestClient) -> None:
    form = {"q": " red\n shoe", "text-0": "\nblue\n---\nred", "text-7": "green", "do": "all"}
    form |= {"preset": "product", "instruction": "Mind the colour.", "filled": "product", "lang": "zh"}
    files = {"picture-q": ("q.png", png()), "picture-7": ("7.png", png("#00ff00"))}

    held = values(sent(client, form, files))

    assert held["q"] == " red\n shoe"
    assert (held["text-0"], held["text-1"]) == ("blue\n---\nred", "green")
    assert (held["preset"], held["instruction"], held["lang"]) == ("product", "Mind the colour.", "zh")
    assert held["image-q"].startswith("upload:")
    assert held["image-1"].startswith("upload:")
    assert values(sent(client, held | {"do": "all"})) == held


def test_a_kept_picture_is_judged_again_and_shown_beside_its_document(client: TestClient) -> None:
    held = values(sent(client, {"q": "red"}, {"picture-0": ("x.png", png()), "picture-q": ("q.png", png())}))

    page = sent(client, held | {"q": "", "do": "all"})

    assert ranking(page) == [("1.00", "#1 picture without text")]
    address = find(page, ".ranking img")[0].get("src", "")
    assert client.get(address).headers["content-type"] == "image/jpeg"


def test_a_card_with_a_picture_is_one_document_whatever_lines_it_has(client: TestClient) -> None:
    page = sent(
        client, {"q": "red", "text-0": "red\n---\nblue", "do": "all"}, {"picture-0": ("x.png", png())}
    )

    assert ranking(page) == [("1.00", "#1 red --- blue")]


def test_choosing_a_preset_brings_its_instruction_but_a_written_one_stays(
    client: TestClient, judge: WordJudge
) -> None:
    form = {"q": "red", "text-0": "red", "filled": "default", "preset": "product", "do": "one"}

    sent(client, form | {"instruction": DEFAULT_INSTRUCTION})
    sent(client, form | {"instruction": "My own."})
    sent(client, form | {"instruction": " "})

    assert judge.instructions == [PRODUCT_INSTRUCTION, "My own.", PRODUCT_INSTRUCTION]


def test_every_preset_is_offered_in_both_languages_with_its_instruction(client: TestClient) -> None:
    page = parsed(client.get("/rerank?lang=zh").text)
    options = find(page, "select[name=preset] option")

    assert [each.get("value") for each in options] == list(PRESETS)
    assert [each.get("data-instruction") for each in options] == [
        each.instruction for each in PRESETS.values()
    ]
    assert texts(page, ".act") == ["开始评分", "批量重排序"]
    assert texts(parsed(client.get("/rerank").text), ".act") == ["Score", "Rerank all"]


def test_a_reply_under_the_presets_line_is_flagged(client: TestClient) -> None:
    form = {
        "q": "where is my parcel",
        "text-0": "your parcel is here\n---\nhello",
        "preset": "support",
        "do": "all",
    }

    page = sent(client, form)

    assert [bool(find(row, ".flag")) for row in find(page, ".ranking tbody tr")] == [False, True]
    assert texts(page, ".flag") == ["check this reply"]


def test_screening_for_copies_judges_both_ways_and_flags_what_holds_in_both(client: TestClient) -> None:
    form = {
        "q": "red shoe",
        "text-0": "red shoe\n---\nred shoe and much more",
        "preset": "copyright",
        "do": "all",
    }

    page = sent(client, form)

    assert texts(page, ".ranking .swapped b") == ["1.00", "0.40"]
    assert [bool(find(row, ".flag")) for row in find(page, ".ranking tbody tr")] == [True, False]


def test_a_preset_that_answers_ten_says_of_how_many(client: TestClient) -> None:
    pool = "\n---\n".join(f"word{n}" for n in range(1_200))

    page = sent(client, {"q": "word7", "text-0": pool, "preset": "coldstart", "do": "all"})

    assert len(ranking(page)) == 10
    assert texts(page, ".note") == ["The first 10 of 1200."]


def test_what_fails_alone_is_listed_last_with_the_reason(client: TestClient) -> None:
    form = {"q": "red", "text-0": "unreadable\n---\nred", "text-1": "red, too", "do": "all"}

    page = sent(client, form, {"picture-1": ("holiday.jpg", b"no picture")})

    assert ranking(page) == [("1.00", "#2 red")]
    assert texts(page, ".failed li") == [
        "#1 unreadable it can't be read",
        "#3 red, too This picture can't be read. Please try another one.",
    ]
    assert texts(page, ".sheet .broken") == [
        "holiday.jpg: This picture can't be read. Please try another one."
    ]


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"q": " ", "text-0": "x"}, "Please write a query, or add a picture to it."),
        ({"q": "x", "text-0": "\n---\n"}, "Please add a document"),
        ({"q": "x"}, "Please add a document"),
        ({"q": "x", "text-0": "\n---\n".join(["y"] * 2_001)}, "There are 2001 documents; at most 2000"),
        ({"q": "x" * 10_001, "text-0": "y"}, "A text is too long."),
        ({"q": "x", "text-0": "y" * 100_001}, "A text is too long."),
        ({"q": "x", "text-0": "y", "instruction": "z" * 2_001}, "A text is too long."),
    ],
)
def test_what_cannot_be_judged_is_said_in_a_sentence_and_nothing_is_lost(
    client: TestClient, judge: WordJudge, form: dict[str, str], says: str
) -> None:
    page = sent(client, form | {"do": "all"}, status=422)

    assert says in texts(page, "[role=alert]")[0]
    assert values(page)["q"] == form["q"]
    assert values(page)["text-0"] == form.get("text-0", "").strip("\n")
    assert judge.judged == 0


def test_a_refusal_is_said_in_the_readers_language(client: TestClient) -> None:
    page = sent(client, {"text-0": "x", "do": "one", "lang": "zh"}, status=422)

    assert texts(page, "[role=alert]") == ["请填写查询，或为它添加图片。"]


def test_a_query_picture_that_cannot_be_read_is_refused_at_once(client: TestClient) -> None:
    page = sent(client, {"q": "x", "text-0": "y"}, {"picture-q": ("q.png", b"nonsense")}, status=422)

    assert texts(page, "[role=alert]") == ["This picture can't be read. Please try another one."]
    assert texts(page, ".asked .broken") == ["q.png: This picture can't be read. Please try another one."]


def test_a_picture_that_is_no_longer_kept_is_asked_for_again(client: TestClient) -> None:
    form = {"q": "red", "text-0": "red", "text-1": "red, too", "image-1": "upload:gone", "do": "all"}

    page = sent(client, form)
    assert ranking(page) == [("1.00", "#1 red")]
    assert texts(page, ".failed li") == ["#2 red, too This picture is no longer kept. Please send it again."]
    assert values(page)["image-1"] == ""

    page = sent(client, form | {"image-q": "upload:gone", "lang": "zh"}, status=422)
    assert texts(page, "[role=alert]") == ["这张图片已不再保留，请重新上传。"]


def test_the_only_document_failing_is_said_in_the_place_of_its_score(client: TestClient) -> None:
    page = sent(client, {"q": "red", "text-0": "unreadable", "do": "one"})

    assert find(page, ".verdict") == []
    assert texts(page, ".outcome .failed li") == ["#1 unreadable it can't be read"]


def test_an_unknown_preset_is_refused(client: TestClient) -> None:
    page = sent(client, {"q": "x", "text-0": "y", "preset": "<b>"}, status=400)

    assert "There is no such preset." in texts(page, "[role=alert]")[0]


def test_more_than_the_page_takes_is_a_page_too(client: TestClient) -> None:
    page = sent(client, {"q": "x", "text-0": "y" * (MAX_FIELD_BYTES + 1)}, status=413)

    assert "more than the page takes" in texts(page, "[role=alert]")[0]


def test_five_megabytes_of_text_are_judged_piece_by_piece(client: TestClient, judge: WordJudge) -> None:
    text = "\n---\n".join(["red " * 12_500] * 100)

    page = sent(client, {"q": "red", "text-0": text, "do": "all"})

    assert judge.judged == 100
    assert len(ranking(page)) == 100


def test_buttons_of_the_form_work_without_scripts(client: TestClient) -> None:
    form = {"q": "red", "text-0": "first", "text-1": "second"}
    files = {"picture-q": ("q.png", png()), "picture-1": ("1.png", png())}

    added = values(sent(client, form | {"do": "add"}, files))
    assert (added["text-0"], added["text-1"], added["text-2"]) == ("first", "second", "")
    bare = values(sent(client, added | {"do": "unpicture-1"}))
    assert (bare["image-1"], bare["text-1"], bare["image-q"]) == ("", "second", added["image-q"])
    assert values(sent(client, bare | {"do": "unpicture-q"}))["image-q"] == ""
    dropped = values(sent(client, added | {"do": "drop-0"}))
    assert (dropped["text-0"], dropped["image-0"]) == ("second", added["image-1"])
    assert "text-2" not in dropped
    assert values(sent(client, {"q": "red", "text-0": "x", "do": "drop-0"}))["text-0"] == ""
    for nonsense in ("drop-99", "drop-", "unpicture-x", "sing"):
        assert values(sent(client, form | {"do": nonsense}))["text-1"] == "second"


def test_cards_are_added_up_to_a_number(client: TestClient) -> None:
    form = {f"text-{n}": "x" for n in range(MAX_CARDS)}

    page = sent(client, form | {"q": "x", "do": "add"})

    assert len(find(page, "form .sheet")) == MAX_CARDS
    assert find(page, "button.add") == []


def test_changing_the_language_keeps_the_form_and_its_result(client: TestClient) -> None:
    form = {"q": "red", "text-0": "red", "judged": "one", "switch": "zh"}

    page = sent(client, form)

    assert page.get("lang") == "zh-CN"
    assert "相符" in texts(page, ".says")[0]
    assert values(page)["lang"] == "zh"
    assert find(sent(client, form | {"judged": "none"}), ".verdict") == []


def test_an_address_fills_the_form_in_without_judging(client: TestClient, judge: WordJudge) -> None:
    page = parsed(client.get("/rerank?q=red&document=a&document=b&preset=product").text)

    held = values(page)

    assert (held["q"], held["text-0"], held["text-1"], held["preset"]) == ("red", "a", "b", "product")
    assert held["instruction"] == PRODUCT_INSTRUCTION
    assert judge.judged == 0


def test_examples_are_addresses_that_can_be_judged(client: TestClient) -> None:
    for lang in ("en", "zh"):
        for link in find(parsed(client.get(f"/rerank?lang={lang}").text), ".examples a"):
            held = values(parsed(client.get(link.get("href", "")).text))
            assert held["lang"] == lang
            sent(client, held | {"do": "all"})


def test_what_was_typed_is_always_text(client: TestClient) -> None:
    hostile = "</textarea><script>alert(1)</script>\"'&"
    form = {
        "q": hostile,
        "text-0": f"{hostile}\n---\nunreadable {hostile}",
        "instruction": hostile,
        "do": "all",
    }

    answer = client.post("/rerank", data=form)

    assert "<script>alert" not in answer.text
    assert "style=" not in answer.text
    assert values(parsed(answer.text))["q"] == hostile
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_without_a_judge_the_page_says_so(shop: Shop) -> None:
    with TestClient(create_app(Settings(data=shop.data), shop.engine())) as client:
        page = parsed(client.get("/rerank").text)
        assert "No judge is set up here." in texts(page, "[role=alert]")[0]
        assert [each.get("disabled") for each in find(page, ".act")] == ["", ""]
        assert values(sent(client, {"q": "x", "text-0": "kept"}, status=503))["text-0"] == "kept"


def test_a_judge_that_fails_is_said_to_and_the_form_stays(shop: Shop) -> None:
    broken = shop.engine(WordJudge(fails_after=0))
    with TestClient(create_app(Settings(data=shop.data), broken)) as client:
        page = sent(client, {"q": "x", "text-0": "kept", "do": "all"}, status=503)

    assert "The judge can't answer just now." in texts(page, "[role=alert]")[0]
    assert values(page)["text-0"] == "kept"


def test_programs_that_send_json_here_are_told_where_to(client: TestClient) -> None:
    answer = client.post("/rerank", json={"query": "x", "documents": ["y"]})

    assert answer.status_code == 415
    assert "/v1/rerank" in answer.json()["detail"]


def test_the_pages_lead_to_each_other(client: TestClient) -> None:
    assert find(parsed(client.get("/?lang=zh").text), ".pages a")[0].get("href") == "/rerank?lang=zh"
    assert find(parsed(client.get("/rerank?lang=zh").text), ".pages a")[0].get("href") == "/?lang=zh"


def test_of_many_odd_files_each_is_judged_or_fails_alone(client: TestClient, judged: Path) -> None:
    folder = judged / "nasty_inputs"
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines()]
    odd = [row for row in rows if (folder / row["file"]).is_file()]
    files = {
        f"picture-{n}": (Path(row["file"]).name, (folder / row["file"]).read_bytes())
        for n, row in enumerate(odd)
    }
    assert len(files) > 70

    page = sent(client, {f"text-{n}": "red" for n in range(len(odd))} | {"q": "red", "do": "all"}, files)

    def numbers(selector: str) -> set[int]:
        return {int(text[1:]) - 1 for text in texts(page, selector)}

    ranked, failed = numbers(".ranking .number"), numbers(".failed .number")
    assert {n for n, row in enumerate(odd) if row["expect"] == "reject"} <= failed
    assert {n for n, row in enumerate(odd) if row["expect"] == "ok"} <= ranked
    assert len(ranked) + len(failed) == len(odd)


def test_odd_texts_are_judged_or_refused_and_stay_as_they_are(client: TestClient, judged: Path) -> None:
    lines = (judged / "nasty_inputs" / "text_queries.jsonl").read_text("utf-8").splitlines()

    for text in (json.loads(line)["text"] for line in lines):
        answer = client.post("/rerank", data={"q": text, "text-0": text, "do": "one"})
        assert answer.status_code in (200, 422), text[:80]
        parsed(answer.text)

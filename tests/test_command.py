"""The command line as its users type it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import lychee
from core.encoder import Encoder
from tests.color_encoder import ColorEncoder
from tests.shops import Shop, coloured_shop


@pytest.fixture(autouse=True)
def _coloured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The commands load the tests' encoder, and find their data where the shop is."""

    def load(*_: object) -> Encoder:
        return ColorEncoder()

    for module in ("search.opening", "search.checking", "search.commands.housekeeping", "indexer.cli"):
        monkeypatch.setattr(f"{module}.load_encoder", load)
    monkeypatch.setattr("indexer.index_commands.load_encoder", load)
    monkeypatch.setenv("LYCHEE_DATA", str(tmp_path))


def test_ingest_then_search_prints_what_was_found(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    coloured_shop(shop)

    assert lychee.run(["search", "red shoe", "--limit", "2"]) == 0
    assert "red shoe" in capfd.readouterr().out.splitlines()[1]


def test_search_answers_json_as_the_api_does(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    coloured_shop(shop)

    assert lychee.run(["search", "blue bag", "--json", "--limit", "1"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert [hit["id"] for hit in answer["hits"]] == ["blue bag"]
    assert answer["rerank"]["status"] == "full"


def test_search_by_picture_takes_a_file(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    coloured_shop(shop)

    assert lychee.run(["search", "--image", str(shop.data / "green.png"), "--json", "--limit", "2"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert sorted(hit["id"] for hit in answer["hits"]) == ["green bag", "green shoe"]


def test_batch_search_answers_one_line_a_query_and_goes_on_after_a_bad_one(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    coloured_shop(shop)
    queries = [
        {"id": "a", "text": "red bag"},
        {"id": "b"},
        {"id": "c", "image": "nowhere.png"},
        {"id": "d", "image": "blue.png"},
    ]
    file = shop.data / "queries.jsonl"
    file.write_text("\n".join(json.dumps(query) for query in queries))

    assert lychee.run(["batch-search", str(file), "--limit", "3"]) == 0

    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["a", "b", "c", "d"]
    assert lines[0]["hits"][0]["id"] == "red bag"
    assert "words or a picture" in lines[1]["error"]
    assert "nowhere.png" in lines[2]["error"]
    assert len(lines[3]["hits"]) == 3


def test_eval_hides_the_fields_that_a_query_was_made_of(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    coloured_shop(shop)
    asked = {"id": "q", "type": "text", "kind": "title", "lang": "en", "text": "bag"}
    (shop.data / "q.jsonl").write_text(
        json.dumps(asked) + "\n" + json.dumps(asked | {"id": "h", "kind": "hidden", "hide_fields": ["title"]})
    )
    relevant = [f"{colour} bag" for colour in ("red", "green", "blue")]
    rows = [f"{query}\t{each}\t1" for query in "qh" for each in relevant]
    (shop.data / "q.tsv").write_text("query_id\tproduct_id\trelevance\n" + "\n".join(rows))

    assert lychee.run(["eval", str(shop.data / "q.jsonl"), str(shop.data / "q.tsv"), "--json"]) == 0

    cells = {cell["kind"]: cell for cell in json.loads(capfd.readouterr().out)["cells"]}
    assert cells["title"]["ndcg_10"] == 1.0
    assert cells["hidden"]["ndcg_10"] < 1.0


def test_housekeeping_lists_shows_exports_checks_and_removes(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    coloured_shop(shop)

    assert lychee.run(["catalog", "list", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == [
        {"name": "products", "products": 6, "pictures": 3, "texts": 6}
    ]
    assert lychee.run(["catalog", "export", "products"]) == 0
    assert len(capfd.readouterr().out.splitlines()) == 6
    assert lychee.run(["index", "check"]) == 0
    assert lychee.run(["doctor"]) == 0
    assert lychee.run(["catalog", "remove", "products"]) == 0
    assert lychee.run(["catalog", "show", "products"]) == 2


def test_a_damaged_index_is_found_and_rebuilt(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    coloured_shop(shop)
    for file in (shop.data / "index").rglob("*.npy"):
        file.write_bytes(file.read_bytes()[:-3])

    assert lychee.run(["index", "check"]) == 1
    assert "damaged" in capfd.readouterr().out
    assert lychee.run(["index", "rebuild"]) == 0
    assert lychee.run(["index", "check"]) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["search", ""], "words or a picture"),
        (["search", "x" * 3_000], "2,000"),
        (["search", "x", "--catalog", "nowhere"], "unknown catalog"),
        (["search", "x", "--limit", "0"], "limit"),
        (["search", "x", "--filter", "price <"], "filter"),
        (["search", "--image", "nowhere.jpg"], "nowhere.jpg"),
        (["ingest", "nowhere.csv"], "nowhere.csv"),
        (["ingest", ".", "--catalog", "../x"], "catalog name"),
        (["search", "x", "--colour"], "No such option"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(
    shop: Shop, capfd: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    coloured_shop(shop)

    assert lychee.run(arguments) == 2
    told = capfd.readouterr()
    assert says in told.err
    assert "Traceback" not in told.err


def test_a_setting_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYCHEE_PORT", "seven")

    assert lychee.run(["catalog", "list"]) == 2
    assert "LYCHEE_PORT='seven'" in capfd.readouterr().err


def test_a_data_folder_that_can_not_be_made_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    assert lychee.run(["catalog", "list", "--data", "/proc/nowhere"]) == 2
    assert "/proc/nowhere" in capfd.readouterr().err


@pytest.mark.parametrize("command", ["load", "share", "demo"])
@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--host", "a..b"),
        ("--host", "127.0.0.1:80"),
        ("--host", "http://x"),
        ("--host", "300.1"),
        ("--port", "0"),
        ("--port", "70000"),
        ("--port", "seven"),
    ],
)
def test_an_address_that_does_not_fit_is_named_by_its_option(
    capfd: pytest.CaptureFixture[str], command: str, option: str, value: str
) -> None:
    assert lychee.run([command, option, value]) == 2
    told = capfd.readouterr().err
    assert option in told
    assert "Traceback" not in told


def test_a_host_that_does_not_fit_is_told_as_the_setting_is(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert lychee.run(["load", "--host", "a..b"]) == 2
    by_option = capfd.readouterr().err
    monkeypatch.setenv("LYCHEE_HOST", "a..b")
    assert lychee.run(["load"]) == 2

    assert by_option == capfd.readouterr().err.replace("LYCHEE_HOST", "--host")
    assert "'a..b'" in by_option

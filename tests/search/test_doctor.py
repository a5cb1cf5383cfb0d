"""`lychee doctor` names what is set up wrongly and what to do about it; /readyz is true when answers are right."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, text

import lychee
from api.app import create_app
from core.encoder import Encoder
from core.errors import MissingExtra
from core.settings import Settings
from search.checking import Finding, check_setup
from search.engine import SearchEngine
from search.machine import check_card, check_folder, check_judge, check_memory, check_port, enough
from tests.brightness_encoder import BrightnessEncoder
from tests.color_encoder import ColorEncoder
from tests.serving import serving
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge


@pytest.fixture(autouse=True)
def _coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.checking.load_encoder", lambda *_: ColorEncoder())


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something that listens and is not ours."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken


def wrong(findings: list[Finding]) -> list[str]:
    """What is said of what is not as it should be."""
    return [f"{finding.what}: {finding.detail}" for finding in findings if not finding.sound]


def test_a_sound_set_up_has_nothing_wrong(shop: Shop) -> None:
    coloured_shop(shop)
    settings = Settings(data=shop.data, reranker="none")

    assert (
        wrong([*check_setup(settings), *check_folder(settings.data), check_memory(), check_judge(settings)])
        == []
    )


def test_a_data_folder_that_is_none_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    (said,) = wrong(list(check_folder(tmp_path / "file")))
    assert "is a file; name a folder" in said
    assert "LYCHEE_DATA" in said


def test_a_folder_that_is_still_to_be_made_is_looked_at_where_it_would_be(tmp_path: Path) -> None:
    assert wrong(list(check_folder(tmp_path / "new" / "newer"))) == []
    assert not (tmp_path / "new").exists()


def test_too_little_room_is_told_in_gigabytes() -> None:
    assert wrong([enough("disk", 3 << 29, 2 << 30, "free some")]) == [
        "disk: 1.5 GB free, less than 2 GB; free some"
    ]


def test_a_database_of_a_newer_release_is_refused_by_name(shop: Shop) -> None:
    coloured_shop(shop)
    database = create_engine(f"sqlite:///{shop.data}/catalog.db")
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.dispose()

    (said,) = wrong(check_setup(Settings(data=shop.data)))
    assert "9999" in said
    assert "install the newer release" in said


def test_an_encoder_without_its_packages_names_the_extra(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> Encoder:
        raise MissingExtra("the open_clip encoder", "clip")

    monkeypatch.setattr("search.checking.load_encoder", missing)

    (said,) = wrong(check_setup(Settings(data=shop.data, encoder="open_clip")))
    assert "pip install 'lychee-search[clip]'" in said


@pytest.mark.parametrize(("harm", "says"), [("missing", "not published yet"), ("damaged", "is damaged")])
def test_an_index_that_is_missing_or_damaged_is_told_with_what_makes_it_anew(
    shop: Shop, harm: str, says: str
) -> None:
    coloured_shop(shop)
    for file in [*(shop.data / "index").rglob("current" if harm == "missing" else "manifest.json")]:
        file.unlink() if harm == "missing" else file.write_bytes(b"{}")

    said = wrong(check_setup(Settings(data=shop.data)))
    assert len(said) == 2
    assert all(says in each and "lychee index rebuild products" in each for each in said)


def test_an_index_that_is_behind_is_told_and_is_no_fault(shop: Shop) -> None:
    coloured_shop(shop)
    shop.store.catalog("products").remove(["red shoe"])

    findings = check_setup(Settings(data=shop.data))
    assert wrong(findings) == []
    assert any("1 changes behind" in finding.detail for finding in findings)


def test_products_that_the_encoder_has_not_seen_are_counted(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    coloured_shop(shop)
    monkeypatch.setattr("search.checking.load_encoder", lambda *_: BrightnessEncoder())

    said = wrong(check_setup(Settings(data=shop.data)))
    assert any(
        "6 products have no vector of this encoder; run `lychee index rebuild products`" in each
        for each in said
    )


def test_a_judge_that_does_not_answer_is_told_from_one_that_does(shop: Shop) -> None:
    coloured_shop(shop)
    with serving(create_app(Settings(data=shop.data), shop.engine(WordJudge()))) as url:
        remote = Settings(data=shop.data, reranker="remote", reranker_url=f"{url}/v1/rerank")
        assert wrong([check_judge(remote)]) == []

    (said,) = wrong([check_judge(remote)])
    assert "LYCHEE_RERANKER_URL" in said


@pytest.mark.parametrize("url", [None, "not an address"])
def test_a_remote_judge_without_a_sound_address_is_told(tmp_path: Path, url: str | None) -> None:
    (said,) = wrong([check_judge(Settings(data=tmp_path, reranker="remote", reranker_url=url))])

    assert "LYCHEE_RERANKER_URL" in said


def test_a_port_that_something_else_has_is_told_from_our_own_server(
    shop: Shop, listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listener.getsockname()[1]
    (said,) = wrong([check_port(Settings(data=shop.data, port=port))])
    assert f"127.0.0.1:{port}" in said
    assert "LYCHEE_PORT" in said

    with serving(create_app(Settings(data=shop.data), shop.engine())) as url:
        ours = check_port(Settings(data=shop.data, port=int(url.rpartition(":")[2])))
    assert "a lychee server answers" in ours.detail


@pytest.mark.skipif(Path("/proc/driver/nvidia").exists(), reason="there is a card")
def test_a_card_that_is_not_there_is_told_with_what_to_do(tmp_path: Path) -> None:
    (said,) = wrong(list(check_card(Settings(data=tmp_path, device="cuda"))))

    assert "no NVIDIA driver" in said
    assert "LYCHEE_DEVICE=auto" in said
    assert list(check_card(Settings(data=tmp_path))) == []


def test_the_command_shows_no_password_and_fails_where_something_is_wrong(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LYCHEE_DATA", str(shop.data))
    monkeypatch.setenv("LYCHEE_RERANKER_KEY", "open-sesame")
    monkeypatch.setenv("LYCHEE_RERANKER_URL", "http://user:open-sesame@127.0.0.1:9/v1/rerank")
    monkeypatch.setenv("LYCHEE_DATABASE_URL", "mysql://user:open-sesame@127.0.0.1/x")

    assert lychee.run(["doctor", "--json"]) == 1
    said = capfd.readouterr()
    assert "neither sqlite nor postgresql" in said.out
    assert "sesame" not in said.out + said.err


def test_a_server_is_ready_while_its_answers_are_right(shop: Shop) -> None:
    coloured_shop(shop)

    with TestClient(create_app(Settings(data=shop.data), shop.engine())) as client:
        assert client.get("/readyz").status_code == 200
        shop.ingest([{"id": "x", "title": "???"}], catalog="signs")
        assert client.get("/readyz").status_code == 200


def test_a_server_whose_encoder_has_not_seen_the_products_is_alive_and_not_ready(shop: Shop) -> None:
    coloured_shop(shop)
    other = SearchEngine(shop.store, BrightnessEncoder(), shop.language, data=shop.data)

    with TestClient(create_app(Settings(data=shop.data), other)) as client:
        assert client.get("/healthz").status_code == 200
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "lychee index rebuild products" in answer.json()["detail"]

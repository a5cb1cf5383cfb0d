"""Switching a catalog's encoder as one types it, and what the other commands say of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from PIL import Image

import lychee
from core.encoder import Encoder
from core.encoder_choice import EncoderChoice
from core.language import Language
from core.settings import Settings
from tests.brightness_encoder import BrightnessEncoder
from tests.color_encoder import ColorEncoder
from tests.shops import Shop

MODULES = ("search.opening", "search.checking", "search.commands.housekeeping", "indexer.cli")
SWITCH = ["index", "rebuild", "--encoder", "open_clip", "--model", "brightness"]


def load(settings: Settings, _: Language, choice: EncoderChoice | None = None) -> Encoder:
    named = choice or EncoderChoice.of(settings)
    return ColorEncoder() if named.name == "lite" else BrightnessEncoder()


@pytest.fixture
def paints(shop: Shop, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Shop:
    """Two paints: of red, scarlet has nearly the colour and steel the brightness. The commands find them."""
    for module in (*MODULES, "indexer.index_commands", "indexer.forgetting"):
        monkeypatch.setattr(f"{module}.load_encoder", load)
    monkeypatch.setenv("LYCHEE_DATA", str(shop.data))
    monkeypatch.setenv("LYCHEE_RERANKER", "none")
    for name, rgb in (("scarlet", (255, 60, 60)), ("steel", (85, 85, 85)), ("red", (255, 0, 0))):
        Image.new("RGB", (64, 64), rgb).save(shop.data / f"{name}.png")
    shop.ingest([{"id": name, "title": "paint", "image": f"{name}.png"} for name in ("scarlet", "steel")])
    capfd.readouterr()
    return shop


def ran(capfd: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert lychee.run(arguments) == code
    return capfd.readouterr().out


def found(capfd: pytest.CaptureFixture[str], shop: Shop) -> str:
    answer = json.loads(ran(capfd, "search", "--image", str(shop.data / "red.png"), "--json"))
    first: str = answer["hits"][0]["id"]
    return first


def shown(capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(ran(capfd, "catalog", "show", "products", "--json"))
    return {name: document[name] for name in ("encoder", "encoder_before", "encoded_by")}


def test_one_command_switches_and_one_goes_back(paints: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    assert found(capfd, paints) == "scarlet"

    assert ran(capfd, *SWITCH) == "switched products to open_clip brightness (brightness@1)\n"
    assert found(capfd, paints) == "steel"
    assert shown(capfd) == {
        "encoder": "open_clip brightness",
        "encoder_before": "lite",
        "encoded_by": "brightness@1",
    }
    assert "open_clip brightness (brightness@1), before lite" in ran(capfd, "index", "check")

    assert ran(capfd, "index", "rebuild", "--back") == "switched products to lite (color@1)\n"
    assert found(capfd, paints) == "scarlet"


def test_a_rebuild_reports_as_json(paints: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    report = json.loads(ran(capfd, *SWITCH, "--json"))

    assert report | {"seconds": 0} == {
        "catalog": "products",
        "encoder": "brightness@1",
        "switched": True,
        "pictures_encoded": 2,
        "texts_encoded": 1,
        "unreadable": 0,
        "seconds": 0,
        "interrupted": False,
    }


def test_an_ingest_goes_on_with_the_encoder_of_its_catalog(
    paints: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    ran(capfd, *SWITCH)
    feed = paints.data / "more.jsonl"
    feed.write_text('{"id": "red", "title": "paint", "image": "red.png"}')

    assert ran(capfd, "ingest", str(feed)).startswith("stored 1,")

    assert shown(capfd)["encoded_by"] == "brightness@1"
    assert ran(capfd, "doctor").count("3 vectors") == 2


def test_the_way_back_can_be_given_up_for_its_space(paints: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    ran(capfd, *SWITCH)

    assert ran(capfd, "index", "forget") == "dropped 3 vectors and 1 indexes\n"

    assert lychee.run(["index", "rebuild", "--back"]) == 2
    assert "was not switched yet" in capfd.readouterr().err
    assert found(capfd, paints) == "steel"
    assert ran(capfd, *SWITCH).startswith("rebuilt the indexes")


def test_what_another_catalog_is_searched_by_is_not_forgotten(
    paints: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    paints.ingest([{"id": "steel", "title": "paint", "image": "steel.png"}], catalog="others")
    ran(capfd, *SWITCH)

    assert ran(capfd, "index", "forget") == "dropped 0 vectors and 0 indexes\n"
    assert ran(capfd, "index", "check", "others")


def test_products_that_other_settings_cannot_find_are_told(
    paints: Shop, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LYCHEE_ENCODER", "open_clip")

    for command in (["doctor"], ["index", "check"]):
        said = " ".join(ran(capfd, *command, code=1).split())
        assert "2 products have no vector of this encoder; run `lychee index rebuild products`" in said

    ran(capfd, "index", "rebuild")
    assert ran(capfd, "doctor")
    assert found(capfd, paints) == "steel"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--back", "--encoder", "lite"], "leave out"),
        (["--model", "ViT-B-32"], "--encoder open_clip"),
        (["--encoder", "lite", "--pretrained", "x"], "--encoder open_clip"),
        (["--encoder", "clip"], "lite"),
        (["--back"], "not switched yet"),
    ],
)
def test_contradictory_options_are_refused(
    paints: Shop, capfd: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert lychee.run(["index", "rebuild", *arguments]) == 2
    assert says in capfd.readouterr().err

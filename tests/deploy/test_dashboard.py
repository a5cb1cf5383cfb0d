"""The dashboard asks for numbers that a server has, by the labels that they have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.app import create_app
from core.settings import Settings
from tests.shops import Shop, coloured_shop
from tests.word_judge import WordJudge

DASHBOARD = Path(__file__).resolve().parents[2] / "deploy" / "grafana.json"
OF_PROMETHEUS = {"job", "instance"}


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text("utf-8"))["panels"])


def test_every_number_that_is_asked_for_is_there_with_its_labels(shop: Shop) -> None:
    coloured_shop(shop)
    with TestClient(create_app(Settings(data=shop.data), shop.engine(WordJudge()))) as client:
        client.post("/api/search", json={"query": {"text": "red shoe"}})
        families = list(text_string_to_metric_families(client.get("/metrics").text))
    labels = {sample.name: set(sample.labels) for family in families for sample in family.samples}

    for panel in panels():
        for target in panel["targets"]:
            asked = re.findall(r"\b(?:lychee|process)_\w+", target["expr"])
            assert asked
            assert set(asked) <= set(labels), panel["title"]
            known = set.union(OF_PROMETHEUS, *(labels[name] for name in asked))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= known, panel["title"]
            grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", target["expr"])
            assert {each.strip() for group in grouped for each in group.split(",")} <= known, panel["title"]


def test_panels_explain_themselves_and_do_not_overlap() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]

    assert len(set(places)) == len(places)
    assert all(panel["description"].endswith(".") for panel in panels())

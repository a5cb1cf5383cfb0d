"""The house rules that no linter knows, and documents that must not fall behind the code."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import typer.main

import lychee
from api.app import create_app
from core.settings import Settings
from tests.shops import Shop

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("core", "indexer", "search", "rerank", "api", "web", "bench")
MODULES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
README = (ROOT / "README.md").read_text("utf-8")
LONGEST_MODULE = 250


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_opens_with_what_it_is_for(module: Path) -> None:
    source = module.read_text("utf-8")

    assert ast.get_docstring(ast.parse(source))
    assert source.count("\n") <= LONGEST_MODULE


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_in_the_readme(name: str) -> None:
    assert f"LYCHEE_{name.upper()}" in README


def test_every_command_of_the_readme_exists_and_shows_what_to_try() -> None:
    commands = typer.main.get_command(lychee.app).commands  # type: ignore[attr-defined]
    named = set(re.findall(r"^lychee ([a-z-]+)|`lychee ([a-z-]+)", README, re.MULTILINE))

    assert {first or second for first, second in named} <= set(commands)
    for name in ("search", "ingest", "load", "demo", "eval", "batch-search", "doctor", "rejects", "rerank"):
        assert "Try:" in commands[name].help


def test_every_address_that_readers_are_told_to_ask_can_be_sent_as_it_stands() -> None:
    pages = [README, *(page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md"))]

    addresses = [
        address for page in pages for address in re.findall(r"http://localhost:7860[^\s'\"`<>)]*", page)
    ]

    assert len(addresses) > 5
    assert [address for address in addresses if not address.isascii()] == []


def test_the_described_api_is_the_one_that_is_served(shop: Shop) -> None:
    served = create_app(Settings(data=shop.data), shop.engine()).openapi()

    # After a change on purpose: python -m tests.describe_api
    assert json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8")) == json.loads(json.dumps(served))

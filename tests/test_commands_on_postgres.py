"""Every command answers over PostgreSQL what it answers over SQLite: same figures, same words, same exit code."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import lychee
from api.rendering import answer_body
from core.command import settings_in_force
from core.encoder import Encoder
from core.language import Language
from core.types import Query
from search.opening import open_engine
from tests.color_encoder import ColorEncoder
from tests.postgres import emptied

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
PLACES = {"seconds", "took_ms", "query_id", "cursor", "rejects_file"}
"""Fields that are another's on every run: times, names of queries and of their windows, paths."""
FINDINGS = {"LYCHEE_DATA", "LYCHEE_DATABASE_URL", "catalog", "data folder", "disk", "memory"}
"""Of `lychee doctor`: where the data lies, and what the machine has left at that moment."""


@dataclass(frozen=True, slots=True)
class Side:
    """A data folder with its database, and the terminal that commands are typed at."""

    data: Path
    url: str | None
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def enter(self) -> None:
        """What is asked next is asked of this side."""
        self.monkeypatch.setenv("LYCHEE_DATA", str(self.data))
        if self.url is None:
            self.monkeypatch.delenv("LYCHEE_DATABASE_URL", raising=False)
        else:
            self.monkeypatch.setenv("LYCHEE_DATABASE_URL", self.url)

    def run(self, *arguments: str) -> tuple[int, tuple[Any, str]]:
        """The exit code, and what was printed that doesn't differ by nature."""
        self.enter()
        self.capfd.readouterr()
        code = lychee.run(arguments)
        told = self.capfd.readouterr()
        return code, (_comparable(told.out), "" if code == 0 else told.err)


@pytest.fixture
def sides(
    postgres: str,
    language: Language,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> tuple[Side, Side]:
    """A small shop over SQLite and the same over PostgreSQL, and the feeds beside them, where commands are run."""

    def load(*_: object) -> Encoder:
        return ColorEncoder()

    search = ("search.opening", "search.checking", "search.commands.housekeeping", "search.commands.tuning")
    for module in (*search, "indexer.cli", "indexer.index_commands"):
        monkeypatch.setattr(f"{module}.load_encoder", load)
    monkeypatch.setattr(Language, "load", lambda: language)
    monkeypatch.chdir(tmp_path)
    _write_feeds(tmp_path)
    both = (
        Side(tmp_path / "of-sqlite", None, monkeypatch, capfd),
        Side(tmp_path / "of-postgres", emptied(postgres), monkeypatch, capfd),
    )
    for side in both:
        assert side.run("ingest", "shop.jsonl", "--json")[0] == 0
    return both


def _write_feeds(folder: Path) -> None:
    for colour, rgb in COLOURS.items():
        Image.new("RGB", (48, 48), rgb).save(folder / f"{colour}.png")
    rows = [
        {
            "id": f"{colour} {thing}",
            "title": f"{colour} {thing}",
            "title_zh": {"red": "红", "green": "绿", "blue": "蓝"}[colour]
            + {"shoe": "鞋", "bag": "包"}[thing],
            "description": f"Ünïcode 🎒 a {thing}, 100% 'cotton' \\ linen_x",
            "image": f"{colour}.png",
            "category": f"things > {thing}s",
            "price": price + len(colour),
            "currency": "EUR",
            "attributes": {"color": colour, "Größe": ["S", "m"], "weight": 1.5},
        }
        for thing, price in (("shoe", 50.0), ("bag", 120.25))
        for colour in COLOURS
    ]
    bad = [
        {"title": "no id"},
        {"id": "lost", "title": "lost", "image": "nowhere.png"},
        {"id": "nul", "title": "a\0b"},
    ]
    changed = [{**rows[0], "price": 9.5}, *rows[1:4]]
    queries = [
        {"id": "q", "type": "text", "kind": "title", "lang": "en", "text": "bag"},
        {"id": "h", "type": "text", "kind": "hidden", "lang": "zh", "text": "红鞋", "hide_fields": ["title"]},
        {"id": "p", "type": "image", "kind": "picture", "lang": "en", "image": "blue.png"},
        {"id": "none"},
    ]
    for name, lines in (("shop", rows), ("bad", [*rows, *bad]), ("changed", changed), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(line) for line in lines))
    (folder / "asked.jsonl").write_text("\n".join(json.dumps(line) for line in queries[:3]))
    relevant = [("q", "red bag"), ("q", "blue bag"), ("h", "red shoe"), ("p", "blue shoe")]
    table = [f"{query}\t{product}\t1" for query, product in relevant]
    (folder / "qrels.tsv").write_text("\n".join(["query_id\tproduct_id\trelevance", *table]))


def _comparable(printed: str) -> Any:
    """The documents on stdout without what differs by nature; a text that is none as it is."""
    try:
        return _without_places(json.loads(printed))
    except ValueError:
        pass
    try:
        return [_without_places(json.loads(line)) for line in printed.splitlines()]
    except ValueError:
        return printed


def _without_places(document: object) -> Any:
    if isinstance(document, dict):
        return {name: _without_places(each) for name, each in document.items() if name not in PLACES}
    if isinstance(document, list):
        return [_without_places(each) for each in document if not _is_of_place(each)]
    return document


def _is_of_place(each: object) -> bool:
    return isinstance(each, dict) and each.get("what") in FINDINGS


SCRIPTS: dict[str, tuple[str, ...]] = {
    "ingest again": ("ingest shop.jsonl --json", "catalog show products --json"),
    "ingest with changes": ("ingest changed.jsonl --json", "catalog export products", "index check --json"),
    "ingest and prune": ("ingest changed.jsonl --prune --json", "catalog export products", "catalog list --json"),
    "rejects": ("ingest bad.jsonl --strict --json", "rejects --json", "rejects", "catalog export products"),
    "ingest into another": (
        "ingest shop.jsonl --catalog other --index-fields title --limit 3 --json",
        "catalog list --json",
        "catalog show other --json",
        "search shoe --catalog other --json",
        "catalog remove products",
        "catalog list --json",
        "search shoe --json",
    ),
    "catalog": (
        "catalog list",
        "catalog show nowhere --json",
        "catalog export products",
        "catalog export nowhere",
        "rejects --catalog nowhere --json",
        "index check nowhere --json",
    ),
    "eval": ("eval asked.jsonl qrels.tsv --json", "eval asked.jsonl qrels.tsv --no-rerank --hide title --json"),
    "search": (
        "search red|shoe --json",
        "search bag --json --explain --limit 2",
        "search 红鞋 --json --no-rerank",
        "search --image blue.png --json --filter color=blue",
        "search bag --json --filter price<130|AND|color!=red",
        "search thing --json --filter größe=M|OR|weight>1",
        "search thing --json --filter category=things|AND|NOT|color=green",
        "search linen_x --json --no-rerank",
        "search bag --filter price|<",
    ),
    "batch search": ("batch-search queries.jsonl", "batch-search queries.jsonl --limit 2 --no-rerank"),
    "index": (
        "index check --json",
        "index rebuild --json",
        "index tune --json",
        "index forget --json",
        "index rebuild --back",
        "index check --json",
    ),
    "doctor": ("doctor --json",),
    "rerank": ("rerank shoe --document red|shoe --document blue|bag --json",),
}  # fmt: skip


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_command_answers_over_postgres_as_over_sqlite(sides: tuple[Side, Side], script: str) -> None:
    for line in SCRIPTS[script]:
        sqlite, postgres = (side.run(*(word.replace("|", " ") for word in line.split())) for side in sides)
        assert postgres == sqlite, line


def test_what_one_exports_the_other_takes_in_as_the_same_products(sides: tuple[Side, Side]) -> None:
    exports = []
    for side, other in (sides, sides[::-1]):
        code, (exported, _) = side.run("catalog", "export", "products")
        feed = Path(f"{side.data.name}.jsonl")
        feed.write_text("\n".join(map(json.dumps, exported)))
        taken, (report, _) = other.run("ingest", str(feed), "--catalog", "copy", "--json")
        exports += [exported, other.run("catalog", "export", "copy")[1][0]]
        assert (code, taken, report["stored"], report["rejected"]) == (0, 0, 6, 0)

    assert len(exports[0]) == 6
    for each in exports[1:]:
        assert each == exports[0]


@pytest.mark.parametrize("sort", ["relevance", "price_asc", "price_desc"])
def test_facets_and_order_of_an_answer_are_the_same(sides: tuple[Side, Side], sort: str) -> None:
    query = Query("bag", sort=sort, filter="price < 140", facets=("color", "größe", "category"))
    answers = []
    for side in sides:
        side.enter()
        body = answer_body(open_engine(settings_in_force()).search(query, "products"), "products")
        answers.append(_without_places(body.model_dump()))

    assert answers[0]["facets"]["color"]
    assert answers[0] == answers[1]


def test_keys_lie_in_the_data_folder_over_either(sides: tuple[Side, Side]) -> None:
    for side in sides:
        code, (made, _) = side.run("keys", "create", "--search", "--rate", "60/minute", "--json")
        assert code == 0
        assert side.run("keys", "revoke", made["id"], "--json")[0] == 0
        code, (listed, _) = side.run("keys", "list", "--json")
        assert [(key["id"], key["revoked"] is None) for key in listed] == [(made["id"], False)]
        assert side.run("keys", "revoke", "nowhere", "--json")[0] == 2


def test_a_backup_copies_sqlite_and_says_what_to_do_with_postgres(sides: tuple[Side, Side]) -> None:
    sqlite, postgres = sides
    assert sqlite.run("backup", "copy", "--json")[0] == 0
    assert sqlite.run("restore", "copy", "--data", "restored", "--json")[0] == 0
    listed = sqlite.run("catalog", "list", "--json")
    assert sqlite.run("catalog", "list", "--json", "--data", "restored") == listed
    for arguments in (("backup", "other"), ("restore", "copy")):
        code, (printed, told) = postgres.run(*arguments, "--json")
        assert (code, printed) == (1, [])
        assert "pg_dump" in told
    assert not Path("other").exists()

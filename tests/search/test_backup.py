"""A backup that is put back answers every query as the folder did that it was taken of."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

import lychee
from core.backup import MANIFEST, Backup, BackupProblem, back_up, restore
from core.catalog import CatalogStore
from core.publishing import VECTOR_CHANNELS
from core.types import Query
from search.checking import check_indexes
from search.engine import SearchEngine
from tests.color_encoder import COLOURS
from tests.shops import Shop, coloured_shop, product


def url_of(data: Path) -> str:
    return f"sqlite:///{data}/catalog.db"


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that is not the shop's."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture
def copied(shop: Shop, elsewhere: Path) -> Iterator[Shop]:
    """The coloured shop, taken to another folder by backup and restore."""
    coloured_shop(shop)
    back_up(shop.data, url_of(shop.data), elsewhere / "kept" / "monday")
    other = elsewhere / "restored"
    restore(elsewhere / "kept" / "monday", other, url_of(other))
    store = CatalogStore.open(url_of(other))
    yield Shop(other, store, shop.encoder, shop.language)
    store.close()


def answers(shop: Shop) -> list[object]:
    """What is answered to every title, to every picture, and to products as examples, with all numbers."""
    engine = shop.engine()
    pictures = [names.split("|")[0] for names in COLOURS]
    titles = [each.title for each in shop.store.catalog("products").export()]
    queries = [Query(text=text, limit=100, facets=("color",)) for text in [*titles, *pictures, "x"]]
    queries += [Query(like=(title,), limit=100, filter="price < 100") for title in titles]
    found: list[object] = []
    for query in queries:
        answer = engine.search(query, "products")
        hits = [(hit.candidate.product, hit.candidate.similarity, hit.rank) for hit in answer.hits]
        found.append((hits, answer.total, answer.facets))
    return found


def test_every_answer_is_the_same_as_before(shop: Shop, copied: Shop) -> None:
    assert answers(copied) == answers(shop)


def test_pictures_indexes_keys_and_rejects_come_with_it_and_what_is_made_anew_does_not(
    shop: Shop, elsewhere: Path
) -> None:
    coloured_shop(shop)
    (shop.data / "keys.json").write_text("{}")
    (shop.data / "keys.json").chmod(0o600)
    for folder in ("rejects", "thumbs"):
        (shop.data / folder).mkdir(exist_ok=True)
        (shop.data / folder / "x").write_bytes(b"x")

    backup = back_up(shop.data, url_of(shop.data), elsewhere / "kept")

    folders = {path.partition("/")[0] for path in backup.files}
    assert {"catalog.db", "index", "pictures", "rejects", "keys.json"} <= folders
    assert not {"thumbs", "locks", "catalog.db-wal", "kept"} & folders
    assert (elsewhere / "kept" / "keys.json").stat().st_mode & 0o777 == 0o600


def test_the_indexes_are_used_as_they_were(copied: Shop) -> None:
    findings = check_indexes(copied.data, copied.store.catalog("products"), copied.encoder.fingerprint)

    assert len(findings) == len(VECTOR_CHANNELS)
    assert all(finding.sound for finding in findings)


def test_a_backup_during_writes_holds_one_state_with_all_that_belongs_to_it(
    shop: Shop, elsewhere: Path
) -> None:
    coloured_shop(shop)
    enough = threading.Event()

    def write() -> None:
        for number in range(200):
            shop.ingest([product(shop, f"pink {number}", "pink"), product(shop, f"blue {number}", "blue")])
            if enough.is_set():
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            back_up(shop.data, url_of(shop.data), elsewhere / f"kept-{number}")
    finally:
        enough.set()
        writer.join()

    for number in range(3):
        data = elsewhere / f"restored-{number}"
        restore(elsewhere / f"kept-{number}", data, url_of(data))
        store = CatalogStore.open(url_of(data))
        engine = SearchEngine(store, shop.encoder, shop.language, data=data)
        products = list(store.catalog("products").stored())
        # Each ingest stores two products at once: never one of them alone.
        assert len(products) % 2 == 0
        assert all(engine.pictures.read(digest) for each in products for digest in each.picture_hashes)
        hits = engine.search(Query(text="blue", limit=100), "products").hits
        assert {hit.candidate.product.id for hit in hits} <= {each.product.id for each in products}
        store.close()


def test_what_is_harmed_is_refused_before_anything_is_put_back(shop: Shop, elsewhere: Path) -> None:
    coloured_shop(shop)
    back_up(shop.data, url_of(shop.data), elsewhere / "kept")
    picture = next(path for path in (elsewhere / "kept" / "pictures").rglob("*") if path.is_file())
    picture.write_bytes(picture.read_bytes()[:-1] + b"?")

    with pytest.raises(BackupProblem, match="not what was backed up"):
        restore(elsewhere / "kept", elsewhere / "restored", url_of(elsewhere / "restored"))
    assert not (elsewhere / "restored").exists()


def test_a_backup_can_not_write_beside_the_data_folder(shop: Shop, elsewhere: Path) -> None:
    coloured_shop(shop)
    kept = elsewhere / "kept"
    back_up(shop.data, url_of(shop.data), kept)
    facts = orjson.loads((kept / MANIFEST).read_bytes())
    facts["files"]["../escaped"] = facts["files"]["catalog.db"]
    (kept / MANIFEST).write_bytes(orjson.dumps(facts))

    with pytest.raises(BackupProblem, match="outside"):
        restore(kept, elsewhere / "restored", url_of(elsewhere / "restored"))


@pytest.mark.parametrize("content", ["", "[]", '{"files": 3}', '{"files": {}, "taken": "", "format": 9}'])
def test_what_is_no_backup_of_ours_is_refused(elsewhere: Path, content: str) -> None:
    (elsewhere / MANIFEST).write_text(content)

    with pytest.raises(BackupProblem):
        Backup.read(elsewhere)


def test_a_backup_may_lie_in_the_folder_that_it_is_of(shop: Shop) -> None:
    coloured_shop(shop)

    backups = [
        back_up(shop.data, url_of(shop.data), shop.data / "kept" / day) for day in ("monday", "tuesday")
    ]

    assert backups[0].files.keys() == backups[1].files.keys()


def test_nothing_is_overwritten(shop: Shop, elsewhere: Path) -> None:
    coloured_shop(shop)
    back_up(shop.data, url_of(shop.data), elsewhere / "kept")

    with pytest.raises(BackupProblem, match="not empty"):
        back_up(shop.data, url_of(shop.data), elsewhere / "kept")
    with pytest.raises(BackupProblem, match="has a catalog already"):
        restore(elsewhere / "kept", shop.data, url_of(shop.data))


def test_a_catalog_on_a_server_is_left_to_its_own_tool(elsewhere: Path) -> None:
    with pytest.raises(BackupProblem, match="pg_dump"):
        back_up(elsewhere, "postgresql://lychee@database/lychee", elsewhere / "kept")


def test_the_commands_say_what_they_did(
    shop: Shop, elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    coloured_shop(shop)
    monkeypatch.setenv("LYCHEE_DATA", str(shop.data))
    kept, other = str(elsewhere / "kept"), str(elsewhere / "restored")

    assert lychee.run(["backup", kept, "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert (told["folder"], told["files"] > 5, told["bytes"] > 0) == (kept, True, True)
    assert lychee.run(["restore", kept, "--data", other]) == 0
    assert "files" in capfd.readouterr().out
    assert lychee.run(["catalog", "list", "--data", other]) == 0
    assert "products: 6 products" in capfd.readouterr().out
    assert lychee.run(["backup", str(elsewhere / "none"), "--data", str(elsewhere / "nowhere")]) == 2
    assert "no catalog yet" in capfd.readouterr().err

"""The catalog's file: made, migrated, shared by processes and threads, and whole after a kill."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.catalog import Catalog, CatalogRow, CatalogStore, VectorRow
from core.catalog.database import Database
from core.catalog.migrations import KNOWN
from core.catalog.schema import METADATA
from core.errors import DataFolderProblem, NewerDatabase
from core.language.terms import ProductTerms
from core.types import Channel, Product

ROOT = Path(__file__).resolve().parents[2]
UNIT = np.array([0.6, 0.8], np.float32)

WRITER = """
import sys
import numpy as np
from core.catalog import CatalogRow, CatalogStore, VectorRow
from core.language.terms import ProductTerms
from core.types import Product

url, name, writes = sys.argv[1], sys.argv[2], int(sys.argv[3])
shop = CatalogStore.open(url).create("shop", index_fields=())
terms = ProductTerms(frozenset({"red"}), frozenset())
for write in range(writes):
    ids = [f"{name}-{write}-{i}" for i in range(10)]
    rows = [CatalogRow(Product(id), terms, "r", (id,), id) for id in ids]
    shop.write(rows, [VectorRow(id, "fp", np.array([0.6, 0.8], np.float32)) for id in ids])
    sys.stdout.write(f"{write}\\n")
    sys.stdout.flush()
"""


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'catalog.db'}"


def writer(folder: Path, name: str, writes: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, url_of(folder), name, str(writes)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def row(product_id: str) -> CatalogRow:
    return CatalogRow(Product(product_id), ProductTerms(frozenset({"red"}), frozenset()), "r", (product_id,))


def test_the_folder_is_made_and_what_was_stored_is_there_after_reopening(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "数据"
    store = CatalogStore.open(url_of(folder))
    store.create("shop", index_fields=("title",)).write([row("a")], [VectorRow("a", "fp", UNIT)])
    store.close()

    again = CatalogStore.open(url_of(folder))
    shop = again.catalog("shop")

    assert shop.index_fields == ("title",)
    assert shop.get("a").product.id == "a"
    assert [key for key, _ in shop.lexical(["red"], 5)] == [shop.get("a").key]
    assert again.known_vectors(["a"], "fp") == {"a"}
    again.close()


@pytest.mark.parametrize("killed_after", [0, 1, 7])
def test_nothing_that_was_reported_is_lost_when_the_writer_is_killed(
    tmp_path: Path, killed_after: int
) -> None:
    process = writer(tmp_path, "w", 100_000)
    assert process.stdout is not None
    reported = [process.stdout.readline() for _ in range(killed_after + 1)]
    process.send_signal(signal.SIGKILL)
    reported += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    writes = sum(line.endswith("\n") for line in reported)

    store = CatalogStore.open(url_of(tmp_path))
    shop = store.catalog("shop")

    kept = {product.id for product in shop.export()}
    assert writes > killed_after
    assert {f"w-{write}-{i}" for write in range(writes) for i in range(10)} <= kept
    assert_whole(shop, len(kept))
    store.close()


def assert_whole(shop: Catalog, products: int) -> None:
    """Every product has its words, its picture and its vector: no write is there by half."""
    assert products % 10 == 0
    assert shop.counts().products == shop.counts().pictures == products
    assert shop.document_frequencies(["red"]) == {"red": products}
    assert len(shop.lexical(["red"], products + 1)) == products
    assert sum(len(batch) for batch in shop.vectors(Channel.PICTURE, "fp")) == products


def test_processes_write_at_the_same_time_and_start_at_the_same_time(tmp_path: Path) -> None:
    writers = [writer(tmp_path, name, 15) for name in "abc"]

    for process in writers:
        process.communicate(timeout=120)

    assert [process.returncode for process in writers] == [0, 0, 0]
    store = CatalogStore.open(url_of(tmp_path))
    assert_whole(store.catalog("shop"), 450)
    store.close()


def test_threads_read_whole_writes_while_others_write(tmp_path: Path) -> None:
    store = CatalogStore.open(url_of(tmp_path))
    shop = store.create("shop", index_fields=())
    done = threading.Event()

    def write(name: str) -> None:
        for write in range(10):
            shop.write([row(f"{name}-{write}-{i}") for i in range(10)])

    def read() -> list[int]:
        seen = []
        while not done.is_set():
            hits = shop.lexical(["red"], 1_000)
            assert len(shop.by_keys([key for key, _ in hits])) == len(hits)
            seen.append(len(hits))
        return seen

    with ThreadPoolExecutor(8) as threads:
        readers = [threads.submit(read) for _ in range(4)]
        for each in [threads.submit(write, name) for name in "abcd"]:
            each.result(timeout=120)
        done.set()
        seen = [reader.result(timeout=120) for reader in readers]

    assert all(count % 10 == 0 for counts in seen for count in counts)
    assert all(counts == sorted(counts) for counts in seen)
    assert_lexical(shop, 400)
    store.close()


def assert_lexical(shop: Catalog, products: int) -> None:
    assert len(shop.lexical(["red"], products + 1)) == products


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    store = CatalogStore.open(url_of(tmp_path))
    shop = store.create("shop", index_fields=())
    before = shop.revision()
    unhashable = CatalogRow(Product("b"), ProductTerms(frozenset(), frozenset()), "r", (None,))  # type: ignore[arg-type]

    with pytest.raises(AttributeError):
        shop.write([row("a"), unhashable], [VectorRow("a", "fp", UNIT)])

    assert shop.revision() == before
    assert shop.counts().products == 0
    assert store.known_vectors(["a"], "fp") == set()
    store.close()


def test_migrations_lead_to_the_tables_that_the_code_knows(tmp_path: Path) -> None:
    CatalogStore.open(url_of(tmp_path)).close()
    database = Database.open(url_of(tmp_path))

    with database.reading() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), METADATA)

    assert [each for each in differences if not str(each).count("lexical_")] == []
    database.close()


def test_all_migrations_are_known() -> None:
    scripts = ScriptDirectory(str(ROOT / "core" / "catalog" / "migrations"))

    assert [script.revision for script in scripts.walk_revisions()] == list(reversed(KNOWN))


def test_a_database_of_a_newer_release_is_refused_and_left_alone(tmp_path: Path) -> None:
    CatalogStore.open(url_of(tmp_path)).close()
    with sqlite3.connect(tmp_path / "catalog.db") as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.close()

    with pytest.raises(NewerDatabase, match="9999"):
        CatalogStore.open(url_of(tmp_path))


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"these are holiday pictures" * 500)

    with pytest.raises(DataFolderProblem, match="not a database"):
        CatalogStore.open(url_of(tmp_path))


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(DataFolderProblem, match="file"):
        CatalogStore.open(url_of(tmp_path / "file"))
    with pytest.raises(DataFolderProblem):
        CatalogStore.open(url_of(tmp_path / "file" / "below"))


@pytest.mark.parametrize(
    "url", ["catalog.db", "", "mysql://h/shop", "oracle+x://h", "sqlite://", "sqlite:///:memory:"]
)
def test_what_is_no_url_of_a_database_that_we_know_is_refused(url: str) -> None:
    with pytest.raises(DataFolderProblem):
        CatalogStore.open(url)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(DataFolderProblem, match="not writable"):
        CatalogStore.open(url_of(tmp_path))

    tmp_path.chmod(0o700)

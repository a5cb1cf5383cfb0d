"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.catalog import CatalogStore
from core.language import Language
from tests.color_encoder import ColorEncoder
from tests.postgres import INITDB, running, why_none
from tests.shops import Shop

JUDGED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def judged() -> Path:
    """The folder of judged catalogues and nasty inputs that lies beside the checkout."""
    if not JUDGED.is_dir():
        pytest.skip(f"the judged catalogues are not beside this checkout ({JUDGED.parent.name}/data)")
    return JUDGED


@pytest.fixture(scope="session")
def language() -> Language:
    """The packaged vocabulary, loaded once."""
    return Language.load()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server, which has what the test before left in it."""
    pytest.importorskip("psycopg")
    missing = why_none()
    if INITDB is None or missing is not None:
        pytest.skip(str(missing))
    with running(INITDB) as url:
        yield url


@pytest.fixture
def shop(tmp_path: Path, language: Language) -> Iterator[Shop]:
    """An empty shop in a folder of its own."""
    store = CatalogStore.open(f"sqlite:///{tmp_path}/catalog.db")
    yield Shop(tmp_path, store, ColorEncoder(), language)
    store.close()

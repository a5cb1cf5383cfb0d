"""Fixtures for the tests of ingest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.language import Language
from tests.indexer.shop import Shop


@pytest.fixture(scope="session")
def language() -> Language:
    return Language.load()


@pytest.fixture
def shop(tmp_path: Path, language: Language) -> Iterator[Shop]:
    opened = Shop(tmp_path / "data", language)
    yield opened
    opened.store.close()

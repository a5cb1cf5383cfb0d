"""The tests of switching once more, over a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.language import Language
from tests.indexer import test_rebuilding
from tests.indexer.shop import Shop
from tests.postgres import emptied

globals().update({name: each for name, each in vars(test_rebuilding).items() if name.startswith("test_")})
colours = test_rebuilding.colours


@pytest.fixture
def shop(postgres: str, tmp_path: Path, language: Language) -> Iterator[Shop]:
    (tmp_path / "data").mkdir()
    opened = Shop(tmp_path / "data", language, url=emptied(postgres))
    yield opened
    opened.store.close()

"""Writes docs/openapi.json anew: python -m tests.describe_api"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from api.app import create_app
from core.catalog import CatalogStore
from core.language import Language
from core.settings import Settings
from tests.color_encoder import ColorEncoder
from tests.shops import Shop

TARGET = Path(__file__).resolve().parents[1] / "docs" / "openapi.json"


def main() -> None:
    """Describes the application as it is."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        shop = Shop(data, CatalogStore.open(f"sqlite:///{data}/catalog.db"), ColorEncoder(), Language.load())
        described = create_app(Settings(data=data), shop.engine()).openapi()
        shop.store.close()
    TARGET.write_text(json.dumps(described, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

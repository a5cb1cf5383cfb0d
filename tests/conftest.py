"""Fixtures that every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

JUDGED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def judged() -> Path:
    """The folder of judged catalogues and nasty inputs that lies beside the checkout."""
    if not JUDGED.is_dir():
        pytest.skip(f"the judged catalogues are not beside this checkout ({JUDGED.parent.name}/data)")
    return JUDGED

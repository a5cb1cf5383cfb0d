"""What an ingest refused: a file for people and scripts, and the catalog's journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from core.catalog import Catalog, Reject


class RejectLog:
    """Collects the rejects of one run; the file takes its forerunner's place when the run ends."""

    def __init__(self, data: Path, catalog: Catalog, run: int) -> None:
        self._catalog, self._run = catalog, run
        self.path = data / "rejects" / f"{catalog.name}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._aside = self.path.with_suffix(".new")
        self._file = self._aside.open("wb")
        self.count = 0

    def add(self, rejects: Sequence[Reject]) -> None:
        """Notes what a batch refused."""
        if not rejects:
            return
        self.count += len(rejects)
        self._catalog.add_rejects(self._run, rejects)
        for reject in rejects:
            self._file.write(orjson.dumps(_line(reject), option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Lets go of the file; without `finish` the one of the run before stays."""
        self._file.close()

    def finish(self) -> str | None:
        """The file's path, or None where nothing was refused."""
        self._file.close()
        if self.count:
            self._aside.replace(self.path)
            return str(self.path)
        self._aside.unlink()
        self.path.unlink(missing_ok=True)
        return None


def _line(reject: Reject) -> dict[str, object]:
    return {
        "line": reject.line,
        "id": reject.product_id,
        "code": reject.code,
        "reason": reject.reason,
        "source": reject.source,
    }

"""What an ingest did and refused: a file for people and scripts, and the catalog's journal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson

from core.catalog import Catalog, Reject
from indexer.report import Tally


class RejectLog:
    """Collects the rejects of one run; the file takes its forerunner's place when the run ends."""

    def __init__(self, data: Path, catalog: Catalog) -> None:
        self._catalog, self.run = catalog, catalog.begin_run()
        self.path = data / "rejects" / f"{catalog.name}.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._aside = self.path.with_suffix(".new")
        self._file = self._aside.open("wb")
        self._count = 0

    def add(self, rejects: Sequence[Reject]) -> None:
        """Notes what a batch refused."""
        if not rejects:
            return
        self._count += len(rejects)
        self._catalog.add_rejects(self.run, rejects)
        for reject in rejects:
            self._file.write(orjson.dumps(_line(reject), option=orjson.OPT_APPEND_NEWLINE))

    def close(self) -> None:
        """Lets go of the file; without `finish` the one of the run before stays."""
        self._file.close()

    def finish(self, tally: Tally) -> str | None:
        """Closes the run; the file's path, or None where nothing was refused."""
        tally.rejected = self._count
        counts = {name: int(getattr(tally, name)) for name in Tally.__slots__}
        self._catalog.end_run(self.run, counts)
        self._file.close()
        if self._count:
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

"""How measurements are printed: one plain table, or one JSON document."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their longest cell."""
    lines = [tuple(header), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    print()


def print_json(figures: Mapping[str, object]) -> None:
    """One document, nothing else on stdout."""
    print(json.dumps(figures, ensure_ascii=False, indent=2))

"""Run by tests as a process of its own: opens a database, slowly enough to be waited for or killed half way."""

from __future__ import annotations

import sys
import time

from sqlalchemy import Connection

from core.catalog import CatalogStore, value_sets
from core.catalog.filterable import Filterable


def slowly(seconds: float) -> None:
    """Has the newest migration tell that it is half done, and take its time there."""
    whole = value_sets.change

    def change(connection: Connection, catalog_id: int, before: Filterable, after: Filterable) -> None:
        whole(connection, catalog_id, before, after)
        sys.stdout.write("half done\n")
        sys.stdout.flush()
        time.sleep(seconds)

    vars(value_sets).update(change=change)


if __name__ == "__main__":
    slowly(float(sys.argv[2]))
    store = CatalogStore.open(sys.argv[1])
    sys.stdout.write(f"open {store.names()}\n")
    store.close()

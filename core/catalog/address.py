"""Here is LYCHEE_DATABASE_URL: which database is meant, or why it is none that a catalog can be in."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

LIKE = "postgresql://user:password@host/name or sqlite:///folder/catalog.db"


def parsed(url: str) -> URL:
    """The address with the driver that we use; ValueError says why it is none."""
    try:
        address = make_url(url)
        backend = address.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise ValueError(f"it is not a database URL such as {LIKE}") from error
    if backend == "sqlite":
        return _file(address)
    if backend in ("postgres", "postgresql"):
        return address.set(drivername="postgresql+psycopg")
    raise ValueError(f"{backend} is neither sqlite nor postgresql; it takes an address such as {LIKE}")


def _file(address: URL) -> URL:
    if address.host is not None:
        raise ValueError("a file's address has three slashes: sqlite:///folder/catalog.db")
    if address.database in (None, "", ":memory:"):
        raise ValueError("it names no file; it takes an address such as sqlite:///folder/catalog.db")
    return address.set(drivername="sqlite")


def address_problem(url: str) -> str | None:
    """Why the address can't be used, with what to do; None where it can."""
    try:
        address = parsed(url)
    except ValueError as error:
        return str(error)
    if address.get_backend_name() == "sqlite":
        is_folder = Path(str(address.database)).is_dir()
        return "that is a folder; name a file, like sqlite:///folder/catalog.db" if is_folder else None
    if find_spec("psycopg") is None:
        return "PostgreSQL needs packages that are not installed: pip install 'lychee-search[postgres]'"
    return None

"""Keys for programs: made and shown once, kept as hashes in a file of the data folder, revoked and rotated there."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

from core.door_errors import NoSuchKey, UnsafeKeyring
from core.errors import DataFolderProblem

Kind = Literal["admin", "search"]
MARK = "lychee"
"""What every key that we made begins with."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a search key is limited to, as in Key."""

    origins: tuple[str, ...] = ()
    catalogs: tuple[str, ...] = ()
    rate: str | None = None


EVERYTHING = Allowed()


@dataclass(frozen=True, slots=True)
class Key:
    """One key as it is kept: whoever reads this can't use it."""

    id: str
    kind: Kind
    name: str
    """What it is for, in the owner's words."""
    digest: str
    """SHA-256 of the whole key. It is 192 random bits: a slow hash would protect it no better."""
    created: str
    """UTC, as is the next."""
    revoked: str | None = None
    origins: tuple[str, ...] = ()
    """Sites whose pages alone may send it; empty for any sender."""
    catalogs: tuple[str, ...] = ()
    """Catalogs that it searches; empty for all."""
    rate: str | None = None
    """Units of work it may ask for, like 600/minute; None for what the settings say."""


class Keyring:
    """The keys of one data folder; servers see a change with the next request. Safe for many threads and processes."""

    def __init__(self, data: Path) -> None:
        self._path = data / "keys.json"
        self._seen: tuple[tuple[int, int, int] | None, tuple[Key, ...]] = (None, ())

    def keys(self) -> tuple[Key, ...]:
        """All keys, revoked ones too, in the order in which they were made; UnsafeKeyring."""
        # A change renames another file into the place, so that the inode tells it, too.
        state = _state(self._path)
        if state != self._seen[0]:
            self._seen = (state, self._read())
        return self._seen[1]

    def has(self, kind: Kind) -> bool:
        """Whether any key of the kind is in force."""
        return any(key.kind == kind and key.revoked is None for key in self.keys())

    def find(self, token: str) -> Key | None:
        """The key in force that was sent, whole; None for any other text."""
        parts = token.split("_")
        named = next((key for key in self.keys() if len(parts) == 3 and key.id == parts[1]), None)
        if named is None or named.revoked is not None:
            return None
        return named if hmac.compare_digest(named.digest, digest_of(token)) else None

    def create(self, kind: Kind, name: str, allowed: Allowed = EVERYTHING) -> tuple[Key, str]:
        """A new key, and what its holder sends: it is not kept, and can't be shown again."""
        key_id = secrets.token_hex(4)
        token = _token(key_id)
        digest = digest_of(token)
        key = Key(key_id, kind, name, digest, _now(), None, allowed.origins, allowed.catalogs, allowed.rate)
        self._change(lambda keys: [*keys, key])
        return key, token

    def revoke(self, key_id: str) -> Key:
        """Ends a key; NoSuchKey."""
        return self._replaced(key_id, lambda key: replace(key, revoked=_now()))

    def rotate(self, key_id: str) -> tuple[Key, str]:
        """The same key with another secret; the one before ends at once; NoSuchKey."""
        token = _token(key_id)
        return self._replaced(key_id, lambda key: replace(key, digest=digest_of(token))), token

    def _replaced(self, key_id: str, changed: Callable[[Key], Key]) -> Key:
        def change(keys: Sequence[Key]) -> list[Key]:
            if not any(key.id == key_id and key.revoked is None for key in keys):
                raise NoSuchKey(key_id)
            return [changed(key) if key.id == key_id else key for key in keys]

        return next(key for key in self._change(change) if key.id == key_id)

    def _change(self, change: Callable[[Sequence[Key]], list[Key]]) -> list[Key]:
        try:
            with self._alone():
                keys = change(self._read())
                _write(self._path, keys)
        except OSError as error:
            raise DataFolderProblem(str(self._path.parent), error.strerror or str(error)) from error
        return keys

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _read(self) -> tuple[Key, ...]:
        try:
            return tuple(_key(entry) for entry in orjson.loads(self._path.read_bytes())["keys"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            # Nobody is let in by a file that isn't understood, nor is anybody's key forgotten by writing over it.
            raise UnsafeKeyring(str(self._path), str(error)[:120]) from error


def _key(entry: dict[str, Any]) -> Key:
    lists = {name: tuple(entry.get(name, ())) for name in ("origins", "catalogs")}
    return Key(**{**entry, **lists})


def digest_of(token: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _token(key_id: str) -> str:
    return f"{MARK}_{key_id}_{secrets.token_hex(24)}"


def _state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _write(path: Path, keys: Sequence[Key]) -> None:
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(orjson.dumps({"keys": [asdict(key) for key in keys]}, option=orjson.OPT_INDENT_2))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")

"""A data folder as a whole, copied while it is in use and put back: database, pictures, indexes, keys, rejects."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson

from core.catalog.copying import copy_database, database_file
from core.errors import DamagedIndex, LycheeError
from core.vector_index.copying import copy_current

FORMAT = 1
MANIFEST = "backup.json"
DATABASE = "catalog.db"
INDEX = "index"
MADE_ANEW = ("thumbs", "locks", "encoders", "vision", "hub", "lost+found")
"""What servers and commands make again by themselves, or hold for a moment."""
ON_A_SERVER = (
    "the catalog lies on a PostgreSQL server: back it up with `pg_dump --format=custom`, put it back with `pg_restore`, "
    "and copy the folder {pictures} beside it; indexes are made anew"
)


class BackupProblem(LycheeError):
    """A backup can't be made or put back."""

    exit_code = 1

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"cannot use {path} for a backup: {reason}")
        self.path, self.reason = path, reason


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds."""

    taken: str
    """ISO 8601, UTC."""
    files: dict[str, tuple[int, str]]
    """Bytes and BLAKE2b by path."""
    format: int = FORMAT

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(size for size, _ in self.files.values())

    @classmethod
    def read(cls, folder: Path) -> Backup:
        """What the folder says of itself; BackupProblem where it is no backup, or a newer release's."""
        try:
            facts = orjson.loads((folder / MANIFEST).read_bytes())
            files = {path: (int(size), str(digest)) for path, (size, digest) in facts["files"].items()}
            found = cls(str(facts["taken"]), files, int(facts["format"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BackupProblem(str(folder), f"it is no whole backup ({error})") from error
        if found.format != FORMAT:
            raise BackupProblem(str(folder), f"it has format {found.format}, this release reads {FORMAT}")
        return found


def back_up(data: Path, url: str, target: Path) -> Backup:
    """Copies the data folder into a new one, which appears under its name when it is whole; others go on meanwhile.

    BackupProblem, DataFolderProblem.
    """
    database, target = _database(data, url), target.absolute()
    _refuse_used(target, "it is not empty; name a folder that is not there yet")
    aside = target.with_name(f".{target.name}.new")
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        # Indexes first: one that knows less than the rows catches up, one that knows more would name what isn't there.
        _copy_indexes(data / INDEX, aside / INDEX)
        copy_database(database, aside / DATABASE)
        # Pictures last: those of every row were there before the row.
        _copy_rest(data, aside, database)
        backup = Backup(datetime.now(UTC).isoformat(timespec="seconds"), dict(_facts(aside)))
        (aside / MANIFEST).write_bytes(orjson.dumps(asdict(backup)))
        if target.exists():
            target.rmdir()
        aside.rename(target)
    except OSError as error:
        raise BackupProblem(str(target), error.strerror or str(error)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return backup


def restore(source: Path, data: Path, url: str) -> Backup:
    """Puts a backup back into a data folder that has no catalog, after every byte of it was checked.

    BackupProblem; what was broken off is finished by doing it again.
    """
    backup = Backup.read(source)
    database = _database(data, url)
    if database.exists():
        raise BackupProblem(
            str(data), "it has a catalog already; move it away, or name another folder by --data"
        )
    for path, (size, digest) in backup.files.items():
        _check(source, path, size, digest)
    try:
        for path in backup.files:
            if path != DATABASE:
                _put(source / path, data / path)
        # Last: a folder without a catalog is one that was not restored to its end.
        _put(source / DATABASE, database)
    except OSError as error:
        raise BackupProblem(str(data), error.strerror or str(error)) from error
    return backup


def _database(data: Path, url: str) -> Path:
    file = database_file(url)
    if file is None:
        raise BackupProblem(str(data), ON_A_SERVER.format(pictures=data / "pictures"))
    return file


def _refuse_used(folder: Path, reason: str) -> None:
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise BackupProblem(str(folder), reason)


def _copy_indexes(source: Path, target: Path) -> None:
    for pointer in sorted(source.rglob("current")):
        try:
            copy_current(pointer.parent, target / pointer.parent.relative_to(source))
        except (FileNotFoundError, DamagedIndex):
            # Removed meanwhile, or harmed: whoever serves the copy makes it anew from the rows.
            continue


def _copy_rest(data: Path, aside: Path, database: Path) -> None:
    left_out = (*MADE_ANEW, INDEX, *(f"{database.name}{end}" for end in ("", "-wal", "-shm", "-journal")))
    for path in sorted(data.iterdir()):
        if path.name in left_out or aside.is_relative_to(path.absolute()):
            continue
        if path.is_dir():
            # Files that are being written have no name of their own yet.
            unnamed = shutil.ignore_patterns(".new-*", "*.new")
            shutil.copytree(path, aside / path.name, ignore=unnamed, copy_function=_copy_if_there)
        elif path.is_file():
            shutil.copy2(path, aside / path.name)


def _copy_if_there(source: str, target: str) -> None:
    # A picture that turns out to be none is dropped by the ingest that brought it; no row names it.
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)


def _facts(folder: Path) -> Iterator[tuple[str, tuple[int, str]]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.relative_to(folder).as_posix(), (path.stat().st_size, _digest(path))


def _check(source: Path, path: str, size: int, digest: str) -> None:
    file = source / path
    # A backup may come from elsewhere: it must not write beside the data folder.
    if not file.resolve().is_relative_to(source.resolve()):
        raise BackupProblem(str(source), f"{path} lies outside of it")
    if not file.is_file() or file.stat().st_size != size or _digest(file) != digest:
        raise BackupProblem(str(source), f"{path} is missing or is not what was backed up")


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.restoring")
    shutil.copy2(source, aside)
    aside.replace(target)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()

"""Reading a picture's bytes from a folder, and from nowhere else on this machine."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.errors import UnreadableImage
from core.images import MAX_BYTES


def read_local(path: str | os.PathLike[str], root: Path) -> bytes:
    """The bytes of a regular file below `root`; relative paths start there. Raises UnreadableImage.

    Links are resolved first: what they lead to must lie below `root` too. Pipes, devices and folders are
    refused before they are read, files of more than MAX_BYTES without being read.
    """
    name = shown(path)
    descriptor = _open_below(path, root, name)
    try:
        return _read_regular(descriptor, name)
    finally:
        os.close(descriptor)


def shown(path: str | os.PathLike[str]) -> str:
    """The path as text that can be stored and printed, whatever bytes the name is made of."""
    raw = os.fsencode(path)
    for encoding in ("utf-8", "gb18030"):
        try:
            return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in raw.decode(encoding))
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", errors="backslashreplace")


def _open_below(path: str | os.PathLike[str], root: Path, name: str) -> int:
    try:
        base = os.path.realpath(root)
        target = os.path.realpath(Path(base, path), strict=True)
        if os.path.commonpath((base, target)) != base:
            raise UnreadableImage(name, "it lies outside the folder of pictures", code="outside_folder")
        # A pipe would block, a link put there since the check would lead elsewhere.
        return os.open(target, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except UnreadableImage:
        raise
    except FileNotFoundError as error:
        if _leads_outside(path, root):
            raise UnreadableImage(
                name, "it lies outside the folder of pictures", code="outside_folder"
            ) from error
        raise UnreadableImage(name, "there is no such file", code="missing") from error
    except (OSError, ValueError) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else "bad path"
        raise UnreadableImage(name, reason, code="unreadable_file") from error


def _leads_outside(path: str | os.PathLike[str], root: Path) -> bool:
    base = os.path.realpath(root)
    return os.path.commonpath((base, os.path.realpath(Path(base, path)))) != base


def _read_regular(descriptor: int, name: str) -> bytes:
    facts = os.fstat(descriptor)
    if not stat.S_ISREG(facts.st_mode):
        raise UnreadableImage(name, "it is not a regular file", code="not_a_file")
    if facts.st_size > MAX_BYTES:
        raise UnreadableImage(name, f"it is larger than {MAX_BYTES // 1_000_000} MB", code="too_large")
    try:
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UnreadableImage(name, error.strerror or "it can't be read", code="unreadable_file") from error

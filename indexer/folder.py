"""A bare folder of pictures as a feed: the file's name becomes the product's id and title."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

from core.errors import UnreadableFeed, UnreadableImage
from core.images import probe
from core.picture_files import read_local, shown
from core.types import Product
from indexer.products import MAX_ID
from indexer.rows import FeedRow

_ENDINGS = {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".avif", ".heic", ".heif", ".bmp", ".tif",
    ".tiff", ".ico", ".svg",
}  # fmt: skip


def picture_files(root: Path) -> list[str]:
    """Paths of the pictures below a folder, relative to it, sorted.

    Hidden files and folders are passed over, and so is what a link leads to outside the folder. Links to
    folders are not walked: what they hold is either found without them or not in the folder.
    """
    try:
        return sorted(_walk(os.fspath(root), ""), key=os.fsencode)
    except OSError as error:
        raise UnreadableFeed(str(root), error.strerror or str(error)) from error


def read_folder(root: Path, files: list[str]) -> Iterator[FeedRow]:
    """One product a picture."""
    for number, name in enumerate(files, 1):
        text = shown(name)
        title = re.sub(r"[\s_-]+", " ", text.rpartition("/")[2].rpartition(".")[0] or text).strip()
        product = Product(id=_id(text, name), title=title, pictures=(text,))
        yield FeedRow(number, product, (name,), is_picture=True)


def _walk(root: str, below: str) -> Iterator[str]:
    with os.scandir(f"{root}/{below}") as entries:
        for entry in entries:
            name = f"{below}{entry.name}"
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(root, f"{name}/")
            elif _is_picture(entry, name, root):
                yield name


def _is_picture(entry: os.DirEntry[str], name: str, root: str) -> bool:
    """By its ending; a file without one is looked into. Pipes and folders named like pictures are none."""
    try:
        if entry.is_symlink():
            target, base = os.path.realpath(entry.path, strict=True), os.path.realpath(root)
            if os.path.commonpath((base, target)) != base:
                return False
        if not entry.is_file():
            return False
        _, dot, ending = entry.name.rpartition(".")
        return f".{ending.lower()}" in _ENDINGS if dot else _has_header(name, root)
    except OSError:
        return False


def _has_header(name: str, root: str) -> bool:
    try:
        probe(read_local(name, Path(root)), source=name)
    except UnreadableImage:
        return False
    return True


def _id(text: str, name: str) -> str:
    """The path itself; a very long one keeps its end and is told apart by a hash."""
    if len(text) <= MAX_ID:
        return text
    digest = hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()
    return f"{digest}…{text[-(MAX_ID - 20) :]}"

"""The picture store keeps bytes by content and gives browsers only what is safe to show."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from core.errors import DataFolderProblem, UnreadableImage
from core.images import decode
from core.pictures import PictureStore


def encoded(form: str, size: tuple[int, int] = (900, 600)) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", size, "red").save(buffer, form)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> PictureStore:
    return PictureStore(tmp_path)


def test_the_same_bytes_are_kept_once(store: PictureStore, tmp_path: Path) -> None:
    first, second = store.put(encoded("PNG")), store.put(encoded("PNG"))

    assert first == second
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [first]


def test_what_a_browser_shows_is_given_as_it_is(store: PictureStore) -> None:
    data = encoded("WEBP")

    path, media_type = store.original(store.put(data))

    assert media_type == "image/webp"
    assert path.read_bytes() == data


def test_what_a_browser_may_not_show_is_given_as_jpeg(store: PictureStore) -> None:
    path, media_type = store.original(store.put(encoded("TIFF")))

    assert media_type == "image/jpeg"
    assert decode(path.read_bytes(), source="x").shape == (600, 900, 3)


def test_a_thumbnail_is_small_and_made_once(store: PictureStore) -> None:
    digest = store.put(encoded("PNG"))

    first = store.thumb(digest)
    made = first.stat().st_mtime_ns
    second = store.thumb(digest)

    assert second.stat().st_mtime_ns == made
    with Image.open(first) as thumb:
        assert thumb.format == "JPEG"
        assert max(thumb.size) <= 320


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "0" * 32, "A" * 32])
def test_an_unknown_picture_is_refused(store: PictureStore, name: str) -> None:
    with pytest.raises(UnreadableImage):
        store.thumb(name)


def test_bytes_that_are_no_picture_are_never_served(store: PictureStore) -> None:
    digest = store.put(b"<svg><script>alert(1)</script></svg>")

    with pytest.raises(UnreadableImage):
        store.original(digest)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("in the way")

    with pytest.raises(DataFolderProblem, match="pictures"):
        PictureStore(tmp_path).put(b"abc")

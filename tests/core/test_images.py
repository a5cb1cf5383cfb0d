"""Every picture decodes to what a person would see, or is refused in a sentence."""

from __future__ import annotations

import json
import os
import time
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import UnreadableImage
from core.images import decode, from_data_uri, probe
from core.picture_files import read_local
from core.types import Pixels

FILES = Path(__file__).resolve().parents[3] / "shared" / "data" / "nasty_inputs"
MANIFEST = FILES / "manifest.jsonl"
CASES = [json.loads(line) for line in MANIFEST.read_text("utf-8").splitlines()] if MANIFEST.exists() else []
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "white": (255, 255, 255)}


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def small(pixels: Pixels) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(Image.fromarray(pixels).resize((16, 16)), dtype=np.float32)


@pytest.mark.parametrize("case", CASES, ids=[case["file"][-40:] for case in CASES])
def test_a_nasty_picture_behaves_as_its_manifest_says(case: dict[str, object], judged: Path) -> None:
    root = judged / "nasty_inputs"
    name, expect = str(case["file"]), str(case["expect"])
    start = time.perf_counter()

    pixels, refusal = decoded_or_refused(name, root)

    if pixels is None:
        assert expect != "ok"
        assert name in refusal
    else:
        assert expect != "reject"
        assert_shows(pixels, case, root)
    assert time.perf_counter() - start < 5


def decoded_or_refused(name: str, root: Path) -> tuple[Pixels | None, str]:
    try:
        return decode(read_local(name, root), source=name), ""
    except UnreadableImage as error:
        return None, str(error)


def assert_shows(pixels: Pixels, case: dict[str, object], root: Path) -> None:
    height, width, channels = pixels.shape
    assert channels == 3
    assert pixels.dtype == np.uint8
    if isinstance(size := case.get("size"), list):
        assert [width, height] == size
    if isinstance(corners := case.get("corners"), dict):
        at = {"tl": (5, 5), "tr": (5, -6), "bl": (-6, 5), "br": (-6, -6)}
        for corner, colour in corners.items():
            assert np.abs(pixels[at[corner]].astype(int) - COLOURS[colour]).max() < 90, (
                corner,
                pixels[at[corner]],
            )
    if case.get("ramp"):
        row = pixels[50, :, 0].astype(int)
        assert row[0] < 5
        assert row[-1] > 250
        assert (np.diff(row) >= 0).all()
    if like := case.get("like"):
        model = decode(read_local(str(like), root), source=str(like))
        # The median: words painted over a part of the picture leave the rest as it was.
        assert np.median(np.abs(small(pixels) - small(model))) < 16


def test_a_black_shape_on_transparency_stays_visible(judged: Path) -> None:
    data = read_local("files/black_on_transparent.png", judged / "nasty_inputs")

    pixels = decode(data, source="disc")

    assert (pixels[0, 0] == 255).all()
    assert (pixels[100, 100] < 20).all()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_decoded_shrunk_keeps_the_shorter_side_asked_for(form: str) -> None:
    data = encoded(Image.new("RGB", (1600, 1000), "red"), form)

    height, width, _ = decode(data, source="red", at_least=224).shape

    assert 224 <= height <= 448
    assert abs(width / height - 1.6) < 0.02


def test_a_picture_smaller_than_asked_for_is_not_enlarged() -> None:
    assert decode(encoded(Image.new("RGB", (50, 30)), "JPEG"), source="x", at_least=224).shape == (30, 50, 3)


def test_a_profile_is_applied() -> None:
    rotated = encoded(Image.new("RGB", (8, 8), (200, 30, 30)), "PNG", icc_profile=swapped_primaries())

    pixels = decode(rotated, source="profile")

    assert pixels[0, 0, 1] > pixels[0, 0, 0]


def swapped_primaries() -> bytes:
    """An sRGB profile whose red and green primaries have changed places."""
    from PIL import ImageCms

    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    entries = {bytes(profile[i : i + 4]): i for i in range(132, 132 + 12 * count, 12)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile).replace(b"s\0R\0G\0B", b"t\0e\0s\0t").replace(b"\0s\0R\0G\0B", b"\0t\0e\0s\0t")


def test_a_progressive_bomb_is_refused_from_its_header() -> None:
    data = encoded(Image.new("L", (8000, 8000)), "JPEG") + b"\xff\xda" * 200

    with pytest.raises(UnreadableImage, match="progressive"):
        decode(data, source="bomb")


def test_more_than_forty_megabytes_are_refused_unread() -> None:
    with pytest.raises(UnreadableImage, match="40 MB"):
        decode(b"\xff\xd8\xff" + bytes(40_000_000), source="big")


def test_an_svg_is_refused_with_what_to_do() -> None:
    with pytest.raises(UnreadableImage, match="save it as PNG") as refused:
        decode(b'<?xml version="1.0"?><svg xmlns="x"/>', source="a.svg")

    assert refused.value.code == "svg"


def test_probe_names_format_and_size() -> None:
    header = probe(encoded(Image.new("RGB", (7, 5)), "WEBP"), source="x")

    assert (header.format, header.width, header.height) == ("WEBP", 7, 5)


def test_a_data_uri_gives_its_bytes() -> None:
    assert from_data_uri("data:image/png;base64," + b64encode(b"abc").decode()) == b"abc"
    assert from_data_uri("data:,a%20b") == b"a b"


@pytest.mark.parametrize("uri", ["data:image/png;base64,@@@", "data:nothing", "http://x/y.png"])
def test_a_broken_data_uri_is_refused(uri: str) -> None:
    with pytest.raises(UnreadableImage):
        from_data_uri(uri)


def test_what_is_not_a_regular_file_below_the_folder_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    (root / "folder.jpg").mkdir(parents=True)
    os.mkfifo(root / "pipe.jpg")
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "loop.jpg").symlink_to("loop.jpg")
    (root / "device.jpg").symlink_to("/dev/zero")
    with (root / "huge.jpg").open("wb") as huge:
        huge.truncate(5 * 1024**3)
    expected = {
        "folder.jpg": "not_a_file",
        "pipe.jpg": "not_a_file",
        "link.jpg": "outside_folder",
        "../secret.jpg": "outside_folder",
        "../nothing.jpg": "outside_folder",
        "/etc/passwd": "outside_folder",
        "device.jpg": "outside_folder",
        "loop.jpg": "unreadable_file",
        "huge.jpg": "too_large",
        "missing.jpg": "missing",
        "nul\0.jpg": "unreadable_file",
    }

    codes = {}
    for name in expected:
        with pytest.raises(UnreadableImage) as refused:
            read_local(name, root)
        codes[name] = refused.value.code

    assert codes == expected


def test_a_link_that_stays_below_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real.jpg").write_bytes(b"abc")
    (tmp_path / "link.jpg").symlink_to("real.jpg")

    assert read_local("link.jpg", tmp_path) == b"abc"


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_large_picture_is_shrunk_without_losing_its_place(mode: str) -> None:
    tall = Image.new(mode, (400, 2600), "red")
    tall.paste("blue", (0, 1300, 400, 2600))

    pixels = decode(encoded(tall, "PNG"), source="tall", at_least=100)

    assert pixels.shape == (650, 100, 3)
    assert (pixels[:325] == (255, 0, 0)).all()
    assert (pixels[325:] == (0, 0, 255)).all()

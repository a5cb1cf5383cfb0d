"""Pictures are seen once: features outlive the process, belong to one model and budget, and damage only costs time."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from core.errors import UnreadableImage
from core.types import Pixels, Product, Score
from rerank.judgement import Asked, Document, Judgement, Picture
from rerank.lychee import LycheeReranker
from rerank.vlm.vision import Seen, SeenMemory
from rerank.vlm.vision_files import VisionFiles
from tests.models.conftest import noise

SHOE = Product("1", "shoe")
ASKED = Asked("red shoe")


def gone(picture: Picture) -> Picture:
    """The picture, its pixels no longer there: what scores it has seen it before."""

    def nothing() -> Pixels:
        raise UnreadableImage("picture", "it is gone")

    return Picture(picture.hash, nothing)


def judged(judge: LycheeReranker, picture: Picture, *, of_shop: bool = True) -> Judgement:
    (found,) = judge.score(ASKED, [Document("", picture, SHOE if of_shop else None)])
    return found


@pytest.fixture
def files(tmp_path: Path) -> VisionFiles:
    return VisionFiles(tmp_path / "vision")


def test_a_product_seen_once_is_scored_alike_without_its_picture_even_after_a_restart(
    judge: LycheeReranker, files: VisionFiles
) -> None:
    picture = noise(200, 300)
    first = judged(LycheeReranker(judge.checkpoint, files=files), picture)

    restarted = judged(LycheeReranker(judge.checkpoint, files=files), gone(picture))

    assert isinstance(first, Score)
    assert restarted == first


def test_a_warmed_picture_is_not_looked_at_again(judge: LycheeReranker, files: VisionFiles) -> None:
    picture = noise(210, 300)
    LycheeReranker(judge.checkpoint, files=files).warm(picture)

    later = LycheeReranker(judge.checkpoint, files=files)
    later.warm(gone(picture))

    assert isinstance(judged(later, gone(picture)), Score)


def test_what_a_visitor_sends_stays_in_memory(
    judge: LycheeReranker, files: VisionFiles, tmp_path: Path
) -> None:
    picture, here = noise(220, 300), LycheeReranker(judge.checkpoint, files=files)
    asked = Asked("", picture)

    sent = here.score(asked, [Document("", picture)])

    assert here.score(Asked("", gone(picture)), [Document("", gone(picture))]) == sent
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_features_of_another_budget_are_not_taken(judge: LycheeReranker, files: VisionFiles) -> None:
    picture = noise(230, 300)
    LycheeReranker(judge.checkpoint, files=files).warm(picture)

    small = LycheeReranker(judge.checkpoint, files=files, max_pixels=9 * judge.checkpoint.token_side**2)

    assert not isinstance(judged(small, gone(picture)), Score)


def test_a_damaged_file_is_replaced(judge: LycheeReranker, files: VisionFiles, tmp_path: Path) -> None:
    picture = noise(240, 300)
    first = judged(LycheeReranker(judge.checkpoint, files=files), picture)
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    path.write_bytes(path.read_bytes()[:-1] + b"?")

    again = judged(LycheeReranker(judge.checkpoint, files=files), picture)

    assert again == first
    assert judged(LycheeReranker(judge.checkpoint, files=files), gone(picture)) == first


def test_memory_forgets_what_was_used_longest_ago() -> None:
    memory = SeenMemory(3_000)
    for name in "abc":
        memory.put(name, Seen((1, 2, 2), torch.zeros(1, 25, 10)))
    memory.get("a")

    memory.put("d", Seen((1, 2, 2), torch.zeros(1, 25, 10)))

    assert [name for name in "abcd" if memory.get(name) is not None] == ["a", "c", "d"]

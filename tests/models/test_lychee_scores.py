"""What the lychee judge answers is what the plain model answers, one pair at a time, and no shortcut changes it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import Qwen2_5_VLProcessor, Qwen2VLVideoProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

from core.settings import JUDGED_PIXELS
from core.types import Product, Score
from rerank.instructions import PRODUCT_INSTRUCTION
from rerank.judgement import Asked, Document
from rerank.lychee import LycheeReranker, Shortcuts
from rerank.vlm.prompt import SYSTEM
from tests.models.conftest import noise

EXACT = 1e-4
PLAIN = Shortcuts(vision_cache=False, shared_prefix=False, two_rows=False, sorted_buckets=False)
QUESTIONS = (
    Asked("red shoe"),
    Asked("like this, but (in) red", noise(150, 210), PRODUCT_INSTRUCTION),
    Asked("", noise(90, 90)),
)
DOCUMENTS = (
    Document("red shoe"),
    Document("(blue) shirt, printed: butterfly", noise(200, 140)),
    Document("", noise(60, 300)),
    Document("embroidered cotton " * 40, noise(900, 700)),
    Document(""),
    Document("\n\n蝴蝶 襦裙", noise(30, 20)),
)


def relevances(judge: LycheeReranker, asked: Asked, documents: tuple[Document, ...] = DOCUMENTS) -> Any:
    judgements = judge.score(asked, documents)
    assert all(isinstance(judgement, Score) for judgement in judgements)
    return np.array([judgement.relevance for judgement in judgements if isinstance(judgement, Score)])


def asked_plainly(judge: LycheeReranker, asked: Asked, document: Document) -> float:
    """The pair by the model's own means: its chat template, its processor, its positions, all of its head."""
    checkpoint = judge.checkpoint
    kinds = {
        "qwen2_5_vl": (Qwen2_5_VLProcessor, Qwen2VLVideoProcessor),
        "qwen3_vl": (Qwen3VLProcessor, Qwen3VLVideoProcessor),
    }
    processor_kind, video_kind = kinds[checkpoint.model.config.model_type]
    words = checkpoint.tokenizer
    processor = processor_kind(
        checkpoint.image_processor, words, video_kind(), chat_template=words.chat_template
    )
    question = [
        {"type": "text", "text": f"<Instruct>: {asked.instruction}"},
        {"type": "text", "text": "<Query>:"},
    ]
    content = [*question, *_content(asked), {"type": "text", "text": "\n<Document>:"}, *_content(document)]
    messages = [
        {"role": "system", "content": [{"type": "text", "text": SYSTEM}]},
        {"role": "user", "content": content},
    ]
    text = processor.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    side = checkpoint.token_side
    images = [Image.fromarray(each.picture.load()) for each in (asked, document) if each.picture]
    size = {"shortest_edge": 4 * side**2, "longest_edge": JUDGED_PIXELS}
    inputs = processor(text=[text], images=images or None, return_tensors="pt", images_kwargs={"size": size})
    with torch.inference_mode():
        logits = checkpoint.model(**inputs).logits[0, -1].double()
    yes, no = words.convert_tokens_to_ids(["yes", "no"])
    return float(torch.sigmoid(logits[yes] - logits[no]))


def _content(side: Asked | Document) -> list[dict[str, str]]:
    picture = [{"type": "image"}] if side.picture else []
    return [*picture, *([{"type": "text", "text": side.text}] if side.text else [])]


@pytest.mark.parametrize("asked", QUESTIONS, ids=["text", "both", "picture"])
def test_scores_are_those_of_the_plain_model(judge: LycheeReranker, asked: Asked) -> None:
    found = relevances(judge, asked)

    expected = [asked_plainly(judge, asked, document) for document in DOCUMENTS]
    np.testing.assert_allclose(found, expected, atol=EXACT)
    # A model that answers the same to everything would prove nothing.
    assert found.max() - found.min() > 0.1


@pytest.mark.parametrize("asked", QUESTIONS, ids=["text", "both", "picture"])
def test_a_batch_scores_as_its_documents_do_one_by_one_in_any_order(
    judge: LycheeReranker, asked: Asked
) -> None:
    one_by_one = [relevances(judge, asked, (document,))[0] for document in DOCUMENTS]

    np.testing.assert_allclose(relevances(judge, asked), one_by_one, atol=EXACT)
    np.testing.assert_allclose(relevances(judge, asked, DOCUMENTS[::-1]), one_by_one[::-1], atol=EXACT)


@pytest.mark.parametrize("name", [field.name for field in fields(Shortcuts)])
@pytest.mark.parametrize("asked", QUESTIONS, ids=["text", "both", "picture"])
def test_a_shortcut_changes_no_score(judge: LycheeReranker, asked: Asked, name: str) -> None:
    without = LycheeReranker(judge.checkpoint, shortcuts=PLAIN)
    with_it = LycheeReranker(judge.checkpoint, shortcuts=replace(PLAIN, **{name: True}))

    expected = relevances(without, asked)

    for _ in range(2):  # the second time with what the first has left behind
        np.testing.assert_allclose(relevances(with_it, asked), expected, atol=EXACT)


def test_many_threads_get_the_scores_of_one(judge: LycheeReranker) -> None:
    fresh = LycheeReranker(judge.checkpoint, batch=2)
    expected = [relevances(judge, asked) for asked in QUESTIONS]

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda number: relevances(fresh, QUESTIONS[number % 3]), range(12)))

    for number, each in enumerate(found):
        np.testing.assert_allclose(each, expected[number % 3], atol=EXACT)


def test_more_documents_than_are_held_at_a_time_are_answered_in_their_order(judge: LycheeReranker) -> None:
    documents = tuple(Document(f"{number} shoe" * (number % 7 + 1)) for number in range(150))

    found = relevances(judge, QUESTIONS[0], documents)

    picked = [0, 63, 64, 149]
    expected = [relevances(judge, QUESTIONS[0], (documents[number],))[0] for number in picked]
    np.testing.assert_allclose(found[picked], expected, atol=EXACT)


def test_words_for_what_a_document_must_not_be_are_part_of_the_question(judge: LycheeReranker) -> None:
    asked, document = Asked("shirt", exclude=("printed", "blue")), Document("printed shirt")

    found = relevances(judge, asked, (document,))

    written_out = Asked("shirt (not: printed, blue)")
    np.testing.assert_allclose(found, relevances(judge, written_out, (document,)), atol=1e-6)


def test_a_smaller_picture_budget_is_another_model_with_other_scores(judge: LycheeReranker) -> None:
    small = LycheeReranker(judge.checkpoint, max_pixels=16 * judge.checkpoint.token_side**2)
    document = Document("shirt", noise(900, 700), Product("1"))

    found, usual = (relevances(each, QUESTIONS[0], (document,)) for each in (small, judge))

    assert small.model != judge.model
    assert abs(found[0] - usual[0]) > EXACT


def test_no_documents_are_no_scores(judge: LycheeReranker) -> None:
    assert judge.score(QUESTIONS[0], []) == []

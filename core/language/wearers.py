"""For whom a thing is when its words say it in parts: 儿童 … 男 is for boys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from core.language.reading import Word

_CHILDREN = frozenset({"age:kids", "age:baby"})
_NOT_ONLY_CHILDREN = frozenset({"age:adult", "age:family", "gender:couple", "kind:couple-clothing"})
_AS_CHILD = {"gender:men": "gender:boys", "gender:women": "gender:girls"}
_WORN = frozenset({"kind:clothing", "kind:footwear"})


def said_for_children(words: Sequence[Word]) -> list[Word]:
    """The words of a query; where they name children, a man is a boy."""
    named = {concept for word in words for concept in (*word.concepts, *word.implied)}
    if not _are_only_children(named):
        return list(words)
    return [
        replace(word, concepts=_as_children(word.concepts), implied=_as_children(word.implied))
        for word in words
    ]


def dress_children(tokens: set[str], named: Collection[str]) -> None:
    """Changes a product's tokens: clothes whose words name children are for no grown-ups."""
    if _are_only_children(named) and not _WORN.isdisjoint(tokens):
        for grown, child in _AS_CHILD.items():
            if grown in tokens:
                tokens.discard(grown)
                tokens.update((child, "age:kids"))


def _are_only_children(named: Collection[str]) -> bool:
    return not _CHILDREN.isdisjoint(named) and _NOT_ONLY_CHILDREN.isdisjoint(named)


def _as_children(concepts: Sequence[str]) -> tuple[str, ...]:
    return tuple(_AS_CHILD.get(concept, concept) for concept in concepts)

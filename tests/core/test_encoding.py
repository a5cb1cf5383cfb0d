"""Which encoder a catalog is searched by, and what that encoder has not seen yet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.catalog import Catalog, CatalogRow, CatalogStore, VectorRow
from core.encoder_choice import EncoderChoice, EncodersOfCatalog
from core.errors import UnknownCatalog
from core.language.terms import ProductTerms
from core.settings import Settings
from core.types import Product

UNIT = np.array([0.6, 0.8], np.float32)
LITE, CLIP = EncoderChoice("lite"), EncoderChoice("open_clip", "ViT-B-32", "laion")


def row(product_id: str, *, pictures: tuple[str, ...] = (), text: str | None = None) -> CatalogRow:
    terms = ProductTerms(frozenset({"red"}), frozenset())
    return CatalogRow(Product(product_id), terms, "r", pictures, text)


def vectors(fingerprint: str, *contents: str) -> list[VectorRow]:
    return [VectorRow(each, fingerprint, UNIT) for each in contents]


@pytest.fixture
def seen(shop: Catalog) -> Catalog:
    """Two products with pictures and texts, all of which the encoder `one` has seen."""
    rows = [row("a", pictures=("p1", "p2"), text="ta"), row("b", pictures=("p1",), text="tb"), row("c")]
    shop.write(rows, vectors("one", "p1", "p2", "ta", "tb"))
    return shop


def ids(shop: Catalog, fingerprint: str, *, since: int = 0) -> list[str]:
    return [
        each.product.id for each in shop.by_keys(shop.encoding.missing(fingerprint, since=since)).values()
    ]


def test_a_product_is_missing_while_any_of_its_contents_has_no_vector(seen: Catalog) -> None:
    assert ids(seen, "one") == []
    assert ids(seen, "two") == ["a", "b"]

    seen.encoding.add(vectors("two", "p1", "ta", "tb"))

    assert ids(seen, "two") == ["a"]


def test_what_is_missing_since_a_revision_leaves_out_what_is_older(seen: Catalog) -> None:
    revision = seen.revision()
    seen.write([row("d", text="td")])

    assert ids(seen, "two", since=revision) == ["d"]


def test_what_other_catalogs_have_is_none_of_ours(seen: Catalog, store: CatalogStore) -> None:
    store.create("other", index_fields=()).write([row("x", text="tx")])

    assert ids(seen, "one") == []


def test_a_new_catalog_is_searched_by_what_the_settings_say(shop: Catalog) -> None:
    assert shop.encoding.encoders() == EncodersOfCatalog(choice=None, fingerprint=None)


def test_a_switch_is_remembered_with_the_encoder_before(seen: Catalog, store: CatalogStore) -> None:
    seen.encoding.note("one")
    seen.encoding.switch(CLIP, "two", before=LITE, before_fingerprint="one")

    assert store.catalog("shop").encoding.encoders() == EncodersOfCatalog(CLIP, "two", LITE, "one")

    seen.encoding.forget_before()

    assert seen.encoding.encoders() == EncodersOfCatalog(CLIP, "two")


def test_vectors_of_products_that_are_served_count_as_changes_of_them(seen: Catalog) -> None:
    before = seen.revision()
    keys = seen.encoding.missing("two")

    seen.encoding.add(vectors("two", "p1", "p2", "ta", "tb"), changing=keys)

    assert seen.changed_since(before).tolist() == keys.tolist()
    assert seen.revision() > before


def test_unsearchable_products_are_counted_unless_all_is_known_to_be_there(seen: Catalog) -> None:
    assert (seen.encoding.unsearchable("one"), seen.encoding.unsearchable("two")) == (0, 2)

    seen.encoding.note("two")

    assert seen.encoding.unsearchable("two") == 0


def test_a_removed_catalog_has_no_encoder(seen: Catalog, store: CatalogStore) -> None:
    store.remove("shop")

    with pytest.raises(UnknownCatalog):
        seen.encoding.encoders()


def test_a_choice_takes_its_place_in_the_settings() -> None:
    settings = Settings(profile="clip", open_clip_model="ViT-B-16", open_clip_pretrained="tag")

    assert EncoderChoice.of(settings) == EncoderChoice("open_clip", "ViT-B-16", "tag")
    assert EncoderChoice.of(LITE.within(settings)) == LITE
    assert EncoderChoice.of(CLIP.within(settings)) == CLIP
    assert str(CLIP) == "open_clip ViT-B-32 laion"


def test_files_are_chosen_by_their_whole_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "weights.pt").touch()
    monkeypatch.chdir(tmp_path)
    settings = Settings(encoder="open_clip", open_clip_model="ViT-B-16", open_clip_pretrained="weights.pt")

    chosen = EncoderChoice("open_clip", "ViT-B-16", str(tmp_path / "weights.pt"))
    assert EncoderChoice.of(settings) == chosen

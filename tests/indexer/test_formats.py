"""Feeds of every format become the same products."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from core.errors import MissingExtra, UnreadableFeed
from core.types import Product
from indexer.feeds import open_feed
from indexer.rows import FeedRow
from tests.indexer.reading_feeds import one, read, written


def test_columns_are_known_by_their_names_in_either_language(tmp_path: Path) -> None:
    feed = written(
        tmp_path,
        "feed.csv",
        "商品编号,标题,图片,描述,类目,颜色,价格,材质,自定义\nA1,红色连衣裙,a.jpg,夏季,女装 > 裙子,红色,¥199,棉,特别\n",
    )

    assert one(feed) == Product(
        id="A1",
        title="红色连衣裙",
        description="夏季",
        category=("女装", "裙子"),
        price=199.0,
        currency="CNY",
        attributes={"color": ("红色",), "material": ("棉",), "自定义": ("特别",)},
        pictures=("a.jpg",),
    )


def test_the_plain_form_keeps_languages_lists_and_nested_values(tmp_path: Path) -> None:
    row = {
        "id": 7,
        "title": "frog",
        "title_zh": "青蛙",
        "image": "frog.png",
        "other_images": ["query.png"],
        "category": "animals/amphibians",
        "categories": ["a", "b"],
        "price": 5,
        "currency": "usd",
        "attributes": {"colour": "green", "drawing": False, "sizes": ["S", "M"], "gender": None},
        "names": {"zh_CN": "青蛙。"},
    }

    product = one(written(tmp_path, "feed.jsonl", json.dumps(row)))

    assert product == Product(
        id="7",
        title="frog",
        titles={"zh": "青蛙"},
        category=("animals", "amphibians"),
        price=5.0,
        currency="USD",
        attributes={
            "color": ("green",),
            "drawing": ("false",),
            "sizes": ("S", "M"),
            "names.zh_CN": ("青蛙。",),
            "categories": ("a", "b"),
        },
        pictures=("frog.png",),
    )


def test_a_google_table_is_read_whatever_its_delimiter(tmp_path: Path) -> None:
    header = "ID;Title;Image_Link;Additional_Image_Link;Price;Product_Type;Google_Product_Category;Brand"
    feed = written(
        tmp_path, "feed.csv", f"{header}\n1;Shoe;a.jpg;b.jpg,c.jpg;15,00 EUR;Shoes > Run;187;Acme\n"
    )

    product = one(feed)

    assert product.pictures == ("a.jpg", "b.jpg", "c.jpg")
    assert (product.price, product.currency, product.category) == (15.0, "EUR", ("Shoes", "Run"))
    assert product.attributes == {"Google_Product_Category": ("187",), "brand": ("Acme",)}


def test_a_google_rss_feed_is_read(tmp_path: Path) -> None:
    feed = written(
        tmp_path,
        "feed.xml",
        """<?xml version="1.0"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel><title>Shop</title>
        <item><g:id>1</g:id><title>Red &amp; blue</title><g:image_link>a.jpg</g:image_link>
        <g:additional_image_link>b.jpg</g:additional_image_link><g:additional_image_link>c.jpg</g:additional_image_link>
        <g:price>15.00 USD</g:price><link>https://shop/1</link>
        <g:shipping><g:country>US</g:country></g:shipping></item></channel></rss>""",
    )

    product = one(feed)

    assert (product.title, product.price, product.link) == ("Red & blue", 15.0, "https://shop/1")
    assert product.pictures == ("a.jpg", "b.jpg", "c.jpg")


def test_xml_with_entities_of_its_own_is_refused(tmp_path: Path) -> None:
    feed = written(
        tmp_path,
        "feed.xml",
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><rss><item><id>1</id><title>&x;</title></item></rss>',
    )

    with pytest.raises(UnreadableFeed, match="DOCTYPE"):
        read(feed)


SHOPIFY = {
    "old": "Handle,Title,Body (HTML),Vendor,Type,Tags,Option1 Name,Option1 Value,Variant Price,Image Src,Variant Image",
    "new": "URL handle,Title,Description,Vendor,Type,Tags,Option1 name,Option1 value,Price,"
    "Product image URL,Variant image URL",
}


@pytest.mark.parametrize("header", SHOPIFY.values(), ids=SHOPIFY)
def test_shopify_rows_of_one_handle_are_one_product(tmp_path: Path, header: str) -> None:
    rows = (
        'tee,Tee,<p>Soft</p>,Acme,Shirts,"new, cotton",Size,S,12.50,a.jpg,\ntee,,,,,,,M,12.50,b.jpg,v.jpg\n'
    )
    feed = written(tmp_path, "products.csv", f"{header}\n{rows}hat,Hat,,,,,,,5,,\n")

    (tee, hat), rejects = read(feed)

    assert rejects == []
    assert (tee.id, tee.title, tee.price, tee.category) == ("tee", "Tee", 12.5, ("Shirts",))
    assert tee.pictures == ("a.jpg", "b.jpg", "v.jpg")
    assert tee.attributes == {"brand": ("Acme",), "tags": ("new", "cotton"), "size": ("S", "M")}
    assert (hat.id, hat.price) == ("hat", 5.0)


def test_parquet_names_the_extra_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    feed = written(tmp_path, "feed.parquet", "PAR1")

    with pytest.raises(MissingExtra, match="parquet"):
        read(feed)


def test_a_folder_gives_one_product_a_picture(tmp_path: Path) -> None:
    (tmp_path / "shop" / "hats").mkdir(parents=True)
    (tmp_path / "outside.jpg").write_bytes(b"x")
    shop = tmp_path / "shop"
    for name in ("hats/red_felt-hat.JPG", "a.png", ".hidden.jpg", "notes.txt", "广告 图片.webp"):
        (shop / name).write_bytes(b"x")
    (shop / "link.jpg").symlink_to("../outside.jpg")
    (shop / "dangling.jpg").symlink_to("nowhere.jpg")
    (shop / "self").symlink_to(".")
    (shop / "folder.jpg").mkdir()
    os.mkfifo(shop / "pipe.jpg")

    products, rejects = read(shop)

    assert [(product.id, product.title) for product in products] == [
        ("a.png", "a"),
        ("hats/red_felt-hat.JPG", "red felt hat"),
        ("广告 图片.webp", "广告 图片"),
    ]
    assert rejects == []


def test_names_of_odd_bytes_make_printable_ids_and_still_lead_to_the_file(tmp_path: Path) -> None:
    names = [b"bad_\xff\xfe.jpg", "红色.jpg".encode("gbk"), b"new\nline.jpg", b"x" * 240 + b".jpg"]
    for name in names:
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")

    rows = [row for row in open_feed(tmp_path).rows() if isinstance(row, FeedRow)]

    assert {row.links[0] for row in rows} == {os.fsdecode(name) for name in names}
    assert all(row.product.id.isprintable() and len(row.product.id) <= 200 for row in rows)
    assert "红色.jpg" in {row.product.id for row in rows}


@pytest.mark.parametrize("indent", [None, 2])
def test_a_whole_array_of_objects_is_read_too(tmp_path: Path, indent: int | None) -> None:
    rows = [{"id": "a", "title": "a"}, 5, {"id": "b", "title": "b"}]

    products, rejects = read(written(tmp_path, "feed.json", json.dumps(rows, indent=indent)))

    assert [product.id for product in products] == ["a", "b"]
    assert rejects == [(2, None, "broken_row")]

"""Which column means what: the one table of header names, for Google, Shopify, plain and Chinese feeds."""

from __future__ import annotations

import re

MAX_CHARACTERS = 200
"""Longer names of columns mean nothing here, and the patterns below would take long over them."""

# In order of preference: where a row has several of them, the first that is not empty is taken.
_FIELDS: dict[str, str] = {
    "id": "id|product id|item id|offer id|编号|商品编号|产品编号|商品id|货号|款号|sku|handle|url handle"
    "|variant sku",
    "title": "title|标题|商品标题|name|product name|product title|名称|商品名称|产品名称|品名",
    "description": "description|描述|商品描述|产品描述|body (html)|body html|body|desc|详情|商品详情|简介",
    "picture": "image link|image|image url|image src|product image url|picture|picture url|photo|img"
    "|main image|images|pictures|图片|主图|图片链接|图片地址|商品图片",
    "more_pictures": "additional image link|additional images|additional image links|variant image"
    "|variant image url|附图|更多图片",
    "price": "price|价格|售价|单价|variant price|商品价格",
    "currency": "currency|price currency|currency code|币种|货币",
    "category": "category|类目|分类|类别|品类|商品分类|product type|product category"
    "|google product category|type",
    "link": "link|url|product url|product link|链接|商品链接",
    "attributes": "attributes|属性",
    "ignored": "other images",
}
_ATTRIBUTES: dict[str, str] = {
    "color": "color|colour|颜色|色彩|顏色",
    "brand": "brand|vendor|manufacturer|品牌",
    "size": "size|尺码|尺寸|规格",
    "material": "material|材质|面料|材料",
    "pattern": "pattern|图案|花纹|花色",
    "gender": "gender|性别|适用性别",
    "age_group": "age group|年龄段|适用年龄",
    "availability": "availability|库存状态",
    "sale_price": "sale price|促销价|活动价",
    "tags": "tags|标签",
    "status": "status|状态",
}
_BY_NAME: dict[str, tuple[str, int]] = {
    name: (field, rank) for field, names in _FIELDS.items() for rank, name in enumerate(names.split("|"))
}
_ATTRIBUTE_BY_NAME: dict[str, str] = {
    name: attribute for attribute, names in _ATTRIBUTES.items() for name in names.split("|")
}
_LANGUAGES = {"中文标题": "zh", "英文标题": "en"}
_TITLE_IN = re.compile(
    r"(?:title|name|product name)[ .](zh|en|ja|ko|fr|de|es|it|pt|ru|ar|hi|vi|th|nl|pl|tr)( \w+)?"
)
_METAFIELD = re.compile(r"\s*\(product\.metafields\.[^)]*\)$")


def field_of(header: str) -> tuple[str, int] | None:
    """The product's field that a column fills and its preference (0 is best), or None for an attribute."""
    return _BY_NAME.get(_plain(header))


def attribute_of(header: str) -> str:
    """The name under which a column without a field is kept."""
    return _ATTRIBUTE_BY_NAME.get(_plain(header), header.strip().lstrip("\ufeff"))


def title_language(header: str) -> str | None:
    """`title_zh` and its like: the language code; None for every other column."""
    name = _plain(header)
    if match := _TITLE_IN.fullmatch(name):
        return match[1] + (match[2] or "").replace(" ", "-")
    return _LANGUAGES.get(name)


def known(header: str) -> bool:
    """True for a name that this table has: what tells a header from a row, and a comma from a semicolon."""
    name = _plain(header)
    return name in _BY_NAME or name in _ATTRIBUTE_BY_NAME or title_language(header) is not None


def _plain(header: str) -> str:
    if len(header) > MAX_CHARACTERS:
        return header
    name = _METAFIELD.sub("", header.strip().lstrip("\ufeff").casefold())
    name = name.removeprefix("g:").removeprefix("google shopping / ")
    return re.sub(r"[\s_-]+", " ", name).strip()

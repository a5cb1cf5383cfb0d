"""Which attributes of a product are words, and what their names say about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.language.normal import has_han, prose

MAX_VALUE = 300
MAX_ALL = 4_000

_KINDS = {
    "color": "color colour colors colours colorname colour_name color_name color_family colorway main_color basecolour"
    " base_colour 颜色 颜色分类 主色 色系 颜色名称 色号",
    "material": "material materials fabric fabrics composition shell outer_material upper upper_material lining"
    " 材质 面料 材料 成分 面料材质 材质成分 质地 鞋面材质 里料 填充物",
    "pattern": "pattern patterns print design pattern_type 图案 花型 花纹 图案文化 印花",
    "gender": "gender sex department target_gender 性别 适用性别 适用对象",
    "age": "age_group age agegroup age_range 年龄 适用年龄 年龄段",
    "size": "size sizes size_name size_type 尺码 尺寸 码数 规格 大小",
    "season": "season seasons climate occasion occasions 季节 适用季节 场合 适用场景",
    "style": "style styles style_general 风格 款式 风格类型",
    "feature": "feature features neckline neck sleeve sleeves sleeve_length fit length closure collar 领型 袖长 袖型 衣长"
    " 裤长 裙长 版型 功能 腰型 闭合方式 厚薄",
    "brand": "brand vendor manufacturer maker 品牌",
}  # fmt: skip
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names.split()}
# What a value is about when it doesn't say so itself: sleeve length "long" is a long sleeve.
_PARTS = {"neckline": "neck", "neck": "neck", "sleeve": "sleeve", "fit": "fit", "collar": "collar"}
_NOT_WORDS = re.compile(
    r"(?:^|_)(?:id|ids|uuid|guid|md5|sha\d*|hash|checksum|url|uri|link|links|file|filename|path|image|images|img|photo"
    r"|picture|pictures|thumbnail|source|timestamp|date|created|updated|published|lang|language|locale|currency|barcode"
    r"|gtin|ean|upc|isbn|handle|slug|shipping|tax|inventory|quantity|qty|rating|reviews?)(?:$|_)|(?:编号|货号|链接|条码)$"
)
_HASH = re.compile(r"^(?:[0-9a-f]{16,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$", re.IGNORECASE)
_FILE = re.compile(r"\.(?:jpe?g|png|webp|gif|avif|heic|svg|bmp|tiff?|mp4|pdf|html?|json|csv)$", re.IGNORECASE)
_MEANINGLESS = frozenset(
    {"true", "false", "yes", "no", "none", "null", "nan", "n/a", "na", "-", "是", "否", "无", "0", "1"}
)
_SIZES = frozenset({"xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl", "4xl", "5xl", "6xl"})
_GENDERS = {
    "m": "gender:men", "male": "gender:men", "man": "gender:men", "men": "gender:men", "男": "gender:men",
    "f": "gender:women", "w": "gender:women", "female": "gender:women", "woman": "gender:women",
    "women": "gender:women", "女": "gender:women", "u": "gender:unisex", "unisex": "gender:unisex",
    "男女通用": "gender:unisex", "通用": "gender:unisex", "中性": "gender:unisex", "b": "gender:boys",
    "boy": "gender:boys", "boys": "gender:boys", "g": "gender:girls", "girl": "gender:girls", "girls": "gender:girls",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Told:
    """What one attribute says."""

    text: str
    """Its values as clean words."""
    kind: str | None = None
    """The kind of concept its name promises: color, material, …; None for a name that says nothing."""
    concepts: tuple[str, ...] = ()
    """What its values mean by themselves: M under gender."""


def told_attributes(attributes: Mapping[str, tuple[str, ...]]) -> list[Told]:
    """The attributes that hold words, in their order."""
    found: list[Told] = []
    left = MAX_ALL
    for name, values in attributes.items():
        key = re.sub(r"[\s\-/.]+", "_", name.strip().casefold())
        if left <= 0 or (_NOT_WORDS.search(key) and key not in _KIND_OF):
            continue
        told = _told(_kind_of(key), tuple(values)[:50], _PARTS.get(key.partition("_")[0].rstrip("s")))
        if told is not None:
            left -= len(told.text)
            found.append(told)
    return found


def _told(kind: str | None, values: tuple[str, ...], part: str | None) -> Told | None:
    words = [prose(str(value), MAX_VALUE) for value in values if _is_words(str(value).strip())]
    if part:
        words = [word if part in word.casefold() or has_han(word) else f"{word} {part}" for word in words]
    if kind == "gender":
        concepts = tuple(_GENDERS[word.casefold()] for word in words if word.casefold() in _GENDERS)
        words = [word for word in words if len(word) > 1 or not word.isascii()]
        return Told(", ".join(words), kind, concepts)
    text = ", ".join(word for word in words if word)
    concepts = tuple(
        f"size:{word.casefold()}" for word in words if kind == "size" and word.casefold() in _SIZES
    )
    return Told(text, kind, concepts) if text else None


def _kind_of(name: str) -> str | None:
    """Metafield columns carry their namespace behind the name: color (product.metafields…)."""
    return _KIND_OF.get(name) or _KIND_OF.get(name.partition("_(")[0])


def _is_words(value: str) -> bool:
    if not value or value.casefold() in _MEANINGLESS or len(value) > 20_000:
        return False
    short = value[:2_000]
    if (
        _HASH.match(short)
        or _FILE.search(short)
        or short.startswith(("http://", "https://", "data:", "gid://", "/"))
    ):
        return False
    return not (short.isdigit() and len(short) > 6)

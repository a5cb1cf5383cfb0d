"""The vocabulary of goods is well formed and knows the words that shops and shoppers use."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

import pytest

_ID = re.compile(r"[a-z]+:[a-z0-9]+(-[a-z0-9]+)*")
_HAN = re.compile("[㐀-鿿]")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a goods file."""

    id: str
    broader: tuple[str, ...]
    english: tuple[str, ...]
    chinese: tuple[str, ...]


def _split(cell: str, mark: str) -> tuple[str, ...]:
    return tuple(part for part in cell.split(mark) if part)


def _read(prefix: str) -> list[Row]:
    rows: list[Row] = []
    for file in sorted(files("core.language").joinpath("data").iterdir(), key=lambda entry: entry.name):
        if not (file.name.startswith(prefix) and file.name.endswith(".tsv")):
            continue
        for line in file.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                name, broader, english, chinese = line.split("\t")
                rows.append(Row(name, _split(broader, ","), _split(english, "|"), _split(chinese, "|")))
    return rows


@pytest.fixture(scope="module")
def goods() -> list[Row]:
    return _read("goods_")


@pytest.fixture(scope="module")
def ancestors(goods: list[Row]) -> dict[str, set[str]]:
    broader = {row.id: row.broader for row in goods}

    def above(concept: str, path: tuple[str, ...]) -> set[str]:
        assert concept not in path, f"{concept} is broader than itself"
        found: set[str] = set()
        for parent in broader.get(concept, ()):
            found |= {parent} | above(parent, (*path, concept))
        return found

    return {row.id: above(row.id, ()) for row in goods}


@pytest.fixture(scope="module")
def claims(goods: list[Row]) -> dict[str, list[str]]:
    owners: dict[str, list[str]] = {}
    for row in goods:
        for form in dict.fromkeys((*row.english, *row.chinese)):
            owners.setdefault(form, []).append(row.id)
    return owners


def test_every_concept_is_described_once(goods: list[Row]) -> None:
    ids = [row.id for row in goods]

    assert len(ids) == len(set(ids))
    assert len(ids) > 2500
    assert all(_ID.fullmatch(name) and name.startswith("kind:") for name in ids)


def test_every_broader_concept_exists(goods: list[Row]) -> None:
    known = {row.id for row in goods} | {row.id for row in _read("attributes_")}

    assert {parent for row in goods for parent in row.broader} <= known


def test_no_concept_is_broader_than_itself(ancestors: dict[str, set[str]]) -> None:
    assert all(concept not in above for concept, above in ancestors.items())


def test_forms_are_tidy_and_lower_case(goods: list[Row]) -> None:
    for row in goods:
        assert row.english, row.id
        assert all(form == form.strip().lower() for form in (*row.english, *row.chinese)), row.id
        assert not any(_HAN.search(form) for form in row.english), row.id


def test_a_form_names_two_goods_only_when_one_is_the_broader(
    claims: dict[str, list[str]], ancestors: dict[str, set[str]]
) -> None:
    clashes = {
        form: (one, other)
        for form, owners in claims.items()
        for one in owners
        for other in owners
        if one != other and one not in ancestors[other] and other not in ancestors[one]
    }

    assert clashes == {}


@pytest.mark.parametrize(
    ("form", "concept"),
    [
        ("卫衣", "kind:sweatshirt"),
        ("连帽卫衣", "kind:hoodie"),
        ("打底裤", "kind:leggings"),
        ("小白鞋", "kind:white-sneaker"),
        ("马面裙", "kind:mamianqun"),
        ("齐胸襦裙", "kind:qixiong-ruqun"),
        ("jumper", "kind:sweater"),
        ("high heels", "kind:high-heels"),
        ("口红", "kind:lipstick"),
        ("洗面奶", "kind:cleanser"),
        ("face wash", "kind:cleanser"),
        ("充电宝", "kind:power-bank"),
        ("power bank", "kind:power-bank"),
        ("空气炸锅", "kind:air-fryer"),
        ("吧台椅", "kind:bar-stool"),
        ("bar stool", "kind:bar-stool"),
        ("nightstand", "kind:bedside-table"),
        ("床头柜", "kind:bedside-table"),
        ("四件套", "kind:bedding-set"),
        ("红酒", "kind:red-wine"),
        ("red wine", "kind:red-wine"),
        ("红茶", "kind:black-tea"),
        ("black tea", "kind:black-tea"),
        ("白菜", "kind:chinese-cabbage"),
        ("黄瓜", "kind:cucumber"),
        ("橙汁", "kind:orange-juice"),
        ("紫菜", "kind:seaweed"),
        ("银耳", "kind:white-fungus"),
        ("金鱼", "kind:goldfish"),
        ("blackberry", "kind:blackberry"),
        ("white board", "kind:whiteboard"),
        ("黑板", "kind:blackboard"),
        ("猫砂", "kind:cat-litter"),
        ("stroller", "kind:stroller"),
        ("婴儿推车", "kind:stroller"),
        ("瑜伽垫", "kind:yoga-mat"),
        ("扫地机器人", "kind:robot-vacuum"),
    ],
)
def test_a_usual_wording_names_its_goods(claims: dict[str, list[str]], form: str, concept: str) -> None:
    assert claims[form] == [concept]


@pytest.mark.parametrize(
    ("concept", "broader"),
    [
        ("kind:hoodie", "kind:clothing"),
        ("kind:running-shoe", "kind:footwear"),
        ("kind:armchair", "kind:furniture"),
        ("kind:jeans", "material:denim"),
        ("kind:red-wine", "kind:food"),
        ("kind:coffee-beans", "kind:coffee"),
        ("kind:salmon", "kind:fish"),
        ("kind:hen", "kind:chicken"),
    ],
)
def test_narrow_goods_belong_to_broad_ones(
    ancestors: dict[str, set[str]], concept: str, broader: str
) -> None:
    assert broader in ancestors[concept]


@pytest.mark.parametrize(
    ("accessory", "thing"),
    [
        ("kind:tv-mount", "kind:television"),
        ("kind:camera-lens", "kind:camera"),
        ("kind:camera-accessory", "kind:camera"),
        ("kind:earphone-case", "kind:headphone"),
        ("kind:vacuum-bag", "kind:vacuum-cleaner"),
        ("kind:air-fryer-liner", "kind:air-fryer"),
        ("kind:coffee-grinder", "kind:coffee-machine"),
        ("kind:knife-sharpener", "kind:kitchen-knife"),
        ("kind:cutting-board", "kind:kitchen-knife"),
        ("kind:drill-bit", "kind:drill"),
        ("kind:curtain-rod", "kind:curtain"),
        ("kind:rug-pad", "kind:carpet"),
        ("kind:cushion-cover", "kind:cushion"),
        ("kind:pillowcase", "kind:pillow"),
        ("kind:chair-cover", "kind:chair"),
        ("kind:bed-part", "kind:bed"),
        ("kind:pen-refill", "kind:pen"),
        ("kind:ink-cartridge", "kind:printer"),
        ("kind:litter-box", "kind:cat-litter"),
        ("kind:toilet-part", "kind:toilet"),
    ],
)
def test_what_serves_a_thing_is_no_sort_of_it(
    ancestors: dict[str, set[str]], accessory: str, thing: str
) -> None:
    assert thing in ancestors
    assert thing not in ancestors[accessory]


@pytest.mark.parametrize(
    ("form", "concept"),
    [
        ("laptop accessories", "kind:computer-peripheral"),
        ("tv accessories", "kind:tv-accessory"),
        ("headphone accessories", "kind:earphone-case"),
        ("chest of 3 drawers", "kind:chest-of-drawers"),
        ("parasol base", "kind:parasol-base"),
        ("guitar stand", "kind:guitar-stand"),
        ("咖啡胶囊", "kind:coffee-capsule"),
        ("钢笔墨水", "kind:bottled-ink"),
        ("户外桌椅", "kind:outdoor-furniture"),
        ("推拉门", "kind:sliding-door"),
        ("藜麦", "kind:quinoa"),
        ("吊兰", "kind:houseplant"),
        ("changing table", "kind:changing-table"),
        ("leaf blower", "kind:leaf-blower"),
        ("chainsaw", "kind:chainsaw"),
        ("dog leash", "kind:pet-leash"),
        ("metronome", "kind:metronome"),
        ("挂烫机", "kind:garment-steamer"),
        ("厨房秤", "kind:kitchen-scale"),
        ("茶叶罐", "kind:tea-caddy"),
        ("固态硬盘", "kind:ssd"),
    ],
)
def test_what_shops_keep_apart_has_its_own_name(
    claims: dict[str, list[str]], form: str, concept: str
) -> None:
    assert claims[form] == [concept]

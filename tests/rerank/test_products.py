"""What a judge reads of a product."""

from __future__ import annotations

from core.types import Product
from rerank.products import MAX_TEXT, text_of

HANFU = Product(
    "HF-2024-087",
    title="Embroidered ruqun",
    titles={"zh": "刺绣蝴蝶齐胸襦裙"},
    description="<p>Silk blend.</p> Fits 155-165 cm.",
    category=("Clothing", "Hanfu"),
    price=199.0,
    currency="CNY",
    attributes={
        "heel height": ("5 cm",),
        "Colour": ("light pink",),
        "gender": ("F",),
        "sku_id": ("8812345",),
        "pattern": ("butterfly", "embroidery"),
    },
)


def test_the_telling_things_come_first_and_the_description_last() -> None:
    assert text_of(HANFU).split(" | ") == [
        "Embroidered ruqun",
        "刺绣蝴蝶齐胸襦裙",
        "Clothing > Hanfu",
        "color: light pink",
        "gender: women",
        "pattern: butterfly, embroidery",
        "heel height: 5 cm",
        "price: 199.00 CNY",
        "Silk blend. Fits 155-165 cm.",
    ]


def test_markup_leaves_sentences() -> None:
    markup = "<ul><li>Silk</li><li>Lined</li></ul><p>Wash cold.</p>"

    assert text_of(Product("x", description=markup)) == "Silk. Lined. Wash cold."


def test_fields_that_do_not_count_in_this_shop_are_not_read() -> None:
    assert text_of(HANFU, ("title",)) == "Embroidered ruqun | 刺绣蝴蝶齐胸襦裙 | price: 199.00 CNY"


def test_a_product_that_says_nothing_has_no_text() -> None:
    assert text_of(Product("x")) == ""


def test_what_is_said_twice_is_read_once() -> None:
    assert text_of(Product("x", title="Ruqun", titles={"en": "Ruqun"})) == "Ruqun"


def test_a_long_text_ends_with_a_whole_sentence() -> None:
    text = text_of(Product("x", title="Ruqun", description="It is made of silk. " * 300))

    assert MAX_TEXT - 30 < len(text) <= MAX_TEXT
    assert text.endswith("It is made of silk.")


def test_a_long_text_without_sentences_ends_with_a_whole_word() -> None:
    text = text_of(Product("x", title="Ruqun", description="silken " * 1_000))

    assert MAX_TEXT - 10 < len(text) <= MAX_TEXT
    assert text.endswith(" silken")


def test_a_long_text_without_words_is_cut_where_it_must() -> None:
    assert len(text_of(Product("x", title="", description="丝" * 10_000))) == MAX_TEXT


def test_the_same_attribute_of_another_product_is_not_mixed_up() -> None:
    first = text_of(Product("a", attributes={"color": ("red",)}))
    second = text_of(Product("b", attributes={"color": ("blue",)}))

    assert (first, second) == ("color: red", "color: blue")

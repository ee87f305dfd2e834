"""Tables as pictures: every text where it belongs, and small enough to be sent."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from armazem.serve.dashboard.pictures import MOST, Picture, Table, draw_table
from armazem.serve.dashboard.theme import DARK, LIGHT

TEXTS = st.text(max_size=60)


def texts(picture: Picture) -> list[str]:
    return [item["style"]["text"] for item in picture.options["graphic"] if item["type"] == "text"]


def test_all_texts_in_their_places() -> None:
    table = Table("Sellers", ("Seller", "Revenue"), (("{b} <i>", "R$ 1.00"), ("other", "R$ 20.00")), (False, True))

    picture = draw_table(table, LIGHT)

    assert texts(picture) == ["Sellers", "Seller", "Revenue", "{b} <i>", "R$ 1.00", "other", "R$ 20.00"]
    revenues = [item["style"] for item in picture.options["graphic"] if item["type"] == "text"][2::2]
    assert len({style["x"] for style in revenues}) == 1  # below each other
    assert {style["align"] for style in revenues} == {"right"}
    assert picture.ratio == 2
    assert all("rich" not in style for style in revenues)  # else {b} would be markup


@given(rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=80))
def test_any_table_fits(rows: list[tuple[str, ...]]) -> None:
    picture = draw_table(Table("All", ("a", "b", "c"), rows, (False, True, False)), DARK)

    shown = (len(texts(picture)) - 4) // 3
    assert min(1, len(rows)) <= shown <= min(MOST, len(rows))
    letters = sum(min(43, len(text)) for row in rows[:shown] for text in row)
    assert letters * picture.ratio**1.25 <= 5200
    for item in picture.options["graphic"]:
        style = item["style"]
        assert item["type"] == "line" or (0 <= style["x"] <= picture.width and 0 <= style["y"] < picture.height)
    json.dumps(picture.options)


def test_long_tables_are_cut_and_long_texts_make_fewer_rows() -> None:
    many = draw_table(Table("Many", ("a",), [("x",)] * 500, (False,)), LIGHT)
    wide = draw_table(Table("Wide", ("a", "b", "c", "d"), [("x" * 500,) * 4] * 500, (False,) * 4), LIGHT)

    assert len(texts(many)) == MOST + 2
    assert 20 <= (len(texts(wide)) - 5) // 4 < MOST
    assert wide.width < 4 * 400

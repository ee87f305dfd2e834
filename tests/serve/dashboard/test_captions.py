"""What pictures say of themselves: their filters, period and source; texts of the data are only texts."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from armazem.serve.dashboard.captions import Caption, filters_of, of_picture, picture_script, source_of
from armazem.serve.dashboard.theme import LIGHT
from armazem.serve.dashboard.view import View

DAY, LAST = date(2026, 1, 1), date(2026, 10, 31)


@pytest.mark.parametrize(
    ("view", "said"),
    [
        (View(), "all dates · by month"),
        (View(DAY, LAST, "week"), "1 Jan 2026 – 31 Oct 2026 · by week"),
        (View(DAY, LAST, locale="pt-BR"), "01/01/2026 – 31/10/2026 · by month"),
        (View(DAY), "from 1 Jan 2026 · by month"),
        (View(end=LAST), "until 31 Oct 2026 · by month"),
        (View(state="SP", category="toys", seller="s1"),
         "all dates · by month · state SP · category toys · seller s1"),
    ],
)  # fmt: skip
def test_filters_in_words(view: View, said: str) -> None:
    assert filters_of(view) == said


def test_the_source_and_the_hints() -> None:
    now = datetime(2026, 11, 29, 1, 2, tzinfo=UTC)
    assert source_of("20261128T1", now) == "Source: Armazém, build 20261128T1, drawn 2026-11-29 01:02 UTC"
    assert of_picture("Sellers by revenue. Click a row for its seller.") == "Sellers by revenue."
    assert of_picture("Share of revenue. Click a bar to filter by it.") == "Share of revenue."
    assert of_picture("") == ""


@pytest.mark.parametrize("text", ['"; alert(1); "', "</script>", "SAID", "{b}", "\u2028"])
def test_texts_are_no_code(text: str) -> None:
    script = picture_script(7, 2, "x", Caption(text, (text, "", text), text), LIGHT)
    said = script.partition("const said = ")[2].partition(", chart = getElement")[0]
    given = json.loads(said)
    assert (given["title"], given["lines"], given["source"]) == (text, [text, text], text)
    assert script.count("alert(1)") == said.count("alert(1)")

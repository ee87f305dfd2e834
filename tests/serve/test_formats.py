"""Answers in three formats: data is shown as it is, whatever it looks like."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from armazem.errors import QueryError
from armazem.kpis.formats import print_table, to_csv, to_json
from armazem.targets.rows import Rows

AT = datetime(2018, 1, 2, 3, tzinfo=UTC)
ROWS = Rows(
    ("text", "money", "day", "at", "flag"),
    (
        (
            "nota [/10] [red]x",
            Decimal("12345678901234567.89"),
            date(2018, 1, 2),
            datetime(2018, 1, 2, 3, tzinfo=UTC),
            True,
        ),
        (None, None, None, None, None),
    ),
)


def test_a_table_shows_brackets_as_they_are() -> None:
    text = io.StringIO()
    print_table(Console(file=text, width=200), ROWS, "title [/b]")
    assert "nota [/10] [red]x" in text.getvalue()
    assert "title [/b]" in text.getvalue()


def test_json_keeps_every_digit() -> None:
    text = to_json(ROWS)
    assert "12345678901234567.89" in text
    first, second = json.loads(text)
    assert (first["day"], first["at"], first["flag"]) == ("2018-01-02", "2018-01-02T03:00:00Z", True)
    assert set(second.values()) == {None}


def test_json_refuses_two_columns_of_one_name() -> None:
    with pytest.raises(QueryError, match="same name"):
        to_json(Rows(("a", "a"), ((1, 2),)))


def test_csv_is_quoted_and_null_is_empty() -> None:
    lines = to_csv(ROWS).splitlines()
    assert lines[0] == "text,money,day,at,flag"
    assert lines[1] == "nota [/10] [red]x,12345678901234567.89,2018-01-02,2018-01-02T03:00:00+00:00,true"
    assert lines[2] == ",,,,"


FORMULAS = ("=1+1", "+55 11", "-", "-2+3", "@sum(a1)", "\t=1", "\r=1", "\n=1", "a\r=1", '=cmd|" /C calc"!A0', "=\u00e9")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_downloaded_text_is_no_formula(text: str) -> None:
    """As it is opened in a spreadsheet; for programs `exact` leaves it as it is."""
    rows = Rows((text, "number"), ((text, Decimal("-1.50")), ([text], -2), ("a=1", -1.5)))
    written = list(csv.reader(io.StringIO(to_csv(rows), newline="")))
    safe = text if text.startswith("a") else f"'{text}"
    assert written[0] == [safe, "number"]
    assert written[1] == [safe, "-1.50"]  # a number stays one
    assert not written[2][0].startswith(("=", "+", "-", "@")) and written[2][1] == "-2"
    assert written[3] == ["a=1", "-1.5"]
    exact = list(csv.reader(io.StringIO(to_csv(rows, exact=True), newline="")))
    assert exact[:2] == [[text, "number"], [text, "-1.50"]]

"""How numbers, money, shares and dates are written in both locales."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from armazem.serve.dashboard.formats import Format

EN, PT = Format("en"), Format("pt-BR")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (EN.number(1234567), "1,234,567"),
        (PT.number(1234567), "1.234.567"),
        (EN.number(Decimal("0.125"), 2), "0.13"),  # half up, as on an invoice
        (EN.money(Decimal("1234.5")), "R$\u202f1,234.50"),
        (PT.money(Decimal("1234.5")), "R$\u202f1.234,50"),
        (PT.money(Decimal("-0.01")), "-R$\u202f0,01"),
        (EN.compact(999), "999"),
        (EN.compact(1000), "1.00K"),
        (EN.compact(15_726_940), "15.7M"),
        (PT.compact(15_726_940), "15,7 mi"),
        (PT.compact(4_321), "4,32 mil"),
        (EN.compact(Decimal("1234567890.12")), "1.23B"),
        (EN.compact_money(Decimal("10900000")), "R$\u202f10.9M"),
        (EN.percent(Decimal("0.0734")), "7.3%"),
        (PT.percent(0.5), "50,0%"),
        (EN.change(1.379), "+137.9%"),
        (PT.change(-0.006), "−0,6%"),
        (EN.change(0), "0.0%"),
        (EN.points(0.012), "+1.2 pp"),
        (PT.points(Decimal("-0.0123")), "−1,2 p.p."),
        (EN.points(None), "–"),
        (EN.dates(dt.date(2017, 10, 8), dt.date(2017, 10, 9)), "8 Oct 2017 – 9 Oct 2017"),
        (PT.dates(dt.date(2017, 10, 8), dt.date(2017, 10, 8)), "08/10/2017"),
        (EN.days(12.54), "12.5 days"),
        (PT.days(12.54), "12,5 days"),
        (EN.date(dt.date(2017, 10, 8)), "8 Oct 2017"),
        (PT.date(dt.date(2017, 10, 8)), "08/10/2017"),
        (EN.datetime(dt.datetime(2017, 10, 8, 7, 5)), "8 Oct 2017 07:05"),
        (EN.period(dt.date(2018, 2, 1), "month"), "Feb 2018"),
        (PT.period(dt.date(2018, 2, 1), "month"), "fev/2018"),
        (EN.period(dt.date(2018, 2, 5), "week"), "5 Feb 18"),
        (EN.ago(dt.timedelta(seconds=59)), "just now"),
        (PT.ago(dt.timedelta(minutes=61)), "1 h ago"),
        (EN.ago(dt.timedelta(days=3, hours=5)), "3 d ago"),
        (EN.ago(dt.timedelta(seconds=-5)), "just now"),
    ],
)
def test_written(written: str, expected: str) -> None:
    assert written == expected


def test_nothing_is_a_dash() -> None:
    assert {EN.number(None), EN.money(None), PT.percent(None), EN.change(None), EN.date(None), EN.days(None)} == {"–"}
    assert {EN.compact(None), EN.compact_money(None), EN.datetime(None)} == {"–"}


@given(st.decimals(-(10**9), 10**9, places=2))
def test_no_digit_of_an_amount_is_lost(amount: Decimal) -> None:
    for form, point, group in ((EN, ".", ","), (PT, ",", ".")):
        text = form.money(amount).replace("R$\u202f", "").replace(group, "").replace(point, ".")
        assert Decimal(text) == amount


@given(st.integers(0, 10**12))
def test_three_digits_are_enough_for_a_card(value: int) -> None:
    digits = [character for character in EN.compact(value) if character.isdigit()]
    assert len(digits) <= 4 and EN.compact(value)[0] != "-"

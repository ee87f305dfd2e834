"""The reference itself: cleaning and rounding."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from .cleaning import cents, city, identifier, zip_prefix
from .dims import most_frequent
from .rounding import growth, quantile, rounded


def test_rounding_is_half_away_from_zero() -> None:
    assert rounded(Fraction(5, 1000)) == Decimal("0.01")
    assert rounded(Fraction(-5, 1000)) == Decimal("-0.01")
    assert rounded(Fraction(-4999, 10**6)) == Decimal(0)
    assert rounded(Fraction(25, 1000), 1) == Decimal("0.0")
    assert str(rounded(Fraction(3), 4)) == "3.0000"
    assert growth(159998, 160000) == Decimal("0.00")  # -0.00125 %
    assert growth(7999, 8000) == Decimal("-0.01")  # -0.0125 %
    assert growth(1597, 1600) == Decimal("-0.19")  # -0.1875 %
    assert growth(795, 800) == Decimal("-0.63")  # -0.625 %: a half
    assert growth(805, 800) == Decimal("0.63")
    assert growth(5, 0) is None
    assert growth(5, None) is None


def test_quantiles_interpolate() -> None:
    assert quantile([40, 10, 30, 20], Fraction(1, 2)) == 25
    assert quantile([40, 10, 30, 20], Fraction(9, 10)) == 37  # position 2.7
    assert quantile([7], Fraction(9, 10)) == 7


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        (" São  Paulo ", "sao paulo"),
        ("sao paulo / sao paulo", "sao paulo"),
        ("sao paulo - sp", "sao paulo"),
        ("londrina-pr", "londrina"),
        ("embu-guacu", "embu-guacu"),
        ("pau d\u00b4alho", "pau d'alho"),
        ("olho d\u2019agua", "olho d'agua"),
        ("vila d'areia (porto novo)", "vila d'areia"),
        ("niteroi \\rio", "niteroi"),
        ("gramado, rio grande do sul, brasil", "gramado"),
        ("01234567", None),
        ("0123 4567", None),
        ("vendas@loja.com.br", None),
        ("/ sp", None),
        ("  ", None),
        ("quilometro 14 do mutum", "quilometro 14 do mutum"),
    ],
)
def test_city(raw: str, clean: str | None) -> None:
    assert city(raw) == clean


def test_other_cleaning() -> None:
    assert [zip_prefix(raw) for raw in ("1037", "01037", "01037-010", "1037010", "103701", "", "n/a")] == [
        *("01037", "01037", "01037", "01037"),
        *("00103", None, None),
    ]
    assert {zip_prefix(raw) for raw in ("1037.0", "1037.000000", "1037,0", "1037.00 ", "01.037-000")} == {"01037"}
    assert identifier(" 0F8FAD5B-D9CB-469F-A165-70867728950e ") == "0f8fad5bd9cb469fa16570867728950e"
    assert identifier(" SP-1-23 ") == "SP-1-23"
    assert identifier("0F8FAD5BD9CB469FA16570867728950E") == "0F8FAD5BD9CB469FA16570867728950E"
    assert cents("1.005") == 101
    assert cents("") == 0


def test_most_frequent_name() -> None:
    assert most_frequent(["b", "a"]) == most_frequent(["a", "b"]) == "a"
    assert most_frequent(["b", "a", "b"]) == "b"
    assert most_frequent([None, None, "z"]) == "z"
    assert most_frequent([None]) is None

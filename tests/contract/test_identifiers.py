"""Identifiers: what is the same, what is refused, and that Python and RE2 see the same characters."""

from __future__ import annotations

import unicodedata

import duckdb
import pytest

from armazem.contract.identifiers import INVISIBLE, canonical, fault, re2_class
from armazem.contract.nulls import is_null


@pytest.mark.parametrize(
    ("sent", "compared"),
    [
        ("0A1B2C3D-0000-4000-8000-ABCDEF012345", "0a1b2c3d000040008000abcdef012345"),
        ("SP-1-23", "SP-1-23"),
        ("SP-12-3", "SP-12-3"),
        ("AbC1", "AbC1"),
        ("0A1B2C3D000040008000ABCDEF012345", "0A1B2C3D000040008000ABCDEF012345"),
        ("0a1b2c3d-0000-4000-8000-abcdef01234g", "0a1b2c3d-0000-4000-8000-abcdef01234g"),
        ("0a1b2c3d0-000-4000-8000-abcdef012345", "0a1b2c3d0-000-4000-8000-abcdef012345"),
    ],
)
def test_only_a_uuid_loses_dashes_and_capitals(sent: str, compared: str) -> None:
    assert canonical(sent) == compared


@pytest.mark.parametrize(
    "identifier",
    [
        "",
        "5,72613E+12",
        "5.72613E+0012",
        "a b",
        "a\u200bb",
        "\ufeffs2",
        "a\u2060",
        "a\u00adb",
        "a\tb",
        "a\x00",
        "5.72613E+12",
        "1e+16",
        "9" * 65,
    ],
)
def test_what_no_identifier_is(identifier: str) -> None:
    assert fault(identifier)


@pytest.mark.parametrize(
    "identifier", ["SP-1-23", "1001", "1234e5678", "pão", "naïve_1", "日本", "9" * 64, "1.5", "a+b"]
)
def test_what_an_identifier_may_be(identifier: str) -> None:
    assert fault(identifier) is None


def test_python_and_re2_see_the_same_characters() -> None:
    known = {code for first, last in INVISIBLE for code in range(first, last + 1)}
    characters = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    with duckdb.connect() as connection:
        connection.execute("create table characters as select unnest(?) as one", [characters])
        query = "select one from characters where regexp_matches(one, ?)"
        found = {ord(one) for (one,) in connection.execute(query, [re2_class()]).fetchall()}
    assert found == known - {0}  # DuckDB's texts have NUL too, but its regular expressions end there
    assert {ord(one) for one in characters if fault(one)} == known - {0}
    hidden = {ord(c) for c in characters if c.isspace() or unicodedata.category(c) in ("Cc", "Cf", "Zs", "Zl", "Zp")}
    assert hidden <= known


@pytest.mark.parametrize("word", ["NULL", "nan", r"\N", "None", "N/A", "NaT", "-", " null ", "", "0000-00-00 00:00:00"])
def test_words_that_mean_null(word: str) -> None:
    assert is_null(word)


@pytest.mark.parametrize("word", ["nulo", "Nan Goldin", "0", "--", "n", "NA"])
def test_words_that_do_not(word: str) -> None:
    assert not is_null(word)

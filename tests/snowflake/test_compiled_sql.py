"""The SQL of dbt for Snowflake, as compiled and as run: nothing is in it that Snowflake is known to refuse."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from .conftest import Twin
from .dialect import faults

pytestmark = pytest.mark.xdist_group("snowflake")


def files(twins: dict[str, Twin]) -> Iterator[Path]:
    for twin in twins.values():
        for folder in twin.sql:
            yield from sorted(folder.rglob("*.sql"))


def test_every_statement_is_of_snowflake(twins: dict[str, Twin]) -> None:
    found = list(files(twins))
    assert len(found) > 400
    wrong = {f"{path.parts[-4:]}": said for path in found if (said := faults(path.read_text(encoding="utf-8")))}
    assert wrong == {}


def test_an_incremental_build_merges(twins: dict[str, Twin]) -> None:
    merges = {}
    for name, twin in twins.items():
        texts = [path.read_text(encoding="utf-8") for path in twin.sql[1].rglob("*.sql")]
        merges[name] = sum("merge into" in text for text in texts)
    assert merges == {"first": 0, "second": merges["second"], "events": merges["second"]}
    assert merges["second"] > 15


def test_accents_are_stripped_of_the_letters_of_europe(twins: dict[str, Twin]) -> None:
    [model] = twins["first"].sql[0].rglob("stg_customers.sql")
    tree = sqlglot.parse_one(model.read_text(encoding="utf-8"), read="snowflake")
    call = next(tree.find_all(exp.Translate))
    letters, plain = call.args["from_"].name, call.args["to"].name
    table = {ord(letter): plain[place] if place < len(plain) else None for place, letter in enumerate(letters)}
    expected = {}
    for letter in map(chr, range(0xC0, 0x180)):
        first, *marks = unicodedata.normalize("NFD", letter)
        if marks and first.isascii():
            expected[letter] = first
            assert unicodedata.normalize("NFD", letter).translate(table) == first
    assert {letter: letter.translate(table) for letter in expected} == expected
    assert len(expected) == len(plain)

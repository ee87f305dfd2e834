"""The comparison finds what differs, and nothing else."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from .compare import differences, same

KEY = ("a",)


@pytest.mark.parametrize(
    ("want", "got"), [(Decimal("1.00"), 1), (None, None), (True, True), ("x", "x"), (date(2018, 1, 1),) * 2]
)
def test_same(want: object, got: object) -> None:
    assert same(want, got)


@pytest.mark.parametrize(
    ("want", "got"),
    [
        (Decimal("1.01"), 1),
        (Decimal("0.5"), 0.5),
        (1, True),
        (0, None),
        (False, None),
        ("", None),
        (date(2018, 1, 1), "2018-01-01"),
        (date(2018, 1, 1), datetime(2018, 1, 1)),
        ("1", 1),
    ],
)
def test_not_same(want: object, got: object) -> None:
    assert not same(want, got)
    assert not same(got, want)


def test_equal_tables_in_any_order() -> None:
    rows: list[dict[str, object]] = [{"a": None, "b": 1}, {"a": 1, "b": None}]
    assert differences(rows, rows[::-1], KEY) == []
    assert differences([], [], KEY) == []


def test_keys_and_columns() -> None:
    found = differences([{"a": 1, "b": 2}, {"a": 2, "b": 2}], [{"a": 1, "c": 3}, {"a": 3, "c": 3}], KEY)
    assert found == ["missing column b", "extra column c", "1 missing keys: (2)", "1 extra keys: (3)"]
    assert differences([{"a": 1}], [{"a": 1}, {"a": 1}], KEY) == ["1 duplicate actual keys: (1)"]
    assert differences([{"a": 1}], [], KEY) == ["1 missing keys: (1)"]
    assert differences([], [{"a": 1}], KEY) == ["1 extra keys: (1)"]
    assert differences([{"a": 1}], [{"a": 1, "b": 2}], KEY, ignore=["b"]) == []
    assert differences([{"a": 1}], [{"b": 1}], KEY) == ["missing column a", "extra column b"]


def test_cells_and_loose_text() -> None:
    assert differences([{"a": 1, "b": "x"}], [{"a": 1, "b": None}], KEY) == ["a=1: b: expected 'x', got None"]
    text, folded = [{"a": 1, "b": "x\r\ny"}], [{"a": 1, "b": "x y "}]
    assert len(differences(text, folded, KEY)) == 1
    assert differences(text, folded, KEY, loose=["b"]) == []


def test_the_first_twenty_cells() -> None:
    expected, actual = [{"a": n, "b": n} for n in range(25)], [{"a": n, "b": -1} for n in range(25)]
    found = differences(expected, actual, KEY)
    assert len(found) == 21
    assert found[-1] == "… and 5 more differing cells, 25 in all"

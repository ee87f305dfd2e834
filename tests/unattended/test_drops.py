"""Which files belong together, and when they have come whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from armazem.unattended.drops import Drop, Item, Settling, drops
from armazem.unattended.isolate import isolate

ARCHIVES = (".zip", ".tar.gz")


def item(path: str, version: str = "1", modified: float = 0.0) -> Item:
    return Item(path, 10, version, modified)


def places(found: list[Drop]) -> list[tuple[str, list[str]]]:
    return [(drop.place, [one.path for one in drop.items]) for drop in found]


def test_a_folder_an_archive_and_loose_files() -> None:
    found = drops(
        [
            item("orders.csv", modified=3), item("items.csv", modified=3), item("notes.txt"),
            item("day1/orders.csv.gz", modified=1), item("day1/sellers.parquet", modified=1),
            item("day2.zip", modified=2), item("a/b/orders.csv", modified=4),
        ],
        {}, ARCHIVES,
    )  # fmt: skip
    assert places(found) == [
        ("day1", ["day1/orders.csv.gz", "day1/sellers.parquet"]),
        ("day2.zip", ["day2.zip"]),
        ("", ["items.csv", "orders.csv"]),
        ("a/b", ["a/b/orders.csv"]),
    ]


def test_what_somebody_is_still_writing() -> None:
    found = drops([item("day1/orders.csv"), item("day1/items.csv.part"), item("day2/orders.csv")], {}, ARCHIVES)
    assert places(found) == [("day2", ["day2/orders.csv"])]
    hidden = [item(".orders.csv"), item("_tmp/orders.csv"), item("day1/.x/orders.csv"), item("orders.csv~")]
    assert drops(hidden, {}, ARCHIVES) == []


def test_only_what_is_new() -> None:
    items = [item("day1/orders.csv"), item("day1/items.csv", version="2")]
    handled = {"day1/orders.csv": "1", "day1/items.csv": "1"}
    assert places(drops(items, handled, ARCHIVES)) == [("day1", ["day1/items.csv"])]


def test_files_that_were_refused_together_are_tried_again_together() -> None:
    items = [item("day1/orders.csv", version="2"), item("day1/items.csv"), item("day1/sellers.csv")]
    handled = {"day1/orders.csv": "1", "day1/items.csv": "1", "day1/sellers.csv": "1"}
    refused = {"day1/orders.csv", "day1/items.csv"}
    [drop] = drops(items, handled, ARCHIVES, refused)
    assert {one.path for one in drop.items} == refused
    assert drops([item("day1/orders.csv"), *items[1:]], handled, ARCHIVES, refused) == []  # nothing was mended


def test_a_name_that_is_no_text() -> None:
    odd = item(b"day1/pedidos_mar\xe7o.csv".decode("utf-8", "surrogateescape"))
    assert odd.shown == "day1/pedidos_mar\\xe7o.csv"
    assert drops([odd], {odd.shown: "1"}, ARCHIVES) == []


def test_two_files_for_one_table_come_one_after_the_other() -> None:
    items = [item("orders-2026-01-02.csv", modified=2), item("orders-2026-01-01.csv", modified=1), item("sellers.csv")]
    assert places(drops(items, {}, ARCHIVES)) == [
        ("", ["sellers.csv", "orders-2026-01-01.csv"]),
        ("", ["orders-2026-01-02.csv"]),
    ]


def test_a_folder_settles_as_a_whole() -> None:
    settling = Settling(10)
    first = drops([item("day1/orders.csv")], {}, ARCHIVES)
    assert settling.whole(first, 0) == settling.whole(first, 9.9) == []
    # A second file comes: none of it is whole for another ten seconds.
    both = drops([item("day1/orders.csv"), item("day1/items.csv")], {}, ARCHIVES)
    assert settling.whole(both, 9.95) == settling.whole(both, 19.9) == []
    grown = drops([item("day1/orders.csv"), item("day1/items.csv", version="2")], {}, ARCHIVES)
    assert settling.whole(grown, 19.95) == settling.whole(grown, 29.9) == []
    assert settling.whole(grown, 30) == grown


def test_a_folder_that_says_it_is_whole() -> None:
    found = drops([item("day1/orders.csv"), item("day1/_SUCCESS"), item("day2/orders.csv")], {}, ARCHIVES)
    assert [drop.place for drop in Settling(10).whole(found, 0)] == ["day1"]
    # It says nothing of what comes after it.
    later = drops([item("day1/orders.csv", modified=5), item("day1/_SUCCESS", modified=4)], {}, ARCHIVES)
    assert Settling(10).whole(later, 0) == []


@given(st.sets(st.integers(0, 40), max_size=6), st.integers(1, 41))
def test_what_is_poisoned_is_held_and_all_else_is_published(poisoned: set[int], count: int) -> None:
    loads = [f"{number:03}" for number in range(count)]
    bad = {loads[number] for number in poisoned if number < count}
    published: list[str] = []
    builds = 0

    def attempt(tried: list[str] | tuple[str, ...]) -> bool:
        nonlocal builds
        builds += 1
        if bad & {*tried}:
            return False
        published.extend(tried)
        return True

    held = isolate(loads, attempt) if bad else []
    if bad:
        assert set(held) == bad
        assert sorted(published) == [load for load in loads if load not in bad]
        assert len(published) == len(set(published))
        assert builds <= 2 * len(bad) * max(1, count.bit_length()) + 1


def test_a_load_that_comes_before_what_it_belongs_to() -> None:
    """Items that were loaded before their orders fail alone, and pass once the orders are there."""
    there: set[str] = set()

    def attempt(tried: list[str] | tuple[str, ...]) -> bool:
        if "poison" in tried or ("items" in tried and not {"orders"} <= there | {*tried}):
            return False
        there.update(tried)
        return True

    assert isolate(["items", "poison", "other", "orders"], attempt) == ["items", "poison"]
    assert isolate(["items", "other", "orders"], attempt) == []

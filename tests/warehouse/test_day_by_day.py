"""Extracts loaded and built one after the other give the tables that one load and one full build give."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from reference import KEYS, compute, differences, schema_of
from soak import LONG, NUMBERS, only_in_soak

from armazem.build.run import AuditFailed
from armazem.shop.history import generate

from . import history
from .shop import Shop, differing

CUT_OFF = {"stg_order_items_audit", "stg_order_payments_audit"}

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("day by day")]


def at_once(shop: Shop, folder: Path) -> Mapping[str, str]:
    """Checksums after one load and one build in an empty home folder."""
    shop.reset()
    shop.load(folder)
    assert "first build" in shop.build().reason
    return shop.checksums()


def assert_reference(shop: Shop, folders: list[Path]) -> None:
    expected = compute(folders)
    for table, key in KEYS.items():
        assert differences(expected[table], shop.rows(f"{schema_of(table)}.{table}"), key) == [], table


def test_in_any_order(shop: Shop, tmp_path: Path, history_seed: int, report: Callable[..., None]) -> None:
    rng = random.Random(history_seed)
    whole = tmp_path / "whole"
    generate(whole, orders=rng.randint(60, 120), seed=history_seed)
    extracts = history.by_day(history.read(whole), rng.randint(3, 4) if NUMBERS is LONG else 2, rng)
    folders = [history.write(tmp_path / f"day-{day}", extract) for day, extract in enumerate(extracts)]
    rng.shuffle(folders)

    shop.reset()
    for folder in folders:
        shop.load(folder)
        reason = shop.build().reason
    assert "incremental" in reason
    day_by_day = shop.checksums()
    assert differing(day_by_day, at_once(shop, whole)) == []
    assert_reference(shop, [whole])
    report("day by day in any order", seed=history_seed, builds=len(folders) + 1)


@only_in_soak  # in small: test_the_way_does_not_matter, with events among the files
def test_late_updates(shop: Shop, tmp_path: Path, history_seed: int, report: Callable[..., None]) -> None:
    rng = random.Random(1000 + history_seed)
    final = tmp_path / "final"
    generate(final, orders=rng.randint(60, 120), seed=1000 + history_seed)
    tables = history.read(final)
    extracts = history.as_it_happened(tables, 3, rng)
    extracts = [extract for extract in extracts if extract]
    folders = [history.write(tmp_path / f"extract-{number}", extract) for number, extract in enumerate(extracts)]
    assert sum(len(extract.get(history.ORDERS, [])) for extract in extracts) > len(tables[history.ORDERS])

    shop.reset()
    builds = refusals = 0
    for folder in folders:
        shop.load(folder, partial=True)
        if folder is not folders[-1] and rng.random() < 0.3:
            continue  # two loads in one build
        try:
            shop.build()
        except AuditFailed as refused:
            # Payments or items came before most of their orders. What was refused is taken in with what comes next.
            assert folder is not folders[-1]
            failed = [test for test in refused.report.tests if test.status == "fail"]
            assert {test.test for test in failed} <= CUT_OFF
            errors = [check for test in failed for check in test.failed_checks.split(", ") if "(warning)" not in check]
            assert all(check.startswith("order_id_exists ") for check in errors), errors
            refusals += 1
        else:
            builds += 1
    as_it_happened = shop.checksums()
    assert_reference(shop, folders)
    assert differing(as_it_happened, at_once(shop, final)) == []
    report("late updates", seed=history_seed, builds=builds + 1, refused_builds=refusals)

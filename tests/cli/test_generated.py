"""Until when generated data go: yesterday, a given day, or as far as what a home folder has already."""

from __future__ import annotations

import csv
import shutil
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from warehouse.shop import Shop, armazem

from armazem.cli.generated import generate_files, generated, yesterday
from armazem.config import load_settings
from armazem.errors import ArmazemError
from armazem.landing import load

ORDERS = 40


def last_order(folder: Path) -> date:
    with (folder / "olist_orders_dataset.csv").open(encoding="utf-8") as file:
        return max(date.fromisoformat(row["order_purchase_timestamp"][:10]) for row in csv.DictReader(file))


def test_by_default_until_yesterday_in_business_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for zone in ("America/Sao_Paulo", "Pacific/Kiritimati", "Pacific/Pago_Pago"):
        before = datetime.now(ZoneInfo(zone)).date()
        monkeypatch.setenv("ARMAZEM_TIME_ZONE", zone)
        done = armazem("generate", tmp_path / "out", "--orders", 5)
        after = datetime.now(ZoneInfo(zone)).date()
        assert done.code == 0, done
        assert last_order(tmp_path / "out") in (before - timedelta(days=1), after - timedelta(days=1))


def test_until_a_day_twice_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert armazem("generate", tmp_path / name, "--orders", 50, "--until", "2025-12-31").code == 0
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    assert last_order(tmp_path / "one") == date(2025, 12, 31)


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "31/12/2025", "1999-12-31", "2201-01-01", ""])
def test_what_is_no_day_is_wrong_use(tmp_path: Path, day: str) -> None:
    for command in (("generate", tmp_path / "out"), ("up", "--no-serve")):
        answer = armazem(*command, "--until", day)
        assert answer.code == 2 and "--until" in answer.err
    assert not (tmp_path / "out").exists()


def test_data_of_ones_own_end_when_they_end(tmp_path: Path) -> None:
    answer = armazem("up", "--data", tmp_path, "--until", "2025-01-01")
    assert answer.code == 2 and "exclude each other" in answer.err


def test_a_home_goes_on_with_what_it_has(tmp_path: Path) -> None:
    """Tomorrow too, without a second copy of the orders at other times, and where the files were deleted."""
    settings = load_settings(home=tmp_path / "home")
    first = generated(settings, ORDERS, 7, date(2026, 3, 31))
    assert last_order(first) == date(2026, 3, 31)
    assert generated(settings, ORDERS, 7, None) == first == generated(settings, ORDERS, 7, date(2026, 3, 31))
    with pytest.raises(ArmazemError, match="until 2026-03-31 already"):
        generated(settings, ORDERS, 7, date(2026, 4, 1))
    # The ids of one seed are the same however many there are: they would move in time.
    assert last_order(generated(settings, ORDERS + 1, 7, None)) == date(2026, 3, 31)
    assert last_order(generated(settings, ORDERS, 8, None)) == yesterday(settings)
    load(first, settings.home_folder)
    shutil.rmtree(first)
    assert generated(settings, ORDERS, 7, None) == first and last_order(first) == date(2026, 3, 31)


def test_a_home_of_before_there_was_a_choice_keeps_its_data(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path / "home")
    older = settings.home_folder.open().root / "generated" / f"{ORDERS}-orders-seed-7"
    generate_files(older, ORDERS, 7, date(2018, 10, 17))
    (older / ".complete").touch()
    assert generated(settings, ORDERS, 7, None) == older == generated(settings, ORDERS, 7, date(2018, 10, 17))
    with pytest.raises(ArmazemError, match="until 2018-10-17 already"):
        generated(settings, ORDERS, 7, date(2026, 4, 1))


def test_up_on_another_day_loads_nothing(tmp_path: Path) -> None:
    shop = Shop(tmp_path / "home")
    for arguments in (("--until", "2026-03-31"), ()):
        done = shop.armazem("up", "--orders", ORDERS, "--no-serve", *arguments)
        assert done.code == 0, done
    assert shop.armazem("sql", "select count(*), max(order_purchase_timestamp)::date from marts.fact_orders",
                        "--format", "csv").out.splitlines()[1] == f"{ORDERS},2026-03-31"  # fmt: skip
    assert len(list(shop.home.loads.iterdir())) == 1
    refused = shop.armazem("up", "--orders", ORDERS, "--no-serve", "--until", "2026-04-01")
    assert refused.code == 1 and "until 2026-03-31 already" in refused.err

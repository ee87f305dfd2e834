"""`armazem dbt` as who changes a model uses it: dbt's own answers, and nothing published."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest
from contract.event_examples import canonical, order, order_initiated

from armazem.config import Settings
from armazem.intake.ingest import Ingest
from armazem.shop.history import generate
from armazem.targets.duckdb.versions import version_file

from .shop import Answer, Shop, ended, start

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("dbt command")]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("dbt")
    generate(folder / "in", orders=200, seed=1)
    shop = Shop(folder / "home")
    shop.load(folder / "in")
    ingest(shop, "built")
    shop.build()
    ingest(shop, "new")
    return shop


def ingest(shop: Shop, order_id: str) -> None:
    with Ingest(shop.home, Settings(home=shop.path)) as writer:
        message = canonical(order_initiated(order(order_id=order_id), [], [], event_id=order_id))
        assert writer.submit([message], "ingest").result().accepted == 1


def dbt(shop: Shop, *arguments: str) -> Answer:
    """In a process of its own; nothing of it may be left, and nothing published."""
    before = (shop.current, version_file(shop.home, shop.current).stat().st_mtime_ns)
    answer = ended(start("--home", shop.path, "dbt", *arguments))
    assert list(shop.path.glob("dbt-copy-*")) == []
    assert (shop.current, version_file(shop.home, shop.current).stat().st_mtime_ns) == before
    return answer


@pytest.mark.parametrize(("more", "events"), [([], 0), (["--full-refresh"], 2)], ids=["increment", "full refresh"])
def test_show(shop: Shop, more: list[str], events: int) -> None:
    """Without a full refresh nothing counts as new, also no event that came after the build."""
    query = (
        "select count(*) as orders, (select count(*) from {{ source('raw', 'orders') }}) as loaded, "
        "(select count(*) from intermediate.int_new_events) as events from {{ ref('fact_orders') }}"
    )
    answer = dbt(shop, "--no-use-colors", "show", *more, "--output", "json", "--inline", query)
    assert answer.code == 0, answer.out
    shown = json.loads(answer.out[answer.out.index("{") :])["show"]
    assert shown == [{"orders": 201, "loaded": 200, "events": events}]


@pytest.mark.parametrize(
    "more", [["--select", "+agg_sales_trend"], ["--full-refresh"]], ids=["increment", "full refresh"]
)
def test_build(shop: Shop, more: list[str]) -> None:
    answer = dbt(shop, "build", "--exclude-resource-type", "unit_test", *more)
    assert answer.code == 0, answer.out
    assert "agg_sales_trend_audit" in answer.out
    assert "ERROR=0" in answer.out


def test_docs(shop: Shop) -> None:
    answer = dbt(shop, "docs", "generate")
    assert answer.code == 0, answer.out
    catalog = json.loads((shop.path / "dbt-target" / "catalog.json").read_text(encoding="utf-8"))
    assert "order_id" in catalog["nodes"]["model.armazem.fact_orders"]["columns"]
    assert (shop.path / "dbt-target" / "index.html").exists()


def test_what_fails(shop: Shop) -> None:
    assert dbt(shop, "show", "--inline", "select no_such_column").code == 1
    wrong = dbt(shop, "bild")
    assert (wrong.code, "bild" in wrong.err, "armazem dbt --help" in wrong.err) == (1, True, True)


def test_a_copy_that_was_left_is_cleared_up(shop: Shop) -> None:
    killed = start("--home", shop.path, "dbt", "show", "--inline", "select 1 as one")
    while not list(shop.path.glob("dbt-copy-*")):
        assert killed.poll() is None
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert list(shop.path.glob("dbt-copy-*"))
    assert (
        dbt(shop, "list", "--select", "agg_sales_trend", "--resource-type", "model")
        .out.split()[-1]
        .endswith("agg_sales_trend")
    )


def test_nothing_is_published_yet(tmp_path: Path) -> None:
    answer = ended(start("--home", tmp_path / "home", "dbt", "debug"))
    assert answer.code == 1
    (tmp_path / "home").mkdir()
    answer = ended(start("--home", tmp_path / "home", "dbt", "debug"))
    assert (answer.code, "armazem build" in answer.err) == (1, True)

"""On BigQuery too: what fails its audit is never seen, what passed can be taken back, and errors are clear."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from emulator import Emulator, Proxy, bigquery_error
from golden import Golden
from soak import only_in_soak
from warehouse.test_publishing import cut_orders, from_the_future, payments_in_cents

from armazem.build.run import BuildRequest, build
from armazem.errors import CloudError, QueryError
from armazem.shop.history import generate
from armazem.targets.bigquery import tables
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.lock import build_lock

from .twins import Cloud

pytestmark = pytest.mark.xdist_group("publishing on bigquery")
IN_SOAK = (only_in_soak, pytest.mark.slow)


@pytest.fixture(scope="module")
def extracts(golden: Golden) -> tuple[Path, Path]:
    return golden.first, golden.second


@pytest.fixture(scope="module")
def published(emulator: Emulator, cloud_home: Path, extracts: tuple[Path, Path]) -> Cloud:
    cloud = Cloud.of(emulator, cloud_home, bigquery_retry_seconds=2.0).emptied()
    cloud.load(extracts[0])
    cloud.build()
    return cloud


@pytest.fixture(scope="module")
def first(published: Cloud) -> dict[str, list[tuple[str, ...]]]:
    """The tables of the first build: nothing that is refused or taken back may leave others."""
    return published.tables()


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[Proxy]:
    with Proxy(emulator.url) as listening:
        yield listening


@pytest.mark.parametrize(
    ("poison", "test", "check"),
    [
        (payments_in_cents, "audit_fact_sales_paid_what_it_cost", "Over 20 % of the items"),
        # The audits are the same on both targets: test_a_poisoned_extract in tests/warehouse has all of them.
        pytest.param(from_the_future, "stg_orders_audit", "not_bought_in_the_future 1", marks=IN_SOAK),
        pytest.param(cut_orders, "stg_order_items_audit", "over 5 % of the items", marks=IN_SOAK),
    ],
)
def test_a_poisoned_extract(
    published: Cloud,
    first: dict[str, list[tuple[str, ...]]],
    extracts: tuple[Path, Path],
    tmp_path: Path,
    poison: Callable[[Path, Path], Path],
    test: str,
    check: str,
) -> None:
    loaded = published.load(poison(tmp_path / "poison", extracts[1]), partial=True)
    answer = published.armazem("build", "--target", "bigquery")
    assert answer.code == 3
    assert test in answer.err
    assert check in answer.err
    assert "readers keep" in answer.err
    assert published.tables() == first

    answer = published.armazem("unload", loaded.load_id, "--target", "bigquery")
    assert answer.code == 0, answer.err
    assert "nothing new" in published.armazem("build", "--target", "bigquery").err


def test_commands_and_rollback(
    published: Cloud, first: dict[str, list[tuple[str, ...]]], extracts: tuple[Path, Path]
) -> None:
    orders = published.query("select count(*) from shop_marts.fact_orders").rows[0][0]
    assert published.armazem("load", extracts[1], "--target", "bigquery").code == 0

    estimate = published.armazem("build", "--target", "bigquery", "--dry-run")
    assert estimate.code == 0, estimate.err
    assert "fact_orders" in estimate.out
    assert published.tables() == first

    answer = published.armazem("build", "--target", "bigquery")
    assert answer.code == 0, answer.err
    assert "incremental from" in answer.err
    assert "published 2" in answer.err

    status = json.loads(published.armazem("status", "--target", "bigquery", "--format", "json").out)[0]
    assert status["orders"] == orders + 60
    assert status["loads_not_built"] == 0
    listed = json.loads(published.armazem("builds", "--target", "bigquery", "--format", "json").out)
    assert [row["state"] for row in listed if row["state"] != "failed"] == ["current", "kept"]
    monthly = ("--where", "grain = 'month'", "--target", "bigquery", "--format", "json")
    kpi = json.loads(published.armazem("kpi", "sales_trend", *monthly).out)
    assert kpi
    assert {row["grain"] for row in kpi} == {"month"}
    some = ("--grain", "month", "--from", "2017-03-01", "--order", "period_start", "--limit", "5", "--offset", "1")
    found = json.loads(published.armazem("kpi", "sales_trend", *some, *monthly).out)
    assert found == [row for row in reversed(kpi) if row["period_start"] >= "2017-03-01"][1:6]
    csv = published.armazem(
        "sql", "select count(*) as n from shop_meta.builds", "--target", "bigquery", "--format", "csv"
    )
    assert csv.out == "n\n2\n"

    answer = published.armazem("rollback", "--target", "bigquery")
    assert answer.code == 0, answer.err
    assert published.tables() == first
    assert published.query("select count(*) from shop_meta.builds").rows == ((1,),)
    answer = published.armazem("rollback", "20000101T000000000000Z", "--target", "bigquery")
    assert "nothing is kept of build" in answer.err

    # The next build starts from what was restored, and takes in again what was taken back.
    report = published.build()
    assert "incremental" in report.reason
    assert published.query("select count(*) from shop_marts.fact_orders").rows == ((orders + 60,),)


def test_a_publication_that_was_cut_off_is_made_good(
    published: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(tmp_path / "third", orders=40, seed=9)
    published.load(tmp_path / "third")
    before = published.query("select max(build_id), count(*) from shop_meta.builds").rows
    copy_tables = tables.copy_tables
    copied: list[str] = []

    def cut_off_before_the_facts(connection: Connection, pairs: Sequence[tuple[str, str]]) -> None:
        names = [target.removeprefix(f"{connection.client.project}.shop_") for _, target in pairs]
        if "marts.fact_orders" in names:
            raise KeyboardInterrupt
        copied.extend(names)
        copy_tables(connection, pairs)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(tables, "copy_tables", cut_off_before_the_facts)
        published.build()
    assert {name for name in copied if name.startswith("marts.")} == {
        "marts.dim_customers", "marts.dim_dates", "marts.dim_locations", "marts.dim_products", "marts.dim_sellers",
    }  # fmt: skip
    assert not [name for name in copied if name.startswith(("kpis.", "meta."))]
    # The dimensions are new and the facts are old, and nothing says that this build is published.
    assert published.query("select max(build_id), count(*) from shop_meta.builds").rows == before
    notices: list[str] = []
    report = build(published.settings, BuildRequest(), on_notice=notices.append)
    assert "a publication was cut off" in notices[0]
    assert "incremental" in report.reason
    counted = published.query("select count(*), count(distinct order_id) from shop_marts.fact_orders").rows[0]
    assert counted[0] == counted[1] == published.query("select count(*) from shop_staging.stg_orders").rows[0][0]
    assert published.build().reason == "nothing new since"


def test_one_build_at_a_time(published: Cloud) -> None:
    impatient = Cloud(published.settings.model_copy(update={"lock_timeout": 0.0}))
    connection = Connection.of(published.settings)
    with build_lock(connection, waiting=lambda holder: None), pytest.raises(CloudError, match=r"process \d+ on "):
        impatient.build()
    assert published.build().reason == "nothing new since"


def test_a_query_changes_nothing(published: Cloud) -> None:
    for sql in ("drop table shop_marts.fact_orders", "delete from shop_marts.fact_orders where true"):
        with pytest.raises(QueryError):
            published.query(sql)
    assert published.query("select count(*) > 0 from shop_marts.fact_orders").rows == ((True,),)


def test_clear_errors(published: Cloud, emulator: Emulator, proxy: Proxy, cloud_home: Path) -> None:
    missing = published.armazem("sql", "select * from shop_marts.no_such_table", "--target", "bigquery")
    assert missing.code == 1
    assert "no_such_table" in missing.err

    behind = Cloud.of(emulator, cloud_home, bigquery_endpoint=proxy.url, bigquery_retry_seconds=2.0)
    proxy.answer(*bigquery_error(403, "accessDenied", "Access Denied: bigquery.jobs.create"), when="")
    for command in (["build"], ["status"], ["sql", "select 1"], ["builds"], ["rollback"]):
        refused = behind.armazem(*command, "--target", "bigquery")
        assert refused.code == 1, command
        assert "no permission" in refused.err
        assert "docs/google-cloud.md" in refused.err
    proxy.forget()
    proxy.answer(*bigquery_error(404, "notFound", "Not found: Project no-such-project"), when="")
    wrong = behind.armazem("build", "--target", "bigquery")
    assert wrong.code == 1
    assert "no-such-project" in wrong.err
    assert "ARMAZEM_BIGQUERY_PROJECT" in wrong.err
    proxy.forget()
    proxy.refuse()
    unreachable = behind.armazem("status", "--target", "bigquery")
    assert unreachable.code == 1
    assert "check the network" in unreachable.err


def test_nothing_loaded_yet(emulator: Emulator, cloud_home: Path) -> None:
    empty = Cloud.of(emulator, cloud_home, bigquery_dataset_prefix="empty_")
    answer = empty.armazem("build", "--target", "bigquery")
    assert answer.code == 1
    assert "nothing to build" in answer.err
    assert empty.armazem("rollback", "--target", "bigquery").code == 1
    status = json.loads(empty.armazem("status", "--target", "bigquery", "--format", "json").out)[0]
    assert (status["loads"], status["current_build"], status["orders"]) == (0, None, None)


@only_in_soak  # in small: test_compiled_sql builds a window, and tests/warehouse/test_publishing.py compares one
@pytest.mark.slow
def test_a_window_is_reprocessed(published: Cloud) -> None:
    before = published.tables()
    answer = published.armazem("build", "--target", "bigquery", "--start", "2017-01-01", "--end", "2017-12-31")
    assert answer.code == 0, answer.err
    after = published.tables()
    # By definition it holds only the rows that the last build let in.
    assert {name for name in before if before[name] != after[name]} <= {"marts.audit_fact_sales"}

    # A rollback makes a dataset that is gone.
    Connection.of(published.settings).client.delete_dataset("shop_kpis", delete_contents=True)
    answer = published.armazem("rollback", "--target", "bigquery")
    assert answer.code == 0, answer.err
    assert published.tables() == before


def test_a_kept_table_that_is_gone_is_not_made_of_the_new_loads_alone(published: Cloud, tmp_path: Path) -> None:
    connection = Connection.of(published.settings)
    current = published.query("select max(build_id) from shop_meta.builds").rows[0][0]
    sellers = published.query("select count(*) from shop_staging.stg_sellers").rows[0][0]
    tables.drop_tables(connection, connection.names.kept, [tables.kept_name("stg_sellers", current)])
    generate(tmp_path / "fourth", orders=30, seed=12)
    published.load(tmp_path / "fourth")
    assert "missing or damaged" in published.build().reason
    assert published.query("select count(*) from shop_staging.stg_sellers").rows[0][0] >= sellers


@only_in_soak  # in small: the test above, by the same way
@pytest.mark.slow
def test_a_version_of_an_armazem_that_did_not_say_what_it_consists_of(published: Cloud) -> None:
    """It is built anew, and the list of builds goes on."""
    connection = Connection.of(published.settings)
    counted = "select max(build_id), count(*) from shop_meta.builds"
    [[current, builds]] = published.query(counted).rows
    tables.drop_tables(connection, connection.names.kept, [tables.kept_name("models", current)])
    assert "the models changed" in published.build().reason
    assert published.query(counted).rows[0][1] == builds + 1

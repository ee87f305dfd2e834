"""`load --target bigquery` against a real server: what lands in `raw`, and that it lands once, whatever breaks."""

from __future__ import annotations

import base64
import itertools
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest
from emulator import Emulator, Proxy, bigquery_error, client
from google.cloud import bigquery
from landing.bucket import Buckets
from landing.data import ROWS, csv, leftovers, single, write

from armazem.config import Settings
from armazem.contract import TABLES
from armazem.contract.render import BIGQUERY_TYPES, duckdb_columns
from armazem.errors import CloudError, MissingExtra, SourceError
from armazem.home import Home
from armazem.landing import LedgerRow, Progress, load, parquet_files
from armazem.landing.ledger import new_load_id
from armazem.shop.history import generate
from armazem.targets.bigquery.datasets import datasets
from armazem.targets.bigquery.landing.jobs import upload_retries
from armazem.targets.registry import target_of

from .twins import load_to_bigquery

pytestmark = pytest.mark.xdist_group("bigquery")
PROJECT = "armazem-test"  # of the emulator that all tests share
UPLOADS = r"^(POST|PUT) /upload/"
NUMBERS = itertools.count()


@pytest.fixture
def proxy(emulator: Emulator) -> Iterator[Proxy]:
    with Proxy(emulator.url) as listening:
        yield listening


@pytest.fixture
def settings(tmp_path: Path, proxy: Proxy) -> Settings:
    """A home folder and datasets of the test's own, behind a network that it may break."""
    return Settings(
        home=tmp_path / "home",
        target="bigquery",
        bigquery_project=PROJECT,
        bigquery_endpoint=proxy.url,
        bigquery_dataset_prefix=f"test{next(NUMBERS)}_",
        bigquery_retry_seconds=0.5,  # of a network that stays broken, every command waits for so long
    )


class Cloud:
    """What is on BigQuery, asked past the proxy."""

    def __init__(self, emulator: Emulator, settings: Settings) -> None:
        self.settings = settings.model_copy(update={"bigquery_endpoint": emulator.url})
        self.client = client(emulator.url, PROJECT)
        self.names = datasets(settings)

    def rows(self, table: str) -> list[dict[str, Any]]:
        order = "line" if table == "rejects" else "_load_id, _row"
        found = self.client.query(f"select * from `{self.names.raw}.{table}` order by {order}").result()
        return [dict(row.items()) for row in found]

    def counts(self) -> dict[str, int]:
        """Rows per source table; none of a table that does not exist."""
        there = {table.table_id for table in self.client.list_tables(self.names.raw)} if self.exists() else set()
        return {table.name: self.table(table.name).num_rows if table.name in there else 0 for table in TABLES}

    def exists(self) -> bool:
        return self.names.raw in {dataset.dataset_id for dataset in self.client.list_datasets()}

    def ledger(self) -> list[LedgerRow]:
        return target_of(self.settings).loads()

    def table(self, name: str) -> bigquery.Table:
        return self.client.get_table(f"{self.names.raw}.{name}")


def trying_again(settings: Settings, seconds: float = 1.5) -> Settings:
    return settings.model_copy(update={"bigquery_retry_seconds": seconds})


@pytest.fixture
def cloud(emulator: Emulator, settings: Settings) -> Cloud:
    return Cloud(emulator, settings)


ONCE = {name: len(rows) for name, rows in ROWS.items()}
NOTHING = dict.fromkeys(ROWS, 0)


def markers(settings: Settings) -> list[str]:
    return [path.name for path in settings.home_folder.landing.glob(".uploading-*")]


def nth(number: int, pattern: str, first: int = 1) -> Callable[[str], bool]:
    """Holds from the n-th request line with this text on."""
    seen = itertools.count(first)
    return lambda line: pattern in line and next(seen) >= number


def test_the_rows_are_those_of_the_local_landing_zone(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    generate(tmp_path / "in", orders=300, seed=1)
    steps: list[Progress] = []
    result = load_to_bigquery(tmp_path / "in", settings, on_progress=steps.append)
    local = load(tmp_path / "in", Home(tmp_path / "local"))
    same = ("table", "path", "sha256", "size_bytes", "rows_read", "rows_accepted", "rows_rejected", "encoding")
    assert [[getattr(row, name) for name in same] for row in result.files] == [
        [getattr(row, name) for name in same] for row in local.files
    ]
    for table in TABLES:
        [path] = parquet_files(Home(tmp_path / "local"), table.name)
        columns = ", ".join(duckdb_columns(table))
        expected = duckdb.sql(f"select {columns}, file_row_number from '{path}' order by file_row_number").fetchall()
        found = cloud.rows(table.name)
        assert [(*tuple(row.values())[:-3], row["_row"]) for row in found] == expected, table.name
        assert {row["_load_id"] for row in found} == {result.load_id}
        assert {f"{row['_load_date']:%Y%m%d}" for row in found} == {str(result.load_id)[:8]}
    assert [step.table for step in steps if step.step == "uploading"] == [table.name for table in TABLES]
    assert cloud.ledger() == result.files and result.rejects_path is None
    home = settings.home_folder
    assert not leftovers(home) and not markers(settings) and not list(home.loads.iterdir())


def test_the_tables(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    load_to_bigquery(single(tmp_path / "in", "sellers", csv("sellers")), settings)
    for contract in TABLES:  # all of them, for those who read
        table = cloud.table(contract.name)
        assert table.description == contract.description
        assert (table.time_partitioning.field, table.time_partitioning.type_) == ("_load_date", "DAY")
        key = contract.key or ("geolocation_zip_code_prefix",)
        assert table.clustering_fields == list(key)
        expected = [(column.name, BIGQUERY_TYPES[column.type], column.description) for column in contract.columns]
        given = [(field.name, field.field_type, field.description) for field in table.schema]
        assert given[:-3] == expected
        assert [name for name, _, _ in given[-3:]] == ["_load_id", "_row", "_load_date"]
    assert {field.name: field.field_type for field in cloud.table("loads").schema}["withdrawn_at"] == "TIMESTAMP"


def test_loading_again_changes_nothing(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path) -> None:
    folder = write(tmp_path / "in")
    first = load_to_bigquery(folder, settings)
    proxy.requests.clear()
    again = load_to_bigquery(folder, settings)
    elsewhere = load_to_bigquery(folder, settings.model_copy(update={"home": tmp_path / "other"}))
    for result in (again, elsewhere):
        assert result.load_id is None and {row.status for row in result.files} == {"unchanged"}
        assert {row.load_id for row in result.files} == {first.load_id}
    assert {line.split()[0] for line in proxy.requests} == {"GET"}
    assert cloud.counts() == ONCE and cloud.ledger() == first.files
    forced = load_to_bigquery(folder, settings, force=True)
    assert cloud.counts() == {name: 2 * count for name, count in ONCE.items()}
    assert cloud.ledger() == first.files + forced.files


def test_a_newer_extract(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path) -> None:
    first = load_to_bigquery(write(tmp_path / "in"), settings)
    proxy.requests.clear()
    second = load_to_bigquery(write(tmp_path / "in", sellers=csv("sellers", [["s2", "04195", "x", "SP"]])), settings)
    assert [row.table for row in second.files if row.status == "loaded"] == ["sellers"]
    assert [(row["seller_id"], row["_load_id"], row["_row"]) for row in cloud.rows("sellers")] == [
        ("s1", first.load_id, 0),
        ("s2", second.load_id, 0),
    ]
    assert len([line for line in proxy.requests if line.startswith("POST /upload")]) == 2  # its rows, the ledger
    assert [row.load_id for row in cloud.ledger()] == [first.load_id] * 9 + [second.load_id]


def test_rejects(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    bad = (
        csv("sellers", [["s1", "04195", "são josé", "SP"]])
        + b"s2,04195\ns\xe93,04195,x,SP\n"
        + b'"s\x004",1,x,SP\n'
        + b" ,04195,sao paulo,SP\n"
    )
    result = load_to_bigquery(write(tmp_path / "in", sellers=bad), settings)
    rows = cloud.rows("rejects")
    assert {(row["load_id"], row["table"], row["file"]) for row in rows} == {
        (result.load_id, "sellers", "olist_sellers_dataset.csv")
    }
    assert [(row["line"], row["column"], row["code"]) for row in rows] == [
        (3, None, "wrong_column_count"),
        (4, None, "not_utf8"),
        (5, None, "nul_byte"),
        (6, "seller_id", "missing_field"),
    ]
    assert rows[0]["message"] == "2 fields, the header has 4" and rows[3]["message"] == "seller_id is empty"
    assert [row["raw"] for row in rows] == ["s2,04195", None, None, " ,04195,sao paulo,SP"]
    decoded = [base64.b64decode(row["raw_base64"]) if row["raw_base64"] else None for row in rows]
    assert decoded == [None, b"s\xe93,04195,x,SP", b'"s\x004",1,x,SP', None]
    assert len(cloud.rows("sellers")) == 1
    assert result.rejects_path == settings.home_folder.rejects / str(result.load_id)
    assert [path.name for path in result.rejects_path.iterdir()] == ["sellers.jsonl"]


def test_strict_and_hopeless_loads_leave_only_rejects(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", sellers=csv("sellers") + b"x\n")
    with pytest.raises(SourceError, match="nothing was loaded") as raised:
        load_to_bigquery(folder, settings, strict=True)
    [kept] = settings.home_folder.rejects.iterdir()
    assert str(kept) in raised.value.hint and (kept / "sellers.jsonl").is_file()
    with pytest.raises(SourceError, match="every row"):
        load_to_bigquery(write(tmp_path / "in", sellers=csv("sellers", [["x"]])), settings)
    assert cloud.counts() == NOTHING and cloud.ledger() == [] and not markers(settings)


def test_a_file_without_rows_is_in_the_ledger(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    result = load_to_bigquery(single(tmp_path / "in", "sellers", csv("sellers", [])), settings)
    assert cloud.rows("sellers") == [] and cloud.ledger() == result.files
    assert load_to_bigquery(tmp_path / "in" / "olist_sellers_dataset.csv", settings).load_id is None


@pytest.mark.parametrize("number", [1, 5, 10])  # the first upload, one in the middle, that of the ledger
def test_a_network_that_breaks_off(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path, number: int) -> None:
    folder = write(tmp_path / "in")
    proxy.cut_after(0, when=nth(number, "PUT /upload"), times=None)
    with pytest.raises(CloudError) as raised:
        load_to_bigquery(folder, settings)
    assert "run the command again" in raised.value.hint
    assert sum(count > 0 for count in cloud.counts().values()) == number - 1  # these would be there twice
    assert cloud.ledger() == [] and len(markers(settings)) == 1 and not leftovers(settings.home_folder)
    proxy.forget()
    result = load_to_bigquery(folder, settings)
    assert cloud.counts() == ONCE and cloud.ledger() == result.files and not markers(settings)
    assert {row["_load_id"] for row in cloud.rows("orders")} == {result.load_id}


def test_a_job_that_is_still_running_is_waited_for(
    settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path
) -> None:
    """Its rows would come after the delete, or it would complete the load."""
    folder = write(tmp_path / "in")
    proxy.cut_after(0, when=nth(2, "PUT /upload"), times=None)
    with pytest.raises(CloudError):
        load_to_bigquery(folder, settings)
    proxy.forget()
    [job] = [job for job in cloud.client.list_jobs() if job.job_id.startswith(f"armazem-{cloud.names.raw}-")]
    running = {**job.to_api_repr(), "status": {"state": "RUNNING"}}
    proxy.answer(200, running, when=rf"^GET .*/jobs/{job.job_id}", times=2)
    proxy.requests.clear()
    load_to_bigquery(folder, settings)
    asked = [number for number, line in enumerate(proxy.requests) if f"/jobs/{job.job_id}" in line]
    queries = [number for number, line in enumerate(proxy.requests) if line.startswith("POST /bigquery/v2/projects")]
    assert len(asked) == 3 and max(asked) < min(queries)
    assert cloud.counts() == ONCE


def test_clearing_up_may_break_off_too(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path) -> None:
    folder = write(tmp_path / "in")
    proxy.cut_after(0, when=nth(4, "PUT /upload"), times=None)
    with pytest.raises(CloudError):
        load_to_bigquery(folder, settings)
    proxy.forget()
    proxy.cut_after(0, when=nth(2, f"POST /bigquery/v2/projects/{PROJECT}/jobs"), times=None)
    with pytest.raises(CloudError, match="did not answer"):
        load_to_bigquery(folder, settings)
    assert len(markers(settings)) == 1
    proxy.forget()
    load_to_bigquery(folder, settings)
    assert cloud.counts() == ONCE and not markers(settings)


def test_rejects_of_a_load_that_broke_off_go_too(
    settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path
) -> None:
    folder = write(tmp_path / "in", sellers=csv("sellers") + b"x\n")
    proxy.cut_after(0, when=nth(11, "PUT /upload"), times=None)
    with pytest.raises(CloudError):
        load_to_bigquery(folder, settings)
    assert len(cloud.rows("rejects")) == 1 and not list(settings.home_folder.rejects.iterdir())
    proxy.forget()
    result = load_to_bigquery(folder, settings)
    assert [row["load_id"] for row in cloud.rows("rejects")] == [result.load_id]
    assert [path.name for path in settings.home_folder.rejects.iterdir()] == [result.load_id]


def test_a_network_that_comes_back_in_time(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path) -> None:
    for kind in ("GET", "POST /bigquery", "POST /upload", "PUT"):
        proxy.cut_after(0, when=kind)
    load_to_bigquery(write(tmp_path / "in"), trying_again(settings, 30))
    assert cloud.counts() == ONCE and len(cloud.ledger()) == 9


@pytest.mark.parametrize("table", ["orders", "loads"])
def test_a_job_whose_answer_was_lost_is_not_started_twice(
    settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path, table: str
) -> None:
    folder = write(tmp_path / "in")
    patient = trying_again(settings, 30)
    proxy.lose_answer(when=nth(1 if table == "orders" else 10, "PUT /upload"), times=1)
    result = load_to_bigquery(folder, patient)
    assert cloud.counts() == ONCE and cloud.ledger() == result.files and not markers(settings)
    assert any(line.startswith("GET") and f"-{table}" in line and "/jobs/" in line for line in proxy.requests)


def test_every_answer_is_lost_once(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path) -> None:
    load_to_bigquery(write(tmp_path / "in"), settings)
    seen: set[str] = set()

    def first_time(line: str) -> bool:
        line = line.split("upload_id")[0]
        return line not in seen and not seen.add(line)

    proxy.lose_answer(when=first_time, times=None)
    newer = write(tmp_path / "in", sellers=csv("sellers", [["s2", "04195", "x", "SP"]]))
    load_to_bigquery(newer, trying_again(settings, 30))
    assert cloud.counts() == ONCE | {"sellers": 2} and len(cloud.ledger()) == 10


def test_a_ledger_that_arrived_although_nobody_heard_of_it(
    settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path
) -> None:
    folder = write(tmp_path / "in")
    proxy.lose_answer(when=nth(10, "PUT /upload"), times=1)
    proxy.cut_after(0, when=nth(11, "PUT /upload"), times=None)  # it is sent again in vain
    with pytest.raises(CloudError):
        load_to_bigquery(folder, trying_again(settings))
    assert len(cloud.ledger()) == 9 and len(markers(settings)) == 1
    proxy.forget()
    assert load_to_bigquery(folder, settings).load_id is None
    assert cloud.counts() == ONCE and not markers(settings)


KILLED = """
import os, signal, sys
from armazem.config import Settings
from armazem.landing import load
from armazem.targets.registry import target_of
def progress(step):
    if step.step == "uploading" and step.file == 5:
        os.kill(os.getpid(), signal.SIGKILL)
settings = Settings.model_validate_json(sys.argv[2])
load(sys.argv[1], settings.home_folder, zone=target_of(settings).zone(), on_progress=progress)
"""


def test_kill_9_in_the_middle_of_the_uploads(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    folder = write(tmp_path / "in", sellers=csv("sellers") + b"x\n")
    command = [sys.executable, "-c", KILLED, str(folder), settings.model_dump_json()]
    assert subprocess.run(command, check=False, timeout=120).returncode == -signal.SIGKILL
    assert sum(cloud.counts().values()) > 0 and cloud.ledger() == []
    assert len(markers(settings)) == 1 and leftovers(settings.home_folder)
    result = load_to_bigquery(folder, settings)
    assert cloud.counts() == ONCE and cloud.ledger() == result.files
    assert not markers(settings) and not leftovers(settings.home_folder)


def test_markers_of_others_stay(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    landing = settings.home_folder.open().landing
    other = landing / ".uploading-20180101T000000000000Z.json"
    other.write_text('{"load_id": "20180101T000000000000Z", "project": "x", "dataset": "raw", "tables": ["orders"]}')
    (landing / ".uploading-20180102T000000000000Z.json").write_text('{"load_id": "2018')
    load_to_bigquery(write(tmp_path / "in"), settings)
    assert markers(settings) == [other.name]


def test_no_permission(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path) -> None:
    refusal = bigquery_error(403, "accessDenied", "Access Denied: User does not have bigquery.jobs.create permission")
    folder = write(tmp_path / "in")
    proxy.answer(*refusal)
    with pytest.raises(CloudError, match=r"no permission for the load in project armazem-test: .*Access Denied"):
        load_to_bigquery(folder, settings)
    proxy.forget()
    proxy.answer(*refusal, when=nth(3, "POST /upload"))
    with pytest.raises(CloudError, match="Access Denied"):
        load_to_bigquery(folder, settings)
    # BigQuery itself answers, so what had arrived is gone already.
    assert cloud.counts() == NOTHING and cloud.ledger() == [] and not markers(settings)
    proxy.forget()
    load_to_bigquery(folder, settings)
    assert cloud.counts() == ONCE


def test_a_wrong_project(settings: Settings, proxy: Proxy, tmp_path: Path) -> None:
    proxy.answer(*bigquery_error(404, "notFound", "Not found: Project no-such-project"), when="/no-such-project/")
    wrong = settings.model_copy(update={"bigquery_project": "no-such-project"})
    reading: list[Progress] = []
    with pytest.raises(CloudError, match="Not found: Project no-such-project") as raised:
        load_to_bigquery(write(tmp_path / "in"), wrong, on_progress=reading.append)
    assert "ARMAZEM_BIGQUERY_PROJECT" in raised.value.hint and not reading


def test_nobody_answers(settings: Settings, proxy: Proxy, tmp_path: Path) -> None:
    proxy.refuse()
    with ended_soon(), pytest.raises(CloudError, match="the load") as raised:
        load_to_bigquery(write(tmp_path / "in"), trying_again(settings))
    assert "check the network" in raised.value.hint and proxy.url in raised.value.hint


@pytest.mark.parametrize("kind", ["^GET", "^POST /bigquery", "^POST /upload", "^PUT /upload"])
def test_some_requests_are_never_answered(settings: Settings, proxy: Proxy, tmp_path: Path, kind: str) -> None:
    proxy.lose_answer(when=kind, times=None)
    with ended_soon(), pytest.raises(CloudError) as raised:
        load_to_bigquery(write(tmp_path / "in"), trying_again(settings))
    assert "check the network" in raised.value.hint


@pytest.mark.parametrize("kind", ["^GET", "^POST"])
def test_nobody_answers_a_withdrawal(settings: Settings, cloud: Cloud, proxy: Proxy, tmp_path: Path, kind: str) -> None:
    result = load_to_bigquery(write(tmp_path / "in"), settings)
    proxy.cut_after(0, when=kind, times=None)
    with ended_soon(), pytest.raises(CloudError, match=f"withdrawing {result.load_id}"):
        target_of(trying_again(settings)).withdraw(str(result.load_id), print)
    assert cloud.ledger() == result.files


@contextmanager
def ended_soon() -> Iterator[None]:
    """Trying again has an end: some of the client's own retries would go on for ten minutes."""
    started = time.monotonic()
    yield
    assert time.monotonic() - started < 20


def test_a_job_that_bigquery_refuses(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    cloud.client.create_dataset(cloud.names.raw)
    wrong = [bigquery.SchemaField("seller_id", "DATE"), bigquery.SchemaField("_load_id", "STRING")]
    cloud.client.create_table(bigquery.Table(f"{PROJECT}.{cloud.names.raw}.sellers", schema=wrong))
    with pytest.raises(CloudError, match=rf"refused the rows of {cloud.names.raw}\.sellers: .+nothing was loaded"):
        load_to_bigquery(write(tmp_path / "in"), settings)
    assert not any(count for name, count in cloud.counts().items() if name != "sellers")
    assert cloud.ledger() == [] and not markers(settings) and not leftovers(settings.home_folder)


def test_another_location(settings: Settings, proxy: Proxy, tmp_path: Path) -> None:
    load_to_bigquery(write(tmp_path / "in"), settings)
    moved = settings.model_copy(update={"bigquery_location": "southamerica-east1"})
    with pytest.raises(CloudError, match="is in US, not in southamerica-east1") as raised:
        load_to_bigquery(write(tmp_path / "in"), moved)
    assert "set ARMAZEM_BIGQUERY_LOCATION to US" in raised.value.hint


def test_withdraw(settings: Settings, cloud: Cloud, tmp_path: Path) -> None:
    folder = write(tmp_path / "in")
    first = load_to_bigquery(folder, settings)
    second = load_to_bigquery(write(tmp_path / "in", sellers=csv("sellers", [["s2", "1", "x", "SP"]])), settings)
    target_of(settings).withdraw(str(second.load_id), print)
    target_of(settings).withdraw(str(second.load_id), print)
    assert cloud.ledger() == first.files and len(cloud.rows("sellers")) == 2
    again = load_to_bigquery(folder, settings)
    assert [row.table for row in again.files if row.status == "loaded"] == ["sellers"]
    assert {row.load_id for row in cloud.ledger()} == {first.load_id, again.load_id}
    with pytest.raises(CloudError, match="there is no load 2018") as raised:
        target_of(settings).withdraw("2018", print)
    assert str(again.load_id) in raised.value.hint


def test_from_a_bucket(settings: Settings, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "cloud" / "shop" / "extract")
    with Buckets(tmp_path / "cloud") as buckets:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", buckets.url)
        result = load_to_bigquery("gs://shop/extract", settings)
    assert cloud.counts() == ONCE
    assert [row.path for row in cloud.ledger()] == [f"gs://shop/extract/{table.file}" for table in TABLES]
    assert result.load_id is not None


def test_an_id_is_newer_than_those_on_bigquery(tmp_path: Path) -> None:
    home = Home(tmp_path / "home").open()
    assert new_load_id(home, ["29991231T235959999998Z", "20180101T000000000000Z"]) == "29991231T235959999999Z"


def test_there_is_nothing_yet(emulator: Emulator, settings: Settings) -> None:
    assert target_of(settings).loads() == []


def test_the_client_is_not_installed(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("armazem.targets.bigquery")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "google.api_core", None)
    monkeypatch.setitem(sys.modules, "google.auth", None)
    with pytest.raises(MissingExtra, match="not installed") as raised:
        load_to_bigquery(write(tmp_path / "in"), settings)
    assert 'pip install "armazem[bigquery]"' in raised.value.hint


def test_how_often_an_upload_is_tried_again() -> None:
    assert [upload_retries(seconds) for seconds in (0.5, 1, 3, 10, 127, 600)] == [0, 1, 2, 3, 7, 14]

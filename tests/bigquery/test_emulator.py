"""The emulator that other tests rely on, where it is not the one published, and the bad network in front of it."""

from __future__ import annotations

import datetime
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import emulator.server
import grpc
import pytest
from emulator import Emulator, EmulatorFailed, Proxy, bigquery_error, client
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, InternalServerError
from google.cloud import bigquery
from google.cloud.bigquery_storage_v1 import BigQueryWriteClient, types
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from requests.exceptions import ConnectionError as Disconnected

TESTS = Path(emulator.server.__file__).parents[1]
UPLOAD = r"^(POST|PUT) /upload/"
SNAPSHOTS = "select count(*) from duckdb_tables() where schema_name = '_bqemulator_snapshots'"


@pytest.fixture(scope="session")
def running() -> Iterator[Emulator]:
    with Emulator() as running:
        yield running


@pytest.fixture
def bq(running: Emulator) -> Iterator[bigquery.Client]:
    """A client with an empty dataset `shop` and its table `orders`."""
    with client(running.url, running.project) as bq:
        bq.delete_dataset("shop", delete_contents=True, not_found_ok=True)
        bq.create_dataset("shop")
        rows(bq, "create table shop.orders (id int64, city string)")
        yield bq


@pytest.fixture
def proxy(running: Emulator) -> Iterator[Proxy]:
    with Proxy(running.url) as proxy:
        yield proxy


@pytest.fixture
def through(bq: bigquery.Client, proxy: Proxy, running: Emulator) -> Iterator[bigquery.Client]:
    """A client that knows only the proxy."""
    with client(proxy.url, running.project) as through:
        yield through


def parquet(folder: Path, select: str = "select 1 as id, 'São Paulo' as city") -> io.BytesIO:
    file = folder / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{file}' (format parquet)")
    return io.BytesIO(file.read_bytes())


def load(
    bq: bigquery.Client, file: io.BytesIO, job_id: str | None = None, table: str = "orders", at_once: bool = False
) -> bigquery.LoadJob:
    """Append the file: by a resumable upload, or `at_once` in one multipart request, as for a known small size."""
    job = bq.load_table_from_file(
        file,
        f"{bq.project}.shop.{table}",
        size=len(file.getvalue()) if at_once else None,
        num_retries=0,
        job_id=job_id,
        job_config=bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND"),
        timeout=30,
    )
    job.result(timeout=30, retry=None)
    return job


def rows(bq: bigquery.Client, sql: str) -> list[tuple[object, ...]]:
    job = bq.query(sql, retry=None, job_retry=None, timeout=30)
    return [tuple(row.values()) for row in job.result(timeout=30, retry=None)]


def orders(bq: bigquery.Client) -> int:
    return rows(bq, "select count(*) from shop.orders")[0][0]


class TestTheProcess:
    def test_several_run_at_once_and_know_nothing_of_each_other(self, bq: bigquery.Client) -> None:
        with Emulator(project="another-one") as second, client(second.url, second.project) as other:
            assert rows(other, "select 1") == [(1,)]
            assert (list(other.list_datasets()), len(list(bq.list_datasets()))) == ([], 1)

    def test_it_does_not_answer_after_stop_or_kill(self) -> None:
        for end in (Emulator.stop, Emulator.kill):
            one = Emulator().start()
            end(one)
            assert refuses(one.url)
            one.stop()

    def test_it_dies_with_its_parent(self, tmp_path: Path) -> None:
        parent = "from emulator import Emulator; import time; print(Emulator().start().url, flush=True); time.sleep(60)"
        command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(TESTS)!r}); {parent}"]
        folder = {"TMPDIR": str(tmp_path)}  # nobody is left to remove its files
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | folder) as process:
            url = process.stdout.readline().strip()
            urllib.request.urlopen(f"{url}/healthz", timeout=10).close()
            process.kill()
        until(lambda: refuses(url))

    def test_a_failed_start_shows_the_log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("BQEMU_METRICS_ENABLED", "perhaps")
        with pytest.raises(EmulatorFailed, match=r"metrics_enabled\n.*valid boolean"):
            Emulator().start()

    def test_a_slow_start_shows_the_log(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(emulator.server, "START_SECONDS", 0)
        with pytest.raises(EmulatorFailed, match="did not start within 0 s"):
            Emulator().start()


class TestItsDefectsAreWorkedRound:
    def test_changes_leave_no_snapshots(self, bq: bigquery.Client, tmp_path: Path) -> None:
        for _ in range(2):
            load(bq, parquet(tmp_path))
        rows(bq, "delete from shop.orders where id = 2")
        bq.copy_table(f"{bq.project}.shop.orders", f"{bq.project}.shop.copied").result(timeout=30)
        assert orders(bq) == 2
        assert rows(bq, SNAPSHOTS) == [(0,)]

    def test_queries_while_load_jobs_append(self, bq: bigquery.Client, running: Emulator, tmp_path: Path) -> None:
        file = parquet(tmp_path)

        def work(number: int) -> int:
            with client(running.url, running.project) as own:
                for _ in range(5):
                    load(own, io.BytesIO(file.getvalue())) if number % 2 else orders(own)
                return orders(own)

        with ThreadPoolExecutor(6) as threads:
            assert max(threads.map(work, range(6), timeout=60)) == orders(bq) == 15

    def test_queries_while_rows_are_streamed(self, bq: bigquery.Client, running: Emulator) -> None:
        """Over one connection of DuckDB this stood still for ever."""
        with ThreadPoolExecutor(3) as threads:
            streams = [threads.submit(stream, running, range(100)) for _ in range(2)]
            queries = threads.submit(lambda: [orders(bq) for _ in range(30)])
            assert [job.result(timeout=60) for job in streams] == [100, 100]
            assert queries.result(timeout=60) == sorted(queries.result())
        assert orders(bq) == bq.get_table("shop.orders").num_rows == 200

    def test_a_job_keeps_its_id_and_runs_once(self, bq: bigquery.Client, tmp_path: Path) -> None:
        assert load(bq, parquet(tmp_path), job_id="once").job_id == "once"
        for at_once in (True, False):
            with pytest.raises(Conflict, match=r"Already Exists: Job demo-project:US\.once"):
                load(bq, parquet(tmp_path), job_id="once", at_once=at_once)
        assert (orders(bq), bq.get_job("once").output_rows) == (1, 1)

        insert = {"query": "insert into shop.orders values (2, 'Rio')", "job_id": "insert-once", "job_retry": None}
        bq.query(**insert).result(timeout=30)
        with pytest.raises(Conflict):
            bq.query(**insert, retry=None)
        assert orders(bq) == 2

    def test_loads_are_by_name_and_count_their_rows(self, bq: bigquery.Client, tmp_path: Path) -> None:
        load(bq, parquet(tmp_path))
        job = load(bq, parquet(tmp_path, "select 'Rio' as city, i as id from range(2, 5) as r (i)"))
        assert (job.output_rows, bq.get_table("shop.orders").num_rows) == (3, 4)
        assert rows(bq, "select * from shop.orders where id = 4") == [(4, "Rio")]

    def test_a_table_knows_its_rows_after_dml(self, bq: bigquery.Client) -> None:
        rows(bq, "insert into shop.orders (id) values (1), (2), (3); delete from shop.orders where id = 1")
        assert bq.get_table("shop.orders").num_rows == 2

    def test_a_broken_upload_loads_nothing(self, bq: bigquery.Client, running: Emulator) -> None:
        table = {"projectId": running.project, "datasetId": "shop", "tableId": "orders"}
        settings = {"load": {"destinationTable": table, "sourceFormat": "NEWLINE_DELIMITED_JSON"}}
        body = f"--x\r\nContent-Type: application/json\r\n\r\n{json.dumps({'configuration': settings})}\r\n"
        body += '--x\r\nContent-Type: */*\r\n\r\n{"id": 1, "city": "Rio"}\n'
        address = urlsplit(running.url)
        with socket.create_connection((address.hostname, address.port)) as connection:
            head = f"POST /upload/bigquery/v2/projects/{running.project}/jobs?uploadType=multipart HTTP/1.1\r\n"
            head += "Host: x\r\nContent-Type: multipart/related; boundary=x\r\nContent-Length: 9999\r\n\r\n"
            connection.sendall((head + body).encode())
            time.sleep(0.3)  # it waits for the rest
        until(lambda: "ClientDisconnect" in running.log(400))
        assert orders(bq) == 0

    def test_copies(self, bq: bigquery.Client) -> None:
        rows(bq, "create table shop.a as select 1 as id, 'Rio' as city")
        rows(bq, "create table shop.b as select 2 as id, 'Ibaté' as city")
        rows(bq, "create table shop.c as select date '2018-01-01' as other")

        def copy(*names: str, **config: str) -> None:
            sources = [f"{bq.project}.shop.{name}" for name in names]
            how = bigquery.CopyJobConfig(**config)
            bq.copy_table(sources, f"{bq.project}.shop.orders", job_config=how, retry=None).result(timeout=30)

        copy("a", "b")
        assert rows(bq, "select id from shop.orders order by id") == [(1,), (2,)]
        with pytest.raises(BadRequest, match="not empty"):
            copy("a")
        copy("c", write_disposition="WRITE_TRUNCATE")
        assert [field.name for field in bq.get_table("shop.orders").schema] == ["other"]

    def test_its_own_errors_are_not_retried(self, bq: bigquery.Client) -> None:
        with pytest.raises(InternalServerError, match="internal error"):
            bq.query("raise using message = 'unexpected by the emulator'").result()

    def test_values_of_parquet_are_exact(self, bq: bigquery.Client, tmp_path: Path) -> None:
        types = {"text": "STRING", "whole": "INT64", "money": "NUMERIC", "weight": "NUMERIC", "real": "FLOAT64"}
        types |= {"moment": "DATETIME", "day": "DATE"}
        table = bigquery.Table(f"{bq.project}.shop.exact", [bigquery.SchemaField(*field) for field in types.items()])
        table.time_partitioning = bigquery.TimePartitioning(type_="MONTH", field="day")
        table.clustering_fields = ["text"]
        bq.create_table(table)
        load(bq, table="exact", file=parquet(tmp_path, """
            select * from (values
                ('São "Tomé",\nácido\\', 9007199254740993::bigint, 9999999999999999.99::decimal(18, 2),
                 0.001::decimal(18, 3), 0.1::double, timestamp '2018-02-28 23:59:59.999999', date '2018-02-28'),
                (null, null, null, null, null, null, null)
            ) as t (text, whole, money, weight, real, moment, day)
        """))  # fmt: skip
        assert rows(bq, "select * from shop.exact order by whole desc") == [
            (
                'São "Tomé",\nácido\\', 9007199254740993, Decimal("9999999999999999.99"), Decimal("0.001"), 0.1,
                datetime.datetime(2018, 2, 28, 23, 59, 59, 999999), datetime.date(2018, 2, 28),
            ),
            (None,) * 7,
        ]  # fmt: skip
        assert bq.get_table("shop.exact").time_partitioning.field == "day"


class TestItsSql:
    @pytest.mark.parametrize(
        ("expression", "answer"),
        [
            ("cast('1.123456789' as numeric)", Decimal("1.123456789")),
            ("cast('99999999999999999.99' as numeric)", Decimal("99999999999999999.99")),
            ("div(numeric '7', numeric '2')", Decimal(3)),
            ("div(numeric '-7', numeric '2')", Decimal(-3)),
            ("div(cast(99999999999999999 as bignumeric), 7)", Decimal(14285714285714285)),
            ("div(-7, 2)", -3),
            ("date_trunc(day, month)", datetime.date(2018, 5, 1)),
            ("date_trunc(day, quarter)", datetime.date(2018, 4, 1)),
            ("date_diff(date(current_datetime('UTC')), current_date('UTC'), day)", 0),
            ("array_length(generate_date_array(day, date '2018-05-18'))", 3),
        ],
    )
    def test_means_what_bigquery_documents(self, bq: bigquery.Client, expression: str, answer: object) -> None:
        [(given,)] = rows(bq, f"select {expression} from (select date '2018-05-16' as day)")
        assert (given, type(given)) == (answer, type(answer))

    @pytest.mark.parametrize("call", ["div(numeric '7', numeric '0')", "div(numeric '7.5', 2)"])
    def test_division_that_it_cannot_do_fails(self, bq: bigquery.Client, call: str) -> None:
        with pytest.raises(BadRequest):
            rows(bq, f"select {call}")

    def test_casts_to_parameterized_types_are_refused(self, bq: bigquery.Client) -> None:
        with pytest.raises(BadRequest, match="Parameterized types are not allowed in CAST"):
            rows(bq, "select cast('1.005' as numeric(18, 2))")
        rows(bq, "create table shop.prices (price numeric(18, 2))")


class TestTheBadNetwork:
    @pytest.mark.parametrize("at_once", [True, False])
    def test_loads_pass(self, through: bigquery.Client, proxy: Proxy, tmp_path: Path, at_once: bool) -> None:
        job = load(through, parquet(tmp_path), at_once=at_once)
        assert (job.output_rows, orders(through)) == (1, 1)
        uploads = [line for line in proxy.requests if "/upload/" in line]
        assert [line.split()[0] for line in uploads] == (["POST"] if at_once else ["POST", "PUT"])

    def test_errors_and_empty_answers_pass(self, through: bigquery.Client) -> None:
        with pytest.raises(Conflict, match="Already Exists"):
            through.create_dataset("shop", retry=None)
        through.delete_table("shop.orders", retry=None)

    @pytest.mark.parametrize("at_once", [True, False])
    def test_it_cuts_a_request(self, through: bigquery.Client, proxy: Proxy, tmp_path: Path, at_once: bool) -> None:
        file = parquet(tmp_path)
        proxy.cut_after(100, when="uploadType=(multipart|resumable&upload_id)")
        with pytest.raises(Disconnected):
            load(through, file, at_once=at_once)
        assert orders(through) == 0
        file.seek(0)
        load(through, file, at_once=at_once)
        assert orders(through) == 1

    def test_it_cuts_always(self, through: bigquery.Client, proxy: Proxy) -> None:
        proxy.cut_after(0, when=lambda line: line.startswith("POST"), times=None)
        for _ in range(3):
            with pytest.raises(Disconnected):
                rows(through, "select 1")
        through.get_table("shop.orders", retry=None)
        proxy.forget()
        assert rows(through, "select 1") == [(1,)]

    def test_it_loses_an_answer(self, through: bigquery.Client, proxy: Proxy, tmp_path: Path) -> None:
        proxy.lose_answer(when="uploadType=multipart")
        with pytest.raises(Disconnected):
            load(through, parquet(tmp_path), job_id="done", at_once=True)
        assert (orders(through), through.get_job("done").state) == (1, "DONE")

    def test_it_refuses_and_accepts_again(self, through: bigquery.Client, proxy: Proxy) -> None:
        assert orders(through) == 0
        proxy.refuse()
        with pytest.raises(Disconnected):
            rows(through, "select 1")
        assert refuses(proxy.url)
        proxy.accept()
        assert orders(through) == 0

    def test_it_answers_itself(self, through: bigquery.Client, proxy: Proxy, tmp_path: Path) -> None:
        proxy.answer(*bigquery_error(403, "accessDenied", "Access Denied: Dataset demo-project:shop"), when=UPLOAD)
        with pytest.raises(Forbidden, match="Access Denied: Dataset demo-project:shop") as refusal:
            load(through, parquet(tmp_path))
        assert refusal.value.errors[0]["reason"] == "accessDenied"
        assert orders(through) == 0

    def test_a_dead_emulator_is_a_dead_connection(self) -> None:
        with Emulator() as one, Proxy(one.url) as proxy, client(proxy.url, one.project) as through:
            assert rows(through, "select 1") == [(1,)]
            one.kill()
            with pytest.raises(Disconnected):
                rows(through, "select 1")


def stream(running: Emulator, ids: range) -> int:
    """Append one row per request to `orders` with the Storage Write API; the number of answers."""
    field = FieldDescriptorProto(name="id", number=1, type="TYPE_INT64", label="LABEL_OPTIONAL")
    schema = types.ProtoSchema(proto_descriptor=DescriptorProto(name="Order", field=[field]))
    name = f"projects/{running.project}/datasets/shop/tables/orders/streams/_default"

    def requests() -> Iterator[types.AppendRowsRequest]:
        for number in ids:
            written = types.ProtoRows(serialized_rows=[bytes([0x08, number])])  # field 1, a varint
            data = types.AppendRowsRequest.ProtoData(writer_schema=schema, rows=written)
            yield types.AppendRowsRequest(write_stream=name, proto_rows=data)

    with grpc.insecure_channel(running.grpc) as channel:
        writer = BigQueryWriteClient(transport=BigQueryWriteGrpcTransport(channel=channel))
        return sum(not answer.error.message for answer in writer.append_rows(requests(), timeout=60))


def refuses(url: str) -> bool:
    address = urlsplit(url)
    try:
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


def until(happened: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.05)

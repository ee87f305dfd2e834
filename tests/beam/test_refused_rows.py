"""What BigQuery does not take: a row becomes a dead letter in its bundle, what passes is tried again, what does not
fails the bundle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("apache_beam", reason="`make beam` runs these, in an environment that has Beam")

import apache_beam as beam
import grpc
from apache_beam.metrics import MetricsFilter
from write_server import WriteServer

from armazem.beam.options import parse
from armazem.beam.pipeline import build
from armazem.contract.events import Accepted, process_batch
from armazem.errors import CloudError

from .messages import FIRST, PROJECT, SUBSCRIPTION, ZONE, canonical, expected, messages, of_beam

REASON = "Field total_price: 1E+30 is out of range of NUMERIC"


@pytest.fixture
def server() -> Iterator[WriteServer]:
    with WriteServer() as server:
        yield server


def run(server: WriteServer, count: int, *, retry_seconds: int = 10) -> Any:
    options = parse(
        [
            *(f"--subscription={SUBSCRIPTION}", f"--dataset={PROJECT}.raw", f"--write_endpoint={server.address}"),
            *("--runner=BundleBasedDirectRunner", f"--retry_seconds={retry_seconds}", "--batch_size=50"),
        ]
    )
    pipeline = beam.Pipeline(options=options)
    build(pipeline | beam.Create([tuple(one) for one in messages(count)]) | beam.Map(of_beam), options)
    result = pipeline.run()
    result.wait_until_finish()
    return result


def test_a_row_that_bigquery_refuses_is_a_dead_letter(server: WriteServer) -> None:
    server.refuse = {"event-3": REASON, "event-120": REASON}
    result = run(server, 150)
    wanted = expected(messages(150))
    events, letters = server.rows("events"), server.rows("dead_letters")
    of_bigquery = [letter for letter in letters if REASON in letter["message"]]
    # Every other row is there, and every refused message is one.
    assert canonical(events) == [row for row in wanted["events"] if not {"event-3", "event-120"} & {_event_id(row)}]
    assert canonical(letter for letter in letters if letter not in of_bigquery) == wanted["dead_letters"]
    assert {(letter["event_id"], letter["code"]) for letter in of_bigquery} == {
        ("event-3", "bad_value"), ("event-120", "bad_value")
    }  # fmt: skip
    sent = {one.message_id: one for one in messages(150)}
    for letter in of_bigquery:
        assert letter["received_at"] == sent[letter["id"]].published
        # It can be sent again as it is: the same event comes of it.
        [again] = process_batch([letter["raw"].encode()], FIRST, ZONE)
        [first] = process_batch([sent[letter["id"]].data], FIRST, ZONE)
        assert isinstance(again, Accepted) and isinstance(first, Accepted)
        assert (again.key, again.event_type, again.timestamp) == (first.key, first.event_type, first.timestamp)
        assert again.data == first.data
    found = result.metrics().query(MetricsFilter().with_namespace("armazem"))["counters"]
    counts = {(one.key.step, one.key.metric.name): one.committed for one in found}
    accepted = [value for (_, name), value in counts.items() if name == "armazem_messages_accepted"]
    refused = [value for (_, name), value in counts.items() if name == "armazem_messages_dead_letters"]
    assert (sum(accepted), sum(refused)) == (len(events), len(letters))
    assert counts["Append events", "armazem_dead_letters_bad_value"] == 2


def _event_id(row: str) -> str:
    return str(json.loads(row).get("event_id"))


def test_what_passes_is_tried_again(server: WriteServer) -> None:
    server.fail = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.RESOURCE_EXHAUSTED]
    run(server, 120)
    assert server.fail == [] and server.calls >= 4
    there = {table: canonical(server.rows(table)) for table in ("events", "dead_letters")}
    assert {table: set(rows) for table, rows in there.items()} == {
        table: set(rows) for table, rows in expected(messages(120)).items()
    }


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "no permission to write into demo-project.raw.events"),
        (grpc.StatusCode.NOT_FOUND, "there is no table demo-project.raw.events"),
        (grpc.StatusCode.INVALID_ARGUMENT, "BigQuery does not take these rows into demo-project.raw.events"),
    ],
    ids=lambda value: value.name if isinstance(value, grpc.StatusCode) else "",
)
def test_what_does_not_pass_fails_the_bundle(server: WriteServer, status: grpc.StatusCode, said: str) -> None:
    server.fail = [status] * 100
    with pytest.raises(CloudError, match=said):
        run(server, 5)
    assert server.rows("events") == []


def test_away_for_longer_than_the_seconds_of_retries_fails_the_bundle(server: WriteServer) -> None:
    server.fail = [grpc.StatusCode.UNAVAILABLE] * 1000
    with pytest.raises(CloudError, match="BigQuery did not take rows"):
        run(server, 5, retry_seconds=1)
    assert 2 <= server.calls < 1000


def test_a_dead_letter_that_bigquery_refuses_fails_the_bundle(server: WriteServer) -> None:
    """Neither the event nor its dead letter could be kept: the message must come again."""
    refused = messages(10)[3]
    server.refuse = {"event-3": REASON, refused.message_id: "no such column"}
    with pytest.raises(
        CloudError, match=r"does not take a dead letter into demo-project\.raw\.dead_letters: no such column"
    ):
        run(server, 9)

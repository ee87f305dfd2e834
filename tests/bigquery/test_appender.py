"""Rows into BigQuery: each is written at least once, given back with BigQuery's reason, or the error is raised."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
from emulator import Emulator
from stream.shop_events import message
from write_server import Rows, Says, WriteServer, error, row_errors

from armazem.contract.dead_letters import MAX_KEPT
from armazem.errors import CloudError
from armazem.targets.bigquery.landing.raw import Raw
from armazem.targets.bigquery.streaming.appender import Appender, connecting
from armazem.targets.bigquery.streaming.rows import Message, Piece, batch_of, letters_of, refused_row, rows_of

from .twins import Cloud

ZONE = ZoneInfo("America/Sao_Paulo")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
TABLE = "project.raw.events"


def pieces(first: int, count: int, at_once: int = 10) -> list[Piece]:
    found: list[Piece] = []
    for start in range(first, first + count, at_once):
        numbers = range(start, min(start + at_once, first + count))
        found += rows_of([Message(message(n), f"m{n}", NOW) for n in numbers], "pubsub:p/s", ZONE).pieces
    return found


def ids(rows: Rows) -> list[int]:
    return sorted(int(row["event_id"].removeprefix("event-")) for row in rows)


def appender(server: WriteServer, **options: Any) -> Appender:
    return Appender(connecting(server.address), TABLE, **{"retry_seconds": 20.0, "sleep": lambda _: None, **options})


def test_many_pieces_by_one_connection() -> None:
    with WriteServer() as server:
        writer = appender(server)
        for piece in pieces(0, 500):
            writer.append(piece)
        assert writer.finish() == []
        assert (writer.waiting, server.calls, server.requests) == (0, 1, 50)
        assert ids(server.rows("events")) == list(range(500))
        writer.append(pieces(500, 10)[0])
        assert writer.finish() == []
        assert server.calls == 1
        writer.close()


def test_appends_overlap() -> None:
    """The first is not answered before the third has arrived: nothing of the appender waits for an answer."""
    answered: list[int] = []

    def says(number: int, rows: Rows) -> None:
        answered.append(number)

    with WriteServer(says) as server:
        writer = appender(server)
        sent = pieces(0, 30)
        for piece in sent:
            writer.append(piece)
        assert writer.waiting == sum(piece.size for piece in sent)  # none was taken for written yet
        assert writer.finish() == [] and answered == [1, 2, 3]


def test_memory_is_bounded() -> None:
    with WriteServer() as server:
        sent = pieces(0, 300)
        writer = appender(server, max_bytes=3 * sent[0].size)
        most = 0
        for piece in sent:
            writer.append(piece)
            most = max(most, writer.waiting)
        assert most <= 3 * sent[0].size + 200
        writer.finish()
        assert ids(server.rows("events")) == list(range(300))


PASSING = [
    grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED,
]  # fmt: skip


@pytest.mark.parametrize("code", PASSING, ids=lambda code: code.name)
@pytest.mark.parametrize("ends", [True, False], ids=["the connection ends", "it stays"])
def test_what_passes_is_sent_again(code: grpc.StatusCode, ends: bool) -> None:
    def says(number: int, rows: Rows) -> Any:
        return (code if ends else error(code, "for now")) if number in (1, 4, 5) else None

    with WriteServer(says) as server:
        writer = appender(server)
        for piece in pieces(0, 50):
            writer.append(piece)
        assert writer.finish() == []
        assert set(ids(server.rows("events"))) == set(range(50))
        assert server.calls >= 2


@pytest.mark.parametrize(
    ("code", "said", "hint"),
    [
        (grpc.StatusCode.PERMISSION_DENIED, "no permission to write into project.raw.events", "Data Editor"),
        (grpc.StatusCode.NOT_FOUND, "there is no table project.raw.events", "makes it"),
        (grpc.StatusCode.INVALID_ARGUMENT, "BigQuery does not take these rows", "changed the table"),
        (grpc.StatusCode.OUT_OF_RANGE, "BigQuery did not take rows", "delivered again"),
    ],
)
@pytest.mark.parametrize("ends", [True, False], ids=["the connection ends", "it stays"])
def test_what_does_not_pass_is_raised(code: grpc.StatusCode, said: str, hint: str, ends: bool) -> None:
    """At once, and whoever goes on begins anew."""
    wrong = [True]

    def says(number: int, rows: Rows) -> Any:
        return (code if ends else error(code, "never")) if wrong[0] else None

    with WriteServer(says) as server:
        writer = appender(server)
        with pytest.raises(CloudError, match=said) as raised:
            for piece in pieces(0, 30):
                writer.append(piece)
            writer.finish()
        assert hint in raised.value.hint
        assert writer.waiting == 0
        wrong[0] = False
        writer.append(pieces(100, 10)[0])
        assert writer.finish() == []
        assert set(range(100, 110)) <= set(ids(server.rows("events")))


def test_one_that_never_comes_back() -> None:
    pauses: list[float] = []
    with WriteServer(lambda number, rows: grpc.StatusCode.UNAVAILABLE) as server:
        writer = appender(server, retry_seconds=0.2, sleep=lambda seconds: pauses.append(seconds))
        writer.append(pieces(0, 10)[0])
        with pytest.raises(CloudError, match="said UNAVAILABLE"):
            writer.finish()
    assert pauses[1] > pauses[0] / 2 and max(pauses) > pauses[0]


def test_closed_with_rows_on_their_way() -> None:
    """As by another thread that has waited long enough: nobody may take them for written."""
    with WriteServer() as server:
        writer = appender(server)
        writer.append(pieces(0, 10)[0])
        writer.close()
        with pytest.raises(CloudError, match="is closed"):
            writer.finish()


def test_nobody_is_there() -> None:
    writer = Appender(connecting("127.0.0.1:1"), TABLE, retry_seconds=0.1, sleep=lambda _: None)
    writer.append(pieces(0, 10)[0])
    with pytest.raises(CloudError, match=r"127\.0\.0\.1:1"):
        writer.finish()


def test_an_answer_that_does_not_come() -> None:
    """The rows are there, and are sent again: at least once."""

    def says(number: int, rows: Rows) -> float | None:
        return 3.0 if number == 1 else None

    with WriteServer(says) as server:
        writer = appender(server, answer_seconds=0.3)
        writer.append(pieces(0, 10)[0])
        assert writer.finish() == []
        assert ids(server.rows("events")) == sorted([*range(10), *range(10)])


def refuses(numbers: set[int]) -> Says:
    """As BigQuery does: with rows that it cannot take it takes none of the request."""

    def says(request: int, rows: Rows) -> Any:
        bad = [(at, f"row {at} is bad") for at, row in enumerate(rows) if ids([row])[0] in numbers]
        return row_errors(*bad) if bad else None

    return says


@pytest.mark.parametrize("bad", [{3}, {0, 9, 10, 29}, set(range(10)), set(range(30))], ids=len)
def test_rows_that_bigquery_refuses(bad: set[int]) -> None:
    """They come back with the reason; the others of their request are written, none is lost."""
    with WriteServer(refuses(bad)) as server:
        writer = appender(server)
        for piece in pieces(0, 30):
            writer.append(piece)
        refused = writer.finish()
        assert set(ids(server.rows("events"))) == set(range(30)) - bad
        found = [refused_row(*row) for row in refused]
        assert sorted(one.message_id for one, _ in found) == sorted(f"m{number}" for number in bad)
        for one, why in found:
            assert why.message.startswith("BigQuery did not take it: row ")
            assert (why.code, why.source, why.event_id) == ("bad_value", "pubsub:p/s", f"event-{one.message_id[1:]}")
            # As it is kept it can be sent again, and is the same event.
            again = rows_of([one], "pubsub:p/s", ZONE)
            [row] = batch_of(again.pieces[0]).to_pylist()
            [was] = batch_of(pieces(int(one.message_id[1:]), 1)[0]).to_pylist()
            assert row == was
        assert writer.finish() == []
        letters = [row for piece in letters_of(found) for row in batch_of(piece).to_pylist()]
        assert sorted(row["id"] for row in letters) == sorted(f"m{number}" for number in bad)


def test_refused_rows_among_what_passes() -> None:
    """A row error after a connection that was lost, and another loss after it."""
    bad = refuses({5, 17})

    def says(number: int, rows: Rows) -> Any:
        return grpc.StatusCode.UNAVAILABLE if number in (2, 5, 9) else bad(number, rows)

    with WriteServer(says) as server:
        writer = appender(server)
        for piece in pieces(0, 40):
            writer.append(piece)
        refused = writer.finish()
        assert set(ids(server.rows("events"))) == set(range(40)) - {5, 17}
        assert {row.piece.ids[row.place] for row in refused} == {"m5", "m17"}


@pytest.mark.xdist_group("bigquery")
def test_against_the_emulator(empty_cloud: Cloud, emulator: Emulator) -> None:
    raw = Raw(empty_cloud.settings)
    raw.open_dataset()
    raw.create_tables(())
    writer = Appender(connecting(emulator.grpc), raw.table("events"))
    for piece in pieces(0, 300, 50):
        writer.append(piece)
    assert writer.finish() == []
    writer.close()
    found = empty_cloud.query(
        "select count(*), count(distinct event_id), sum(i.price), max(data.orders.order_purchase_timestamp) "
        "from shop_raw.events, unnest(data.order_items) as i"
    ).rows[0]
    assert (found[0], found[1], float(found[2]), found[3]) == (300, 300, 3150.0, datetime(2018, 8, 29, 14, 3, 11))
    large = rows_of([Message(b"x" * 9 * 2**20, "large", NOW), Message(b"\xff" * 9 * 2**20, "odd", NOW)], "s", ZONE)
    letters = Appender(connecting(emulator.grpc), raw.table("dead_letters"))
    for piece in large.pieces:
        letters.append(piece)
    assert letters.finish() == []
    letters.close()
    kept = "select count(*), max(length(raw)), max(length(raw_base64)) from shop_raw.dead_letters"
    assert empty_cloud.query(kept).rows == ((2, MAX_KEPT, 4 * (MAX_KEPT // 3 + 1)),)
    nowhere = Appender(connecting(emulator.grpc), f"{raw.project}.nowhere.events")
    nowhere.append(pieces(0, 1)[0])
    with pytest.raises(CloudError, match="there is no table"):
        nowhere.finish()

"""From messages to rows of `raw.events` and `raw.dead_letters`, as Arrow. Pure: no clock, no I/O.

A row is a function of its message alone: its bytes, its id, and the time when it was published. So one that is
delivered twice, or by another way, gives the same row twice.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pyarrow as pa
import pyarrow.json as pa_json

from armazem.contract.dead_letters import MAX_KEPT, Refusal, dead_letter
from armazem.contract.events import Accepted, Refused, event_records, process_as_received
from armazem.contract.rejects import RejectCode
from armazem.targets.bigquery.streaming.arrow import DEAD_LETTERS, EVENTS, SCHEMAS

MAX_REQUEST = 8 * 2**20
"""Bytes of rows in a request; BigQuery takes 10 MB with what belongs to it."""

_PARSE = pa_json.ParseOptions(explicit_schema=EVENTS, unexpected_field_behavior="error")
_BLOCK = 2**20
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_NOT_IN_A_MESSAGE = {"seq", "received_at", "raw"}


class Message(NamedTuple):
    """A message of Pub/Sub. `published` has a zone."""

    data: bytes
    message_id: str
    published: datetime


class Piece(NamedTuple):
    """Rows of one table that fit into a request, as a serialised record batch, and the ids of their messages."""

    table: str
    rows: bytes
    ids: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.rows)


class Rows(NamedTuple):
    """What messages became: `accepted` of them events, the others `refused`, with their positions."""

    pieces: list[Piece]
    accepted: int
    refused: list[tuple[int, Refused]]


def rows_of(messages: Sequence[Message], source: str, zone: ZoneInfo, *, max_request: int = MAX_REQUEST) -> Rows:
    """Return the rows of messages from this source; `zone` is that of business time. Bytes never raise."""
    accepted: list[Accepted] = []
    of_accepted: list[Message] = []
    refused: list[tuple[int, Refused]] = []
    results = process_as_received([one.data for one in messages], [one.published for one in messages], zone)
    for place, (message, result) in enumerate(zip(messages, results, strict=True)):
        if isinstance(result, Accepted):
            accepted.append(result)
            of_accepted.append(message)
        else:
            refused.append((place, result))
    pieces: list[Piece] = []
    if accepted:
        records = event_records(accepted, [message.published for message in of_accepted], source)
        pieces += cut("events", _events(records), [message.message_id for message in of_accepted], max_request)
    if refused:
        letters = [
            (messages[place], Refusal(source, why.code, why.path, why.message, why.raw, why.event_id))
            for place, why in refused
        ]
        pieces += letters_of(letters, max_request)
    return Rows(pieces, len(accepted), refused)


def letters_of(refused: Sequence[tuple[Message, Refusal]], max_request: int = MAX_REQUEST) -> Iterator[Piece]:
    """Return the dead letters of these messages; of one that a request would not take, its beginning."""
    letters = [
        msgspec.structs.asdict(dead_letter(message.message_id, message.published, why, at_most=MAX_KEPT))
        for message, why in refused
    ]
    batch = pa.RecordBatch.from_pylist(letters, schema=DEAD_LETTERS)
    yield from cut("dead_letters", batch, [message.message_id for message, _ in refused], max_request)


def refused_row(piece: Piece, index: int, reason: str) -> tuple[Message, Refusal]:
    """Return what is to be kept of an event that BigQuery did not take, and why: it can be sent again as it is."""
    row = batch_of(piece).slice(index, 1).to_pylist()[0]
    raw = row["raw"]
    if raw is None:
        record = {name: value for name, value in row.items() if name not in _NOT_IN_A_MESSAGE}
        record["source"] = record.pop("sender")
        raw = _ENCODER.encode(_without_nulls(record)).decode()
    message = Message(raw.encode(), piece.ids[index], row["received_at"])
    refusal = Refusal(
        row["source"], RejectCode.BAD_VALUE, "$", f"BigQuery did not take it: {reason}", message.data, row["event_id"]
    )
    return message, refusal


def without(piece: Piece, refused: set[int]) -> Piece | None:
    """Return the rows of a piece but for these; None where none is left."""
    kept = [index for index in range(len(piece.ids)) if index not in refused]
    if not kept:
        return None
    rows = batch_of(piece).take(pa.array(kept)).serialize().to_pybytes()
    return Piece(piece.table, rows, tuple(piece.ids[index] for index in kept))


def batch_of(piece: Piece) -> pa.RecordBatch:
    """Return the rows of a piece."""
    return pa.ipc.read_record_batch(pa.py_buffer(piece.rows), SCHEMAS[piece.table])


def cut(table: str, batch: pa.RecordBatch, ids: Sequence[str], max_request: int = MAX_REQUEST) -> Iterator[Piece]:
    """Return the batch as pieces, halved until each fits into a request or has one row."""
    rows = batch.serialize().to_pybytes()
    if len(rows) <= max_request or batch.num_rows == 1:
        yield Piece(table, rows, tuple(ids))
        return
    half = batch.num_rows // 2
    yield from cut(table, batch.slice(0, half), ids[:half], max_request)
    yield from cut(table, batch.slice(half), ids[half:], max_request)


def _events(records: bytes) -> pa.RecordBatch:
    # A line has to fit into a block, and a block is read by one thread.
    reading = pa_json.ReadOptions(use_threads=False, block_size=max(_BLOCK, len(records) + 1))
    table = pa_json.read_json(io.BytesIO(records), read_options=reading, parse_options=_PARSE)
    [batch] = table.combine_chunks().to_batches()
    return batch


def _without_nulls(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value

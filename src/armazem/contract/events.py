"""The core of real time: from the bytes of messages to accepted events, or to the reason why one is refused.

Pure: no clock, no I/O. The embedded ingest, the Pub/Sub subscriber and the Beam pipeline call `process_batch`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from armazem.contract import event_fast
from armazem.contract.event_exact import Exact, parse
from armazem.contract.event_structs import ENCODER, EVENT_STRUCTS
from armazem.contract.event_values import Horizon, Problem, event_identifier
from armazem.contract.rejects import RejectCode

_NAMES = {struct: name for name, struct in EVENT_STRUCTS.items()}


class Accepted(msgspec.Struct, gc=False, omit_defaults=True):
    """An event that is good: `data` normalised, of `DATA_STRUCTS`; `raw` the message where that is not all of it.

    `sender`: the envelope's `source`, where it has one.
    """

    event_type: str
    event_id: str
    timestamp: datetime
    data: Any
    raw: str | None = None
    sender: str | None = None

    @property
    def key(self) -> str:
        return event_key(self.event_id, self.sender)

    @property
    def line(self) -> bytes:
        """It as JSON without the opening brace and without a newline; `journal_lines` is quicker for many."""
        return ENCODER.encode(self)[1:]


class Refused(msgspec.Struct, gc=False):
    """A message that is not: the code, the JSON path and a sentence; `event_id` where the message tells a valid one."""

    code: str
    path: str
    message: str
    raw: bytes
    event_id: str | None


class JournalBatch(NamedTuple):
    """Messages on their way into the journal: the accepted ones as lines, the refused ones with their position.

    `keys`: what the accepted ones are known by; see `event_key`.
    """

    keys: list[str]
    lines: bytes
    refused: list[tuple[int, Refused]]


class _EventRecord(msgspec.Struct, gc=False, omit_defaults=True):
    received_at: datetime
    source: str
    event_type: str
    event_id: str
    timestamp: datetime
    data: Any
    raw: str | None = None
    sender: str | None = None


class _JournalLine(msgspec.Struct, gc=False, omit_defaults=True):
    seq: int
    received_at: str
    source: str
    event_type: str
    event_id: str
    timestamp: datetime
    data: Any
    raw: str | None = None
    sender: str | None = None


def event_key(event_id: str, sender: str | None) -> str:
    """Return what an event is known by: its id, with the sender's name where it has one. Neither has a control
    character.

    The macro `event_key` of the dbt project says the same.
    """
    return event_id if sender is None else f"{event_id}\n{sender}"


def process_batch(messages: Sequence[bytes], now: datetime, zone: ZoneInfo) -> list[Accepted | Refused]:
    """Return one result per message, in their order. `now` has a zone; `zone` is that of business time. Bytes never
    raise.
    """
    horizon = Horizon.at(now, zone)
    return _results(messages, *event_fast.good(*event_fast.decode(messages), horizon), horizon)


def process_as_received(
    messages: Sequence[bytes], received: Sequence[datetime], zone: ZoneInfo
) -> list[Accepted | Refused]:
    """Return what `process_batch` gives of each message at the time when it was received, whatever came with it.

    So a message that is delivered again gives the same. The times have zones.
    """
    if not messages:
        return []
    earliest = min(received)
    # Times of an event have bounds above only: what was good at the earliest time is good later, and what was wrong
    # for another reason than its time stays wrong.
    results = process_batch(messages, earliest, zone)
    return [
        exact(message, Horizon.at(at, zone))
        if at > earliest and isinstance(result, Refused) and result.code == RejectCode.FUTURE_TIMESTAMP
        else result
        for message, at, result in zip(messages, received, results, strict=True)
    ]


def _results(
    messages: Sequence[bytes], positions: Sequence[int], events: Sequence[Any], horizon: Horizon
) -> list[Accepted | Refused]:
    """The results where the fast path has found these events good at these positions."""
    accepted = [
        Accepted(_NAMES[type(event)], event.event_id, event.timestamp, event.data, None, event.source)
        for event in events
    ]
    if len(events) == len(messages):
        return [*accepted]
    fast = dict(zip(positions, accepted, strict=True))
    return [fast.get(position) or exact(message, horizon) for position, message in enumerate(messages)]


def exact(message: bytes, horizon: Horizon) -> Accepted | Refused:
    """Return one message by the exact path alone; where the fast path accepts it, the result is the same."""
    event_id = None
    try:
        fields = parse(message)
        event_id = fields.get("event_id")
        reading = Exact(fields, horizon)
        event = reading.event()
        raw = None if reading.kept else message.decode()
        return Accepted(_NAMES[type(event)], event.event_id, event.timestamp, event.data, raw, event.source)
    except Problem as problem:
        return Refused(problem.code.value, problem.path, problem.message, message, _valid(event_id))
    except RecursionError:
        text = "the message is nested too deep"
        return Refused(RejectCode.NOT_JSON.value, "$", text, message, _valid(event_id))


def journal_batch(
    messages: Sequence[bytes], sources: Sequence[str], first_seq: int, received_at: str, now: datetime, zone: ZoneInfo
) -> JournalBatch:
    """Return what `process_batch` and `journal_lines` give of messages, each with its source."""
    if len(sources) != len(messages):
        raise ValueError(f"{len(messages)} messages have {len(sources)} sources")
    horizon = Horizon.at(now, zone)
    positions, events = event_fast.decode(messages)
    of = event_fast.Envelopes.of(events)
    if events and not event_fast.surely_good(of, horizon):
        positions, events = event_fast.sifted(positions, events, horizon)
    elif len(events) == len(messages):  # nearly always, and without a call of Python for each event
        lines = map(
            _JournalLine,
            range(first_seq, first_seq + len(events)),
            repeat(received_at),
            sources,
            map(_NAMES.__getitem__, of.types),
            of.event_ids,
            of.timestamps,
            of.data,
            *((repeat(None), of.senders) if of.has_senders else ()),
        )
        keys = list(map(event_key, of.event_ids, of.senders)) if of.has_senders else of.event_ids
        return JournalBatch(keys, ENCODER.encode_lines([*lines]), [])
    accepted: list[Accepted] = []
    accepted_sources: list[str] = []
    refused: list[tuple[int, Refused]] = []
    for position, result in enumerate(_results(messages, positions, events, horizon)):
        if isinstance(result, Accepted):
            accepted.append(result)
            accepted_sources.append(sources[position])
        else:
            refused.append((position, result))
    written = journal_lines(accepted, first_seq, received_at, accepted_sources)
    return JournalBatch([event.key for event in accepted], written, refused)


def journal_lines(events: Sequence[Accepted], first_seq: int, received_at: str, sources: Sequence[str]) -> bytes:
    """Return the events, each with its source, as lines of the journal with their newlines, numbered from `first_seq`.

    `received_at` is written as it is: RFC 3339 in UTC. One call for many events takes half the time of lines
    put together one by one.
    """
    return ENCODER.encode_lines(
        [
            _JournalLine(
                seq,
                received_at,
                source,
                event.event_type,
                event.event_id,
                event.timestamp,
                event.data,
                event.raw,
                event.sender,
            )
            for seq, (event, source) in enumerate(zip(events, sources, strict=True), first_seq)
        ]
    )


def event_records(events: Sequence[Accepted], received: Sequence[datetime], source: str) -> bytes:
    """Return the events as lines of JSON that are rows of `raw.events`, each with the time when it was received.

    They did not pass through a journal, and have no `seq`.
    """
    return ENCODER.encode_lines(
        [
            _EventRecord(
                at, source, event.event_type, event.event_id, event.timestamp, event.data, event.raw, event.sender
            )
            for event, at in zip(events, received, strict=True)
        ]
    )


def renumbered(lines: Iterable[bytes], first_seq: int) -> bytes:
    """Return the lines of the journal with other numbers: from `first_seq` on."""
    return b"".join([b'{"seq":%d%b' % (seq, line[line.index(b",") :]) for seq, line in enumerate(lines, first_seq)])


def _valid(event_id: object) -> str | None:
    try:
        return event_identifier(event_id, "$.event_id")
    except Problem:
        return None

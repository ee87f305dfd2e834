"""The core of real time: from the bytes of messages to accepted events, or to the reason why one is refused.

Pure: no clock, no I/O. The embedded ingest, the Pub/Sub subscriber and the Beam pipeline call `process_batch`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from armazem.contract import event_fast
from armazem.contract.event_exact import Exact, line, parse
from armazem.contract.event_types import MAX_EVENT_ID
from armazem.contract.event_values import Horizon, Problem, has_blank
from armazem.contract.rejects import RejectCode


class Accepted(msgspec.Struct, gc=False):
    """An event that is good: `line` is its normalised JSON without the opening brace and without a newline."""

    event_id: str
    line: bytes


class Refused(msgspec.Struct, gc=False):
    """A message that is not: the code, the JSON path and a sentence; `event_id` where the message tells a valid one."""

    code: str
    path: str
    message: str
    raw: bytes
    event_id: str | None


def process_batch(messages: Sequence[bytes], now: datetime, zone: ZoneInfo) -> list[Accepted | Refused]:
    """One result per message, in their order. `now` has a zone; `zone` is that of business time. Bytes never raise."""
    horizon = Horizon.at(now, zone)
    positions, events = event_fast.decode(messages)
    positions, events = event_fast.good(positions, events, horizon)
    accepted = map(Accepted, [event.event_id for event in events], event_fast.lines(events))
    if len(events) == len(messages):
        return list(accepted)
    fast = dict(zip(positions, accepted, strict=True))
    return [fast.get(position) or exact(message, horizon) for position, message in enumerate(messages)]


def exact(message: bytes, horizon: Horizon) -> Accepted | Refused:
    """One message by the exact path alone; where the fast path accepts it, the result is the same."""
    event_id = None
    try:
        fields = parse(message)
        event_id = fields.get("event_id")
        reading = Exact(fields, horizon)
        event = reading.event()
        return Accepted(event.event_id, line(event, reading.kept, message))
    except Problem as problem:
        return Refused(problem.code.value, problem.path, problem.message, message, _valid(event_id))
    except RecursionError:
        text = "the message is nested too deep"
        return Refused(RejectCode.NOT_JSON.value, "$", text, message, _valid(event_id))


def _valid(event_id: object) -> str | None:
    usable = isinstance(event_id, str) and 1 <= len(event_id) <= MAX_EVENT_ID and not has_blank(event_id)
    return event_id if usable and isinstance(event_id, str) else None

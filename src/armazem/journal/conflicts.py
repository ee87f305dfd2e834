"""Tells a message that came again from another one under the same key.

The content of an event is what the models use of it: its type, its time, its columns. It is compared as normalised, so
white space, the order of keys, older spellings and unknown fields make no difference, nor do rules that have changed
since: what was accepted before is then normalised anew.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from armazem.contract.event_types import EVENT_TYPES
from armazem.contract.event_values import Horizon, shown
from armazem.contract.events import Accepted, event_key, exact
from armazem.journal.earlier import Earlier, EarlierEvents, event_of_line

_logger = logging.getLogger(__name__)

_CONTENT = b',"event_type":'  # from here on; no text holds it, where quotation marks are escaped


class Conflict(NamedTuple):
    """A line whose key is that of another event: its position in the batch, and a sentence that says which."""

    at: int
    event_id: str
    message: str


class _Content(NamedTuple):
    event_type: str
    timestamp: datetime
    data: Any


def find_conflicts(
    keys: Sequence[str],
    lines: Sequence[bytes],
    new: Sequence[bool],
    found: Mapping[str, int],
    earlier: EarlierEvents,
    horizon: Horizon,
) -> list[Conflict]:
    """Return those of a batch's lines that are not new, and no duplicates either.

    `found`: the keys that the journal has, with the numbers of their events; the others that are not new have the key
    of an earlier line of the batch. An event that cannot be read any more counts as the same.
    """
    stored = earlier.find(set(found.values()))
    first: dict[str, bytes] = {}
    conflicts = []
    for at, (key, line, is_new) in enumerate(zip(keys, lines, new, strict=True)):
        if is_new:
            first[key] = line
            continue
        before = stored.get(found[key]) if key in found else first[key]
        if isinstance(before, bytes):
            if _tail(before) == _tail(line):  # nearly always, and most of the work is saved
                continue
            before = event_of_line(before)
        if before is None or event_key(before.event_id, before.sender) != key:
            _logger.warning("an event that was accepted under %r cannot be read; another counts as its duplicate", key)
        elif not _is_same(line, before, horizon):
            event_id = key.partition("\n")[0]
            what = f"{shown(event_id)} is that of another event, accepted before: {_described(before)}"
            conflicts.append(Conflict(at, event_id, f"$.event_id {what}"))
    return conflicts


def _is_same(line: bytes, before: Earlier, horizon: Horizon) -> bool:
    event = event_of_line(line)
    assert event is not None
    content = _content(event)
    if content == _content(before):
        return True
    again = exact(_message(before), horizon)
    return isinstance(again, Accepted) and _content(_of_accepted(again)) == content


def _tail(line: bytes) -> bytes:
    return line[line.find(_CONTENT) :].rstrip(b"\n")


def _content(event: Earlier) -> _Content:
    return _Content(event.event_type, event.timestamp, event.data)


def _of_accepted(event: Accepted) -> Earlier:
    data = msgspec.json.decode(msgspec.json.encode(event.data))
    return Earlier(event.event_id, event.sender, event.event_type, event.timestamp, data, event.raw)


def _message(event: Earlier) -> bytes:
    """The event as a message."""
    if event.raw is not None:
        return event.raw.encode()
    fields = {
        "event_id": event.event_id,
        "event_type": event.event_type,
        "timestamp": event.timestamp,
        "data": event.data,
        "source": event.sender,
    }
    return msgspec.json.encode(fields)


def _described(event: Earlier) -> str:
    """What it is, and which order, customer, product or seller it speaks of."""
    if event.event_type not in EVENT_TYPES:
        return event.event_type
    part = EVENT_TYPES[event.event_type].parts[0]
    column = "order_id" if "order_id" in part.table.key else part.table.key[0]
    try:
        row = event.data[part.name]
        return f"{event.event_type} of {column} {shown((row[0] if part.many else row)[column])}"
    except (LookupError, TypeError):  # a line that was written by hand
        return event.event_type

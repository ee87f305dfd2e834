"""The messages of a batch that are canonical, decoded and checked at the speed of C.

What the typed structs cannot express is checked column by column over the whole batch, not event by event. A batch
that does not pass is checked again in smaller groups, and what is not surely good alone is left to `event_exact`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import accumulate, chain, islice, repeat
from string import ascii_letters, digits
from struct import pack
from typing import Any, NamedTuple

import msgspec

from armazem.contract.event_structs import EVENT_STRUCTS, decoder
from armazem.contract.event_types import DECIMALS, EVENT_TYPES, MAX_MESSAGE, STAGE_TIMESTAMPS, EventType, is_promised
from armazem.contract.event_values import EPOCH, FIRST_PURCHASE, PURCHASE, Horizon
from armazem.contract.identifiers import FLOAT_PATTERN, UUID_PATTERN
from armazem.contract.model import Column, ColumnType
from armazem.contract.nulls import NULL_WORDS
from armazem.contract.tables import REFUND

# Size of the groups in which a batch is checked again.
GROUP = 16

# Characters that an identifier may have wherever they stand, and those for which the whole of it must be looked at:
# UUIDs have dashes, shortened numbers a sign, every null word one of these.
_LOOKED_AT = b"nN-/#+"
_HARMLESS = (ascii_letters + digits + "_.:=~@|,;!*$%&()").encode().translate(None, _LOOKED_AT)
_OF_EVENT_ID = _HARMLESS + _LOOKED_AT + b" "
_UUID = re.compile(UUID_PATTERN)
_UUID_LENGTH = 36
_FLOAT = re.compile(FLOAT_PATTERN)
_NOTHING = NULL_WORDS | {""}
_LONGEST_NULL = max(map(len, NULL_WORDS))

_Get = Callable[[list[Any]], list[Any]]


def _compiled(values: str) -> _Get:
    """A function of `rows` from source text: a third of the time of operator.attrgetter, which counts here."""
    get: _Get = eval(f"lambda rows: [{values}]")
    return get


class Envelopes(NamedTuple):
    """What decoded events have beside one another, in their order; the types are of EVENT_STRUCTS."""

    types: list[Any]
    event_ids: list[str]
    timestamps: list[datetime]
    data: list[Any]
    senders: list[str | None]

    @classmethod
    def of(cls, events: list[Any]) -> Envelopes:
        return cls(
            list(map(type, events)),
            [event.event_id for event in events],
            [event.timestamp for event in events],
            [event.data for event in events],
            [event.source for event in events],
        )

    @property
    def has_senders(self) -> bool:
        return self.senders.count(None) < len(self.senders)

    def data_by_type(self) -> dict[Any, list[Any]]:
        first = self.types[0]
        if self.types.count(first) == len(self.types):
            return {first: self.data}
        by_type: dict[Any, list[Any]] = defaultdict(list)
        for struct, data in zip(self.types, self.data, strict=True):
            by_type[struct].append(data)
        return by_type


class _Rows(NamedTuple):
    """The rows of one part in one list, and how many each event has: None where each has one."""

    all: list[Any]
    counts: list[int] | None

    @classmethod
    def of(cls, of_event: list[list[Any]]) -> _Rows:
        with suppress(ValueError):
            return cls([row for [row] in of_event], None)  # nearly always, and in a third of the time
        return cls(list(chain.from_iterable(of_event)), list(map(len, of_event)))


class _Columns:
    """How to take the columns of one event type out of its events, by what is checked of them."""

    def __init__(self, event_type: EventType) -> None:
        self.parts: list[tuple[str, _Get, bool, list[tuple[str, _Get]]]] = []
        self.together = _TOGETHER.get(event_type.name)
        tables = {part.name for part in event_type.parts}
        for part in event_type.parts:
            columns = []
            for column in part.table.columns:
                kind = _kind(column)
                # Items and payments have the order's identifier, which is checked by itself.
                of_order = part.many and column.name == "order_id" and "orders" in tables
                if kind is not None and not of_order:
                    value = f"row.{column.name}"
                    given = "" if column.name in part.required else f" if {value} is not None"
                    columns.append((kind, _compiled(f"{value} for row in rows{given}")))
            self.parts.append((part.name, _compiled(f"row.{part.name} for row in rows"), part.many, columns))


def _kind(column: Column) -> str | None:
    """By what the column is checked; None if the typed struct has done it."""
    match column.type:
        case ColumnType.IDENTIFIER:
            return "identifiers"
        case ColumnType.MONEY:
            return "amounts"
        case ColumnType.NUMBER:
            return "sizes"
        case ColumnType.TEXT | ColumnType.ZIP if not column.values:
            return "texts"
        case ColumnType.TIMESTAMP if is_promised(column):
            return "promised"
        case ColumnType.TIMESTAMP:
            return "purchases" if column.name == PURCHASE else "past"
        case _:
            return None


def _belong(rows: _Rows, order_ids: list[str], numbered: _Get) -> bool:
    """Whether each event's rows are of its order, and their numbers differ."""
    if rows.counts is not None:
        order_ids = list(chain.from_iterable(map(repeat, order_ids, rows.counts)))
        numbers = iter(numbered(rows.all))
        if any(len(set(islice(numbers, count))) < count for count in rows.counts):
            return False
    return _ORDER_IDS(rows.all) == order_ids


def _items_and_payments_belong(parts: dict[str, _Rows]) -> bool:
    order_ids = _ORDER_IDS(parts["orders"].all)
    return (
        _belong(parts["order_items"], order_ids, _ITEM_NUMBERS)
        and _belong(parts["order_payments"], order_ids, _PAYMENT_NUMBERS)
        and all(_SIGNED(parts["order_payments"].all))
    )


def _payments_belong(parts: dict[str, _Rows]) -> bool:
    payments = parts["order_payments"]
    if not all(_SIGNED(payments.all)):
        return False
    if payments.counts is None:
        return True
    firsts = accumulate(payments.counts[:-1], initial=0)
    return _belong(payments, [payments.all[first].order_id for first in firsts], _PAYMENT_NUMBERS)


def _stages_timed(parts: dict[str, _Rows]) -> bool:
    stages = STAGE_TIMESTAMPS
    return not any(
        getattr(order, stages[order.order_status]) is None
        for order in parts["orders"].all
        if order.order_status in stages
    )


_ORDER_IDS = _compiled("row.order_id for row in rows")
_ITEM_NUMBERS = _compiled("row.order_item_id for row in rows")
_PAYMENT_NUMBERS = _compiled("row.payment_sequential for row in rows")
_SIGNED = _compiled(f"(row.payment_value < 0) is (row.payment_type == {REFUND!r}) for row in rows")
# Event type -> whether the values that belong together do so in all of the events.
_TOGETHER: dict[str, Callable[[dict[str, _Rows]], bool]] = {
    "order_initiated": _items_and_payments_belong,
    "order_status_update": _stages_timed,
    "order_payment": _payments_belong,
}
_COLUMNS = {EVENT_STRUCTS[name]: _Columns(event_type) for name, event_type in EVENT_TYPES.items()}


def surely_good(events: Envelopes, horizon: Horizon) -> bool:
    """Return whether all of them are good beyond doubt; what is rare, like identifiers in other alphabets, counts as
    not.
    """
    values: dict[str, list[Any]] = defaultdict(list)
    for struct, data in events.data_by_type().items():
        parts: dict[str, _Rows] = {}
        for name, get_rows, many, columns in _COLUMNS[struct].parts:
            rows = _Rows.of(get_rows(data)) if many else _Rows(get_rows(data), None)
            parts[name] = rows
            for kind, get in columns:
                values[kind] += get(rows.all)
        together = _COLUMNS[struct].together
        if together is not None and not together(parts):
            return False
    return (
        min(events.timestamps) >= EPOCH
        and max(events.timestamps) <= horizon.latest
        and _are_event_ids("".join(events.event_ids))
        and not (events.has_senders and not _are_event_ids("".join(filter(None, events.senders))))
        and _are_canonical(values["identifiers"])
        and min(values["purchases"], default=FIRST_PURCHASE) >= FIRST_PURCHASE
        and max(values["purchases"], default=FIRST_PURCHASE) <= horizon.latest_local
        and max(values["past"], default=FIRST_PURCHASE) <= horizon.latest_local
        and max(values["promised"], default=FIRST_PURCHASE) <= horizon.latest_promise
        and has_decimals(values["amounts"], DECIMALS[ColumnType.MONEY])
        and has_decimals(values["sizes"], DECIMALS[ColumnType.NUMBER])
        and _say_something(values["texts"])
    )


def _are_event_ids(joined: str) -> bool:
    """Whether none of them has a control character; the first question is the quicker one."""
    return not joined.encode().translate(None, _OF_EVENT_ID) or joined.isprintable()


def _are_canonical(identifiers: list[str]) -> bool:
    """Whether all of them are identifiers that stay as they are; one with a character that is rare counts as not."""
    rest = "".join(identifiers).encode().translate(None, _HARMLESS)
    if not rest:
        return True
    return (
        not rest.translate(None, _LOOKED_AT)
        and not (b"-" in rest and any(len(one) == _UUID_LENGTH and _UUID.fullmatch(one) for one in identifiers))
        and not (b"+" in rest and any(map(_FLOAT.fullmatch, identifiers)))
        and NULL_WORDS.isdisjoint(map(str.lower, identifiers))
    )


def _say_something(texts: list[str]) -> bool:
    """Whether none of them means null, or has a NUL."""
    short = [text.lower() for text in map(str.strip, texts) if len(text) <= _LONGEST_NULL]
    return _NOTHING.isdisjoint(short) and "\0" not in "".join(texts)


def has_decimals(amounts: list[float], places: int) -> bool:
    """Return whether none has more decimals, or is -0.0, which is to become 0.0.

    Below MAX_AMOUNT the product is off by far less than a half, and a quotient is the double nearest to the true one:
    so it is the amount again exactly where the amount is the double of a number with so many decimals.
    """
    if not amounts:
        return True
    import numpy as np  # a tenth of a second, for which most commands have no use

    array = np.frombuffer(pack(f"{len(amounts)}d", *amounts))  # a third of the time of np.array
    scale = 10.0**places
    return bool((np.rint(array * scale) / scale == array).all() and array[np.signbit(array)].all())


def decode(messages: Sequence[bytes]) -> tuple[list[int], list[Any]]:
    """Return the positions and the events of the messages that have the canonical form."""
    decode_one = decoder().decode
    positions, events = [], []
    for position, message in enumerate(messages):
        if len(message) <= MAX_MESSAGE:
            try:
                events.append(decode_one(message))
                positions.append(position)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue  # the exact path tells what it is
    return positions, events


def good(positions: list[int], events: list[Any], horizon: Horizon) -> tuple[list[int], list[Any]]:
    """Return those of the decoded events that are good beyond doubt, and their positions."""
    if not events or surely_good(Envelopes.of(events), horizon):
        return positions, events
    return sifted(positions, events, horizon)


def sifted(positions: list[int], events: list[Any], horizon: Horizon) -> tuple[list[int], list[Any]]:
    """Return what `good` gives where they are not surely good together."""
    good_positions: list[int] = []
    good_events: list[Any] = []
    if len(events) > 1:
        size = GROUP if len(events) > GROUP else 1
        for start in range(0, len(events), size):
            group = slice(start, start + size)
            found = good(positions[group], events[group], horizon)
            good_positions += found[0]
            good_events += found[1]
    return good_positions, good_events

"""Mutated messages: what goes wrong on the way and what senders get wrong, seeded."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

from contract.event_examples import EXAMPLES, Message, canonical

# Values that sit on the edge of some rule.
ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 5, 6, 1000, 1001, 1_000_000, 2**31, 2**63, 2**64, 10**11, 10**12, 10**30, -(10**30)),
    *(0.0, -0.0, 1.0, 0.01, 0.001, 0.0001, 1e-9, 0.1 + 0.2, 1e8, 1e9, 1e15, 1e300, -0.01, 129.9, 5.5),
    *("", " ", "a", "-", "a-b", "A", "a b", "a\0b", "a\x1f", "\x7f", "\x85", "\u00a0", "\u2028", "é", "İ", "ΑΣ", "ß"),
    *("x" * 64, "x" * 65, "x" * 128, "x" * 129, "x" * 2000, "E481F51C-BDC5-4678-B7CC-49136F2D6AF7", "\U0001f600"),
    *("created", "delivered", "shipped", "boleto", "order_payment", "order_initiated", "order_deleted", "01046"),
    *("2026-11-22", "2026-11-22T14:03:11", "2026-11-22 14:03:11Z", "2026-11-22t14:03:11.9999999z", "1989-12-31"),
    *("2026-11-24T12:00:00Z", "2026-11-24T12:00:01Z", "2026-11-24T09:00:00", "2026-11-24T09:00:01", "2036-11-30"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z"),
    *("2026-02-29", "2026-11-22T14:03:60Z", "2026-11-22T24:00:00Z", "2026-11-22T14:03", "２０２６-11-22", "NaN"),
    # What other programs make of identifiers, nulls, amounts and times.
    *("SP-1-23", "AbC1", "e481f51c-bdc5-4678-b7cc-49136f2d6af7", "e481f51cbdc54678b7cc49136f2d6af7", "5.72613E+12"),
    *("1e+1", "a+b", "a/b", "#1", "\ufeffs2", "a\u200b", "a\u2060", "\u00ad", 5726128734520, -5, 10**64, 10**128),
    *("NULL", "nan", "\\N", "None", "N/A", "#N/A", "<NA>", "NaT", " null ", "0000-00-00", "0000-00-00 00:00:00"),
    *("0000/00/00", "nulo", "null\ufeff", "\x1fnull", "100.00", "2", "-1.5", "29.9900", "1e2", "1,50", "9" * 40),
    *("58.905", "58.900000000000006", 58.900000000000006, 58.905, 1234567.8900000001, -5.5e-17, 1e-300, 5e-324),
    *("2016-12-31T23:59:60Z", "2016-12-31 23:59:60", "9999-12-31T23:59:60", "0001-01-01 00:00:60+00"),
    *("2018-01-02 03:04:05 UTC", "2018-01-02 03:04:05+00", "2018-01-02 03:04:05-0300", "2018-01-02T03:04:05.123456789"),
    *("order 1001 / paid", "a\u2028b", "event\n1", 820982911946154508),
    *([], {}, [[]], [{}], {"a": None}, [None], ["a"], [1, [2, [3]]]),
)
SNIPPETS = (
    *(
        b"",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b'"',
        b"\\",
        b"\n",
        b"\r\n",
        b" ",
        b"\0",
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
    ),
    *(b"null", b"true", b"NaN", b"Infinity", b"1e999", b"-", b"00", b"1.", b".5", b"0x1", b"9" * 400, b"1e-400"),
    *(
        b'"\\ud800"',
        b"\\udc00",
        b"\xed\xa0\xbd\xed\xb8\x80",
        b'"\\u0000"',
        b"\\u0000",
        b"\\n",
        b'"a":1,',
        b'"price":1,',
        b'"event_id":null,',
        b"\xef\xbb\xbf",
    ),
    *(b"[" * 2000, b'{"a":' * 2000, b"\xe2\x80\xa8", "é".encode("latin-1")),
)
_NAMES = (
    *("event_id", "event_type", "timestamp", "data", "orders", "order_items", "order_payments", "order_id", "price"),
    *("order_delivered_timestamp", "order_delivered_customer_date", "product_name_lenght", "seller_id", "extra", ""),
)


def containers(value: Any) -> list[Any]:
    """Every object and list in the message, and the message."""
    if isinstance(value, dict):
        return [value, *(one for item in value.values() for one in containers(item))]
    if isinstance(value, list):
        return [value, *(one for item in value for one in containers(item))]
    return []


def change_value(dice: random.Random, message: Message) -> None:
    """One change to the JSON: another value, one away, one that was not there, two swapped, one written otherwise."""
    at = dice.choice(containers(message))
    keys = list(at) if isinstance(at, dict) else list(range(len(at)))
    choice = dice.randrange(7)
    if choice == 0 and isinstance(at, dict):
        at[dice.choice(_NAMES)] = copy.deepcopy(dice.choice(ODD))
    elif not keys:
        return
    elif choice == 1:
        del at[dice.choice(keys)]
    elif choice == 2:
        one, other = dice.choice(keys), dice.choice(keys)
        at[one], at[other] = at[other], at[one]
    elif choice == 3:
        key = dice.choice(keys)
        value = at[key]
        at[key] = value[0] if isinstance(value, list) and value else [value]
    elif choice == 6:
        key = dice.choice(keys)
        at[key] = otherwise(dice, at[key])
    elif choice == 4 and isinstance(at, list):
        at.append(copy.deepcopy(dice.choice(at)))
    else:
        at[dice.choice(keys)] = copy.deepcopy(dice.choice(ODD))


def otherwise(dice: random.Random, value: Any) -> Any:
    """What another program makes of the value: texts of numbers, remainders, other signs, capitals, dashes, blanks."""
    if isinstance(value, int | float):
        return dice.choice(
            (-value, str(value), f"{value}0", value + 2**-30, value * (1 + 2**-52), f"-{value}", [value])
        )
    if isinstance(value, str):
        dashed = "-".join((value[:8], value[8:12], value[12:16], value[16:20], value[20:]))
        blank = dice.choice((" ", "\t", "\u00a0", "\u200b", "\ufeff"))
        return dice.choice(
            (dashed, value.upper(), dashed.upper(), blank + value, value + blank, f"{value} UTC", value * 3)
        )
    return value


def change_bytes(dice: random.Random, text: bytes) -> bytes:
    """One change to the bytes: a flip, a cut, an insertion, a stretch twice, a stretch left out."""
    start = dice.randrange(len(text) + 1)
    end = min(len(text), start + dice.choice((1, 2, 8, 40)))
    match dice.randrange(6):
        case 0 if start < len(text):
            return text[:start] + bytes([text[start] ^ (1 << dice.randrange(8))]) + text[start + 1 :]
        case 1:
            return text[:start]
        case 2:
            return text[:start] + dice.choice(SNIPPETS) + text[start:]
        case 3:
            return text[:end] + text[start:]
        case 4:
            return text[:start] + text[end:]
        case _:
            return text[:start] + dice.choice(SNIPPETS) + text[end:]


# The same JSON, written in other ways.
WRITINGS: tuple[Callable[[Message], bytes], ...] = (
    canonical,
    canonical,
    canonical,
    lambda message: json.dumps(message).encode(),
    lambda message: json.dumps(message, indent=1).encode(),
    lambda message: json.dumps(message, sort_keys=True, ensure_ascii=False).encode(),
    lambda message: canonical(dict(reversed(message.items()))),
)


def mutated(dice: random.Random, message: Message | None = None) -> bytes:
    """A message with up to three changes of its values and up to three of its bytes; sometimes with none."""
    message = EXAMPLES[dice.choice(list(EXAMPLES))]() if message is None else copy.deepcopy(message)
    for _ in range(dice.choice((0, 0, 1, 1, 2, 3))):
        change_value(dice, message)
    text = dice.choice(WRITINGS)(message)
    for _ in range(dice.choice((0, 0, 0, 1, 1, 3))):
        text = change_bytes(dice, text)
    return text

"""The record of a message that was refused: a line of the home folder's dead letters, a row of `raw.dead_letters`."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import msgspec

MAX_KEPT = 4 * 2**20
"""Bytes that are kept of a message which goes to BigQuery: a request of 10 MB has to hold them, also as Base64."""


class DeadLetter(msgspec.Struct, omit_defaults=True, gc=False):
    """One refused message. `id`: its number, or its id on Pub/Sub. `path`: JSON path of what is wrong; `raw_base64`
    where it is no text.
    """

    id: str
    received_at: datetime
    source: str
    code: str
    path: str
    message: str
    event_id: str | None = None
    raw: str | None = None
    raw_base64: str | None = None

    @property
    def content(self) -> bytes:
        """The message as it came."""
        return base64.b64decode(self.raw_base64) if self.raw_base64 is not None else (self.raw or "").encode()


@dataclass(frozen=True, slots=True)
class LetterCount:
    """Dead letters that wait, of one code: how many, how many of them came since a moment, when the newest came."""

    code: str
    messages: int
    new: int
    newest: datetime


class Refusal(NamedTuple):
    """A message to be kept as a dead letter."""

    source: str
    code: str
    path: str
    message: str
    raw: bytes
    event_id: str | None = None


def dead_letter(id_: str, received_at: datetime, refusal: Refusal, *, at_most: int | None = None) -> DeadLetter:
    """Return the record of a refused message.

    `at_most`: bytes to keep of it. Where it is longer, its beginning is kept, and `message` says so.
    """
    source, code, path, message, raw, event_id = refusal
    letter = DeadLetter(id_, received_at, source, code, path, message, event_id)
    kept = raw
    if at_most is not None and len(raw) > at_most:
        kept = raw[:at_most]
        letter.message = f"{message}; of its {len(raw):,} bytes the first {at_most:,} are kept"
    text = _text(kept, cut=len(kept) < len(raw))
    if text is None:
        letter.raw_base64 = base64.b64encode(kept).decode()
    else:
        letter.raw = text
    return letter


def _text(kept: bytes, *, cut: bool) -> str | None:
    """None where it is neither text nor something that databases take as text."""
    if b"\0" in kept:
        return None
    try:
        return kept.decode()
    except UnicodeDecodeError as error:
        # The cut may have gone through a character.
        return kept[: error.start].decode() if cut and error.end == len(kept) else None

"""Reading the body of a request within limits, and cutting it into messages."""

from __future__ import annotations

import zlib
from contextlib import suppress

import msgspec

from armazem.journal.elements import Elements, begins_array, is_value
from armazem.serve.http.answers import Headers, HttpError, Receive

_ONE = (b"application/json",)
_LINES = (b"application/x-ndjson", b"application/jsonl", b"application/json-lines")
_EXAMPLE = (
    "for example: curl -H 'Content-Type: application/json' --data-binary @event.json http://127.0.0.1:8000/v1/events"
)
_MAX_MEMBERS = 1000  # of one gzip body: each costs a copy of what follows it

MAX_MESSAGES = 50_000
"""In one request. Each that is refused costs an entry of the answer and a dead letter, however short it is."""

_BOM = b"\xef\xbb\xbf"
_MAY_BEGIN_ARRAY = (b"[", b" ", b"\t", b"\r", b"\n")
_BRACKETS = (b"[", b"]", b"{", b"}")
_COMMAS_PER_MESSAGE = 20  # of an array with more than that on average the elements are counted while it is cut

_array = msgspec.json.Decoder(list[msgspec.Raw])


class ClientGone(Exception):
    """The client went away before its request was whole: nobody waits for an answer."""


class ReadingBudget:
    """Bytes of bodies that came in part so far, over all connections: many slow clients must not fill the memory."""

    def __init__(self, limit: int) -> None:
        self._left = limit

    def take(self, size: int) -> None:
        """Take so many bytes. Raises HttpError 429 where they would be too many."""
        if size > self._left:
            raise HttpError(
                429, "busy", "too many large requests are under way", "send it again", [(b"retry-after", b"1")]
            )
        self._left -= size

    def give_back(self, size: int) -> None:
        self._left += size


def is_lines(content_type: bytes) -> bool:
    """Return True for JSON lines, False for JSON. Raises HttpError 415 for anything else."""
    if content_type in _ONE:
        return False
    media = content_type.partition(b";")[0].strip().lower()
    if media in _ONE:
        return False
    if media in _LINES:
        return True
    accepted = ", ".join(name.decode() for name in (*_ONE, *_LINES))
    named = f"Content-Type {media.decode('latin-1')!r} is not accepted" if media else "there is no Content-Type"
    raise HttpError(415, "unsupported_media_type", f"{named}; these are: {accepted}", _EXAMPLE)


async def read_body(headers: Headers, receive: Receive, limit: int, budget: ReadingBudget) -> bytes:
    """Return the unpacked body.

    Raises HttpError 413 over `limit` bytes, 415 for an encoding other than gzip, 400 for broken gzip;
    ClientGone where the client leaves before its end.
    """
    unpack = _unpacker(headers, limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    piece: bytes = message.get("body", b"")
    if not message.get("more_body", False):  # nearly always: it came in one piece
        return _checked(piece, limit) if unpack is None else unpack.end(piece)

    pieces: list[bytes] = []
    size = 0
    try:
        while True:
            part = piece if unpack is None else unpack.feed(piece)
            budget.take(len(part))
            size += len(part)
            pieces.append(part)
            if size > limit:
                raise _too_large(limit)
            if not message.get("more_body", False):
                break
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece = message.get("body", b"")
        if unpack is not None:
            unpack.end(b"")
        return b"".join(pieces)
    finally:
        budget.give_back(size)


def split_messages(body: bytes, *, lines: bool) -> list[bytes]:
    """Return the messages of a body in their order; blank lines are none, nor is a byte order mark at the start.

    JSON may hold one message over many lines, an array of them, or several with a line each: where the body is not
    one value it is taken for lines if its first or its last line is an object by itself.
    Raises HttpError 413 where they are more than MAX_MESSAGES.
    """
    body = body.removeprefix(_BOM)
    if not lines:
        if body[:1] in _MAY_BEGIN_ARRAY and begins_array(whole := body.lstrip()):
            return _elements(whole)
        if not _holds_lines(body):
            return [body] if not body.isspace() and body else []
    return _split(body)


def _split(body: bytes) -> list[bytes]:
    if body.count(b"\n") > MAX_MESSAGES:
        raise _too_many("lines")
    return [line for line in body.split(b"\n") if line and not line.isspace()]


def _elements(body: bytes) -> list[bytes]:
    """The elements of the array; where it is none in all, as far as it can be cut."""
    if body.count(b",") < MAX_MESSAGES * _COMMAS_PER_MESSAGE:
        with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            found = [bytes(element) for element in _array.decode(body)]
            if len(found) > MAX_MESSAGES:
                raise _too_many("elements")
            return found
    if sum(map(body.count, _BRACKETS)) > MAX_MESSAGES * _COMMAS_PER_MESSAGE:
        return [body]  # no array of events has so many: it is refused as a whole
    elements = Elements(len(body), MAX_MESSAGES)
    found = elements.feed(body) + elements.finish()
    if len(found) > MAX_MESSAGES:
        raise _too_many("elements")
    return found + _split(elements.rest or b"")


def _too_many(what: str) -> HttpError:
    return HttpError(
        413,
        "too_many_messages",
        f"the body has more than {MAX_MESSAGES:,} {what}; nothing of it was taken",
        "send fewer events per request",
    )


def _holds_lines(body: bytes) -> bool:
    if b"\n" not in body or is_value(body):
        return False
    whole = body.strip()
    return _is_object(whole[: whole.find(b"\n") + 1]) or _is_object(whole[whole.rfind(b"\n") + 1 :])


def _is_object(text: bytes) -> bool:
    return text.lstrip().startswith(b"{") and is_value(text)


def _checked(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> HttpError:
    return HttpError(
        413,
        "request_too_large",
        f"the body is larger than {limit // 2**20} MiB unpacked; nothing of it was taken",
        "send fewer events per request, or raise ARMAZEM_MAX_REQUEST_MEGABYTES",
    )


def _unpacker(headers: Headers, limit: int) -> _Gunzip | None:
    """What unpacks the body, None where nothing needs to. Refuses by Content-Length what is too long as it is."""
    encoding = b"identity"
    for name, value in headers:
        if name == b"content-encoding":
            encoding = value.strip().lower()
        elif name == b"content-length" and int(value) > limit:
            raise _too_large(limit)
    if encoding in (b"identity", b""):
        return None
    if encoding in (b"gzip", b"x-gzip"):
        return _Gunzip(limit)
    raise HttpError(
        415,
        "unsupported_encoding",
        f"Content-Encoding {encoding.decode('latin-1')!r} is not accepted",
        "send the body as it is, or packed with gzip",
        [(b"accept-encoding", b"gzip, identity")],
    )


class _Gunzip:
    """Unpacks gzip piece by piece, and never makes more than `limit` bytes of it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._made = 0
        self._members = 1
        self._member = zlib.decompressobj(wbits=31)

    def feed(self, packed: bytes) -> bytes:
        parts: list[bytes] = []
        while packed:
            if self._member.eof:  # a file of several members, one after the other
                self._member = zlib.decompressobj(wbits=31)
                self._members += 1
                if self._members > _MAX_MEMBERS:
                    raise _bad_gzip(f"it has more than {_MAX_MEMBERS} members")
            try:
                part = self._member.decompress(packed, self._limit - self._made + 1)
            except zlib.error as error:
                raise _bad_gzip(str(error)) from error
            self._made += len(part)
            if self._made > self._limit:
                raise _too_large(self._limit)
            parts.append(part)
            packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
        return b"".join(parts)

    def end(self, packed: bytes) -> bytes:
        rest = self.feed(packed)
        if not self._member.eof:
            raise _bad_gzip("it ends too early")
        return rest


def _bad_gzip(reason: str) -> HttpError:
    return HttpError(400, "bad_gzip", f"the body cannot be unpacked: {reason}", "send it whole, packed with gzip")

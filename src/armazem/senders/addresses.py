"""Where messages go. A sender takes batches and says which of them are acknowledged; the file is the simplest one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, Protocol

from armazem.errors import SendError
from armazem.shop.life.messages import Message

Acknowledged = Callable[[Sequence[Message]], None]
"""Told of messages that were acknowledged, in the order in which they were; by one thread at a time."""


class Sender(Protocol):
    """Sends messages somewhere. Raises SendError where that cannot go on."""

    def send(self, batch: Sequence[Message]) -> None:
        """Take a batch; waits while too many are under way."""

    def finish(self) -> None:
        """Wait until everything taken is acknowledged, and let go of what is held. Also after an error."""

    def figures(self) -> dict[str, Any]:
        """What the target answered, after `finish`: names and values for the totals."""


class FileSender:
    """Writes a line per message; they count as acknowledged once written. On disk after `finish`."""

    def __init__(self, path: Path, acknowledged: Acknowledged) -> None:
        self._acknowledged = acknowledged
        self._file = _open(path)

    def send(self, batch: Sequence[Message]) -> None:
        self._file.write(b"".join([message.body + b"\n" for message in batch]))
        self._file.flush()
        self._acknowledged(batch)

    def finish(self) -> None:
        if not self._file.closed:
            os.fsync(self._file.fileno())
            self._file.close()

    def figures(self) -> dict[str, Any]:
        return {}


def _open(path: Path) -> BinaryIO:
    """An empty file; one of an earlier simulation is replaced, any other is left alone."""
    if path.is_file() and path.stat().st_size:
        with path.open("rb") as file:
            if not file.readline(20).startswith(b'{"event_id":'):
                raise SendError(f"{path} exists and holds no events", "name another file")
    try:
        return path.open("wb")
    except OSError as error:
        raise SendError(f"cannot write {path}: {error.strerror or error}", "name another file") from error


@dataclass(frozen=True, slots=True)
class How:
    """How to send, where a target has such a choice.

    `token`, `connections`: of HTTP. `retry_seconds`: how long a message is tried again until it is acknowledged;
    after `stop` only a moment. `kafka_properties`: the setting.
    """

    token: str = ""
    connections: int = 1
    retry_seconds: float = 60
    kafka_properties: str = ""
    stop: Event = field(default_factory=Event)


def _http(to: str, acknowledged: Acknowledged, how: How) -> Sender:
    from armazem.senders.http import HttpSender

    return HttpSender(to, acknowledged, how)


def _pubsub(to: str, acknowledged: Acknowledged, how: How) -> Sender:
    from armazem.senders.pubsub import PubSubSender

    return PubSubSender(to, acknowledged, how)


def _kafka(to: str, acknowledged: Acknowledged, how: How) -> Sender:
    from armazem.senders.kafka import KafkaSender

    return KafkaSender(to, acknowledged, how)


_BY_SCHEME: dict[str, Callable[[str, Acknowledged, How], Sender]] = {
    "http": _http,
    "https": _http,
    "pubsub": _pubsub,
    "kafka": _kafka,
}


def open_sender(to: str, acknowledged: Acknowledged, how: How) -> Sender:
    """The sender for http://…, pubsub:PROJECT/TOPIC, kafka:BROKERS/TOPIC or the path of a file.

    Raises SendError where it is none.
    """
    make = _BY_SCHEME.get(to.partition(":")[0])
    return make(to, acknowledged, how) if make else FileSender(Path(to), acknowledged)

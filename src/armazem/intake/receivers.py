"""Where messages come from besides files and HTTP, by the scheme of a URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple, Protocol

from armazem.config import Settings
from armazem.errors import ArmazemError, extra
from armazem.intake.batches import Counts
from armazem.intake.sinks import Sink

OnFailure = Callable[[ArmazemError, int, float], None]
"""Called as (error, messages, pause) when messages were given back because they could not be written."""


class Receiver(Protocol):
    """Takes messages into a sink, in threads of its own, until `stop`. May be asked from any thread."""

    @property
    def source(self) -> str:
        """The URL, whole."""

    def counts(self) -> Counts:
        """What became of the messages so far."""

    @property
    def idle_seconds(self) -> float:
        """How long nothing came in; 0 while something is not acknowledged."""

    @property
    def complete(self) -> bool:
        """Whether as many messages are written and acknowledged as were asked for."""

    def check(self) -> None:
        """Raises ArmazemError where nothing comes in, or is written, any more."""

    def stop(self) -> Counts:
        """Take no more; write and acknowledge what is here, give the rest back."""


class _Scheme(NamedTuple):
    """`form`: of the URL, for people. `rest`: what comes after the scheme; its groups go to `start`."""

    form: str
    rest: re.Pattern[str]
    start: Callable[[tuple[str, ...], Sink, Settings, int | None, OnFailure | None], Receiver]


def _pubsub(
    names: tuple[str, ...], sink: Sink, settings: Settings, limit: int | None, on_failure: OnFailure | None
) -> Receiver:
    with extra("pubsub", "reading Pub/Sub"):  # Google's library takes a second
        from armazem.intake.pubsub import start_subscription
    project, subscription = names
    return start_subscription(
        sink, settings, project, subscription or "olist_orders_subscription", limit=limit, on_failure=on_failure
    )


def _kafka(
    names: tuple[str, ...], sink: Sink, settings: Settings, limit: int | None, on_failure: OnFailure | None
) -> Receiver:
    with extra("kafka", "reading Kafka"):
        from armazem.intake.kafka.receiver import start_reading
    brokers, topic = names
    return start_reading(sink, settings, brokers, topic, limit=limit, on_failure=on_failure)


_BY_SCHEME = {
    "pubsub": _Scheme("pubsub:PROJECT[/SUBSCRIPTION]", re.compile(r"([^/\s]+)(?:/([^/\s]+))?"), _pubsub),
    "kafka": _Scheme("kafka:BROKERS/TOPIC", re.compile(r"([^/\s]+)/([A-Za-z0-9._-]{1,249})"), _kafka),
}

FORMS = "|".join(scheme.form for scheme in _BY_SCHEME.values())


def receiver_of(
    url: str, sink: Sink, settings: Settings, *, limit: int | None = None, on_failure: OnFailure | None = None
) -> Receiver:
    """Start the receiver of a URL: its messages go to `sink`, at most `limit` of them.

    Raises ValueError where the URL is of none, MissingExtra where its library is not installed, and what the receiver
    raises where it cannot begin.
    """
    scheme, names = _parsed(url)
    return scheme.start(names, sink, settings, limit, on_failure)


def check_url(url: str) -> None:
    """Raises ValueError where there is no receiver for it, with the forms that there are."""
    _parsed(url)


def _parsed(url: str) -> tuple[_Scheme, tuple[str, ...]]:
    name, _, rest = url.partition(":")
    scheme = _BY_SCHEME.get(name)
    match = scheme.rest.fullmatch(rest) if scheme else None
    if scheme is None or match is None:
        raise ValueError(f"{url!r} is not {FORMS.replace('|', ' or ')}")
    return scheme, match.groups()

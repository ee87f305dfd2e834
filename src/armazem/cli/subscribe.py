"""The command subscribe: a Pub/Sub subscription into the journal, until it is stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from armazem import console
from armazem.cli.group import main, settings_of, stop_signals
from armazem.errors import ArmazemError, extra
from armazem.intake.batches import Counts
from armazem.intake.ingest import Ingest

if TYPE_CHECKING:
    from armazem.intake.pubsub import Subscription

DEFAULT_SUBSCRIPTION = "olist_orders_subscription"
LINE_SECONDS = 10.0
_TICK = 0.2


def parse_source(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, str]:
    """`pubsub:PROJECT/SUBSCRIPTION` as (project, subscription)."""
    scheme, _, rest = value.partition(":")
    project, slash, subscription = rest.partition("/")
    wrong = scheme != "pubsub" or not project or (slash and not subscription) or "/" in subscription
    if wrong or any(character.isspace() for character in value):
        raise click.BadParameter(f"{value!r} is not pubsub:PROJECT or pubsub:PROJECT/SUBSCRIPTION", ctx, param)
    return project, subscription or DEFAULT_SUBSCRIPTION


@main.command()
@click.argument("source", callback=parse_source, metavar="pubsub:PROJECT[/SUBSCRIPTION]")
@click.option("--max-messages", type=click.IntRange(1), help="Stop after so many messages.")
@click.option(
    "--stop-when-idle",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Stop after so many seconds without a message. Messages that a killed subscriber held "
    "come back only after their acknowledgement deadline.",
)
@click.pass_context
def subscribe(
    ctx: click.Context, source: tuple[str, str], max_messages: int | None, stop_when_idle: float | None
) -> None:
    """Take events from a Pub/Sub subscription into the journal, until Ctrl-C or SIGTERM.

    A message is acknowledged once its event is on the disk, also one that was there before, and one that is
    refused: that is kept in the dead letters. What cannot be written is given back, and Pub/Sub delivers it
    again. The data of a message is the event; attributes are not looked at. The subscription is
    olist_orders_subscription where none is named.

    \b
    Examples:
      armazem subscribe pubsub:my-project
      armazem subscribe pubsub:my-project/backfill --stop-when-idle 60
    """
    settings = settings_of(ctx)
    messages = console.messages()
    with extra("pubsub", "reading Pub/Sub"):
        from armazem.intake.pubsub import start_subscription
    started = time.monotonic()
    project, subscription = source
    with Ingest(settings.home_folder.open(), settings) as ingest:
        running = start_subscription(
            ingest, settings, project, subscription, limit=max_messages, on_failure=_say_returned
        )
        try:
            with stop_signals() as stopped:
                messages.print(f"reading {running.source}; Ctrl-C stops")
                _watch(running, stopped, stop_when_idle)
        finally:
            counts = running.stop()
            messages.print(f"{_line(counts)}, {time.monotonic() - started:.1f} s")
            if counts.refused:
                messages.print("the refused messages, with reason: `armazem dead-letters list`")


def _watch(running: Subscription, stopped: threading.Event, idle: float | None) -> None:
    """Show what happens until there is a reason to stop."""
    with _progress() as show:
        while not (stopped.wait(_TICK) or running.complete or (idle and running.idle_seconds >= idle)):
            running.check()
            show(running.counts())


@contextmanager
def _progress() -> Iterator[Callable[[Counts], None]]:
    """A line that changes on a terminal, one every 10 s elsewhere."""
    messages = console.messages()
    if messages.is_terminal:
        with messages.status("waiting for messages") as status:
            yield lambda counts: status.update(_line(counts))
        return
    due = time.monotonic() + LINE_SECONDS

    def line(counts: Counts) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due += LINE_SECONDS
            messages.print(_line(counts))

    yield line


def _line(counts: Counts) -> str:
    parts = [
        f"received {counts.received:,}: {counts.accepted:,} accepted",
        f"{counts.duplicates:,} duplicates",
        f"{counts.refused:,} refused",
    ]
    if counts.returned:
        parts.append(f"{counts.returned:,} given back")
    return ", ".join([*parts, f"{counts.unacknowledged:,} not acknowledged"])


def _say_returned(error: ArmazemError, messages: int, pause: float) -> None:
    console.show_error(error)
    console.messages().print(f"{messages:,} messages given back to Pub/Sub; trying again in {pause:.0f} s")

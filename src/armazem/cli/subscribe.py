"""The command subscribe: a Pub/Sub subscription or a Kafka topic into the warehouse, until it is stopped."""

from __future__ import annotations

import threading
import time

import click

from armazem import console
from armazem.cli.group import main, settings_of, stop_signals, target_option
from armazem.errors import ArmazemError
from armazem.intake.batches import Counts
from armazem.intake.receivers import FORMS, Receiver, check_url, receiver_of
from armazem.targets.registry import target_of

_TICK = 0.2


def checked_source(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """The URL of a receiver, as it is."""
    try:
        if value is not None:
            check_url(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    return value


@main.command()
@click.argument("source", callback=checked_source, metavar=FORMS)
@click.option("--max-messages", type=click.IntRange(1), help="Stop after so many messages.")
@click.option(
    "--stop-when-idle",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Stop after so many seconds without a message. What a killed subscriber of Pub/Sub held "
    "comes back only after its acknowledgement deadline.",
)
@target_option
@click.pass_context
def subscribe(
    ctx: click.Context, source: str, max_messages: int | None, stop_when_idle: float | None, target: str | None
) -> None:
    """Take events from a Pub/Sub subscription or a Kafka topic, until Ctrl-C or SIGTERM: into the journal of the
    home folder, or straight into the tables raw.events and raw.dead_letters on BigQuery.

    A message is acknowledged once its event is kept for good, also one that was there before, and one that is
    refused: that is kept in the dead letters. What cannot be written is given back, and comes again. The data of
    a message is the event; attributes, keys and headers are not looked at. Of a project without a subscription it
    is olist_orders_subscription. BROKERS are host:port, separated by commas; ARMAZEM_KAFKA_PROPERTIES names a file
    with security.protocol and the like.

    \b
    Examples:
      armazem subscribe pubsub:my-project
      armazem subscribe pubsub:my-project/backfill --stop-when-idle 60
      armazem subscribe pubsub:my-project --target bigquery
      armazem subscribe kafka:127.0.0.1:9092/orders
    """
    settings = settings_of(ctx, target=target)
    messages = console.messages()
    started = time.monotonic()
    with target_of(settings).receiving() as sink:
        running = receiver_of(source, sink, settings, limit=max_messages, on_failure=_say_returned)
        try:
            with stop_signals() as stopped:
                messages.print(f"reading {running.source} into {sink.kept_in}; Ctrl-C stops")
                _watch(running, stopped, stop_when_idle)
        finally:
            counts = running.stop()
            messages.print(f"{_line(counts)}, {time.monotonic() - started:.1f} s")
            if counts.refused:
                where = "" if settings.target == "duckdb" else f" --target {settings.target}"
                messages.print(f"the refused messages, with reason: `armazem dead-letters list{where}`")


def _watch(running: Receiver, stopped: threading.Event, idle: float | None) -> None:
    """Show what happens until there is a reason to stop."""
    with console.progress_line("waiting for messages") as show:
        while not (stopped.wait(_TICK) or running.complete or (idle and running.idle_seconds >= idle)):
            running.check()
            show(_line(running.counts()))


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
    console.messages().print(f"{messages:,} messages given back; trying again in {pause:.0f} s")

"""The commands on events: ingest, dead-letters list, show and replay."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import msgspec

from armazem import console
from armazem.cli.group import format_option, main, print_rows, settings_of, target_option
from armazem.config import Settings
from armazem.contract.dead_letters import DeadLetter
from armazem.disk.lock import replay_lock
from armazem.errors import ArmazemError, SourceError
from armazem.intake.replay import Replay, Replayed, check_ids
from armazem.intake.sending import Send, Tally
from armazem.kpis.formats import Format
from armazem.targets.base import Target
from armazem.targets.registry import target_of
from armazem.targets.rows import Rows

to_option = click.option("--to", metavar="URL", help="A running server to send them to, instead of the journal here.")


@main.command()
@click.argument("file")  # what cannot be read is no wrong use
@to_option
@click.option("--strict", is_flag=True, help="Exit with 1 if a single message is refused. The others are kept.")
@click.pass_context
def ingest(ctx: click.Context, file: str, to: str | None, strict: bool) -> None:
    """Take in the events of FILE: JSON lines, a JSON array, or one JSON object, also gzipped; - for stdin.

    What does not fit goes to the dead letters with its bytes and the reason, and the rest goes on; where nothing
    fits the exit code is 1. An event that came before is recognised by its event_id, so a file may be sent again.
    While `armazem serve` runs it writes the journal: send the file to it.

    \b
    Examples:
      armazem ingest events.jsonl
      zcat backup-*.gz | armazem ingest - --strict
      armazem ingest events.jsonl.gz --to http://127.0.0.1:8000
    """
    settings = settings_of(ctx)
    started = time.monotonic()
    tally = Tally()
    try:
        _ingest(settings, file, to, tally)
    except ArmazemError:
        if tally.received:
            _show_tally(tally, "acknowledged before the error", time.monotonic() - started)
        raise
    _show_tally(tally, "done", time.monotonic() - started)
    if tally.rejected and not to:
        where = "" if settings.target == "duckdb" else " --target duckdb"
        console.messages().print(f"the refused ones are kept: armazem dead-letters list{where}")
    if tally.rejected and (strict or not (tally.accepted or tally.duplicates)):
        ctx.exit(1)


def _ingest(settings: Settings, file: str, to: str | None, tally: Tally) -> None:
    from armazem.intake.sending import send_all
    from armazem.journal.files import open_batches

    if file != "-" and not Path(file).exists():  # before a home folder is made for it
        raise SourceError(f"{file} does not exist", "check the path")
    with (
        open_batches(file) as batches,
        _sender(settings, to, "ingest") as send,
        console.progress_line("ingesting") as show,
    ):

        def shown() -> None:
            show(f"ingesting: {tally.received:,} messages, {tally.rejected.total():,} refused")

        send_all(batches, send, tally, shown)


@contextmanager
def _sender(settings: Settings, to: str | None, source: str) -> Iterator[Send]:
    if to:
        from armazem.senders.http import to_server

        with to_server(to, settings.token) as send:
            yield send
        return
    from armazem.intake.ingest import Ingest
    from armazem.intake.sending import to_ingest

    with Ingest(settings.home_folder.open(), settings) as writer:
        if writer.recovered:
            console.messages().print(f"the journal was damaged: {writer.recovered} pieces of it are dead letters now")
        yield to_ingest(writer, source)


def _show_tally(tally: Tally, what: str, seconds: float) -> None:
    lines = console.messages()
    lines.print(
        f"{what}: {tally.accepted:,} accepted, {tally.duplicates:,} duplicates, {tally.rejected.total():,} refused, "
        f"{seconds:.1f} s"
    )
    for code, count in sorted(tally.rejected.items()):
        lines.print(f"  {code}: {count:,}, such as {tally.first[code]}")


@main.group("dead-letters")
def dead_letters() -> None:
    """Messages that were refused: list them, show one, take them in again after a fix.

    \b
    Examples:
      armazem dead-letters list --code bad_identifier
      armazem dead-letters show 17 --raw > message.json
      armazem dead-letters replay 17 --with message.json
    """


code_option = click.option("--code", help="Only those refused with this code, such as bad_timestamp.")
source_option = click.option("--source", help="Only those from this source, such as http.")


@dead_letters.command("list")
@code_option
@source_option
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="So many of the newest.")
@click.option("--all", "everything", is_flag=True, help="Also those that were replayed, and without a limit.")
@target_option
@format_option
@click.pass_context
def list_letters(
    ctx: click.Context,
    code: str | None,
    source: str | None,
    limit: int,
    everything: bool,
    target: str | None,
    format_: Format,
) -> None:
    """List dead letters, newest first.

    \b
    Examples:
      armazem dead-letters list
      armazem dead-letters list --source http --code negative_amount --format json
    """
    asked = target_of(settings_of(ctx, target=target))
    with asked.errors("the dead letters"):
        box = asked.dead_letters()
        found, total = box.newest(code=code, source=source, everything=everything, limit=None if everything else limit)
        done = box.replayed() if everything else set()
    columns = ("id", "received_at", "source", "code", "path", "message", "event_id", "replayed")
    rows = tuple(
        (
            letter.id,
            letter.received_at,
            letter.source,
            letter.code,
            letter.path,
            letter.message,
            letter.event_id,
            letter.id in done,
        )
        for letter in found
    )
    print_rows(Rows(columns, rows), format_)
    if total > len(rows):
        console.messages().print(f"the newest {len(rows):,} of {total:,}; --all shows all")


@dead_letters.command()
@click.argument("id_", metavar="ID")
@click.option("--raw", is_flag=True, help="Print the bytes of the message and nothing else.")
@target_option
@click.pass_context
def show(ctx: click.Context, id_: str, raw: bool, target: str | None) -> None:
    """Show one dead letter: why it was refused, and the message as it came.

    \b
    Examples:
      armazem dead-letters show 17
      armazem dead-letters show 17 --raw > message.json
    """
    asked = target_of(settings_of(ctx, target=target))
    with asked.errors("the dead letter"):
        box = asked.dead_letters()
        check_ids(box, [id_])
        letter = next(box.select(ids=[id_], everything=True))
        replayed = id_ in box.replayed()
    if raw:
        with console.answering():
            sys.stdout.buffer.write(letter.content)
            sys.stdout.buffer.flush()
        return
    for name in ("id", "received_at", "source", "code", "path", "message", "event_id"):
        if (value := getattr(letter, name)) is not None:
            click.echo(f"{name + ':':12} {value}")
    click.echo(f"{'replayed:':12} {'yes' if replayed else 'no'}")
    click.echo(f"\n{_readable(letter)}")


def _readable(letter: DeadLetter) -> str:
    """The message, indented where it is JSON; of other bytes those that are text."""
    try:
        return msgspec.json.format(letter.content, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return letter.content.decode("utf-8", "backslashreplace")


@dead_letters.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@code_option
@source_option
@click.option("--with", "repaired", type=click.Path(path_type=Path), help="A file with the repaired message of one ID.")
@click.option("--dry-run", is_flag=True, help="Only say what would be accepted now.")
@to_option
@target_option
@click.pass_context
def replay(
    ctx: click.Context, /, ids: tuple[str, ...], repaired: Path | None, target: str | None, **options: Any
) -> None:
    """Take in dead letters again: all, those with an ID, or those of a code or source.

    What is accepted now is an event like any other, and leaves the list. What would be refused again stays.
    Doing it twice changes nothing the second time.

    \b
    Examples:
      armazem dead-letters replay --dry-run
      armazem dead-letters replay --code future_timestamp
      armazem dead-letters replay 17 --with message.json
      armazem dead-letters replay --target bigquery --code bad_value
    """
    if repaired is not None and len(ids) != 1:
        raise click.UsageError("--with is for exactly one ID")
    _replay(settings_of(ctx, target=target), ids, repaired, **options)


def _replay(
    settings: Settings,
    ids: tuple[str, ...],
    repaired: Path | None,
    code: str | None,
    source: str | None,
    dry_run: bool,
    to: str | None,
) -> None:
    target = target_of(settings)
    with target.errors("the replay"):
        box = target.dead_letters()
        check_ids(box, ids)
        content = _content(repaired) if repaired else None
        zone, now = ZoneInfo(settings.time_zone), datetime.now(UTC)
        with replay_lock(settings.home_folder.open(create=not target.in_home)):
            letters = box.select(ids=ids, code=code, source=source)
            if dry_run:
                result = Replay(box, zone, None, now).run(letters, repaired=content)
            else:
                with _replaying(target, to) as send:
                    anew = not to and not target.in_home
                    result = Replay(box, zone, send, now, anew=anew).run(letters, repaired=content)
    _show_replayed(result, dry_run=dry_run)


@contextmanager
def _replaying(target: Target, to: str | None) -> Iterator[Send]:
    if to or target.in_home:
        with _sender(target.settings, to, "replay") as send:
            yield send
        return
    from armazem.intake.sinks import to_sink

    with target.receiving() as sink:
        yield to_sink(sink, "replay")


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror or error}", "check the path") from error


def _show_replayed(result: Replayed, *, dry_run: bool) -> None:
    lines = console.messages()
    if dry_run:
        lines.print(f"{result.accepted:,} would be accepted, or be duplicates")
    else:
        lines.print(f"replayed: {result.accepted:,} accepted, {result.duplicates:,} duplicates")
    if result.refused:
        lines.print(f"{result.refused.total():,} stay, as they would be refused again:")
    for id_, why in islice(result.why.items(), 10):
        lines.print(f"  {id_}: {why}")
    if len(result.why) > 10:
        lines.print(f"  … and {len(result.why) - 10:,} more")

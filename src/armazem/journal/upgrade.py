"""Brings a journal of an older armazem up to date, once: events are normalised anew by the present rules.

Format 1 folded identifiers that are none of a UUID (`SP-1-23` became `sp123`), and did not know the senders of events.
Where a message was changed by that, its line has it as it came, in `raw`. Numbers, times of acceptance and event_ids
stay. A segment is replaced as a whole; a kill in between is no matter, as what is done is found done. Readers need not
wait: they read either form.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import msgspec

from armazem.contract.event_values import Horizon
from armazem.contract.events import Accepted, exact, journal_lines
from armazem.disk.durable import put_in_place, write_whole
from armazem.disk.lock import Held, compaction_lock, journal_lock
from armazem.errors import HomeError
from armazem.home import Home
from armazem.journal.compacted import NotCompacted, events_with_raw, rewrite_compacted
from armazem.journal.dead_letters import read_dead_letters
from armazem.journal.errors import unreadable
from armazem.journal.journal import JournalLine, decode_line, received_at
from armazem.journal.lines import read_lines
from armazem.journal.reading import FORMAT, FORMAT_FILE, journal_format
from armazem.journal.recovery import SOURCE

_TEMPORARY = ".upgrading"
_RAW = b'"raw":'
_WAIT = 600.0  # seconds for a compaction that is under way


def upgrade_if_free(home: Home, zone: ZoneInfo) -> None:
    """For who reads the journal: `upgrade`, unless somebody writes it, who does that. Raises HomeError."""
    if journal_format(home) >= FORMAT:
        return
    with ExitStack() as held:
        try:
            held.enter_context(journal_lock(home))
        except Held:
            return
        upgrade(home, zone)


def upgrade(home: Home, zone: ZoneInfo) -> int:
    """Bring the journal to the present format; the number of events that became others.

    An event whose message the present rules refuse stays as it is. The caller holds `journal_lock`. Raises HomeError.
    """
    if journal_format(home) >= FORMAT:
        return 0
    changed = 0
    try:
        with compaction_lock(home, _WAIT):
            for leftover in home.journal.glob(f"date=*/*{_TEMPORARY}"):
                leftover.unlink()
            kept = {letter.message.partition(": ")[0] for letter in read_dead_letters(home) if letter.source == SOURCE}
            for path in sorted(home.journal.glob("date=*/*.jsonl")):
                changed += _upgrade_lines(path, zone, kept)
                path.with_suffix(".parquet").unlink(missing_ok=True)  # made anew from the lines
            for path in sorted(home.journal.glob("date=*/*.parquet")):
                changed += _upgrade_compacted(path, zone)
            write_whole(home.journal / FORMAT_FILE, f"{FORMAT}\n".encode())
    except OSError as error:
        raise HomeError(
            f"the journal of {home.root} cannot be brought up to date: {error}", "check the disk and its space"
        ) from error
    return changed


def _upgrade_lines(path: Path, zone: ZoneInfo, kept: Collection[str]) -> int:
    """`kept`: the places of lines that lie in the dead letters."""
    if not any(_RAW in line.content for line in read_lines(path)):
        return 0
    temporary = path.with_suffix(_TEMPORARY)
    changed = 0
    with temporary.open("wb") as file:
        for line in read_lines(path):
            content = line.content
            record = decode_line(content)
            if record is None and line.whole and f"{path.parent.name}/{path.name}, byte {line.offset}" in kept:
                continue  # its place becomes another one, and it must not be kept a second time
            if record is not None and (anew := _normalised(record, zone)) is not None:
                changed += anew != content
                content = anew
            file.write(content + b"\n" if line.whole else content)
    if changed:
        put_in_place(temporary, path)
    else:
        temporary.unlink()
    return changed


def _upgrade_compacted(path: Path, zone: ZoneInfo) -> int:
    changed = path.with_suffix(_TEMPORARY)
    try:
        has_senders, records = events_with_raw(path)
        events = [(record.seq, _normalised(record, zone)) for record in records]
        lines = {seq: line for seq, line in events if line is not None}
        if not lines and has_senders:
            return 0
        changed.write_bytes(b"".join(line + b"\n" for line in lines.values()))
        rewrite_compacted(path, changed if lines else None, lines)
    except (NotCompacted, duckdb.Error) as error:
        raise unreadable(path, error) from error
    finally:
        changed.unlink(missing_ok=True)
    return len(lines)


def _normalised(record: JournalLine, zone: ZoneInfo) -> bytes | None:
    """The line by the present rules; None where the event has no message, or they refuse it."""
    if record.raw is None:
        return None
    event = exact(record.raw.encode(), Horizon.at(record.received_at, zone))
    if not isinstance(event, Accepted):
        return None
    event = msgspec.structs.replace(event, event_id=record.event_id, raw=record.raw)
    return journal_lines([event], record.seq, received_at(record.received_at), [record.source]).rstrip(b"\n")

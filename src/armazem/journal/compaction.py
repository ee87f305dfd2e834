"""Turns closed segments of the journal into Parquet files, while it is written and read.

`python -m armazem.journal.compaction HOME`: one pass, as a process of low priority that may be killed at any moment.

A segment's lines go only after their Parquet file has stood beside them for a grace time, so that a reader that has
listed them can still open them, and after that file has been read to its end once more. Until then readers take
the Parquet file, and a crash leaves both, or a temporary file that the next pass removes.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import duckdb
import msgspec

from armazem.disk.causes import first_line
from armazem.disk.durable import sync_path
from armazem.disk.lock import Held, compaction_lock
from armazem.errors import ArmazemError, HomeError
from armazem.home import Home
from armazem.journal.compacted import NotCompacted, copy_events, examine, is_whole, write_compacted
from armazem.journal.dead_letters import read_dead_letters
from armazem.journal.recovery import SOURCE

GRACE = 60.0
_NICE = 15


class Report(msgspec.Struct):
    """What one pass did. `busy`: another process is at it, so nothing.

    `compacted`: segments written as Parquet, of so many `events`; from `bytes_before` to `bytes_after`.
    `removed`: segments whose lines went. `postponed`: segments that stay as they are, each with the reason.
    """

    busy: bool = False
    compacted: int = 0
    events: int = 0
    bytes_before: int = 0
    bytes_after: int = 0
    removed: int = 0
    postponed: dict[str, str] = {}


def compact(home: Home, *, grace: float = GRACE, include_last: bool = False, now: float | None = None) -> Report:
    """Compact the closed segments, and remove the lines that were compacted `grace` seconds ago.

    The newest segment may still grow, so it is left; `include_last` takes it too, for a caller that holds the journal's
    lock. `now`: seconds since 1970. Damaged lines must be in the dead letters, where opening the journal brings them;
    a segment with others waits. Raises HomeError where the folder cannot be used.
    """
    report = Report()
    now = time.time() if now is None else now
    try:
        with compaction_lock(home):
            for leftover in home.journal.glob("date=*/*.tmp"):
                leftover.unlink(missing_ok=True)
            for lines in _closed(home, include_last=include_last):
                _advance(home, lines, now - grace, report)
    except Held:
        report.busy = True
    except OSError as error:
        raise HomeError(
            f"the journal of {home.root} cannot be compacted: {error}", "check the disk; the journal itself is whole"
        ) from error
    return report


def _closed(home: Home, *, include_last: bool) -> list[Path]:
    """The segments with lines that nobody appends to any more, oldest first."""
    numbers = [int(path.stem) for path in home.journal.glob("date=*/*") if path.stem.isdecimal()]
    newest = max(numbers, default=0)
    found = [path for path in home.journal.glob("date=*/*.jsonl") if path.stem.isdecimal()]
    closed = [path for path in found if include_last or int(path.stem) < newest]
    return sorted(closed, key=lambda path: int(path.stem))


def _advance(home: Home, lines: Path, old: float, report: Report) -> None:
    """Bring one segment a step further. What is wrong with it does not hold up the others."""
    target = lines.with_suffix(".parquet")
    try:
        if target.exists() and not is_whole(target, lines):
            target.unlink()  # of a crash or a bad disk; the lines are still there
        if not target.exists():
            if events := _write(home, lines, target):
                report.compacted += 1
                report.events += events
                report.bytes_before += lines.stat().st_size
                report.bytes_after += target.stat().st_size
        elif target.stat().st_mtime <= old:
            lines.unlink()
            sync_path(lines.parent)
            report.removed += 1
    except (NotCompacted, OSError, duckdb.Error) as error:
        report.postponed[f"{lines.parent.name}/{lines.name}"] = first_line(error)


def _write(home: Home, lines: Path, target: Path) -> int:
    """Write the Parquet file of a segment; the number of its events. A segment without any stays as it is."""
    events, damaged = examine(lines)
    good = lines.with_name(f"{lines.name}.tmp")
    try:
        if damaged:
            _check_kept(home, [f"{lines.parent.name}/{lines.name}, byte {line.offset}" for line in damaged])
            copy_events(lines, good)
        if events:
            write_compacted(good if damaged else lines, events, lines, target)
        return events
    finally:
        good.unlink(missing_ok=True)


def _check_kept(home: Home, places: list[str]) -> None:
    """Raise NotCompacted where a damaged line is not in the dead letters, which name its place."""
    kept = {letter.message.partition(": ")[0] for letter in read_dead_letters(home) if letter.source == SOURCE}
    if missing := [place for place in places if place not in kept]:
        raise NotCompacted(
            f"{len(missing)} damaged lines, such as {missing[0]}, come to the dead letters when the writer starts again"
        )


def main(arguments: list[str]) -> int:
    """One pass over the home folder that is named; prints the report as JSON. Exit codes: 0 done, 1 failed, 2 usage."""
    if len(arguments) != 1:
        print("usage: python -m armazem.journal.compaction HOME", file=sys.stderr)  # noqa: T201
        return 2
    os.nice(_NICE)
    try:
        report = compact(Home(Path(arguments[0]).absolute()).open(create=False))
    except ArmazemError as error:
        print(f"{error}; {error.hint}", file=sys.stderr)  # noqa: T201
        return 1
    print(msgspec.json.encode(report).decode())  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

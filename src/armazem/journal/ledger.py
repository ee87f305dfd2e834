"""The ledger of events: per source, received = accepted + duplicates + dead letters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import duckdb
import msgspec

from armazem.disk.causes import cause_of
from armazem.disk.durable import write_whole
from armazem.errors import HomeError
from armazem.home import Home
from armazem.journal.dead_letters import read_dead_letters
from armazem.journal.errors import unreadable
from armazem.journal.journal import claimed_seq, decode_line, last_number
from armazem.journal.lines import read_lines
from armazem.journal.segments import list_segments

LEDGER_FILE = "ledger.json"
_RESERVE = 100_000  # numbers at a time: most seconds need less, and the file is written every second


@dataclass(slots=True)
class LedgerRow:
    """Messages of one source, counted since the first, when it is known what became of them."""

    source: str
    received: int = 0
    accepted: int = 0
    duplicates: int = 0
    dead_letters: int = 0


class StoredLedger(msgspec.Struct):
    """The file. It covers the journal up to `last_seq` and the dead letters up to `last_dead_letter`.

    `reserved_seq`: the writer, while there is one, gives numbers up to this; 0 where it has ended well. What was read
    of a write may be gone after a crash, and its numbers must not be given to other events.
    """

    last_seq: int = 0
    last_dead_letter: int = 0
    sources: list[LedgerRow] = []
    reserved_seq: int = 0


class Ledger:
    """The counts of the writer. Opened after recovery: what the file does not cover yet is counted in the files."""

    def __init__(self, home: Home) -> None:
        """Raises HomeError where the files cannot be read."""
        self._path = home.journal / LEDGER_FILE
        stored = _reconciled(home)
        self.last_seq, self.last_dead_letter = stored.last_seq, stored.last_dead_letter
        self.reserved_seq = stored.reserved_seq
        self._rows = {row.source: row for row in stored.sources}

    def reserve(self, seq: int) -> None:
        """See to it that no number up to this is given again, whatever happens. Raises OSError."""
        if seq > self.reserved_seq:
            self.write(reserve=seq)

    def of(self, source: str) -> LedgerRow:
        """The counts of a source, to be added to."""
        row = self._rows.get(source)
        if row is None:
            row = self._rows[source] = LedgerRow(source)
        return row

    def rows(self) -> list[LedgerRow]:
        return list(self._rows.values())

    def write(self, *, reserve: int | None = None) -> None:
        """Replace the file. Raises OSError, and then the old one stands, which is as good: it covers less.

        `reserve`: the highest number that will be needed soon; 0 where the writer ends.
        """
        needed = self.last_seq if reserve is None else reserve
        reserved = 0 if reserve == 0 else max(self.reserved_seq, needed + _RESERVE if needed else 0)
        stored = StoredLedger(self.last_seq, self.last_dead_letter, self.rows(), reserved)
        write_whole(self._path, msgspec.json.format(msgspec.json.encode(stored), indent=1) + b"\n")
        self.reserved_seq = reserved


def read_ledger(home: Home) -> list[LedgerRow]:
    """The counts per source up to now, also while a server runs. Raises HomeError."""
    return sorted(_reconciled(home).sources, key=lambda row: row.source)


def _reconciled(home: Home) -> StoredLedger:
    """The file, and what came after it: lines and dead letters are as good as counts of them.

    What was lost with an unwritten file is duplicates of the last second: nobody can tell what they were.
    """
    stored = load_ledger(home)
    rows = {row.source: row for row in stored.sources}
    try:
        for source, (count, last) in _accepted_after(home, stored.last_seq).items():
            row = rows.setdefault(source, LedgerRow(source))
            row.received += count
            row.accepted += count
            stored.last_seq = max(stored.last_seq, last)
        for letter in read_dead_letters(home, after=stored.last_dead_letter):
            row = rows.setdefault(letter.source, LedgerRow(letter.source))
            row.received += 1
            row.dead_letters += 1
            stored.last_dead_letter = max(stored.last_dead_letter, int(letter.id))
    except (OSError, duckdb.Error) as error:
        cause = cause_of(error, home.journal)
        raise HomeError(f"the journal of {home.root} cannot be read: {cause.reason}", cause.hint) from error
    stored.sources = list(rows.values())
    return stored


def load_ledger(home: Home) -> StoredLedger:
    """The file as it is. Raises HomeError where it is damaged."""
    path = home.journal / LEDGER_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=StoredLedger)
    except FileNotFoundError:
        return StoredLedger()
    except (OSError, msgspec.DecodeError) as error:
        raise HomeError(
            f"{path} cannot be read: {error}", "remove it: all but the duplicates is counted again from the files"
        ) from error


def _accepted_after(home: Home, after: int) -> dict[str, tuple[int, int]]:
    """Lines above a number: source to (how many, highest number)."""
    if last_number(home) <= after:
        return {}
    counts: Counter[str] = Counter()
    highest: dict[str, int] = {}
    for segment in list_segments(home.journal, after=after):
        if segment.compacted:
            try:
                with duckdb.connect() as connection:
                    found = connection.execute(
                        "select source, count(*), max(seq) from read_parquet(?) where seq > ? group by source",
                        [str(segment.path), after],
                    ).fetchall()
            except duckdb.Error as error:
                raise unreadable(segment.path, error) from error
            for source, count, last in found:
                counts[source] += count
                highest[source] = max(last, highest.get(source, 0))
            continue
        for line in read_lines(segment.path):
            if line.whole and claimed_seq(line.content) > after and (record := decode_line(line.content)):
                counts[record.source] += 1
                highest[record.source] = max(record.seq, highest.get(record.source, 0))
    return {source: (count, highest[source]) for source, count in counts.items()}

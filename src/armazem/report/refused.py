"""Rows that were refused at load, by file and reason: counted in the files of rejects that the home folder keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from armazem.errors import HomeError
from armazem.home import Home
from armazem.landing.ledger import LedgerRow

_ID_FORMAT = "%Y%m%dT%H%M%S%fZ"


class _Reject(msgspec.Struct):
    """What a line of rejects has, of which no more is read."""

    file: str
    code: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Refused rows of one file of a load, by reason.

    `code`: see RejectCode; `""` where the rejects of a load are not in this home folder, which may be that of another
    machine. `path`: the file with every such row, its line and reason. `landed`: whether the other rows of the load are
    in the warehouse; else it was refused as a whole, or withdrawn.
    """

    load_id: str
    table: str
    file: str
    code: str
    rows: int
    path: str
    landed: bool


def rejected(home: Home, loads: Sequence[LedgerRow], since: datetime) -> tuple[Rejected, ...]:
    """Return the rejects of these loads, and of what was refused as a whole since then: newest load first, most first.

    Raises HomeError where a file of rejects cannot be read.
    """
    landed = {load.load_id for load in loads}
    found = []
    for path in sorted(home.rejects.glob("*/*.jsonl")):
        load_id = path.parent.name
        if load_id in landed or _began(load_id) >= since:
            found += [
                Rejected(load_id, path.stem, file, code, rows, str(path), load_id in landed)
                for (file, code), rows in _counted(path).items()
            ]
    kept = {(one.load_id, one.table) for one in found}
    found += [
        Rejected(load.load_id, load.table, load.path, "", load.rows_rejected, str(_file(home, load)), landed=True)
        for load in loads
        if load.rows_rejected and (load.load_id, load.table) not in kept
    ]
    found.sort(key=lambda one: (-one.rows, one.table, one.file, one.code))
    return tuple(sorted(found, key=lambda one: one.load_id, reverse=True))


def _file(home: Home, load: LedgerRow) -> Path:
    return home.rejects / load.load_id / f"{load.table}.jsonl"


def _began(load_id: str) -> datetime:
    try:
        return datetime.strptime(load_id, _ID_FORMAT).replace(tzinfo=UTC)
    except ValueError:  # a folder of somebody else's
        return datetime.min.replace(tzinfo=UTC)


def _counted(path: Path) -> Mapping[tuple[str, str], int]:
    decode = msgspec.json.Decoder(_Reject).decode
    counts: Counter[tuple[str, str]] = Counter()
    try:
        with path.open("rb") as lines:
            for line in lines:
                reject = decode(line)
                counts[reject.file, reject.code] += 1
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HomeError(f"{path} cannot be read: {error}", "move it away; nothing else needs it") from error
    return counts

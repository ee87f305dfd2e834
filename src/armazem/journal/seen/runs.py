"""Sorted runs of digests on disk: written once, whole under their name or not there, read where a filter says so.

A file is a header, digests of 16 bytes, sorted by their first word, and in the same order the numbers of
their events, of 8 bytes. Digests are spread evenly, so the leading bits of the first word are a directory: a lookup
reads one bucket of about 50 digests. It is read through the open file, not mapped: a run that was replaced can be read
until it is closed, and its pages are not our memory.
"""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from armazem.disk.durable import put_in_place
from armazem.errors import HomeError
from armazem.journal.digests import Words, words
from armazem.journal.seen.bloom import Vector

# Magic, first seq, last seq, number of digests, CRC-32 of the digests, CRC-32 of the numbers.
_HEADER = struct.Struct("<8sQQQII24x")
_MAGIC = b"azseen3\n"  # of this header and of what `digests_of` gives
_DIGEST = 16
_NUMBER = 8
ENTRY = _DIGEST + _NUMBER
"""Bytes of the file for each event."""
_PART = 1 << 20  # bytes read at a time
_RANGES_LOG2 = 8  # a merge goes by ranges of the first word, so that it needs little memory
_MERGED = 1 << 15  # digests at a time
_BUCKET = 64

_logger = logging.getLogger(__name__)


class DamagedRun(ValueError):
    """A run whose length, header or checksum is wrong, or that is of an older form."""


class Entries(NamedTuple):
    """Digests, and the numbers of the events that they are of."""

    digests: Words
    seqs: Vector


def vector(numbers: bytes) -> Vector:
    """Numbers of 8 bytes, one after the other."""
    return np.frombuffer(numbers, dtype="<u8")


class Run:
    """One open run: the digests of the events `first_seq` to `last_seq`."""

    def __init__(self, path: Path, on_part: Callable[[Words], None] | None = None) -> None:
        """Open and check it; `on_part` gets the digests, part by part. Raises DamagedRun, OSError."""
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY)
        try:
            self._read(on_part)
        except BaseException:
            self.close()
            raise

    def _read(self, on_part: Callable[[Words], None] | None) -> None:
        header = os.pread(self._descriptor, _HEADER.size, 0)
        if len(header) != _HEADER.size:
            raise DamagedRun(f"{self.path} has no header")
        magic, self.first_seq, self.last_seq, self.count, *self.checksums = _HEADER.unpack(header)
        size = os.fstat(self._descriptor).st_size
        if magic != _MAGIC or size != _HEADER.size + self.count * ENTRY or self.path != self.path_of(self.path.parent):
            raise DamagedRun(f"{self.path} is not a whole run")
        bits = max(_RANGES_LOG2, (self.count // _BUCKET).bit_length())
        self._shift = 64 - bits
        sizes = np.zeros((1 << bits) + 1, dtype=np.int64)
        found = previous = 0
        for start in range(0, self.count * _DIGEST, _PART):
            data = self._bytes(start, min(start + _PART, self.count * _DIGEST))
            found = zlib.crc32(data, found)
            part = words(data)
            if part[0, 0] < previous or (part[1:, 0] < part[:-1, 0]).any():
                raise DamagedRun(f"{self.path} is not sorted")
            previous = part[-1, 0]
            buckets = (part[:, 0] >> np.uint64(self._shift)).astype(np.int64)
            sizes[buckets[0] + 1 : buckets[-1] + 2] += np.bincount(buckets - buckets[0])
            if on_part is not None:
                on_part(part)
        numbers = 0
        for start in range(0, self.count * _NUMBER, _PART):
            stop = min(start + _PART, self.count * _NUMBER)
            numbers = zlib.crc32(self._numbers(start // _NUMBER, stop // _NUMBER), numbers)
        if [found, numbers] != self.checksums:
            raise DamagedRun(f"{self.path} has a wrong checksum")
        self._starts = array("Q", np.cumsum(sizes).astype(np.uint64).tobytes())

    def path_of(self, folder: Path) -> Path:
        return folder / f"{self.first_seq:016d}-{self.last_seq:016d}.run"

    def _bytes(self, start: int, stop: int) -> bytes:
        data = os.pread(self._descriptor, stop - start, _HEADER.size + start)
        if len(data) != stop - start:
            raise HomeError(f"{self.path} has become shorter", "start again: it is made anew from the journal")
        return data

    def _numbers(self, first: int, stop: int) -> bytes:
        start = self.count * _DIGEST
        return self._bytes(start + first * _NUMBER, start + stop * _NUMBER)

    def find(self, digest: bytes) -> int:
        """The number of the event that has exactly this digest; 0 where none has."""
        bucket = int.from_bytes(digest[:8], "little") >> self._shift
        first = self._starts[bucket]
        data = self._bytes(first * _DIGEST, self._starts[bucket + 1] * _DIGEST)
        at = data.find(digest)
        while at % _DIGEST and at >= 0:  # across two digests
            at = data.find(digest, at + 1)
        if at < 0:
            return 0
        first += at // _DIGEST
        return int.from_bytes(self._numbers(first, first + 1), "little")

    def range(self, first: int, stop: int) -> Entries:
        """Those whose digest's leading 8 bits are a number from `first` to below `stop`."""
        shift = 64 - self._shift - _RANGES_LOG2
        start, end = self._starts[first << shift], self._starts[stop << shift]
        return Entries(words(self._bytes(start * _DIGEST, end * _DIGEST)), vector(self._numbers(start, end)))

    def close(self) -> None:
        os.close(self._descriptor)

    def discard(self) -> None:
        """Close and remove it, where a merged run has taken its place. Left over, it is removed by `usable_runs`."""
        self.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


def usable_runs(folder: Path, end: int, on_part: Callable[[Words], None]) -> list[Run]:
    """The runs that follow one another from seq 1 and do not go beyond `end`; other files there are removed.

    A crash after a merge leaves the merged run and those that it was made of: the longest is taken.
    """
    for leftover in folder.glob("*.tmp"):
        leftover.unlink()
    runs: list[Run] = []
    following = 1
    for first, last, path in sorted(_named(folder), key=lambda named: (named[0], -named[1])):
        if first == following and last <= end:
            try:
                runs.append(Run(path, on_part))
            except DamagedRun:
                _logger.warning("%s is damaged, or of an older form; it is made anew from the journal", path)
            else:
                following = last + 1
                continue
        path.unlink()
    return runs


def _named(folder: Path) -> Iterator[tuple[int, int, Path]]:
    for path in folder.glob("*.run"):
        first, _, last = path.stem.partition("-")
        if first.isdecimal() and last.isdecimal():
            yield int(first), int(last), path


def write_run(folder: Path, entries: Entries, first_seq: int, last_seq: int) -> Run:
    """A run of these, on the disk when this returns. Raises OSError; then there is no run."""
    return _write(folder, [_sorted(entries)], len(entries.digests), first_seq, last_seq)


def merge_runs(folder: Path, runs: Sequence[Run]) -> Run:
    """One run with what these hold, which follow one another. They stay; removing them is the caller's.

    Raises OSError; DamagedRun where one of them has changed since it was opened, and then there is no new one.
    """
    return _write(folder, _merged(runs), sum(run.count for run in runs), runs[0].first_seq, runs[-1].last_seq)


def _merged(runs: Sequence[Run]) -> Iterator[Entries]:
    checksums = [[0, 0] for _ in runs]
    ranges = 1 << _RANGES_LOG2
    step = min(ranges, max(1, _MERGED * ranges // sum(run.count for run in runs)))
    for first in range(0, ranges, step):
        parts = [run.range(first, min(first + step, ranges)) for run in runs]
        checksums = [
            [zlib.crc32(piece.data, checksum) for piece, checksum in zip(part, pair, strict=True)]
            for part, pair in zip(parts, checksums, strict=True)
        ]
        yield _sorted(
            Entries(np.concatenate([part.digests for part in parts]), np.concatenate([p.seqs for p in parts]))
        )
    for run, found in zip(runs, checksums, strict=True):
        if found != run.checksums:
            raise DamagedRun(f"{run.path} has changed since it was opened")


def _sorted(entries: Entries) -> Entries:
    # A stable sort recognises what is sorted already: a fifth of the time in a merge.
    order = np.argsort(entries.digests[:, 0], kind="stable")
    return Entries(entries.digests[order], entries.seqs[order])


def _write(folder: Path, parts: Iterable[Entries], count: int, first_seq: int, last_seq: int) -> Run:
    temporary = folder / f"{first_seq:016d}-{last_seq:016d}.tmp"
    done = of_digests = of_numbers = 0
    try:
        with temporary.open("wb") as file:
            for part in parts:
                digests, numbers = part.digests.tobytes(), part.seqs.astype("<u8").tobytes()
                file.seek(_HEADER.size + done * _DIGEST)
                file.write(digests)
                file.seek(_HEADER.size + count * _DIGEST + done * _NUMBER)
                file.write(numbers)
                done += len(part.digests)
                of_digests, of_numbers = zlib.crc32(digests, of_digests), zlib.crc32(numbers, of_numbers)
            file.seek(0)
            file.write(_HEADER.pack(_MAGIC, first_seq, last_seq, count, of_digests, of_numbers))
        path = temporary.with_suffix(".run")
        put_in_place(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Run(path)

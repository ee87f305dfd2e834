"""Sorted runs of digests on disk: written once, whole under their name or not there, read where a filter says so.

A file is a header and digests of 16 bytes, sorted by their first word. Digests are spread evenly, so the
leading bits of the first word are a directory: a lookup reads one bucket of about 50 digests. It is read through
the open file, not mapped: a run that was replaced can be read until it is closed, and its pages are not our memory.
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

import numpy as np

from armazem.errors import HomeError
from armazem.landing.durable import sync_file, sync_path
from armazem.stream.digests import Words, words

_HEADER = struct.Struct("<8sQQQI28x")  # magic, first seq, last seq, number of digests, CRC-32 of the digests
_MAGIC = b"azseen2\n"  # of this header and of what `digests_of` gives
_DIGEST = 16
_PART = 1 << 20  # bytes read at a time
_RANGES_LOG2 = 8  # a merge goes by ranges of the first word, so that it needs little memory
_MERGED = 1 << 15  # digests at a time
_BUCKET = 64

_logger = logging.getLogger(__name__)


class DamagedRun(ValueError):
    """A run whose length, header or checksum is wrong."""


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
        magic, self.first_seq, self.last_seq, self.count, self.checksum = _HEADER.unpack(header)
        size = os.fstat(self._descriptor).st_size
        if (
            magic != _MAGIC
            or size != _HEADER.size + self.count * _DIGEST
            or self.path != self.path_of(self.path.parent)
        ):
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
        if found != self.checksum:
            raise DamagedRun(f"{self.path} has a wrong checksum")
        self._starts = array("Q", np.cumsum(sizes).astype(np.uint64).tobytes())

    def path_of(self, folder: Path) -> Path:
        return folder / f"{self.first_seq:016d}-{self.last_seq:016d}.run"

    def _bytes(self, start: int, stop: int) -> bytes:
        data = os.pread(self._descriptor, stop - start, _HEADER.size + start)
        if len(data) != stop - start:
            raise HomeError(f"{self.path} has become shorter", "start again: it is made anew from the journal")
        return data

    def holds(self, digest: bytes) -> bool:
        """Whether exactly this digest is in the run."""
        bucket = int.from_bytes(digest[:8], "little") >> self._shift
        data = self._bytes(self._starts[bucket] * _DIGEST, self._starts[bucket + 1] * _DIGEST)
        at = data.find(digest)
        while at % _DIGEST and at >= 0:  # across two digests
            at = data.find(digest, at + 1)
        return at >= 0

    def range(self, first: int, stop: int) -> Words:
        """The digests whose leading 8 bits are a number from `first` to below `stop`."""
        shift = 64 - self._shift - _RANGES_LOG2
        return words(self._bytes(self._starts[first << shift] * _DIGEST, self._starts[stop << shift] * _DIGEST))

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
                _logger.warning("%s is damaged; it is made anew from the journal", path)
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


def write_run(folder: Path, digests: Words, first_seq: int, last_seq: int) -> Run:
    """A run of these digests, on the disk when this returns. Raises OSError; then there is no run."""
    return _write(folder, [_sorted(digests)], first_seq, last_seq)


def merge_runs(folder: Path, runs: Sequence[Run]) -> Run:
    """One run with what these hold, which follow one another. They stay; removing them is the caller's.

    Raises OSError; DamagedRun where one of them has changed since it was opened, and then there is no new one.
    """
    return _write(folder, _merged(runs), runs[0].first_seq, runs[-1].last_seq)


def _merged(runs: Sequence[Run]) -> Iterator[Words]:
    checksums = [0] * len(runs)
    ranges = 1 << _RANGES_LOG2
    step = min(ranges, max(1, _MERGED * ranges // sum(run.count for run in runs)))
    for first in range(0, ranges, step):
        parts = [run.range(first, min(first + step, ranges)) for run in runs]
        checksums = [zlib.crc32(part.data, checksum) for part, checksum in zip(parts, checksums, strict=True)]
        digests = np.concatenate(parts)
        # A stable sort recognises what is sorted already: a fifth of the time.
        yield digests[np.argsort(digests[:, 0], kind="stable")]
    for run, checksum in zip(runs, checksums, strict=True):
        if checksum != run.checksum:
            raise DamagedRun(f"{run.path} has changed since it was opened")


def _sorted(digests: Words) -> Words:
    return digests[np.argsort(digests[:, 0])]


def _write(folder: Path, parts: Iterable[Words], first_seq: int, last_seq: int) -> Run:
    temporary = folder / f"{first_seq:016d}-{last_seq:016d}.tmp"
    count = checksum = 0
    try:
        with temporary.open("wb") as file:
            file.write(bytes(_HEADER.size))
            for part in parts:
                data = part.tobytes()
                count += len(part)
                checksum = zlib.crc32(data, checksum)
                file.write(data)
            file.seek(0)
            file.write(_HEADER.pack(_MAGIC, first_seq, last_seq, count, checksum))
            sync_file(file)
        path = temporary.with_suffix(".run")
        os.replace(temporary, path)
        sync_path(folder)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Run(path)

"""One pass over the bytes of a file before it is parsed: its hash, its encoding, and what to look out for."""

from __future__ import annotations

import codecs
import hashlib
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from armazem.errors import SourceError
from armazem.landing.form import Format
from armazem.landing.quotes import odd_quotes, seam_after
from armazem.sources.files import SourceFile

CHUNK = 2 << 20
START = 64
_PARQUET = b"PAR1"


@dataclass(frozen=True, slots=True)
class Scan:
    """What the bytes of a file say.

    `start`: the first 64 bytes. `multibyte`: valid UTF-8 sequences of several bytes,
    `invalid`: bytes that are not UTF-8 (both counted only where there are any invalid). `odd_quotes`: a quote
    follows spaces where that matters, see `quotes`. `modified_ns`: to notice a file that changes while it is read.
    """

    sha256: str
    size: int
    modified_ns: int
    start: bytes
    invalid: int
    multibyte: int
    lines: int
    has_nul: bool
    has_quotes: bool
    odd_quotes: bool

    @property
    def bom(self) -> int:
        """Length of the UTF-8 byte order mark, 0 where there is none."""
        return len(codecs.BOM_UTF8) if self.start.startswith(codecs.BOM_UTF8) else 0

    def encoding(self) -> str:
        """Return `utf-8`, or `windows-1252` where the bytes are rather that.

        A UTF-8 file with some broken lines has more valid sequences than invalid bytes; in a file of one byte a
        character nearly every accented letter is an invalid byte.
        """
        return "utf-8" if not self.invalid or self.multibyte > self.invalid else "windows-1252"


class Cancelled(Exception):
    """The load that wanted this scan has failed."""


def scan_file(
    path: Path,
    name: str,
    delimiter: bytes = b",",
    cancelled: threading.Event | None = None,
) -> Scan:
    """Read the file once, in chunks. `name` is for error messages.

    Raises SourceError where the file cannot be read, Cancelled once `cancelled` is set.
    """
    digest = hashlib.sha256()
    text = _Utf8Check()
    start = last = b""
    seam = b"\n"
    lines = 0
    has_nul = has_quotes = odd = False
    try:
        with path.open("rb", buffering=0) as file:
            modified = path.stat().st_mtime_ns
            while chunk := file.read(CHUNK):
                if cancelled is not None and cancelled.is_set():
                    raise Cancelled
                start = start or chunk[:START]
                digest.update(chunk)
                text.feed(chunk)
                lines += chunk.count(b"\n")
                has_nul = has_nul or b"\0" in chunk
                if b'"' in chunk:
                    has_quotes = True
                    odd = odd or odd_quotes(seam + chunk, delimiter)
                seam = seam_after(seam, chunk)
                last = chunk[-1:]
            size = file.tell()
        text.feed(b"", final=True)
        binary = start.startswith(_PARQUET)
        invalid, multibyte = (0, 0) if text.valid or binary else _broken_text(path)
    except OSError as error:
        raise SourceError(f"{name} cannot be read: {error.strerror}", "check its permissions") from error
    return Scan(
        sha256=digest.hexdigest(),
        size=size,
        modified_ns=modified,
        start=start,
        invalid=invalid,
        multibyte=multibyte,
        lines=lines + (last not in (b"", b"\n")),
        has_nul=has_nul,
        has_quotes=has_quotes,
        odd_quotes=odd,
    )


@contextmanager
def scans(files: list[SourceFile], form: Format) -> Iterator[Iterator[tuple[SourceFile, Scan]]]:
    """Yield each file with its scan. The next files are scanned in a thread while the caller works on one."""
    # Small files first: the scan of a large one then runs beside the work on the others.
    order = sorted(files, key=lambda file: file.path.stat().st_size)
    cancelled = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as pool:
        futures: list[tuple[SourceFile, Future[Scan]]] = [
            (file, pool.submit(scan_file, file.path, file.name, form.between(file), cancelled)) for file in order
        ]
        try:
            yield ((file, future.result()) for file, future in futures)
        finally:
            cancelled.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _broken_text(path: Path) -> tuple[int, int]:
    """Of a file that is not UTF-8: how many bytes are invalid, and how many valid sequences have several bytes."""
    invalid = multibyte = 0
    # An invalid byte becomes one lone surrogate, which encoding with "ignore" drops again.
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    with path.open("rb", buffering=0) as file:
        ended = False
        while not ended:
            chunk = file.read(CHUNK)
            ended = not chunk
            text = decoder.decode(chunk, final=ended)
            valid = text.encode("utf-8", "ignore").decode("utf-8")
            invalid += len(text) - len(valid)
            multibyte += len(valid) - len(valid.encode("ascii", "ignore"))
    return invalid, multibyte


class _Utf8Check:
    """Whether chunks, which may cut a character in two, are valid UTF-8 together."""

    def __init__(self) -> None:
        self.valid = True
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")

    def feed(self, chunk: bytes, final: bool = False) -> None:
        if not self.valid or (chunk.isascii() and not final and not self._decoder.getstate()[0]):
            return
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError:
            self.valid = False

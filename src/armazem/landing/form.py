"""How the files of a load are written: what stands between columns, the encoding, the decimal separator, the zone."""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from armazem.errors import SourceError
from armazem.landing.validation import Written
from armazem.sources.files import SourceFile

ENCODINGS = ("auto", "utf-8", "windows-1252", "latin-1")
SEPARATORS = (".", ",")
_NEVER_BETWEEN = "\"' \r\n\0_-+.:"
# Five bytes have no character in Windows-1252; browsers read them as the controls of Latin-1, and so do we.
_UNDEFINED = {0x81, 0x8D, 0x8F, 0x90, 0x9D}
_WINDOWS_1252 = "".join(chr(byte) if byte in _UNDEFINED else bytes([byte]).decode("cp1252") for byte in range(256))


@dataclass(frozen=True, slots=True)
class Format:
    """How the files are written. `delimiter`: one byte, None for what the name of a file says.

    `encoding`: `auto`, `utf-8` or `windows-1252`. `latin-1` is the latter too, as it is in browsers: where the two
    differ, Latin-1 has controls that nobody types, and Windows-1252 the euro sign and the quotes.
    """

    delimiter: bytes | None
    encoding: str
    written: Written

    @classmethod
    def of(cls, delimiter: str | None, encoding: str, decimal: str, zone: str) -> Format:
        """Return the format a user asked for. Raises SourceError where it makes no sense."""
        if encoding not in ENCODINGS:
            raise SourceError(f"{encoding!r} is not an encoding that can be read", f"use one of {', '.join(ENCODINGS)}")
        if decimal not in SEPARATORS:
            raise SourceError(f"{decimal!r} is no decimal separator", "use '.' or ','")
        encoding = "windows-1252" if encoding == "latin-1" else encoding
        return cls(None if delimiter is None else _one_byte(delimiter), encoding, Written(decimal, zone))

    def between(self, file: SourceFile) -> bytes:
        """Return what separates the columns of a file: a tab in .tsv, a comma in others, unless it was said."""
        return self.delimiter or (b"\t" if file.kind == "tsv" else b",")


def _one_byte(delimiter: str) -> bytes:
    delimiter = "\t" if delimiter in ("\\t", "tab") else delimiter
    # Characters of values, quotes and line ends cannot separate values.
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter.isalnum() or delimiter in _NEVER_BETWEEN:
        raise SourceError(f"{delimiter!r} cannot separate columns", "use one character: ',' ';' '|' or '\\t'")
    return delimiter.encode("ascii")


def windows_1252(text: bytes) -> str:
    """Return the text of bytes of Windows-1252; every byte is a character."""
    return codecs.charmap_decode(text, "strict", _WINDOWS_1252)[0]  # type: ignore[arg-type]  # a table is quickest

"""A report for programs, as JSON, and its file, which is whole or not there."""

from __future__ import annotations

from pathlib import Path

import msgspec

from armazem.disk.causes import cause_of
from armazem.disk.durable import write_whole
from armazem.errors import ReportError
from armazem.report.daily import Report


def json_of(report: Report) -> str:
    """Return the fields of Report as a JSON object: dates ISO 8601, decimals as numbers with all their digits."""
    encoded = msgspec.json.Encoder(decimal_format="number").encode(report)
    return f"{msgspec.json.format(encoded, indent=2).decode()}\n"


def write(out: Path, text: str) -> Path:
    """Write a file, or replace it by one rename, and return its path.

    Raises ReportError where that cannot be; then the old one stays.
    """
    out = out.expanduser().absolute()
    if out.is_dir():
        raise ReportError(f"{out} is a folder", "name a file in it, such as report.html")
    if not out.parent.is_dir():
        raise ReportError(f"there is no folder {out.parent}", "make it first, or name another one")
    try:
        write_whole(out, text.encode())
    except OSError as error:
        cause = cause_of(error, out)
        raise ReportError(f"cannot write {out}: {cause.reason}", cause.hint) from error
    return out

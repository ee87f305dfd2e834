"""CSV files of what panels show, sent as they are written: of a table all rows, not those that a browser has."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, Protocol
from urllib.parse import quote
from weakref import WeakValueDictionary

from nicegui import run
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from armazem.errors import ArmazemError
from armazem.kpis.csv_cells import neutral
from armazem.kpis.formats import csv_value

PATH = "/download/{key}"
_AT_ONCE = 1000  # lines
_BYTE_ORDER_MARK = "\ufeff"  # without it Excel takes it for Latin-1


class Source(Protocol):
    """What can be downloaded. `csv_rows`: its header, then its rows some at a time; in a thread."""

    @property
    def file_name(self) -> str: ...

    def csv_rows(self) -> Iterator[Sequence[Sequence[Any]]]: ...


_SOURCES: WeakValueDictionary[str, Source] = WeakValueDictionary()


def offer(source: Source) -> str:
    """Return the address at which it can be fetched, as long as it is there: nobody can guess it."""
    key = secrets.token_urlsafe(16)
    _SOURCES[key] = source
    return PATH.format(key=key)


async def download(request: Request) -> Response:
    """Answer with the table that was offered under this key, as CSV; 404 where its page is closed."""
    source = _SOURCES.get(request.path_params["key"])
    if source is None:
        return PlainTextResponse("This page is closed. Open it again, and download from there.\n", 404)
    rows = source.csv_rows()
    try:
        first = await run.io_bound(lambda: next(rows, []))  # what is wrong with the question is known then
    except ArmazemError as error:
        return PlainTextResponse(f"{error}\n{error.hint or ''}\n", 503)
    name = quote(f"{source.file_name}.csv")
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}", "Cache-Control": "no-store"}
    return StreamingResponse(
        csv_lines(chain([first or []], rows)), media_type="text/csv; charset=utf-8", headers=headers
    )


def csv_lines(batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[str]:
    """Yield CSV of RFC 4180, some lines at a time; null is empty, and nothing in it is a formula."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")  # so it quotes both wherever they are in a cell
    text.write(_BYTE_ORDER_MARK)
    for batch in batches:
        writer.writerows([[neutral(csv_value(value)) for value in row] for row in batch])
        yield text.getvalue()
        text.seek(0)
        text.truncate()


def in_batches(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    """Yield rows that are there already in batches, for `csv_rows`."""
    yield [header]
    for at in range(0, len(rows), _AT_ONCE):
        yield rows[at : at + _AT_ONCE]

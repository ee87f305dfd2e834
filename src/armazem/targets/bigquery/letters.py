"""The dead letters of `raw.dead_letters`, and which of them were replayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from google.cloud.bigquery import SchemaField

from armazem.contract.dead_letters import DeadLetter, LetterCount
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.landing.raw import DEAD_LETTERS

REPLAYED = "replayed_dead_letters"
_MARKS = [
    SchemaField("id", "STRING", description="Identifier of the dead letter."),
    SchemaField("replayed_at", "TIMESTAMP", description="When it became an event."),
]
_HEAD = ("id", "received_at", "source", "code", "path", "message", "event_id")
_BODY = ("raw", "raw_base64")


class BigQueryLetters:
    """See `LetterBox`. A message that was delivered twice has two rows, and is one dead letter.

    Rows that came by the Storage Write API cannot be changed for a while: what was replayed stands in a table of its
    own. Raises what Google's client raises.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._table = f"`{connection.names.raw}`.{DEAD_LETTERS}"

    def select(
        self, *, ids: Sequence[str] = (), code: str | None = None, source: str | None = None, everything: bool = False
    ) -> Iterator[DeadLetter]:
        sql, values = self._query(ids, code, source, everything, (*_HEAD, *_BODY))
        # As they come, page by page: there may be many, each of megabytes.
        for row in self._rows(f"{sql} order by received_at, id", values):
            yield _letter(row)

    def newest(
        self, *, code: str | None, source: str | None, everything: bool, limit: int | None
    ) -> tuple[list[DeadLetter], int]:
        sql, values = self._query((), code, source, everything, _HEAD)
        [(total,)] = self._ask(f"select count(*) from ({sql})", values) or [(0,)]
        some = "" if limit is None else f" limit {limit}"
        return [_letter(row) for row in self._ask(f"{sql} order by received_at desc, id desc{some}", values)], total

    def counts(self, since: datetime) -> list[LetterCount]:
        sql, values = self._query((), None, None, False, ("code", "received_at"))
        moment = f"timestamp '{since.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
        counted = self._ask(
            f"select code, count(*), sum(case when received_at >= {moment} then 1 else 0 end), max(received_at) "
            f"from ({sql}) group by code order by 2 desc, 1",
            values,
        )
        return [LetterCount(*row) for row in counted]

    def replayed(self) -> set[str]:
        return {row[0] for row in self._connection.rows_if_there(f"select id from {self._marks}")}

    def mark(self, ids: Sequence[str], now: datetime) -> None:
        """Remember it by a load job: all of them or none."""
        table_id = self._connection.table_id(self._connection.names.raw, REPLAYED)
        self._connection.append_json(table_id, [{"id": id_, "replayed_at": now.isoformat()} for id_ in ids], _MARKS)

    @property
    def _marks(self) -> str:
        return f"`{self._connection.names.raw}`.{REPLAYED}"

    def _query(
        self,
        ids: Sequence[str],
        code: str | None,
        source: str | None,
        everything: bool,
        columns: Sequence[str],
    ) -> tuple[str, list[Any]]:
        """SQL of these dead letters, and the values of its parameters."""
        values: list[Any] = [*ids]
        wanted = [f"id in ({', '.join('?' for _ in ids)})"] if ids else []
        for column, value in (("code", code), ("source", source)):
            if value is not None:
                wanted.append(f"{column} = ?")
                values.append(value)
        if not everything and REPLAYED in self._connection.tables(self._connection.names.raw):
            wanted.append(f"id not in (select id from {self._marks})")
        where = " and ".join(wanted) or "true"
        sql = f"select {', '.join(columns)} from {self._table} where {where}"
        return f"{sql} qualify row_number() over (partition by source, id order by received_at) = 1", values

    def _ask(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        return list(self._rows(sql, values))

    def _rows(self, sql: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
        if DEAD_LETTERS in self._connection.tables(self._connection.names.raw):
            for row in self._connection.answer(sql, values):
                yield tuple(row.values())


def _letter(row: Sequence[Any]) -> DeadLetter:
    return DeadLetter(*row)

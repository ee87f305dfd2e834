"""One build at a time: who makes the table `build_lock` in the audit dataset holds it."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from google.api_core import exceptions
from google.cloud import bigquery

from armazem.errors import CloudError
from armazem.targets.bigquery.connection import Connection

LOCK_TABLE = "build_lock"
_LONGEST_BUILD = timedelta(hours=6)  # after that BigQuery removes the lock of a build that was killed
_POLL_SECONDS = 1.0


@contextmanager
def build_lock(connection: Connection, *, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock. Waits for `lock_timeout` seconds, after telling who holds it; CloudError then."""
    table_id = connection.table_id(connection.names.audit, LOCK_TABLE)
    deadline = time.monotonic() + connection.settings.lock_timeout
    told = False
    mine = uuid4().hex
    while not _made(connection, table_id, mine):
        holder = _holder(connection, table_id)
        if holder is None:
            continue  # it ended between the two questions
        if holder.get("token") == mine:
            break  # ours: the answer to the first request was lost
        if _is_dead(holder):
            _remove(connection, table_id, holder.get("token"))
            continue
        who = f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('since')}"
        if time.monotonic() >= deadline:
            raise CloudError(
                f"another build of this project is under way: {who}",
                f"wait for it; if it was killed, drop the table {table_id}",
            )
        if not told:
            waiting(who)
            told = True
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        _remove(connection, table_id, mine)


def _remove(connection: Connection, table_id: str, token: object) -> None:
    """Delete the lock, unless it has become somebody else's."""
    holder = _holder(connection, table_id)
    if holder is not None and holder.get("token") == token:
        connection.client.delete_table(table_id, not_found_ok=True, retry=connection.retry)


def _made(connection: Connection, table_id: str, token: str) -> bool:
    table = bigquery.Table(table_id, schema=[bigquery.SchemaField("held", "BOOL")])
    table.description = json.dumps(
        {
            "host": platform.node(),
            "pid": os.getpid(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "token": token,
        }
    )
    table.expires = datetime.now(UTC) + _LONGEST_BUILD
    try:
        connection.client.create_table(table, retry=connection.retry)
    except exceptions.Conflict:
        return False
    return True


def _holder(connection: Connection, table_id: str) -> dict[str, object] | None:
    try:
        found = connection.client.get_table(table_id, retry=connection.retry).description
    except exceptions.NotFound:
        return None
    try:
        holder = json.loads(found or "{}")
    except ValueError:
        holder = {}
    return holder if isinstance(holder, dict) else {}


def _is_dead(holder: dict[str, object]) -> bool:
    """Whether the holder ran on this machine and is gone."""
    pid = holder.get("pid")
    if holder.get("host") != platform.node() or not isinstance(pid, int) or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False

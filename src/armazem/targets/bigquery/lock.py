"""One build at a time: who makes the table `build_lock` in the audit dataset holds it.

Its time to live is minutes, and its holder puts that off for as long as it works. So the lock of a machine that is gone
goes by itself, and the try of a scheduler on another machine need not wait for long.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from armazem.disk.causes import first_line
from armazem.errors import CloudError
from armazem.targets.bigquery.connection import Connection

LOCK_TABLE = "build_lock"
LIFE = timedelta(minutes=10)
"""Without a sign of life BigQuery removes the lock."""
BEAT_SECONDS = 60.0
_GRACE = timedelta(minutes=5)  # for clocks that differ: BigQuery's own decides, unless it does not
_POLL_SECONDS = 1.0

_logger = logging.getLogger(__name__)


class BuildLock:
    """The lock, held. `check` says whether it still is."""

    def __init__(self, connection: Connection, table_id: str, token: str) -> None:
        self._connection = connection
        self._table_id = table_id
        self._token = token
        self._checking = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="build-lock", daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Put its end off. Raises CloudError where another process has it by now, or nobody."""
        with self._checking:  # or one would find the ETag changed by the other
            self._put_off()

    def _put_off(self) -> None:
        table = _table(self._connection, self._table_id)
        if table is None or _holder_of(table).get("token") != self._token:
            who = "nobody" if table is None else _in_words(_holder_of(table))
            raise CloudError(
                f"the lock of this build was lost: {who} has it, as this machine was away for over {LIFE}",
                "nothing was published; run it again",
            )
        _let_live(table, _holder_of(table))
        # With its ETag: it is not put off for somebody who has taken it over in between.
        self._connection.client.update_table(table, ["expires", "description"], retry=self._connection.retry)

    def release(self) -> None:
        self._ended.set()
        self._thread.join(_POLL_SECONDS)  # not for a network that is gone
        _remove(self._connection, self._table_id, self._token)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            try:
                self.check()
            except (CloudError, exceptions.GoogleAPIError, GoogleAuthError, OSError) as error:
                # Whether that is for good, the check before publishing tells.
                _logger.warning("the lock of this build could not be renewed: %s", first_line(error))


@contextmanager
def build_lock(connection: Connection, *, waiting: Callable[[str], None]) -> Iterator[BuildLock]:
    """Hold the lock. Waits for `lock_timeout` seconds, after telling who holds it; CloudError then."""
    table_id = connection.table_id(connection.names.audit, LOCK_TABLE)
    deadline = time.monotonic() + connection.settings.lock_timeout
    told = False
    mine = uuid4().hex
    while not _made(connection, table_id, mine):
        table = _table(connection, table_id)
        if table is None:
            continue  # it ended between the two questions
        holder = _holder_of(table)
        if holder.get("token") == mine:
            break  # ours: the answer to the first request was lost
        if _is_dead(holder) or _is_over(holder):
            _remove(connection, table_id, holder.get("token"))
            continue
        if time.monotonic() >= deadline:
            raise CloudError(
                f"another build of this project is under way: {_in_words(holder)}",
                f"wait for it; if it was killed, its lock ends within {LIFE.seconds // 60} minutes, or drop {table_id}",
            )
        if not told:
            waiting(_in_words(holder))
            told = True
        time.sleep(_POLL_SECONDS)
    lock = BuildLock(connection, table_id, mine)
    try:
        yield lock
    finally:
        lock.release()


def _remove(connection: Connection, table_id: str, token: object) -> None:
    """Delete the lock, unless it has become somebody else's."""
    table = _table(connection, table_id)
    if table is not None and _holder_of(table).get("token") == token:
        connection.client.delete_table(table_id, not_found_ok=True, retry=connection.retry)


def _made(connection: Connection, table_id: str, token: str) -> bool:
    table = bigquery.Table(table_id, schema=[bigquery.SchemaField("held", "BOOL")])
    since = datetime.now(UTC).isoformat(timespec="seconds")
    _let_live(table, {"host": platform.node(), "pid": os.getpid(), "since": since, "token": token})
    try:
        connection.client.create_table(table, retry=connection.retry)
    except exceptions.Conflict:
        return False
    return True


def _let_live(table: bigquery.Table, holder: dict[str, object]) -> None:
    """Put its end off; the description says it too, as not every server of this API keeps to the time to live."""
    until = datetime.now(UTC) + LIFE
    table.expires = until
    table.description = json.dumps({**holder, "until": until.isoformat(timespec="milliseconds")})


def _table(connection: Connection, table_id: str) -> bigquery.Table | None:
    try:
        return connection.client.get_table(table_id, retry=connection.retry)
    except exceptions.NotFound:
        return None


def _holder_of(table: bigquery.Table) -> dict[str, object]:
    try:
        holder = json.loads(table.description or "{}")
    except ValueError:
        holder = {}
    return holder if isinstance(holder, dict) else {}


def _in_words(holder: dict[str, object]) -> str:
    return f"process {holder.get('pid')} on {holder.get('host')}, since {holder.get('since')}"


def _is_over(holder: dict[str, object]) -> bool:
    """Whether nobody has put its end off: BigQuery should have removed it."""
    try:
        return datetime.fromisoformat(str(holder["until"])) + _GRACE < datetime.now(UTC)
    except (KeyError, ValueError, TypeError):  # of an older armazem
        return False


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

"""The observer that sends what happens in a build to OpenLineage, by its own client, from a thread of its own.

The client is imported in that thread: it takes as long as a small build.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from armazem.lineage.configuration import parent_of
from armazem.lineage.happened import Happened
from armazem.lineage.observer import Observer
from armazem.lineage.outbox import Client, Outbox
from armazem.targets.base import OnNotice, Target
from armazem.targets.plan import Plan
from armazem.targets.records import DbtRun

if TYPE_CHECKING:
    from armazem.lineage.events import BuildEvents


class LineageObserver(Observer):
    """Notes what happens, and has it sent: that a build begins as it does, all else when it has ended."""

    def __init__(self, target: Target, on_notice: OnNotice) -> None:
        self._target = target
        self._on_notice = on_notice
        self._build: Happened | None = None
        self._outbox: Outbox | None = None

    def begun(self, build_id: str, plan: Plan) -> None:
        build = Happened(build_id, plan, datetime.now(UTC))
        self._build, self._outbox = build, Outbox(_open_client)
        self._outbox.put(lambda: self._events.start(build))

    def node(self, name: str) -> None:
        if self._build:
            self._build.starts[name] = datetime.now(UTC)

    def ran(self, run: DbtRun) -> None:
        if self._build:
            self._build.run = run

    def published(self, rows: Sequence[tuple[str, int]]) -> None:
        self._end(rows, None)

    def failed(self, error: BaseException) -> None:
        self._end(None, error)

    def _end(self, rows: Sequence[tuple[str, int]] | None, error: BaseException | None) -> None:
        build = self._build
        if build is None or self._outbox is None or build.ended_at is not None:
            return
        build.rows, build.error, build.ended_at = rows, error, datetime.now(UTC)
        self._outbox.put(lambda: self._events.end(build))

    def closed(self) -> None:
        if self._outbox and (why := self._outbox.close()):
            self._on_notice(f"warning: lineage was not sent, or not all of it: {why}")

    @cached_property
    def _events(self) -> BuildEvents:
        from armazem.lineage.events import BuildEvents

        return BuildEvents(self._target, parent_of(), parent_of(name="OPENLINEAGE_ROOT_PARENT_ID"))


def _open_client() -> Client:
    from openlineage.client import OpenLineageClient

    with _environment_as_it_was():
        return OpenLineageClient()


@contextmanager
def _environment_as_it_was() -> Iterator[None]:
    """The client writes variables of its own into the environment, by which the next one would go."""
    before = set(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - before:
            if name.startswith("OPENLINEAGE_"):
                del os.environ[name]

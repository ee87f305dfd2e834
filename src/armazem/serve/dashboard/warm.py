"""The answers of the first page, before somebody asks: nobody waits longer for being the first of a version."""

from __future__ import annotations

import contextlib
import threading
from types import TracebackType

from armazem.errors import ArmazemError
from armazem.serve.dashboard import maps
from armazem.serve.dashboard.choices import first_view
from armazem.serve.dashboard.frame import Sources
from armazem.serve.dashboard.pages import overview
from armazem.serve.dashboard.view import View

_LOOK_SECONDS = 1.0


class Warm:
    """A thread that asks what the first page asks, of each version as soon as it is published."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._build: str | None = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="warm", daemon=True)

    def __enter__(self) -> Warm:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(ArmazemError):  # who asks for the page is told
                self._look()
            self._ended.wait(_LOOK_SECONDS)

    def _look(self) -> None:
        build = self._sources.published.build_id()
        if build == self._build:
            return
        self._build = build
        if build is None:
            return
        choices = self._sources.read_choices()
        self._sources.own()
        if choices is None:
            return
        view = first_view(View(), choices)
        for query in (overview.course, overview.paid_with, maps.places, overview.states):
            if self._ended.is_set():
                return
            self._sources.ask(query(view))

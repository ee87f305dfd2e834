"""The frame of every page: header, navigation, and what keeps the page at its view and at the newest build."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from nicegui import background_tasks, run, ui

from armazem.errors import ArmazemError, HomeError
from armazem.kpis.catalogue import Kpi
from armazem.kpis.own import own_kpis
from armazem.live.service import LiveState
from armazem.serve.dashboard.captions import filters_of, source_of
from armazem.serve.dashboard.choices import Choices, first_view, read_choices
from armazem.serve.dashboard.choosers import Notices
from armazem.serve.dashboard.components import Panel, refresh_all
from armazem.serve.dashboard.filter_bar import FilterBar
from armazem.serve.dashboard.formats import LOCALES
from armazem.serve.dashboard.looks import Looks
from armazem.serve.dashboard.queries import Query
from armazem.serve.dashboard.theme import CSS, colors
from armazem.serve.dashboard.view import OF_ONE_PAGE, View, parse_view
from armazem.targets.duckdb.landed import Ledger
from armazem.targets.duckdb.query import Published
from armazem.targets.rows import Rows
from armazem.unattended.builder import Standing

_logger = logging.getLogger(__name__)

OWN_PAGE, FORECAST_PAGE = "/own", "/forecast"
PAGES = (
    ("/", "Overview"),
    ("/products", "Products"),
    ("/sellers", "Sellers"),
    ("/customers", "Customers"),
    (FORECAST_PAGE, "Forecast"),
    ("/live", "Live"),
    (OWN_PAGE, "Own"),
    ("/data", "Data"),
)
_LOOK_SECONDS = 1.0
# A page that is not filled by then is sent as it is, and filled when the answers come.
_PATIENCE_SECONDS = 1.5
NO_BUILD = (
    "Nothing is published yet, so there is nothing to show.\n"
    "Load your files and build:  armazem load PATH  and  armazem build\n"
    "Or begin with generated data:  armazem up\n"
    "This page fills by itself as soon as a build is published."
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the pages have their figures from.

    `live_missing`: why there are no live figures yet, if so. `zone`: of business time. `standing`: what a server that
    builds by itself is at, None for one that does not. `landed`: what reads the ledger of the loads, None where that is
    in the home folder.
    """

    published: Published
    live: LiveState
    live_missing: Callable[[], str | None]
    zone: ZoneInfo
    standing: Callable[[], Standing | None] = lambda: None
    landed: Callable[[], Ledger] | None = None

    def ask(self, query: Query) -> Rows:
        return self.published.query(query.sql, query.parameters)

    def batches(self, query: Query) -> Iterator[Rows]:
        return self.published.batches(query.sql, query.parameters)

    def own(self) -> tuple[Kpi, ...]:
        """The models of the user's own in the published version."""
        return own_kpis(self.published.query)

    def read_choices(self) -> Choices | None:
        return read_choices(self.ask, datetime.now(self.zone).date())


class Frame:
    """One reader's page. `await open(make)` builds it: `make` adds panels to `panels`, which are then filled.

    A change of a filter fills the panels anew and puts the view into the URL; so does a new build.
    """

    def __init__(self, sources: Sources, path: str, given: dict[str, str], *, filters: bool = True) -> None:
        self.sources = sources
        self.path = path
        self.view, self._problems = parse_view(given)
        self.panels: list[Panel] = []
        self.own: tuple[Kpi, ...] = ()
        self._looks_like = Looks(self.view.theme)
        self.view = self.view.with_(dark=self._looks_like.dark)
        self._query = dict(given)
        self._seen: dict[frozenset[tuple[str, str]], View] = {}
        self._bar: FilterBar | None = None
        self._looks: list[tuple[float, Callable[[], Any]]] = []
        self._filters = filters
        self._whole = "from" not in given and "to" not in given
        self._grain = self.view.grain if "grain" in given else ""
        self._choices: Choices | None = None
        self._build: str | None = None
        self._filling = False
        self._opened = False
        self.closed = False

    async def open(self, make: Callable[[], None]) -> None:
        ui.context.client.on_delete(self._close)
        ui.add_css(CSS)
        name = dict(PAGES)[self.path]
        ui.page_title(f"{name} · Armazém")
        self._looks_like.send(self._go_back, self._look_like)
        mode = self._set_dark()
        self._header()
        self._content = ui.element("div").classes("page").props("id=content tabindex=-1")
        with self._content:
            ui.label("Loading …").classes("notice plain").props("role=status")
        self._make = make
        filling = background_tasks.create(self._first_fill(), name=f"fill {self.path}")
        done, _ = await asyncio.wait({filling}, timeout=_PATIENCE_SECONDS)
        if done:
            filling.result()
        # From the first timer on NiceGUI sends the page; what comes later the browser would build twice.
        ui.timer(_LOOK_SECONDS, self._look, immediate=False)
        for seconds, look in self._looks:
            ui.timer(seconds, look)
        self._opened = True
        self._let_go(mode)

    async def _first_fill(self) -> None:
        self._filling = True
        try:
            with self._content:
                choices = await self._read_choices()
                if self.closed:
                    return
                self._fill_bar(choices)
                self._say_build()
                self._link_pages()
                await self._fill_page(choices)
        except ArmazemError as error:
            if self.closed:
                return
            self._content.clear()
            with self._content:
                ui.label(f"This could not be read.\n{error}\n{error.hint or ''}").classes("notice").props("role=alert")
        finally:
            self._filling = False

    def look(self, seconds: float, look: Callable[[], Any]) -> None:
        """Call it every so many seconds as soon as somebody has the page."""
        self._looks.append((seconds, look))
        if self._opened:
            with self._content:
                ui.timer(seconds, look)

    async def refresh(self, panels: Sequence[Panel] | None = None) -> None:
        """Fill these panels anew, or all; nothing is put on a page that its reader has left meanwhile."""
        await refresh_all(self.panels if panels is None else panels, self.view, self.sources.ask)

    def _close(self) -> None:
        """The reader has left: what is asked still finds no page to be put on."""
        self.closed = True
        for panel in self.panels:
            panel.close()

    async def show(self, **changes: Any) -> None:
        """Another view of the same page; the bar shows it too."""
        if self._bar:
            self._bar.put(changes)
        await self._look_at(**changes)

    async def _look_at(self, **changes: Any) -> None:
        view = self.view.with_(**changes)
        if changes.keys() & {"start", "end"} and not (view.start or view.end) and view.data:
            view = view.with_(start=view.data.first, end=view.data.last)  # an address without dates is the first view
        if view == self.view:
            return
        self._seen[frozenset(self._query.items())] = before = self.view
        found, problems = parse_view(_query(view))
        self._whole = self._whole and not changes.keys() & {"start", "end"}
        self._grain = found.grain
        self.view = found.with_(dark=view.dark, data=self.view.data)
        self._query = _query(self.view)
        self._seen[frozenset(self._query.items())] = self.view
        ui.navigate.history.push(self.view.url(self.path))
        self._show_dates()
        for problem in problems:
            ui.notify(problem, type="warning")
        self._link_pages()
        await self._refresh_since(before)

    async def _go_back(self, query: str) -> None:
        """To what was shown at this address, or forward to it: one without dates does not say all by itself."""
        self._query = given = dict(parse_qsl(query.removeprefix("?")))
        self._whole = "from" not in given and "to" not in given
        self._grain = given.get("grain", "")
        view = self._seen.get(frozenset(given.items()))
        if view is None:  # it was left by another page, or a reload
            view = parse_view(given)[0]
            if self._whole and self._choices is not None:
                view = first_view(view, self._choices, grain=self._grain)
        view = view.with_(dark=self.view.dark, data=self.view.data)
        if view == self.view:
            return
        before, self.view = self.view, view
        self._locale.set_value(view.locale)
        if self._choices is not None:
            self._fill_bar(self._choices)
        self._link_pages()
        await self._refresh_since(before)

    async def _refresh_since(self, before: View) -> None:
        """Fill what shows something else now; a filter of one page alone is of few of its panels."""
        changed = self.view.changed(before)
        await self.refresh(
            [panel for panel in self.panels if panel.reads & changed] if changed <= {*OF_ONE_PAGE} else None
        )

    def _fill_bar(self, choices: Choices | None) -> None:
        if self._bar:
            self._bar.fill(choices, self.view)

    def _show_dates(self) -> None:
        if self._bar:
            self._bar.show_dates(self.view)

    def link(self, path: str, **changes: Any) -> str:
        """The address of a page with the filters of this one, but for the changes."""
        return self.view.for_pages().with_(**changes).url(path)

    @property
    def features(self) -> frozenset[str]:
        """The tables of the published version with what is predicted."""
        return self._choices.features if self._choices else frozenset()

    async def _read_choices(self) -> Choices | None:
        try:
            self._build = self.sources.published.build_id()
            choices = self._choices = await run.io_bound(self.sources.read_choices)
            self.own = await run.io_bound(self.sources.own) or ()
        except HomeError:
            self._build, self.own = None, ()
            return None
        if choices:
            self.view = self.view.with_(data=choices.span)
            if self._whole:
                self.view = first_view(self.view, choices, grain=self._grain)
                self._grain = self.view.grain
        return choices

    async def _fill_page(self, choices: Choices | None) -> None:
        for panel in self.panels:
            panel.close()
        self.panels.clear()
        self._content.clear()
        with self._content:
            for problem in self._problems:
                ui.label(problem).classes("notice").props("role=alert")
            if self._filters and choices is None:
                ui.label(NO_BUILD).classes("notice plain").props("role=status")
                return
            if self._filters:
                self.panels.append(Notices(lambda: self._choices, lambda name: self.show(**{name: ""})))
            self._make()
        for panel in self.panels:
            panel.attach(self.sources.ask, self.sources.batches, self._said)
        await self.refresh()

    def _said(self, view: View) -> tuple[str, str]:
        """What a picture says of itself."""
        return filters_of(view) if self._filters else "", source_of(self._build)

    async def _look(self) -> None:
        """Bring the page to the build that is current now."""
        with contextlib.suppress(ArmazemError):  # shown by the panels
            build = self.sources.published.build_id()
            if build != self._build and not self._filling:
                self._filling = True
                try:
                    empty, own, features = self._build is None, self.own, self.features
                    choices = await self._read_choices()
                    if self.closed:
                        return
                    self._link_pages()
                    other = {OWN_PAGE: self.own != own, FORECAST_PAGE: self.features != features}
                    if empty or other.get(self.path):
                        self._fill_bar(choices)
                        await self._fill_page(choices)
                    else:
                        self._show_dates()
                        await self.refresh()
                finally:
                    self._filling = False
            if not self.closed:
                self._say_build()

    # The header.

    def _header(self) -> None:
        with ui.element("header").classes("bar"):
            ui.link("Skip to the figures", "#content").classes("skip")
            with ui.element("div").classes("top"):
                self._brand = ui.link("Armazém", "/").classes("brand")
                with ui.element("nav").classes("nav").props('aria-label="Pages"'):
                    self._links = {path: ui.link(name, path) for path, name in PAGES}
                    self._links[self.path].props("aria-current=page")
                self._build_label = ui.label().classes("build").props("role=status")
                with ui.element("div").classes("tools"):
                    self._locale = ui.select(
                        list(LOCALES), value=self.view.locale, on_change=lambda event: self.show(locale=event.value)
                    ).props('dense borderless options-dense aria-label="Number and date format"')
                    self._locale.tooltip("How numbers and dates are written")
                    ui.button(icon="dark_mode", color=None, on_click=self._switch).props(
                        'flat round dense aria-label="Light or dark"'
                    ).tooltip("Light or dark")
            if self._filters:
                self._bar = FilterBar(self.sources.ask, self._look_at, self.path)
        self._link_pages()

    async def _switch(self) -> None:
        self._looks_like.switch()
        await self._look_like()

    async def _look_like(self) -> None:
        """Light or dark as it is now; that is no step to go back."""
        if self._looks_like.dark == self.view.dark:
            return
        self.view = self.view.with_(dark=self._looks_like.dark, theme="")
        if self._query.pop("theme", None):
            ui.navigate.history.replace(f"{self.path}?{urlencode(self._query)}" if self._query else self.path)
        self._let_go(self._set_dark())
        self._link_pages()
        await self.refresh()

    def _set_dark(self) -> ui.dark_mode:
        """Light or dark, as the view says."""
        ui.colors(primary=colors(dark=self.view.dark).button)
        return ui.dark_mode(self.view.dark)

    def _let_go(self, mode: ui.dark_mode) -> None:
        """Take it from the page as soon as the browser has it.

        It would set it again at each message of the server, and the browser style the whole page anew.
        """

        async def let_go() -> None:
            with contextlib.suppress(TimeoutError):
                await mode.get_computed_prop("value", timeout=10)
                if not mode.is_deleted:
                    mode.delete()

        ui.timer(0, let_go, once=True)

    def _link_pages(self) -> None:
        for path, link in self._links.items():
            link.props(f'href="{self.link(path)}"')
        self._links[OWN_PAGE].set_visibility(bool(self.own) or self.path == OWN_PAGE)

    def _say_build(self) -> None:
        if self._build is None:
            self._build_label.set_text("no build yet")
            return
        made = build_time(self._build)
        self._build_label.set_text(f"built {self.view.format.ago(datetime.now(UTC) - made)}" if made else self._build)
        self._build_label.props(f'title="{self._build}"')


def build_time(build_id: str) -> datetime | None:
    """When a build began, as its id says."""
    try:
        return datetime.strptime(build_id[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _query(view: View) -> dict[str, str]:
    return dict(parse_qsl(view.url("").partition("?")[2]))

"""The bar below a table: words to find, which rows are shown of how many, and the other pages."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable

from nicegui import ui

from armazem.serve.dashboard.formats import Format
from armazem.serve.dashboard.paging import SIZE, Page


class TurnBar:
    """Plain elements of HTML: a page has six tables, and a component of the library takes the browser ten times as
    long.
    """

    def __init__(
        self, name: str, turn_to: Callable[[int], Awaitable[None]], find: Callable[[str], Awaitable[None]]
    ) -> None:
        self._page = Page((), ())
        self._turn_to = turn_to
        named = html.escape(name)
        with ui.element("div").classes("turn"):
            field = ui.element("input").props(
                f'type=search placeholder="Find" aria-label="Find in {named}" maxlength=200'
            )
            field.on(
                "input", lambda event: find(str(event.args or "")), js_handler="(e) => emit(e.target.value)",
                throttle=0.3, leading_events=False,
            )  # fmt: skip
            self._said = ui.label().classes("said").props("role=status")
            self._buttons = [
                self._button(sign, f"{words} page of {named}", step)
                for sign, words, step in (("«", "First", -2), ("‹", "Previous", -1), ("›", "Next", 1), ("»", "Last", 2))
            ]

    def _button(self, sign: str, words: str, step: int) -> ui.element:
        with ui.element("button").props(f'type=button aria-label="{words}" title="{words}"') as button:
            ui.html(sign, sanitize=False, tag="span").props("aria-hidden=true")
        button.on("click", lambda: self._turn(step))
        return button

    async def _turn(self, step: int) -> None:
        last = self._last
        at = {-2: 0, -1: self._page.offset - SIZE, 1: self._page.offset + SIZE, 2: last}[step]
        if self._page.offset != at and 0 <= at <= last:
            await self._turn_to(at)

    @property
    def _last(self) -> int:
        """Where the last page begins."""
        return max(0, (self._page.total - 1) // SIZE * SIZE)

    def show(self, page: Page, form: Format) -> None:
        self._page = page
        first, last = page.offset + 1, page.offset + len(page.rows)
        many = page.total > len(page.rows)
        whole = f"{form.number(page.total)} row{'' if page.total == 1 else 's'}"
        self._said.set_text(f"{form.number(first)}–{form.number(last)} of {form.number(page.total)}" if many else whole)
        for button, works in zip(
            self._buttons, (page.offset, page.offset, *[page.offset < self._last] * 2), strict=True
        ):
            button.set_visibility(many)
            button.props(remove="disabled") if works else button.props("disabled")

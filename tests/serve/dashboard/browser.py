"""A real Chromium on a real server: what a page says, and what it must never do."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, expect, sync_playwright

PAGES = ("/", "/products", "/sellers", "/customers", "/forecast", "/live", "/data")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed: apt-get install chromium")

_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip

_HANGS = 120_000  # milliseconds that nothing takes, even on a busy machine
expect.set_options(timeout=_HANGS)


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        yield _launch(playwright)


def _launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=CHROMIUM, args=list(_OPTIONS))


@dataclass
class Reader:
    """Somebody with a browser window. `wrong`: console errors, exceptions, dialogs, requests to other hosts."""

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"exception: {error}"))
        self.page.on("dialog", lambda dialog: (self.wrong.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        self.page.on("request", lambda request: self._requested(request.url))
        self.page.on("requestfailed", lambda request: self.wrong.append(f"failed: {request.url}"))

    def open(self, path: str) -> Reader:
        """Go there, and wait until every panel shows something."""
        self.page.goto(self.url + path)
        self.settled()
        return self

    def settled(self) -> None:
        """Wait until nothing says that it is loading."""
        self.page.wait_for_function("document.querySelector('.page') !== null")
        self.page.wait_for_function("!document.querySelector('.page').innerText.includes('Loading …')")

    def card(self, name: str) -> str:
        """The number on a card."""
        return self.page.locator(f'section[aria-label="{name}"] .value').inner_text()

    def wait_for_card(self, name: str, text: str, seconds: float = _HANGS / 1000) -> None:
        self.page.wait_for_function(
            '([name, text]) => document.querySelector(`section[aria-label="${name}"] .value`)?.innerText === text',
            arg=[name, text],
            timeout=1000 * seconds,
        )

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.wrong.append(f"console {message.type}: {message.text}")

    def _requested(self, url: str) -> None:
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).hostname != "127.0.0.1":
            self.wrong.append(f"request to {url}")


@contextmanager
def reader(
    browser: Browser, url: str, *, width: int = 1440, height: int = 900, system: Literal["light", "dark"] = "light"
) -> Iterator[Reader]:
    """A window of its own, without what others left; at its end nothing may have gone wrong."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, accept_downloads=True, color_scheme=system
    )
    context.set_default_timeout(_HANGS)
    somebody = Reader(context.new_page(), url)
    yield somebody
    context.close()
    assert not somebody.wrong, somebody.wrong

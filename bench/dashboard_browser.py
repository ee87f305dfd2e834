"""What a reader of the dashboard waits for, as Chromium itself sees it; times in milliseconds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
_SIZE: ViewportSize = {"width": 1440, "height": 900}
_TIMEOUT = 60_000
_POLLING = 100  # by default Playwright asks at each frame, which keeps the browser drawing

# `filled`: since the navigation began. `clicked`, `card`, `url`, `drawn`: of the last choice in a filter; `drawn` is
# when the frame after the last message of the server, or after the last change of a panel that followed, was drawn.
_WATCH = """
(() => {
  const seen = window.__seen = {filled: 0, clicked: 0, card: 0, url: 0, heard: 0, changed: 0, drawn: 0};
  const drawing = () => requestAnimationFrame(() => requestAnimationFrame(() => { seen.drawn = performance.now(); }));
  const said = panel => panel.querySelector('.empty:not(.hidden)')?.textContent ?? null;
  const isFilled = () => {
    const page = document.querySelector('.page');
    if (!page || !page.querySelector('section')) return false;
    for (const section of page.querySelectorAll('section')) {
      const words = said(section);
      if (words !== null && words.includes('Loading')) return false;
      if (words !== null) continue;
      for (const chart of section.querySelectorAll('.nicegui-echart')) if (!chart.querySelector('canvas')) return false;
      for (const grid of section.querySelectorAll('.nicegui-aggrid')) if (!grid.querySelector('.ag-row')) return false;
    }
    return true;
  };
  const look = () => {
    if (!isFilled()) return requestAnimationFrame(look);
    seen.filled = performance.now();
    const watched = new MutationObserver(() => { if (seen.clicked && !seen.card) seen.card = performance.now(); });
    const changed = new MutationObserver(() => {
      if (performance.now() - seen.heard > 3000) return;
      seen.changed = performance.now();
      drawing();
    });
    const all = {characterData: true, childList: true, subtree: true, attributes: true};
    changed.observe(document.querySelector('.page'), all);
    for (const value of document.querySelectorAll('.card .value'))
      watched.observe(value, {characterData: true, childList: true, subtree: true});
    document.addEventListener('click', event => {
      if (!event.target.closest('.q-item')) return;
      Object.assign(seen, {clicked: performance.now(), card: 0, url: 0, heard: 0, changed: 0, drawn: 0});
    }, true);
    for (const name of ['pushState', 'replaceState']) {
      const change = history[name];
      history[name] = function (...given) {
        seen.url = performance.now();
        return change.apply(this, given);
      };
    }
  };
  requestAnimationFrame(look);
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', event => {
        if (event.data.length < 20) return;  // a heartbeat
        seen.heard = seen.changed = performance.now();
        drawing();
      });
    }
  };
})();
"""
_QUIET = "window.__seen.url && window.__seen.drawn && performance.now() - window.__seen.changed > 800"


@contextmanager
def chromium() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        raise SystemExit("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(_OPTIONS))
        yield browser
        browser.close()


def load(browser: Browser, url: str) -> float:
    """Until every panel of the page is filled, of a browser that has never been there."""
    with window(browser) as page:
        return float(opened(page, url).evaluate("window.__seen.filled"))


@contextmanager
def window(browser: Browser) -> Iterator[Page]:
    """Of somebody who has never been here."""
    context = browser.new_context(viewport=_SIZE)
    yield context.new_page()
    context.close()


def opened(page: Page, url: str) -> Page:
    """The page, filled."""
    page.set_default_timeout(_TIMEOUT)
    page.add_init_script(_WATCH)
    page.goto(url)
    page.wait_for_function("window.__seen.filled > 0", polling=_POLLING)
    return page


@dataclass(frozen=True, slots=True)
class Change:
    """From the click on a value of a filter: until a card says something else, the address has it, all is drawn."""

    card: float
    url: float
    drawn: float


def choose(page: Page, label: str, value: str) -> Change:
    """Choose the value in the filter."""
    page.get_by_label(label).first.fill(value)
    page.get_by_role("option", name=value, exact=True).first.click()
    page.wait_for_function(_QUIET, polling=_POLLING)
    seen = page.evaluate("window.__seen")
    assert value in page.url, (value, page.url)
    begun = seen["clicked"]
    return Change(*((seen[name] or seen["drawn"]) - begun for name in ("card", "url", "drawn")))

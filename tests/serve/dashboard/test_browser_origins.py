"""A page of another origin, in a real browser: it opens no connection to the dashboard, and the dashboard works."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from ..running import Running
from .browser import chromium, needs_chromium

pytestmark = [needs_chromium, pytest.mark.xdist_group("browser")]

_SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
_OPENED = """url => new Promise(said => { const socket = new WebSocket(url);
    socket.onopen = () => { socket.close(); said('open') }; socket.onerror = () => said('refused') })"""
_READ = "url => fetch(url, {credentials: 'include'}).then(answer => answer.text()).catch(() => 'refused')"
_SENT = """([url, body]) => fetch(url, {method: 'POST', mode: 'no-cors', body}).then(() => 'sent', () => 'refused')"""
_FRAMED = """url => new Promise(said => { const frame = document.createElement('iframe'); frame.src = url;
    frame.onload = () => { try { said(frame.contentDocument ? 'blank' : 'other') } catch { said('other') } };
    document.body.append(frame) })"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("origins") / "home") as running:
        running.client.get("/data")  # the first page of a process takes its time
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[str]:
    """Another site: the same machine, another port, which is another origin."""
    (tmp_path / "index.html").write_text("<!doctype html><title>elsewhere</title><body>elsewhere</body>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_address[1]}"
        site.shutdown()
        thread.join()


def test_a_page_of_another_origin_reaches_nothing(server: Running, browser: Browser, stranger: str) -> None:
    page = browser.new_page()
    page.goto(stranger)
    socket = f"ws://127.0.0.1:{server.port}{_SOCKET}"
    assert page.evaluate(_OPENED, socket) == "refused"
    assert page.evaluate(_READ, f"{server.url}/v1/live") == "refused"
    assert page.evaluate(_READ, f"{server.url}/_nicegui_ws/socket.io/?EIO=4&transport=polling") == "refused"
    page.evaluate(_SENT, [f"{server.url}/v1/events", '{"event_type": "x"}'])
    page.evaluate(_FRAMED, server.url)
    framed = [frame for frame in page.frames if frame.url.startswith(server.url)]
    assert not any("Armazém" in frame.content() for frame in framed)
    assert not list(server.home.dead_letters.glob("*/*.jsonl"))  # what it sent did not get in, not even as refused
    page.close()


def test_a_name_that_leads_here_is_not_ours(server: Running, browser: Browser) -> None:
    """As with DNS rebinding: the browser resolves every name below localhost to this machine."""
    page = browser.new_page()
    answer = page.goto(f"http://evil.localhost:{server.port}/")
    assert answer is not None and answer.status == 421
    assert page.evaluate(_OPENED, f"ws://evil.localhost:{server.port}{_SOCKET}") == "refused"
    page.close()


def test_the_dashboard_works_and_breaks_no_rule_of_its_own(server: Running, browser: Browser) -> None:
    page = browser.new_page()
    said: list[Any] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(f"{server.url}/data")
    page.wait_for_function("document.querySelector('.page') !== null", timeout=30_000)
    assert page.evaluate(_OPENED, f"ws://127.0.0.1:{server.port}{_SOCKET}") == "open"
    page.goto(f"{server.url}/docs")
    assert page.locator("h2").count() >= 6
    assert not [text for text in said if "Content Security Policy" in text or "Refused to" in text]
    page.close()

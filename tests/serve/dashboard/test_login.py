"""A dashboard of a server with a token: nobody sees it who has not typed the token."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest

from ..running import Running

TOKEN = "sésamo & <b>"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("login") / "home", host="0.0.0.0", token=TOKEN) as running:
        running.url = f"http://127.0.0.1:{running.port}"
        yield running


@pytest.fixture
def browser(server: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


def test_pages_ask_for_the_token(browser: httpx.Client) -> None:
    for path in ("/", "/products", "/live?lang=pt-BR", "/nowhere"):
        said = browser.get(path)
        assert said.status_code == 303 and said.headers["location"].startswith("/login?next=/")
    form = browser.get("/", follow_redirects=True)
    assert form.status_code == 200 and "ARMAZEM_TOKEN" in form.text
    wrong = browser.post("/login", data={"token": "x", "next": "/"})
    assert wrong.status_code == 401 and "not the token" in wrong.text and not browser.cookies
    assert browser.post("/login", content=b"token=" + b"x" * 10_000).status_code == 401
    assert browser.post("/login", content=b"\xff\x00").status_code == 401


def test_the_token_opens_the_pages_and_leads_back(browser: httpx.Client, server: Running) -> None:
    asked = browser.get("/live?lang=pt-BR").headers["location"]
    form = browser.get(asked)
    assert 'value="/live?lang=pt-BR"' in form.text
    said = browser.post("/login", data={"token": TOKEN, "next": "/live?lang=pt-BR"})
    assert (said.status_code, said.headers["location"]) == (303, "/live?lang=pt-BR")
    assert "HttpOnly" in said.headers["set-cookie"] and TOKEN not in said.headers["set-cookie"]
    assert browser.get("/live?lang=pt-BR").status_code == 200
    assert httpx.get(f"{server.url}/", cookies={"armazem": "0" * 64}).status_code == 303
    # The cookie is of the dashboard: the API asks for its header.
    assert browser.get("/v1/live").status_code == 401


@pytest.mark.parametrize("address", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:x", ""])
def test_it_leads_to_no_other_server(browser: httpx.Client, address: str) -> None:
    said = browser.post("/login", data={"token": TOKEN, "next": address})
    assert (said.status_code, said.headers["location"]) == (303, "/")


def test_markup_in_the_address_stays_text(browser: httpx.Client) -> None:
    form = browser.get("/login", params={"next": '"><script>alert(1)</script>'})
    assert "<script>" not in form.text


def test_the_connection_of_a_page_needs_it_too(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(
            b"GET /_nicegui_ws/socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Version: 13\r\n\r\n"
        )
        assert connection.recv(1000).startswith(b"HTTP/1.1 403")

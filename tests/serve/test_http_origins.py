"""Only who calls the server by its name, and no page of another origin, gets anything from it."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from armazem.cli import main
from armazem.serve.http.access import Access
from armazem.serve.http.answers import HttpError
from armazem.serve.http.attempts import Attempts
from armazem.serve.http.guard import Guard, GuardError

from .running import JSON, Running, encoded, journal_ids, review

PATHS = ("/healthz", "/readyz", "/metrics", "/docs", "/openapi.json", "/v1/live", "/v1/live/stream", "/v1/kpis",
         "/v1/kpis/sales_trend", "/v1/events", "/", "/live", "/login", "/nowhere", "/v1/nothing",
         "/_nicegui_ws/socket.io/?EIO=4&transport=polling")  # fmt: skip
STRANGERS = ("evil.example", "evil.example:{port}", "localhost.evil.example", "127.0.0.1.evil.example",
             "127.0.0.1@evil", "evil.example#127.0.0.1", "[::1", "", "localhost:x", "127.0.0.1, evil.example",
             "2130706433")  # fmt: skip


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Behind a proxy on this machine that ends TLS, under two names."""
    home = tmp_path_factory.mktemp("proxied") / "home"
    options = ("--allowed-host", "warehouse.example", "--allowed-host", "*.shop.example")
    with Running(home, *options, token="sesame", trusted_proxies="127.0.0.0/8, ::1") as running:
        yield running


def answer(server: Running, *lines: str, path: str = "/healthz", method: str = "GET") -> str:
    """What the server says to a request with exactly these headers."""
    with server.connect() as connection:
        head = [f"{method} {path} HTTP/1.1", *lines, "Connection: close"]
        connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        said = b""
        while b"\r\n\r\n" not in said and (piece := connection.recv(65536)):
            said += piece
    return said.decode()


def status(said: str) -> int:
    return int(said.split(" ", 2)[1])


@pytest.mark.parametrize("path", PATHS)
def test_a_strangers_name_leads_nowhere(server: Running, path: str) -> None:
    """DNS rebinding: the page of a name that its owner has let point here."""
    for name in STRANGERS:
        said = answer(server, f"Host: {name.format(port=server.port)}", path=path)
        assert status(said) in (400, 421), (name, said)
    assert status(answer(server, path=path)) == 400  # none
    assert status(answer(server, "Host: localhost", "Host: evil.example", path=path)) == 400
    body = httpx.get(server.url + path, headers={"Host": "evil.example"}).json()
    assert body["error"]["code"] == "unknown_host" and "ARMAZEM_ALLOWED_HOSTS" in body["error"]["hint"]


@pytest.mark.parametrize("path", PATHS)
def test_a_page_of_another_origin_gets_nothing(server: Running, path: str) -> None:
    host = f"127.0.0.1:{server.port}"
    for origin in ("http://evil.example", "null", f"https://{host}", "http://127.0.0.1", f"http://localhost:{server.port}",
                   f"http://{host}.evil.example", f"http://{host}@evil.example", "", "file://"):  # fmt: skip
        for method in ("GET", "POST", "OPTIONS"):
            said = answer(server, f"Host: {host}", f"Origin: {origin}", path=path, method=method)
            assert status(said) == 403, (origin, method, said)
            assert "access-control-allow" not in said.lower()


def test_loopback_and_addresses_are_right(server: Running) -> None:
    for host in ("localhost", "LOCALHOST:1", "localhost.", "127.0.0.1", f"127.8.9.1:{server.port}", "[::1]:80",
                 "10.1.2.3:8000", "[fe80::1]"):  # fmt: skip
        assert status(answer(server, f"Host: {host}")) == 200, host
    own = f"127.0.0.1:{server.port}"
    assert status(answer(server, f"Host: {own}", f"Origin: http://{own}")) == 200
    assert status(answer(server, "Host: localhost", "Origin: http://localhost:80")) == 200


def test_a_shops_server_sends_events_and_a_strangers_page_does_not(server: Running) -> None:
    mine, theirs = review(), review()
    assert server.post(encoded(mine)).status_code == 200
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
        refused = server.client.post("/v1/events", content=encoded(theirs), headers={**JSON, **headers})
        assert refused.status_code in (403, 421)
        # In pieces it goes another way through the server.
        pieces = server.client.post("/v1/events", content=iter([encoded(theirs)]), headers={**JSON, **headers})
        assert pieces.status_code == refused.status_code
    ids = journal_ids(server.home)
    assert mine["event_id"] in ids and theirs["event_id"] not in ids


@pytest.mark.parametrize("path", ["/_nicegui_ws/socket.io/?EIO=4&transport=websocket", "/v1/events", "/v1/live", "/ws"])
def test_no_websocket_for_another_origin(server: Running, path: str) -> None:
    handshake = ("Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13")
    host = f"127.0.0.1:{server.port}"

    def opened(*lines: str) -> str:
        with server.connect() as connection:
            head = [f"GET {path} HTTP/1.1", *lines, *handshake, "Connection: Upgrade"]
            connection.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
            return connection.recv(65536).decode("latin-1")

    assert status(opened(f"Host: {host}", "Origin: http://evil.example")) == 403
    assert status(opened(f"Host: {host}", "Origin: null")) == 403
    assert status(opened("Host: evil.example", "Origin: http://evil.example")) == 403
    if "socket.io" in path:
        assert status(opened(f"Host: {host}", f"Origin: http://{host}")) == 101


def test_names_and_origins_behind_a_proxy(proxied: Running) -> None:
    tls = ("X-Forwarded-Proto: https",)
    assert status(answer(proxied, "Host: warehouse.example")) == 200
    assert status(answer(proxied, "Host: a.shop.example:443")) == 200
    for host in ("shop.example", "evilshop.example", "a.shop.example.evil"):
        assert status(answer(proxied, f"Host: {host}")) == 421
    assert status(answer(proxied, "Host: warehouse.example", "Origin: https://warehouse.example", *tls)) == 200
    assert status(answer(proxied, "Host: warehouse.example", "Origin: http://warehouse.example", *tls)) == 403
    named = ("Host: 127.0.0.1:1", "X-Forwarded-Host: warehouse.example", *tls)
    assert status(answer(proxied, *named, "Origin: https://warehouse.example")) == 200
    assert status(answer(proxied, *named, "Origin: https://evil.example")) == 403
    assert status(answer(proxied, "Host: 127.0.0.1", "X-Forwarded-Host: evil.example")) == 421


def test_nobody_else_says_what_a_proxy_says(server: Running) -> None:
    host = f"Host: 127.0.0.1:{server.port}"
    said = answer(server, host, "X-Forwarded-Host: evil.example", "Origin: http://evil.example")
    assert status(said) == 403
    said = answer(server, host, "X-Forwarded-Proto: https", f"Origin: https://127.0.0.1:{server.port}")
    assert status(said) == 403


def test_the_cookie_is_for_tls_where_there_is_tls(proxied: Running) -> None:
    form: dict[str, Any] = {"data": {"token": "sesame", "next": "/"}}
    plain = httpx.post(f"{proxied.url}/login", **form).headers["set-cookie"]
    assert "HttpOnly" in plain and "SameSite=lax" in plain and "Secure" not in plain
    tls = httpx.post(f"{proxied.url}/login", headers={"X-Forwarded-Proto": "https"}, **form)
    assert "Secure" in tls.headers["set-cookie"] and tls.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_tells_a_browser_what_not_to_do(server: Running, path: str) -> None:
    for headers in ({}, {"Host": "evil.example"}, {"Origin": "null"}):
        with httpx.stream("GET", server.url + path, headers=headers, timeout=30) as said:
            found = said.headers
        assert found["x-content-type-options"] == "nosniff"
        assert found["referrer-policy"] == "same-origin" and "camera=()" in found["permissions-policy"]
        assert found["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in found["content-security-policy"]
        assert "server" not in found and "x-powered-by" not in found
        assert len(found.get_list("content-security-policy")) == 1
    small = server.post(encoded(review()))
    assert small.headers["x-content-type-options"] == "nosniff" and "content-security-policy" in small.headers


def test_what_is_no_request_has_the_headers_too(server: Running) -> None:
    with server.connect() as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        said = connection.recv(65536).lower()
    assert b" 400 " in said and b"nosniff" in said


def test_markup_in_a_path_is_not_shown_as_markup(server: Running) -> None:
    for path in ("/<script>alert(1)</script>", "/v1/<script>", "/v1/kpis/<script>", "/docs/%3Cscript%3E"):
        said = server.client.get(path)
        assert said.status_code == 404
        if "json" not in said.headers["content-type"]:
            assert "<script>alert(1)" not in said.text
        assert said.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/_nicegui/../../../../etc/passwd", "/_nicegui/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
                                  "/static/..%2f..%2fetc/passwd", "/_nicegui/3/static/..%5c..%5cetc", "//etc/passwd",
                                  "/v1/kpis/..%2f..%2fetc%2fpasswd",
                                  "/v1/kpis/sales_trend%0d%0aX-Evil:%201"])  # fmt: skip
def test_no_path_leads_to_a_file_or_into_a_header(server: Running, path: str) -> None:
    said = answer(server, f"Host: 127.0.0.1:{server.port}", path=path)
    assert status(said) in (307, 400, 404, 422), said
    assert "root:" not in said and "\r\nx-evil" not in said.lower()


def test_wrong_tokens_are_counted_and_then_not_looked_at(tmp_path: Path) -> None:
    with Running(tmp_path / "home", token="sesame") as server:
        right = {"Authorization": "Bearer sesame"}
        assert server.client.get("/v1/kpis").status_code == 401  # none is no guess
        for number in range(5):
            guess = {"Authorization": f"Bearer guess {number}"}
            for _ in range(3):  # a sender that does not know of a new token guesses once
                assert server.client.get("/v1/kpis", headers=guess).status_code == 401
            assert httpx.post(f"{server.url}/login", data={"token": f"guessed {number}"}).status_code == 401
        for said in (
            httpx.post(f"{server.url}/login", data={"token": "sesame"}),
            server.client.get("/v1/kpis", headers=right),
            server.client.post("/v1/events", content=encoded(review()), headers={**JSON, **right}),
        ):
            assert said.status_code == 429 and 1 <= int(said.headers["retry-after"]) <= 60
        assert "set-cookie" not in said.headers
        assert server.client.get("/healthz").status_code == 200
    log = server.log.read_text()
    assert "wrong token from 127.0.0.1" in log and "guess" not in log and "sesame" not in log


def test_attempts_of_one_and_of_all() -> None:
    now = [0.0]
    attempts = Attempts(per_client=3, in_all=5, seconds=60, most_clients=4, clock=lambda: now[0])
    for number in range(3):
        attempts.check("a", form=True)
        attempts.wrong("a", b"%d" % number)
        now[0] = number + 1
    with pytest.raises(HttpError) as refused:
        attempts.check("a")
    assert refused.value.status == 429 and (b"retry-after", b"57") in [*refused.value.headers]
    attempts.check("b", form=True)
    for _ in range(10):  # the same one again is no guess
        attempts.wrong("b", b"old")
    attempts.check("b", form=True)
    attempts.wrong("c", b"x")
    attempts.check("d")  # who sends a token of his own is not held up by others
    with pytest.raises(HttpError):
        attempts.check("d", form=True)
    now[0] = 61
    attempts.check("a", form=True)
    for number in range(100):
        attempts.wrong(f"client {number}", b"x")
    assert len(attempts._wrong) == 4
    for number in range(3):  # whoever has one address of a line has all of them
        attempts.wrong(f"2001:db8::{number}", b"%d" % number)
    with pytest.raises(HttpError):
        attempts.check("2001:db8::99")


def test_the_client_behind_a_proxy_is_the_one_that_is_counted() -> None:
    guard = Guard(proxies=["10.0.0.0/8"])

    def address(connection: str, forwarded: str) -> str:
        headers = [(b"host", b"localhost"), (b"x-forwarded-for", forwarded.encode())]
        return guard.caller({"client": (connection, 1), "scheme": "http", "headers": headers}).address

    assert address("10.0.0.1", "203.0.113.9") == "203.0.113.9"
    assert address("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.0.0.2") == "203.0.113.9"  # the left is anybody's
    assert address("192.0.2.1", "203.0.113.9") == "192.0.2.1"
    assert address("10.0.0.1", "") == "10.0.0.1"


@pytest.mark.parametrize("host", ["http://warehouse.example", "warehouse.example:80", "a b", "*.", "ware*house"])
def test_a_host_without_a_meaning_is_refused_at_the_start(tmp_path: Path, host: str) -> None:
    with pytest.raises(GuardError):
        Guard([host])  # else the command would serve until somebody ends it
    home = str(tmp_path / "home")
    result = CliRunner().invoke(main, ["--home", home, "serve", "--port", "0", "--allowed-host", host])
    assert result.exit_code == 1 and "is no name" in result.stderr
    with pytest.raises(GuardError):
        Guard(proxies=["proxy.example"])


def test_any_name_only_if_it_is_said() -> None:
    scope = {"client": ("127.0.0.1", 1), "scheme": "http", "headers": [(b"host", b"evil.example")]}
    Access("", Guard(["*"])).check(scope)
    with pytest.raises(HttpError):
        Access("", Guard([])).check(scope)


def test_headers_of_a_download_are_our_own(server: Running) -> None:
    """Its name comes from the list of tables, whatever the address says."""
    said = server.client.get('/v1/kpis/sales_trend"; filename="x.exe?format=csv')
    assert said.status_code == 404
    assert not re.search(r"filename=.*exe", str(said.headers.get("content-disposition", "")))


def test_a_header_that_goes_on_is_refused(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 200_000 + b"\r\n\r\n")
        assert b" 431 " in connection.recv(65536)

"""Which pages may talk to the server: it is called by a name of its own, and by no page of another origin.

A browser lets a page of any site open a websocket to this server, and send it forms. And a name of a stranger may
lead to a loopback address, or to one inside the house (DNS rebinding): his page then has the origin of this server.
So whoever calls it names it rightly in `Host`, and an `Origin`, where there is one, is that of the server itself.
Programs send none.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.serve.http.answers import HttpError, Scope

_PORTS = {"http": 80, "https": 443}
_MOST_KNOWN = 1000

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class GuardError(ArmazemError):
    """A setting of hosts or proxies that has no meaning."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as the nearest trusted proxy says, else as the connection says. `host`: as in `Host`."""

    address: str
    scheme: str
    host: str


class Guard:
    """Checks `Host` and `Origin` of everything that the server answers.

    `hosts`: names besides loopback's; `*.name` for all below it, `*` for any. An IP address is always right: no
    stranger's name leads there, so a page with that origin is the server's own. `proxies`: whose `X-Forwarded-…` count.
    """

    def __init__(self, hosts: Iterable[str] = (), proxies: Iterable[str] = ()) -> None:
        self._names = {"localhost"}
        self._endings: tuple[str, ...] = ()
        self._any = False
        for host in hosts:
            name = host.strip().removesuffix(".").lower()
            if host.strip() == "*":
                self._any = True
            elif name.startswith("*.") and _is_name(name[2:]):
                self._endings += (name[1:],)
            elif _is_name(name):
                self._names.add(name)
            elif not _is_address(name.strip("[]")):
                raise GuardError(
                    f"the host {host!r} is no name", "give it as warehouse.example, without http:// and port"
                )
        self._proxies = [_network(text) for text in proxies]
        self._known: set[tuple[bytes, bytes | None]] = set()

    @classmethod
    def of(cls, settings: Settings, host: str) -> Guard:
        """Return one by the settings, and the address that the server listens at. Raises GuardError."""
        return cls([*_listed(settings.allowed_hosts), host], _listed(settings.trusted_proxies))

    def check(self, scope: Scope) -> None:
        """Raise HttpError 400 without one Host, 421 for one of another server, 403 for a page of another origin."""
        hosts: list[bytes] = []
        origin = None
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origin = value if origin is None or origin == value else b"several"
        if self._proxies:
            self._check(self.caller(scope), origin)
            return
        if len(hosts) != 1:
            raise HttpError(400, "bad_host", "the request has not one header Host", "send `Host: NAME:PORT` once")
        if (hosts[0], origin) not in self._known:
            self._check(self.caller(scope), origin)
            if len(self._known) < _MOST_KNOWN:
                self._known.add((hosts[0], origin))

    def caller(self, scope: Scope) -> Caller:
        """Return who asks, and how the server was called."""
        address = scope["client"][0] if scope.get("client") else ""
        scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
        host = _header(scope, b"host")
        if not self._is_proxy(address):
            return Caller(address, scheme, host)
        forwarded = [part.strip() for part in _header(scope, b"x-forwarded-for").split(",") if part.strip()]
        # From the right: what stands further left anybody may have written.
        while forwarded and self._is_proxy(address):
            address = _without_port(forwarded.pop())
        proto = _header(scope, b"x-forwarded-proto").split(",")[-1].strip().lower()
        named = _header(scope, b"x-forwarded-host").split(",")[-1].strip()
        return Caller(address, proto if proto in _PORTS else scheme, named or host)

    def _check(self, caller: Caller, origin: bytes | None) -> None:
        host, port = _split(caller.host)
        if not (self._any or host in self._names or host.endswith(self._endings) or _is_address(host)):
            raise HttpError(
                421,
                "unknown_host",
                f"this server is not called {caller.host!r}",
                "where it is, add the name to ARMAZEM_ALLOWED_HOSTS or give --allowed-host",
            )
        if origin is None:
            return
        text = origin.decode("latin-1")
        if _origin(text) != (caller.scheme, host, port or _PORTS[caller.scheme]):
            raise HttpError(
                403,
                "other_origin",
                f"a page of {text!r} may not talk to {caller.scheme}://{caller.host}",
                "open the server's own pages; behind a proxy that ends TLS set ARMAZEM_TRUSTED_PROXIES to its address",
            )

    def _is_proxy(self, address: str) -> bool:
        if not self._proxies:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)


def _without_port(text: str) -> str:
    """An address as some proxies write it: `1.2.3.4:5678`, `"[2001:db8::1]:5678"`."""
    text = text.strip('"')
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _header(scope: Scope, wanted: bytes) -> str:
    # A list may come in several headers of the same name.
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name == wanted)


def _split(netloc: str) -> tuple[str, int | None]:
    """Host in lower case, without the brackets and the last dot, and port; an empty host where it is malformed."""
    try:
        parts = urlsplit(f"//{netloc}")
        if parts.path or parts.query or parts.fragment or parts.username is not None:
            return "", None
        return (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "", None


def _origin(text: str) -> tuple[str, str, int | None]:
    scheme, _, netloc = text.partition("://")
    host, port = _split(netloc)
    return scheme, host, port or _PORTS.get(scheme)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_name(name: str) -> bool:
    return (
        bool(name) and all(part and part.replace("-", "a").replace("_", "a").isalnum() for part in name.split("."))
    ) and not _is_address(name)


def _network(text: str) -> _Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise GuardError(
            f"{text!r} in trusted_proxies is no address or network", "such as 127.0.0.1 or 10.0.0.0/8"
        ) from error

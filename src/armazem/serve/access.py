"""Who may talk to the server: everybody on this machine, or who knows the token."""

from __future__ import annotations

import hmac
import ipaddress

from armazem.serve.answers import Headers, HttpError


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a server at this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which anybody may come by
        return False


class Access:
    """Checks `Authorization: Bearer TOKEN`; with an empty token everybody may pass."""

    def __init__(self, token: str) -> None:
        self._expected = b"Bearer " + token.encode() if token else b""

    def check(self, headers: Headers) -> None:
        """Raises HttpError 401."""
        if not self._expected:
            return
        given = next((value for name, value in headers if name == b"authorization"), b"")
        scheme, _, secret = given.partition(b" ")
        # In constant time: how long it takes must not tell how much of a guess is right.
        if not hmac.compare_digest(scheme.capitalize() + b" " + secret.strip(), self._expected):
            raise HttpError(
                401,
                "unauthorized",
                "the token is wrong" if given else "this server asks for a token",
                "send the header `Authorization: Bearer TOKEN` with what ARMAZEM_TOKEN is on the server",
                [(b"www-authenticate", b"Bearer")],
            )

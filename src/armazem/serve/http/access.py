"""Who may talk to the server: everybody on this machine, or who knows the token."""

from __future__ import annotations

import hmac
import ipaddress

from armazem.serve.http.answers import HttpError, Scope
from armazem.serve.http.attempts import Attempts
from armazem.serve.http.guard import Caller, Guard


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server at this address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, which anybody may come by
        return False


class Access:
    """Checks `Host` and `Origin`, and `Authorization: Bearer TOKEN`; with an empty token everybody may pass."""

    def __init__(self, token: str, guard: Guard, attempts: Attempts | None = None) -> None:
        self.guard = guard
        self.attempts = attempts or Attempts()
        self._token = token.encode()

    def check(self, scope: Scope) -> None:
        """Raise HttpError 400, 421, 403 by the guard, 401 without the token, 429 after too many wrong ones."""
        self.guard.check(scope)
        self.check_token(scope)

    def check_token(self, scope: Scope) -> None:
        """Raise HttpError 401 without the token, 429 after too many wrong ones."""
        if not self._token:
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if not given:
            raise _unauthorized("this server asks for a token")
        scheme, _, secret = given.partition(b" ")
        if scheme.lower() != b"bearer" or not self.is_token(secret, self.guard.caller(scope)):
            raise _unauthorized("the token is wrong")

    def is_token(self, secret: bytes, caller: Caller, *, form: bool = False) -> bool:
        """Return whether it is the token. Counts those that are not; raises HttpError 429 after too many."""
        self.attempts.check(caller.address, form=form)
        # In constant time: how long it takes must not tell how much of a guess is right.
        if hmac.compare_digest(secret.strip(), self._token):
            return True
        self.attempts.wrong(caller.address, secret.strip())
        return False


def _unauthorized(message: str) -> HttpError:
    return HttpError(
        401,
        "unauthorized",
        message,
        "send the header `Authorization: Bearer TOKEN` with what ARMAZEM_TOKEN is on the server",
        [(b"www-authenticate", b"Bearer")],
    )

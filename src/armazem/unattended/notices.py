"""Tells somebody who does not look: by webhook, by mail."""

from __future__ import annotations

import json
import logging
import queue
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from types import TracebackType
from urllib.parse import unquote, urlsplit

import certifi
import urllib3

from armazem.config import Settings
from armazem.errors import ArmazemError

_logger = logging.getLogger(__name__)
_SECONDS = 10.0
_TRIES = 3
_PAUSE = 5.0
_PORTS = {"smtp": 587, "smtps": 465}


class NoticeError(ArmazemError):
    """An address of a webhook or a mail server that is none."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Notice:
    """`event`: audit_failed, build_failed, load_refused or recovered; `text`: what, `hint`: what to do."""

    event: str
    text: str
    hint: str


Send = Callable[[Notice], None]


class Notices:
    """Sends notices in a thread of its own: nobody waits for a mail server. What cannot be sent is logged."""

    def __init__(self, senders: list[Send]) -> None:
        self._senders = senders
        self._waiting: queue.Queue[Notice | None] = queue.Queue()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)

    @classmethod
    def of(cls, settings: Settings) -> Notices:
        """Return what the settings name. Raises NoticeError for an address that is none."""
        senders: list[Send] = []
        if settings.notify_webhook:
            senders.append(_webhook(settings.notify_webhook))
        if settings.notify_mail:
            senders.append(_mail(settings.notify_mail, settings.notify_smtp))
        return cls(senders)

    def __enter__(self) -> Notices:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._waiting.put(None)
        self._thread.join(_SECONDS)

    def send(self, notice: Notice) -> None:
        """Take a notice to be sent; also into the log."""
        _logger.warning("%s: %s", notice.event, notice.text)
        if self._senders:
            self._waiting.put(notice)

    def _run(self) -> None:
        while (notice := self._waiting.get()) is not None:
            for send in self._senders:
                self._try(send, notice)

    def _try(self, send: Send, notice: Notice) -> None:
        for number in range(1, _TRIES + 1):
            try:
                send(notice)
            except (OSError, ValueError, urllib3.exceptions.HTTPError, smtplib.SMTPException, ArmazemError) as error:
                if number == _TRIES or self._stopping.is_set():
                    _logger.warning("a notice could not be sent: %s", error)
                    return
                self._stopping.wait(_PAUSE * number)
            else:
                return


def _webhook(url: str) -> Send:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NoticeError(f"{url} is no address of a webhook", "set notify_webhook to one like https://…")
    pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=certifi.where(), retries=False, timeout=_SECONDS)

    def send(notice: Notice) -> None:
        # `text` is what chat services show; the rest is for programs.
        text = f"Armazém: {notice.text}" + (f"\n{notice.hint}" if notice.hint else "")
        body = json.dumps({**asdict(notice), "host": socket.gethostname(), "text": text}, ensure_ascii=False)
        answer = pool.request("POST", url, body=body.encode(), headers={"Content-Type": "application/json"})
        if answer.status >= 300:
            raise NoticeError(f"the webhook answered {answer.status}", "look at its address")

    return send


def _mail(to: str, server: str) -> Send:
    hint = "set notify_smtp to smtp://USER:PASSWORD@HOST:587, or smtps://…:465, its special characters as %23"
    parts = urlsplit(server)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:  # says a part of the password
        raise NoticeError("notify_smtp is no address of a mail server: its port is no number", hint) from None
    host = parts.hostname
    if parts.scheme not in _PORTS or not host:
        raise NoticeError(f"{parts.scheme or 'nothing'} is no mail server to send to {to} by", hint)
    trusted = ssl.create_default_context(cafile=certifi.where())

    def send(notice: Notice) -> None:
        message = EmailMessage()
        message["Subject"] = f"Armazém: {notice.event.replace('_', ' ')}"
        message["From"] = unquote(parts.username) if parts.username and "@" in unquote(parts.username) else to
        message["To"] = to
        message.set_content(f"{notice.text}\n\n{notice.hint}\n\n{socket.gethostname()}")
        with (
            smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=trusted)
            if parts.scheme == "smtps"
            else smtplib.SMTP(host, port, timeout=_SECONDS)
        ) as connection:
            connection.ehlo()
            encrypted = parts.scheme == "smtps"
            if not encrypted and connection.has_extn("starttls"):
                connection.starttls(context=trusted)
                encrypted = True
            if parts.username:
                if not encrypted:
                    raise NoticeError(f"{host} offers no encryption, and is not told the password", hint)
                connection.login(unquote(parts.username), unquote(parts.password or ""))
            connection.send_message(message)

    return send

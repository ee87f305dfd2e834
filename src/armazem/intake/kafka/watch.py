"""What librdkafka tells beside messages: its log, its errors, whether a broker answers."""

from __future__ import annotations

import json
import logging
import re
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, TopicPartition

STATISTICS_MILLISECONDS = 2_000
_QUIET_SECONDS = 60.0
# FAIL and ERROR: a broker cannot be reached, again and again. FATAL: an error that ends it, which the user is told.
# CONFWARN: one file of properties is for all clients.
_SAID_OTHERWISE = ("FAIL", "ERROR", "FATAL", "CONFWARN")
_REFUSED = (KafkaError._AUTHENTICATION, KafkaError._SSL)

_logger = logging.getLogger(__name__)


class Watch:
    """Says once when no broker answers, and once when one does again; of other remarks each kind once a minute.

    `connected`: whether a broker answered at the start; before that nothing is said. `away`: whether none answers.
    `reason`: what the client said last of one that it could not reach. `refused`: what one said that does not let us
    in. `commits`: how commits have ended, until that is taken note of. The methods are called where a client is polled.
    """

    def __init__(self, brokers: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.connected = self.away = False
        self.reason = ""
        self.refused: KafkaError | None = None
        self.commits: deque[tuple[KafkaError | None, Sequence[TopicPartition]]] = deque()
        self._brokers = brokers
        self._clock = clock
        self._unanswered = 0
        self._said: dict[str, float] = {}

    @property
    def config(self) -> dict[str, Any]:
        """What a client needs to tell it."""
        return {
            "error_cb": self.error,
            "stats_cb": self.statistics,
            "statistics.interval.ms": STATISTICS_MILLISECONDS,
            "logger": self,
        }

    def log(self, level: int, form: str, *arguments: object) -> None:
        """A line of the client's log: its kind, the client, the text."""
        kind, text = str(arguments[0]) if arguments else "", str(arguments[-1]) if arguments else form
        if kind in ("FAIL", "ERROR"):
            self.reason = _plain(text)
        if level >= logging.WARNING and kind not in _SAID_OTHERWISE:
            self.remark(kind, "%s", _plain(text))

    def remark(self, kind: str, form: str, *arguments: object) -> None:
        """Log it, unless there was one of this kind within the last minute."""
        now = self._clock()
        if now - self._said.get(kind, -_QUIET_SECONDS) >= _QUIET_SECONDS:
            self._said[kind] = now
            _logger.warning(form, *arguments)

    def commit_ended(self, error: KafkaError | None, partitions: Sequence[TopicPartition]) -> None:
        """A commit was answered, or given up."""
        self.commits.append((error, partitions))

    def error(self, error: KafkaError) -> None:
        """An error that is no message's."""
        if error.code() in _REFUSED:
            self.refused = error
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self.reason = _plain(error.str())

    def statistics(self, text: str) -> None:
        """The client's figures: twice in a row without a broker is no hiccup."""
        brokers = json.loads(text)["brokers"].values()
        if any(broker["state"] == "UP" for broker in brokers):
            self._unanswered = 0
            if self.away:
                self.away = False
                _logger.warning("Kafka at %s answers again", self._brokers)
            return
        self._unanswered += 1
        if self.connected and not self.away and self._unanswered >= 2:
            self.away = True
            _logger.warning(
                "Kafka at %s does not answer: %s. It goes on by itself when it does", self._brokers, self.reason
            )


def _plain(text: str) -> str:
    """The text without the client's threads and states."""
    text = re.sub(r"^\[thrd:[^\]]*\]:\s*", "", text)
    return re.sub(r"\s*\((after|actions|with)\b.*\)$", "", text).strip()

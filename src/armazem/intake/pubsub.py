"""A Pub/Sub subscription into a sink, by Google's client: acknowledged after the commit, given back without one.

An event says all about itself: the attributes and the ordering key of its message are not looked at.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Callable, Sequence
from typing import Any

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.pubsub_v1 import SubscriberClient, types  # type: ignore[import-untyped]
from google.cloud.pubsub_v1.subscriber.futures import StreamingPullFuture  # type: ignore[import-untyped]
from google.cloud.pubsub_v1.subscriber.message import Message  # type: ignore[import-untyped]
from google.cloud.pubsub_v1.subscriber.scheduler import Scheduler  # type: ignore[import-untyped]

from armazem.config import Settings
from armazem.disk.causes import first_line
from armazem.intake.batches import Batches, Counts
from armazem.intake.pubsub_errors import cloud_error
from armazem.intake.receivers import OnFailure
from armazem.intake.sinks import Sink
from armazem.journal.errors import JournalError

MAX_MESSAGES = 5_000
MAX_BYTES = 64 * 2**20
CONNECT_SECONDS = 60.0
FINISH_SECONDS = 30.0
_ACKNOWLEDGED_AT_ONCE = 1_000  # a request has 512 KiB at most, an id some 200 bytes
_PASSING = Retry(
    predicate=if_exception_type(exceptions.Aborted, exceptions.ServiceUnavailable, exceptions.DeadlineExceeded),
    initial=0.2,
    maximum=5,
)

_logger = logging.getLogger(__name__)


def start_subscription(
    sink: Sink,
    settings: Settings,
    project: str,
    subscription: str,
    *,
    limit: int | None = None,
    on_failure: OnFailure | None = None,
    connect_seconds: float = CONNECT_SECONDS,
) -> Subscription:
    """Pull messages of this subscription into a sink until `stop`, in threads of the client.

    `limit`: how many to take. Raises CloudError: no credentials, no such subscription, or none that can be reached
    within `connect_seconds`; once it is reached, Google's client reconnects by itself for as long as it takes.
    """
    path = f"projects/{project}/subscriptions/{subscription}"
    try:
        client = SubscriberClient()
        _reach(client, path, connect_seconds)
    except (exceptions.GoogleAPIError, GoogleAuthError) as error:
        raise cloud_error(error, path) from error
    return Subscription(client, path, sink, settings, limit, on_failure)


def check_subscription(path: str, *, connect_seconds: float = CONNECT_SECONDS) -> None:
    """Raises CloudError where there is no such subscription (projects/…/subscriptions/…), or none can be reached."""
    try:
        with SubscriberClient() as client:
            _reach(client, path, connect_seconds)
    except (exceptions.GoogleAPIError, GoogleAuthError) as error:
        raise cloud_error(error, path) from error


class Subscription:
    """A running subscription. `counts` and the rest may be asked from any thread."""

    def __init__(
        self,
        client: SubscriberClient,
        path: str,
        sink: Sink,
        settings: Settings,
        limit: int | None,
        on_failure: OnFailure | None,
    ) -> None:
        _, project, _, name = path.split("/")
        self.source = f"pubsub:{project}/{name}"
        self._client = client
        self._path = path
        self._sink = sink
        self._batches = Batches(sink, self.source, self._acknowledge, limit=limit, on_failure=on_failure)
        # Below the bound of the ingest's queue, or one batch alone could fill it.
        max_bytes = min(MAX_BYTES, settings.queue_megabytes * 2**20 // 2)
        self._stream: StreamingPullFuture = client.subscribe(
            path,
            self._batches.put,
            flow_control=types.FlowControl(max_messages=min(MAX_MESSAGES, limit or MAX_MESSAGES), max_bytes=max_bytes),
            scheduler=_InPlace(self._batches),
        )

    def counts(self) -> Counts:
        return self._batches.counts()

    @property
    def idle_seconds(self) -> float:
        """How long nothing came in; 0 while something is not acknowledged."""
        return self._batches.idle_seconds

    @property
    def complete(self) -> bool:
        """Whether `limit` messages are written and acknowledged."""
        return self._batches.complete

    def check(self) -> None:
        """Raises CloudError where the stream has ended for good, JournalError where nothing is kept any more."""
        if self._stream.done():
            error = self._stream.exception(timeout=0)
            if error is not None:
                raise cloud_error(error, self._path) from error
        if self._sink.failed or self._batches.broken:
            raise JournalError(
                f"{self._sink.kept_in} is not written any more", "look at the messages above, then start it again"
            )

    def stop(self) -> Counts:
        """Stop pulling, write and acknowledge what is here, give the rest back. Takes at most about 30 s."""
        self._stream.cancel()
        with contextlib.suppress(TimeoutError):  # what hangs is the network: Pub/Sub delivers again
            self._stream.exception(timeout=FINISH_SECONDS + 10)
        self._client.close()
        return self._batches.counts()

    def _acknowledge(self, written: Sequence[Message]) -> None:
        """Of many messages at once: the client itself sends 100 at a time, one request after the other."""
        for start in range(0, len(written), _ACKNOWLEDGED_AT_ONCE):
            ids = [message.ack_id for message in written[start : start + _ACKNOWLEDGED_AT_ONCE]]
            try:
                self._client.acknowledge(subscription=self._path, ack_ids=ids, retry=_PASSING.with_timeout(20))
            except exceptions.GoogleAPIError as error:
                _logger.warning(
                    "%d messages are written, but could not be acknowledged: %s. They come again, as duplicates",
                    len(ids), first_line(error),
                )  # fmt: skip
        for message in written:
            message.drop()  # its deadline need not be extended any more


class _InPlace(Scheduler):  # type: ignore[misc]
    """Calls back where the client receives, in place of a thread pool: to gather a message takes a microsecond.

    The client asks it to shut down after it has stopped pulling, and before it stops sending acknowledgements.
    """

    def __init__(self, batches: Batches[Message]) -> None:
        self._batches = batches
        self._acknowledgements: queue.Queue[Any] = queue.Queue()

    @property
    def queue(self) -> queue.Queue[Any]:
        """Where the client's messages put their acknowledgements, and its dispatcher takes them."""
        return self._acknowledgements

    def schedule(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        callback(*args, **kwargs)

    def shutdown(self, await_msg_callbacks: bool = False) -> list[Message]:
        """The messages that were not written: the client gives them back."""
        del await_msg_callbacks
        return self._batches.finish(FINISH_SECONDS)


def _reach(client: SubscriberClient, path: str, seconds: float) -> None:
    """Look whether the subscription is there: its stream would try again for ever without a word."""
    try:
        client.get_subscription(subscription=path, retry=_PASSING.with_timeout(seconds), timeout=10)
    except exceptions.PermissionDenied:
        # Who may consume a subscription need not be allowed to look at it. The stream will tell.
        return

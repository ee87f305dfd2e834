"""What Google's Pub/Sub client raises, in one line, and what to do."""

from __future__ import annotations

import os

from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError

from armazem.disk.causes import first_line
from armazem.errors import CloudError


def cloud_error(error: BaseException, path: str) -> CloudError:
    """The error of reading the subscription at `path` (projects/…/subscriptions/…), for the user."""
    _, project, _, name = path.split("/")
    if isinstance(error, DefaultCredentialsError):
        return CloudError(
            "there are no Google credentials",
            "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file",
        )
    if isinstance(error, GoogleAuthError | exceptions.Unauthenticated):
        return CloudError(f"Google's authentication failed: {first_line(error)}", "sign in again")
    if isinstance(error, exceptions.NotFound):
        return CloudError(
            f"there is no subscription {name} in project {project}",
            f"`gcloud pubsub subscriptions create {name} --project {project} --topic TOPIC` makes one",
        )
    if isinstance(error, exceptions.PermissionDenied):
        return CloudError(
            f"no permission to read {path}: {first_line(error)}", "it takes the role roles/pubsub.subscriber on it"
        )
    passing = (exceptions.RetryError, exceptions.ServiceUnavailable, exceptions.DeadlineExceeded)
    if isinstance(error, passing):
        emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
        where = f"PUBSUB_EMULATOR_HOST is {emulator}" if emulator else "pubsub.googleapis.com:443"
        return CloudError(
            f"Pub/Sub cannot be reached: {first_line(getattr(error, 'cause', None) or error)}",
            f"check the network ({where}) and start it again: nothing is lost, the subscription keeps its messages",
        )
    return CloudError(f"Pub/Sub ended the stream of {path}: {first_line(error)}", "")

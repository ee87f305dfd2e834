"""The official client, set up from the settings, and its errors in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import google.auth
import requests
from google.api_core import exceptions, retry
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
from google.cloud import bigquery
from google.cloud.bigquery.retry import DEFAULT_RETRY

from armazem.config import Settings
from armazem.disk.causes import first_line
from armazem.errors import CloudError

REQUEST_SECONDS = 120.0
"""How long one request may take. The client itself would wait for ever on a connection that went silent."""

_ROLES = "docs/google-cloud.md lists the roles that each command needs"


def is_emulator(settings: Settings) -> bool:
    """Whether the endpoint is one without TLS: an emulator, which takes no credentials."""
    return settings.bigquery_endpoint.startswith("http://")


def connect(settings: Settings) -> bigquery.Client:
    """A client by Application Default Credentials. Raises CloudError where there are none, or no project."""
    options = {"api_endpoint": settings.bigquery_endpoint} if settings.bigquery_endpoint else None
    project: str | None = settings.bigquery_project or None
    if is_emulator(settings):
        credentials: Any = AnonymousCredentials()  # type: ignore[no-untyped-call]
    else:
        try:
            credentials, default_project = google.auth.default(
                scopes=["https://www.googleapis.com/auth/cloud-platform"]
            )
        except DefaultCredentialsError as error:
            raise CloudError(
                "there are no Google credentials", "run `gcloud auth application-default login`, or set "
                "GOOGLE_APPLICATION_CREDENTIALS to a key file"
            ) from error  # fmt: skip
        project = project or default_project
    if project is None:
        raise CloudError("no Google Cloud project is named", "set ARMAZEM_BIGQUERY_PROJECT")
    return bigquery.Client(
        project=project, credentials=credentials, location=settings.bigquery_location, client_options=options
    )


def retrying(settings: Settings) -> retry.Retry:
    """The library's own retry of passing errors, for as long as the settings say."""
    return DEFAULT_RETRY.with_timeout(settings.bigquery_retry_seconds)


@contextmanager
def cloud_errors(settings: Settings, doing: str) -> Iterator[None]:
    """Turn the client's errors into CloudError: what `doing` failed, where, and what to do."""
    where = f"project {settings.bigquery_project or '(default)'}"
    try:
        yield
    except exceptions.Forbidden as error:
        raise CloudError(f"no permission for {doing} in {where}: {first_line(error)}", _ROLES) from error
    except exceptions.NotFound as error:
        raise CloudError(
            f"{doing} did not find what it needs in {where}: {first_line(error)}",
            "check ARMAZEM_BIGQUERY_PROJECT, _LOCATION and _DATASET_PREFIX; `load` makes datasets, `build` the tables",
        ) from error
    except (exceptions.RetryError, exceptions.ServiceUnavailable, exceptions.TooManyRequests) as error:
        cause = getattr(error, "cause", None) or error  # a RetryError says only how long it was tried
        raise CloudError(f"BigQuery did not answer {doing}: {first_line(cause)}", _again(settings)) from error
    except exceptions.GoogleAPICallError as error:
        raise CloudError(f"BigQuery refused {doing} in {where}: {first_line(error)}", "") from error
    except GoogleAuthError as error:
        raise CloudError(f"Google's authentication failed: {error}", "sign in again") from error
    except (requests.exceptions.RequestException, ConnectionError) as error:
        raise CloudError(f"BigQuery cannot be reached for {doing}: {error}", _again(settings)) from error


def _again(settings: Settings) -> str:
    endpoint = f" ({settings.bigquery_endpoint})" if settings.bigquery_endpoint else ""
    return f"check the network{endpoint} and run the command again: it takes up where this one stopped"

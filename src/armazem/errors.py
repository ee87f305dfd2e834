"""The errors a user sees: what went wrong, where, and what to do. The CLI turns them into one line."""

from __future__ import annotations


class ArmazemError(Exception):
    """Work that failed for a reason the user can act on. Exit code 1.

    `hint` says what to do about it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SourceError(ArmazemError):
    """A source of batch data cannot be used: missing, unreadable or not what the contract says."""


class HomeError(ArmazemError):
    """The home folder cannot be used: of a newer version, not writable, held by another process."""


class BuildError(ArmazemError):
    """A build that was not published: a model or a test failed."""


class QueryError(ArmazemError):
    """A query that the published warehouse could not answer."""


class ExportError(ArmazemError):
    """An export that was not written: the place is taken, missing, full or not writable, or a table does not fit."""


class CloudError(ArmazemError):
    """Google Cloud did not do what was asked: no credentials, no permission, not found, not reachable."""

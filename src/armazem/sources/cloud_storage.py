"""`load gs://…`: the source files of a Cloud Storage bucket, downloaded; from there on they are files like others.

The Google client is imported where it is used: the embedded target runs without it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from armazem.contract import TABLES
from armazem.contract.file_names import kind_of, table_of
from armazem.disk.causes import first_line
from armazem.errors import CloudError, SourceError, extra
from armazem.sources.archives import ARCHIVES
from armazem.sources.files import SourceFile, Warn, find_files, not_a_source_file

OnBytes = Callable[[str, int, int, int], None]
"""Called with the URL, which of how many files it is (from 1), and how many bytes of it are here."""

RETRY_SECONDS = 120.0  # the library's own; how long it tries again after a passing error
_REQUEST_SECONDS = 60.0
_TELL_EVERY = 1 << 20
_READER = "the role Storage Object Viewer (roles/storage.objectViewer) on the bucket is enough"


def is_cloud_url(path: str | Path) -> bool:
    """Whether this names a bucket. A Path counts too, although it has lost one of the slashes."""
    return str(path).startswith("gs:/")


def find_cloud_files(
    url: str, workdir: Path, *, partial: bool = False, warn: Warn | None = None, on_bytes: OnBytes | None = None
) -> list[SourceFile]:
    """The source files at `url`, a folder, an archive or one file in a bucket, downloaded to `workdir`.

    The same files as `find_files` finds, with URLs for names; of a folder, only those of the contract are
    downloaded. Raises SourceError where there is nothing that can be loaded, CloudError where Google refuses
    or does not answer.
    """
    bucket, name = _parts(url)
    url = f"gs://{bucket}/{name}"
    local = workdir / "bucket"
    local.mkdir()
    with _storage_errors(url):
        blobs = _single(bucket, name, url) if _is_file(name) else _folder(bucket, name, url, warn)
        for number, blob in enumerate(blobs, start=1):
            _download(blob, local / _last(blob.name), number, len(blobs), on_bytes)
    path = local / _last(name) if _is_file(name) else local
    names = {_last(blob.name): f"gs://{bucket}/{blob.name}" for blob in blobs}
    try:
        files = find_files(path, workdir, partial=partial, warn=warn)
    except SourceError as error:
        raise SourceError(str(error).replace(str(path), url), error.hint) from error
    return [replace(file, name=_display(file, path, url, names)) for file in files]


def _display(file: SourceFile, path: Path, url: str, names: dict[str, str]) -> str:
    if file.name in names:
        return names[file.name]
    return url + file.name.removeprefix(path.name)  # a member of a zip: olist.zip!orders.csv


def _parts(url: str) -> tuple[str, str]:
    bucket, _, name = url.removeprefix("gs:").lstrip("/").partition("/")
    if not bucket:
        raise SourceError(f"{url} names no bucket", "name gs://BUCKET/FOLDER, a .zip or a .csv file")
    return bucket, name


def _is_file(name: str) -> bool:
    return kind_of(_last(name)) is not None or name.lower().endswith(ARCHIVES)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _single(bucket: str, name: str, url: str) -> list[Any]:
    if kind_of(_last(name)) is not None and table_of(_last(name)) is None:
        raise not_a_source_file(url)
    blob = _client().bucket(bucket).blob(name)
    blob.reload(timeout=_REQUEST_SECONDS, retry=_retry())
    return [blob]


def _folder(bucket: str, name: str, url: str, warn: Warn | None) -> list[Any]:
    prefix = f"{name.rstrip('/')}/" if name else ""
    listed = _client().list_blobs(bucket, prefix=prefix, delimiter="/", timeout=_REQUEST_SECONDS, retry=_retry())
    blobs = []
    for blob in listed:
        if table_of(_last(blob.name)) is not None:
            blobs.append(blob)
        elif kind_of(_last(blob.name)) is not None and warn is not None:
            warn(f"gs://{bucket}/{blob.name} is not a file of the contract: ignored")
    if not blobs:
        raise SourceError(f"{url} holds no source file", f"expected are {', '.join(t.file for t in TABLES)}")
    return blobs


def _download(blob: Any, target: Path, number: int, files: int, on_bytes: OnBytes | None) -> None:
    url = f"gs://{blob.bucket.name}/{blob.name}"

    def tell(size: int) -> None:
        if on_bytes is not None:
            on_bytes(url, number, files, size)

    tell(0)
    with io.FileIO(target, "wb") as raw, _Counted(raw, tell) as file:
        blob.download_to_file(file, timeout=_REQUEST_SECONDS, retry=_retry())
        tell(file.tell())


class _Counted(io.BufferedWriter):
    """A file that tells how long it is, once a megabyte."""

    def __init__(self, raw: io.FileIO, tell: Callable[[int], None]) -> None:
        super().__init__(raw)
        self._tell_size = tell
        self._told = 0

    def write(self, data: Any) -> int:
        written = super().write(data)
        size = self.tell()
        if size - self._told >= _TELL_EVERY:
            self._told = size
            self._tell_size(size)
        return written


def _client() -> Any:
    from google.cloud.storage import Client

    return Client(project=None)  # reading needs no project


def _retry() -> Any:
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(RETRY_SECONDS)


@contextmanager
def _storage_errors(url: str) -> Iterator[None]:
    """Turn the client's errors, and its absence, into ours."""
    with extra("bigquery", url):
        import requests
        from google.api_core import exceptions
        from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
        from google.cloud.storage.exceptions import DataCorruption
    try:
        yield
    except exceptions.NotFound as error:
        raise SourceError(
            f"{url} does not exist: {_reason(error)}", "check the names of the bucket, the folder and the file"
        ) from error
    except (exceptions.Forbidden, exceptions.Unauthorized) as error:
        raise CloudError(f"no permission to read {url}: {_reason(error)}", _READER) from error
    except DefaultCredentialsError as error:
        raise CloudError(
            f"there are no Google credentials to read {url} with",
            "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to a key file",
        ) from error
    except GoogleAuthError as error:
        raise CloudError(f"Google's authentication failed for {url}: {error}", "sign in again") from error
    except DataCorruption as error:
        raise CloudError(f"{url} arrived damaged: {error}", "run the command again") from error
    except (exceptions.RetryError, exceptions.ServerError, requests.RequestException, ConnectionError) as error:
        raise CloudError(
            f"Cloud Storage does not answer for {url}: {_reason(error)}", "check the network and run the command again"
        ) from error
    except exceptions.GoogleAPIError as error:
        raise CloudError(f"Cloud Storage refused {url}: {_reason(error)}", "check the URL") from error


def _reason(error: Exception) -> str:
    return first_line(getattr(error, "cause", None) or error)  # of a RetryError: what went wrong each time


class CloudFolder:
    """All objects below a folder of a bucket, for who looks again and again."""

    def __init__(self, url: str) -> None:
        """Raises SourceError where the URL names no bucket."""
        self._bucket, name = _parts(url)
        self._prefix = f"{name.rstrip('/')}/" if name else ""
        self._url = f"gs://{self._bucket}/{self._prefix}"

    def objects(self) -> list[tuple[str, int, str, float]]:
        """Return path below the folder, bytes, generation and time of change (s) of each. Raises as loading does."""
        with _storage_errors(self._url):
            listed = _client().list_blobs(
                self._bucket, prefix=self._prefix, timeout=_REQUEST_SECONDS, retry=_retry(),
                fields="items(name,size,generation,updated),nextPageToken",
            )  # fmt: skip
            return [
                (blob.name.removeprefix(self._prefix), blob.size, str(blob.generation), blob.updated.timestamp())
                for blob in listed
                if not blob.name.endswith("/")
            ]

    def download(self, path: str, generation: str, target: Path) -> bool:
        """Write this generation of an object to a file; False where it is no more."""
        with _storage_errors(f"{self._url}{path}"):
            from google.api_core.exceptions import NotFound

            blob = _client().bucket(self._bucket).blob(f"{self._prefix}{path}", generation=int(generation))
            try:
                blob.download_to_filename(target, timeout=_REQUEST_SECONDS, retry=_retry())
            except NotFound:
                return False
            return True

"""One load job per file: each happens once, however often its request has to be sent."""

from __future__ import annotations

from http import HTTPStatus
from itertools import accumulate, count, takewhile
from pathlib import Path
from typing import IO, cast

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud import bigquery

from armazem.errors import CloudError
from armazem.targets.bigquery.client import REQUEST_SECONDS
from armazem.targets.bigquery.landing.raw import Raw, fields

_SHOWN_ERRORS = 3
_LONGEST_WAIT = 64  # seconds that an upload waits at most before it tries again
_SETTLING_SECONDS = 30.0
_SESSION_ENDED = (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


class JobRefused(CloudError):
    """A load job that ended with errors: none of its rows are in the table."""


def job_id(raw: Raw, load_id: str, table: str) -> str:
    """The id of the job that loads a table. No two jobs of a project have the same, so none happens twice."""
    return f"armazem-{raw.dataset}-{load_id}-{table}"


def start(raw: Raw, load_id: str, table: str, file: Path) -> bigquery.LoadJob:
    """Send a file, `.parquet` or lines of JSON, and start the job that appends it to a table of `raw`."""
    parquet = file.suffix == ".parquet"
    config = bigquery.LoadJobConfig(
        source_format=bigquery.SourceFormat.PARQUET if parquet else bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
        schema=fields(table),
        create_disposition=bigquery.CreateDisposition.CREATE_NEVER,
        write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
    )
    with file.open("rb") as data:
        try:
            return _send(raw, load_id, table, data, config)
        except exceptions.GoogleAPICallError as error:
            if error.code not in _SESSION_ENDED:
                raise
            # The session of the upload ended, perhaps with the last byte, and the answer was lost: begin anew.
            return _send(raw, load_id, table, data, config)


def _send(raw: Raw, load_id: str, table: str, data: IO[bytes], config: bigquery.LoadJobConfig) -> bigquery.LoadJob:
    identifier = job_id(raw, load_id, table)
    try:
        return raw.client.load_table_from_file(
            data,
            raw.table(table),
            rewind=True,
            job_id=identifier,
            job_config=config,
            num_retries=upload_retries(raw.settings.bigquery_retry_seconds),
            timeout=REQUEST_SECONDS,
        )
    except exceptions.Conflict:
        # It exists, so an earlier request did arrive. It may take moments until everybody knows of it.
        settled = Retry(
            predicate=if_exception_type(exceptions.NotFound),
            timeout=min(_SETTLING_SECONDS, raw.settings.bigquery_retry_seconds),
        )
        return settled(find)(raw, load_id, table)


def find(raw: Raw, load_id: str, table: str) -> bigquery.LoadJob:
    """The job that loads a table. Raises NotFound where it was never started."""
    found = raw.client.get_job(job_id(raw, load_id, table), retry=raw.retry, timeout=REQUEST_SECONDS)
    return cast(bigquery.LoadJob, found)


def finish(raw: Raw, job: bigquery.LoadJob) -> None:
    """Wait for the end of a job. Raises JobRefused where BigQuery could not take its rows."""
    try:
        job.result(retry=raw.retry)
    except exceptions.GoogleAPICallError as error:
        if not job.error_result:
            raise
        told = [" ".join(str(problem.get("message", problem)).split()) for problem in job.errors or [job.error_result]]
        table = job.destination
        raise JobRefused(
            f"BigQuery refused the rows of {table.dataset_id}.{table.table_id}: "
            f"{'; '.join(dict.fromkeys(told[:_SHOWN_ERRORS]))}; nothing was loaded",
            f"`bq show -j {job.job_id}` tells more",
        ) from error


def upload_retries(seconds: float) -> int:
    """How often an upload is tried again in this time, waiting 1, 2, 4 … seconds: it knows no deadline itself."""
    waits = accumulate(min(2**number, _LONGEST_WAIT) for number in count())
    return sum(1 for _ in takewhile(lambda waited: waited <= seconds, waits))

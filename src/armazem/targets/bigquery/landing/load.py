"""`load --target bigquery`: batch files into the dataset `raw`, all of them or none.

Google's client is imported late: the embedded target runs without it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from armazem.config import Settings
from armazem.disk.lock import landing_lock
from armazem.errors import CloudError, extra
from armazem.landing.form import Format
from armazem.landing.ledger import LedgerRow
from armazem.landing.load import Options, load_into
from armazem.landing.report import LoadResult, OnProgress, OnWarning
from armazem.targets.bigquery.datasets import Datasets

if TYPE_CHECKING:
    from google.api_core.retry import Retry
    from google.cloud.bigquery import Client


def load_to_bigquery(
    path: str | Path,
    settings: Settings,
    *,
    strict: bool = False,
    force: bool = False,
    partial: bool = False,
    delimiter: str | None = None,
    encoding: str = "auto",
    decimal: str = ".",
    as_of: datetime | None = None,
    on_progress: OnProgress | None = None,
    on_warning: OnWarning | None = None,
) -> LoadResult:
    """Load a folder, an archive or one file, here or at a `gs://` URL, into `raw.<table>` on BigQuery.

    The options, and what is refused, are those of `landing.load`. Files are prepared in the home folder, and
    the rejects are left there as well as in `raw.rejects`. The load exists once its rows are in `raw.loads`; a
    load that was interrupted before is undone by the next one from this home folder.

    Raises what `landing.load` raises, and CloudError where BigQuery refuses or does not answer.
    """
    options = Options(Format.of(delimiter, encoding, decimal, settings.time_zone), strict, force, partial, as_of)
    with extra("bigquery", "the BigQuery target"):
        from armazem.targets.bigquery.landing.zone import BigQueryZone
    return load_into(BigQueryZone(settings), path, settings.home_folder, options, on_progress, on_warning)


def read_cloud_ledger(client: Client, names: Datasets, retry: Retry | None = None) -> list[LedgerRow]:
    """Every file that is loaded and not withdrawn, in load order; none where dataset or table is missing.

    `retry`: that of the settings, `retrying(settings)`; without it the client tries for ten minutes.
    Raises google's errors: wrap it in `cloud_errors`.
    """
    from google.cloud.bigquery.retry import DEFAULT_RETRY

    from armazem.targets.bigquery.landing.ledger import read_entries

    entries = read_entries(client, names.raw, retry or DEFAULT_RETRY)
    return [entry.row for entry in entries if not entry.withdrawn]


def withdraw_from_bigquery(settings: Settings, load_id: str, on_wait: Callable[[], None] = lambda: None) -> None:
    """Withdraw a load: builds no longer see it, and its files can be loaded again. Its rows stay in `raw`.

    Waits for a load of this home folder, after telling `on_wait`. Withdrawing twice changes nothing.
    Raises CloudError for a load that is not there, and where BigQuery refuses or does not answer.
    """
    with extra("bigquery", "the BigQuery target"):
        from armazem.targets.bigquery.client import cloud_errors
        from armazem.targets.bigquery.landing.ledger import mark_withdrawn, read_entries
        from armazem.targets.bigquery.landing.raw import Raw
    raw = Raw(settings)
    with landing_lock(settings.home_folder.open(), on_wait), cloud_errors(settings, f"withdrawing {load_id}"):
        known = sorted({entry.row.load_id for entry in read_entries(raw.client, raw.dataset, raw.retry)})
        if load_id not in known:
            raise CloudError(
                f"there is no load {load_id} in {raw.project}.{raw.dataset}",
                f"the newest are {', '.join(known[-5:]) or 'none'}; {raw.dataset}.loads lists all",
            )
        mark_withdrawn(raw, load_id)

"""What stands where a build is to publish: room is made of tables of another make, what is somebody else's is refused.

A copy job replaces the rows and the columns of a table, but not how it is partitioned and clustered: BigQuery refuses
that ("Incompatible table partitioning specification"). It copies onto no view either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from google.api_core import exceptions
from google.cloud.bigquery.table import TableListItem

from armazem.contract.layers import LIVE
from armazem.errors import CloudError
from armazem.targets.bigquery.connection import Connection
from armazem.targets.bigquery.meta import current_build
from armazem.targets.bigquery.tables import Layout, kept_builds

_HINT = "drop or rename it, or give armazem datasets of its own with ARMAZEM_BIGQUERY_DATASET_PREFIX"


def items(connection: Connection, dataset: str) -> dict[str, TableListItem]:
    """What a dataset holds, by name; nothing where it does not exist. One request."""
    try:
        return {item.table_id: item for item in connection.client.list_tables(dataset, retry=connection.retry)}
    except exceptions.NotFound:
        return {}


def check_places(connection: Connection, layout: Layout, live_views: Iterable[str]) -> None:
    """Raise CloudError where a place is taken by what no build can replace, before anything is built.

    Where nothing was ever published, every table with a name of ours is somebody else's.
    """
    first = current_build(connection) is None and not kept_builds(connection, whole=False)
    for dataset, tables in _by_dataset(layout).items():
        for table, item in items(connection, dataset).items():
            if table not in tables:
                continue
            if item.table_type not in (None, "TABLE"):
                raise CloudError(f"{dataset}.{table} is a {_kind(item)}, and a build publishes a table there", _HINT)
            if first:
                raise CloudError(f"{dataset}.{table} is there already, and no build has published it", _HINT)
    dataset = connection.names.of(LIVE)
    live = items(connection, dataset)
    for view in live_views:
        if view in live and live[view].table_type != "VIEW":
            raise CloudError(f"{dataset}.{view} is a {_kind(live[view])}, and a build makes a view there", _HINT)


def _by_dataset(layout: Layout) -> dict[str, Collection[str]]:
    return {dataset: {one.table for one in layout if one.dataset == dataset} for dataset in datasets_of(layout)}


def datasets_of(layout: Layout) -> list[str]:
    """The datasets of what is published."""
    return sorted({one.dataset for one in layout})


def in_the_way(connection: Connection, dataset: str, tables: dict[str, str], layout: Layout) -> frozenset[str]:
    """Of what is to be published, the tables that have to be deleted first, as they are partitioned or clustered
    otherwise: no copy replaces them. `tables`: published name to name in `dataset`.
    """
    listed = items(connection, dataset)
    sources = {table: listed[name] for table, name in tables.items() if name in listed}
    found: set[str] = set()
    for published, ours in _by_dataset(layout).items():
        for table, target in items(connection, published).items():
            if table in ours and table in sources and make_of(target) != make_of(sources[table]):
                found.add(table)
    return frozenset(found)


def expiring(targets: dict[str, TableListItem]) -> str | None:
    """What to say where BigQuery will delete what was published; None where nothing has a time to live."""
    doomed = {name: item.expires for name, item in targets.items() if item.expires is not None}
    if not doomed:
        return None
    table, when = min(doomed.items(), key=lambda found: found[1])
    others = f" and {len(doomed) - 1} more" if len(doomed) > 1 else ""
    item = targets[table]
    return (
        f"BigQuery will delete {item.dataset_id}.{table}{others} from {when:%Y-%m-%d} on: "
        f"`bq update --default_table_expiration 0 {item.dataset_id}` and `bq update --expiration 0 {item.dataset_id}.…`"
    )


def make_of(item: TableListItem) -> tuple[Any, ...]:
    """How a table is partitioned and clustered."""
    partitioning = item.time_partitioning
    return (
        partitioning and (partitioning.type_, partitioning.field),
        item._properties.get("rangePartitioning"),
        tuple(item.clustering_fields or ()),
    )


def _kind(item: TableListItem) -> str:
    return str(item.table_type).replace("_", " ").lower()

"""The commands on features at points in time: features list, features get."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from armazem import console
from armazem.cli.features_train import evaluate, predict, train
from armazem.cli.group import format_option, main, print_rows, settings_of, target_option
from armazem.contract.features import ENTITIES
from armazem.features.catalogue import FEATURES, Feature, entities_named, features_named, features_of, listed
from armazem.kpis.formats import Format

if TYPE_CHECKING:  # pyarrow takes a fifth of a second
    from armazem.features.orders import Stage

_ENTITY = click.Choice([entity.name for entity in ENTITIES])


@main.group()
def features() -> None:
    """Features of sellers, lanes, products, customers and the marketplace, as they were known at a time.

    A feature as of a time is made of what was known at the midnight, business time, that begins its day; an order that
    is not delivered is late from the moment on at which its promised day has passed. So nothing of the future is in it.

    \b
    Examples:
      armazem features list --entity seller
      armazem features get --entities requests.csv --out training.parquet
    """


@features.command("list")
@click.option("--entity", "entity_names", type=_ENTITY, multiple=True, help="Of this entity only; can be repeated.")
@format_option
def list_(entity_names: tuple[str, ...], format_: Format) -> None:
    """List the features: what each is of, how it is computed, over which time, and when an order counts in it.

    \b
    Examples:
      armazem features list
      armazem features list --entity seller --format json
    """
    print_rows(listed(features_of(entities_named(entity_names)) if entity_names else FEATURES), format_)


@features.command()
@click.option("--entities", "file", type=click.Path(path_type=Path), help="CSV or Parquet with ids and times.")
@click.option(
    "--orders", type=click.Choice(["purchase", "handover"]), help="All orders, as of then, instead of a file."
)
@click.option("--at", metavar="COLUMN", help="The column of times.  [default: at, or without one the newest features]")
@click.option("--entity", "entity_names", type=_ENTITY, multiple=True, help="Of this entity only; can be repeated.")
@click.option("--features", "names", metavar="NAMES", multiple=True, help="Only these, as `list` has them, by commas.")
@click.option("--out", type=click.Path(path_type=Path), help="A file .parquet or .csv.  [default: CSV on the output]")
@target_option
@click.pass_context
def get(
    ctx: click.Context,
    file: Path | None,
    orders: Stage | None,
    at: str | None,
    entity_names: tuple[str, ...],
    names: tuple[str, ...],
    out: Path | None,
    target: str | None,
) -> None:
    """Join features to entities and times: a training set in which nothing is of the future.

    The file has a row for each request. Of its columns seller_id, product_id, customer_unique_id and lane (as SP-RJ)
    are ids, and all go through; the marketplace needs none. Times are business time, unless an offset is behind them.
    What comes out are all rows, in their order, with a column for each feature behind. An id that nobody knows has no
    orders: its sums are 0, its ratios empty. A time after the newest features, which are those of the midnight after
    the newest purchase, is refused: what will be known then is not known yet.

    With --orders the requests are all orders, with the seller, lane and product of their dearest item.

    \b
    Examples:
      armazem features get --entities sellers.csv
      armazem features get --entities requests.csv --at bought_at --out training.parquet
      armazem features get --entities requests.csv --entity seller --entity lane > training.csv
      armazem features get --entities requests.csv --features seller_late_rate_90d,lane_avg_delivery_days
      armazem features get --orders purchase --out orders.parquet
    """
    if (file is None) == (orders is None):
        raise click.UsageError("one of --entities FILE and --orders is needed: what the features are asked for")
    if orders is not None and at is not None:
        raise click.UsageError("--at is for a file: --orders says which times are meant")
    if entity_names and names:
        raise click.UsageError("--entity and --features exclude each other: a feature's name says of what it is")
    wanted = _wanted(entity_names, names)
    _get(ctx, file, orders, at, wanted, out, target)


def _wanted(entity_names: tuple[str, ...], names: tuple[str, ...]) -> tuple[Feature, ...]:
    if names:
        stripped = [name.strip() for given in names for name in given.split(",") if name.strip()]
        if not stripped:
            raise click.UsageError("--features names none: leave it out for all of the entities")
        return features_named(stripped)
    return features_of(entities_named(entity_names)) if entity_names else ()


def _get(
    ctx: click.Context,
    file: Path | None,
    orders: Stage | None,
    at: str | None,
    wanted: tuple[Feature, ...],
    out: Path | None,
    target: str | None,
) -> None:
    from armazem.features.files import check_place, csv_of, write
    from armazem.features.orders import COLUMNS
    from armazem.features.requests import read_requests
    from armazem.features.training import training_set, training_set_of_orders

    started = time.monotonic()
    settings = settings_of(ctx, target=target)
    if out is not None:
        out = check_place(out)
    with console.steps("features of") as step:
        if orders is not None:
            given = len(COLUMNS)
            found = training_set_of_orders(settings, orders, features=wanted, on_entity=step)
        else:
            requests = read_requests(file or Path())
            given = requests.table.num_columns
            found = training_set(settings, requests, at=at, features=wanted, on_entity=step)
    if out is None:
        with console.answering():
            click.echo(csv_of(found), nl=False)
    else:
        write(out, found)
    told = {name.decode(): value.decode() for name, value in found.schema.metadata.items()}
    console.messages().print(
        f"{found.num_rows:,} rows, {found.num_columns - given} features of build "
        f"{told['armazem.build']}, known until {told['armazem.as_of']}, {time.monotonic() - started:.1f} s"
    )
    if out is not None:
        console.messages().print(f"wrote {out}")


for _command in (evaluate, train, predict):
    features.add_command(_command)

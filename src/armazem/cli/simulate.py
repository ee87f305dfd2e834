"""The command simulate: orders of a shop that never sleeps, to a server, a topic or a file."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from zoneinfo import ZoneInfo

import click

from armazem import console
from armazem.cli.group import format_option, main, print_rows, settings_of, stop_signals
from armazem.config import Settings
from armazem.errors import ArmazemError
from armazem.kpis.formats import Format
from armazem.senders.addresses import How
from armazem.senders.simulation import OnProgress, Plan, Report, run_simulation
from armazem.shop.life import Faults, Offer, Person, Place, Seller, Shop
from armazem.targets.duckdb import versions
from armazem.targets.duckdb.query import fetch, open_published
from armazem.targets.rows import Rows

_LIMIT = 20_000  # offers and people: more would make no order more believable

_OFFERS = f"""
    select
        product_id,
        seller_id,
        cast(100 * quantile_disc(price, 0.5) as bigint),
        cast(100 * quantile_disc(freight_value, 0.5) as bigint),
        count(*) as sold
    from marts.fact_sales
    where price > 0
    group by product_id, seller_id
    order by sold desc, product_id, seller_id
    limit {_LIMIT}
"""
_PEOPLE = f"""
    select customer_unique_id, customer_zip_code_prefix, customer_city, customer_state
    from staging.stg_customers
    order by customer_id
    limit {_LIMIT}
"""
_SELLERS = """
    select seller_id, seller_zip_code_prefix, seller_city, seller_state
    from marts.dim_sellers
    order by seller_id
"""
_AS_OF = "select max(started_at) from meta.builds"

_per_cent = click.FloatRange(0, 100)


@main.command()
@click.option(
    "--rate",
    type=click.FloatRange(0, 1_000_000),
    default=10,
    show_default=True,
    help="Messages a second, evenly. 0: as fast as possible, with times of the past.",
)
@click.option("--duration", type=click.FloatRange(0, min_open=True), metavar="S", help="Stop after so many seconds.")
@click.option(
    "--events",
    type=click.IntRange(1),
    metavar="N",
    help="Stop after so many events; duplicates and malformed messages come on top.",
)
@click.option(
    "--to",
    default="http://127.0.0.1:8000",
    show_default=True,
    metavar="TARGET",
    help="http://HOST:PORT, pubsub:PROJECT/TOPIC, kafka:BROKERS/TOPIC, or a file that gets a line per message.",
)
@click.option("--duplicates", type=_per_cent, default=0, metavar="P", help="Per cent of the events sent twice.")
@click.option(
    "--disorder",
    type=_per_cent,
    default=0,
    metavar="P",
    help="Per cent of the events that come after later ones of their order.",
)
@click.option(
    "--malformed", type=_per_cent, default=0, metavar="P", help="Malformed messages besides, in per cent of the events."
)
@click.option("--seed", type=click.IntRange(0), help="Of the orders.  [default: a new one each time, shown at the end]")
@click.option(
    "--life",
    type=click.FloatRange(0, min_open=True),
    default=30,
    show_default=True,
    metavar="S",
    help="Seconds from an order's first message to its last, on average; two weeks at --rate 0.",
)
@click.option(
    "--batch", type=click.IntRange(1, 50_000), metavar="N", help="Messages in one request.  [default: those of 50 ms]"
)
@click.option(
    "--connections",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="To an HTTP server. With several, messages overtake each other.",
)
@click.option(
    "--retry-seconds",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    help="How long a message is sent again until it is acknowledged.",
)
@click.option("--quiet", is_flag=True, help="No progress, only the totals.")
@format_option
@click.pass_context
def simulate(
    ctx: click.Context,
    rate: float,
    duration: float | None,
    events: int | None,
    to: str,
    duplicates: float,
    disorder: float,
    malformed: float,
    seed: int | None,
    life: float,
    batch: int | None,
    connections: int,
    retry_seconds: float,
    quiet: bool,
    format_: Format,
) -> None:
    """Send the orders of an invented shop: placed, paid, shipped, delivered, reviewed; some are canceled.

    Products, sellers, prices and places are those of the home folder. What was sent and acknowledged is counted
    at the end, so that it can be compared with what the warehouse has. The same seed gives the same events, at
    --rate 0 the same bytes; sent once more to the same server they are duplicates. Without --duration or
    --events it goes on until Ctrl-C; what is under way is finished then.

    \b
    Examples:
      armazem simulate --rate 50
      armazem simulate --rate 1000 --duration 60 --to http://127.0.0.1:8000 --disorder 10 --format json
      armazem simulate --rate 0 --events 200000 --seed 1 --malformed 2 --to events.jsonl
    """
    if not rate and events is None:
        raise click.UsageError("--rate 0 needs --events")
    if not rate and duration is not None:
        raise click.UsageError("--duration needs a --rate above 0")
    settings = settings_of(ctx)
    plan = Plan(
        rate=rate,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        duration=duration,
        events=events,
        batch=batch or 0,
        life=life,
        faults=Faults(duplicates, disorder, malformed),
    )
    shop = read_shop(settings)
    with stop_signals() as stop, _progress(to, quiet=quiet) as show:
        how = How(settings.token, connections, retry_seconds, settings.kafka_properties, stop)
        report = run_simulation(shop, plan, to, ZoneInfo(settings.time_zone), how, show)
    _print_report(report, format_)
    if report.error is not None:
        raise report.error


def read_shop(settings: Settings) -> Shop:
    """What the published warehouse of the home folder sells. Raises ArmazemError where there is nothing yet."""
    home = settings.home_folder
    if versions.current_build(home) is None:
        raise ArmazemError(
            f"nothing is published in {home.root} that orders could be made of",
            "load data first: armazem up --no-serve",
        )
    with open_published(home) as connection:
        return Shop(
            offers=[Offer(*row) for row in fetch(connection, _OFFERS).rows],
            people=[Person(name, Place(*place)) for name, *place in fetch(connection, _PEOPLE).rows],
            sellers=[Seller(name, Place(*place)) for name, *place in fetch(connection, _SELLERS).rows],
            as_of=fetch(connection, _AS_OF).rows[0][0],
        )


def _print_report(report: Report, format_: Format) -> None:
    figures = report.as_dict()
    if format_ == "json":
        print_rows(Rows(tuple(figures), (tuple(figures.values()),)), format_)
    else:
        print_rows(Rows(("", "value"), tuple(_flat(figures))), format_)


def _flat(figures: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in figures.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", part) for key, part in value.items())
        else:
            yield name, value


@contextmanager
def _progress(to: str, *, quiet: bool) -> Iterator[OnProgress | None]:
    if quiet:
        yield None
        return
    with console.progress_line(f"sending to {to}") as show:
        yield lambda sent, seconds: show(
            f"{sent:,} messages acknowledged by {to}, {sent / seconds if seconds else 0:,.0f}/s"
        )

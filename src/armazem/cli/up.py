"""The command `up`: all of the main job at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from armazem import console
from armazem.build.dbt_project import start_import
from armazem.build.run import BuildRequest
from armazem.cli.build import run_build
from armazem.cli.data import OLIST_ORDERS, load_and_show, until_option
from armazem.cli.generated import generated
from armazem.cli.group import main, print_rows, settings_of
from armazem.cli.serving import check_port, run_server
from armazem.config import Settings
from armazem.kpis.catalogue import KPIS
from armazem.kpis.filters import Filters
from armazem.kpis.query import kpi_rows


@main.command()
@click.option(
    "--data", type=click.Path(path_type=Path, readable=False), help="Folder or zip to load; generated data without it."
)
@click.option("--orders", type=click.IntRange(1), help=f"Orders to generate.  [default: {OLIST_ORDERS:,}]")
@click.option("--seed", default=42, show_default=True, help="Of the generated data.")
@until_option("With the last order on this day.  [default: yesterday, or that of the data already there]")
@click.option("--no-serve", is_flag=True, help="Stop after the build.")
@click.option(
    "--simulate",
    "rate",
    type=click.FloatRange(0, 10_000, min_open=True),
    metavar="RATE",
    help="Send events of an invented shop to the server, so many a second.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to serve at.")
@click.pass_context
def up(
    ctx: click.Context,
    data: Path | None,
    orders: int | None,
    seed: int,
    until: date | None,
    no_serve: bool,
    rate: float | None,
    port: int,
) -> None:
    """Do the main job: data, load, build, a first look at every KPI; then serve until Ctrl-C.

    Generated data ends with yesterday. A home that has some already keeps those, whenever they end: the same orders
    of another day would be the same ids at other times.

    \b
    Examples:
      armazem up --orders 5000
      armazem up --data ~/Downloads/archive.zip --no-serve
      armazem up --simulate 20
    """
    if data is not None and orders is not None:
        raise click.UsageError("--data and --orders exclude each other")
    if data is not None and until is not None:
        raise click.UsageError("--data and --until exclude each other")
    if no_serve and rate is not None:
        raise click.UsageError("--simulate sends to the server: it needs one, without --no-serve")
    settings = settings_of(ctx)
    if not no_serve:
        check_port(port)  # now, not after the build
    if data is None:
        data = generated(settings, orders or OLIST_ORDERS, seed, until)
    start_import()  # while DuckDB loads
    load_and_show(settings, data, strict=False)
    run_build(settings, BuildRequest())
    _show_heads(settings)
    console.messages().print('more: `armazem kpi NAME`, `armazem sql "SELECT …"`, `armazem status`')
    if not no_serve:
        run_server(settings, "127.0.0.1", port, simulate=rate)


def _show_heads(settings: Settings) -> None:
    for kpi in KPIS:
        rows = kpi_rows(settings, kpi, Filters(limit=5), where=kpi.head)
        print_rows(rows, "table", f"{kpi.title}: kpis.{kpi.name}")

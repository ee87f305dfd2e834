"""The commands on what is built: builds, rollback, status, sql, kpi."""

from __future__ import annotations

from collections.abc import Callable

import click

from armazem import console
from armazem.build.status import status as status_of
from armazem.cli.group import (
    format_option,
    main,
    print_rows,
    settings_of,
    target_option,
)
from armazem.config import Settings
from armazem.errors import ArmazemError, QueryError
from armazem.kpis.catalogue import Kpi, find_kpi, is_ours
from armazem.kpis.filters import FILTERS, FilterError, parse_filters
from armazem.kpis.formats import Format
from armazem.kpis.own import own_kpis_of
from armazem.kpis.query import kpi_rows
from armazem.targets.base import Builds
from armazem.targets.records import BuildRecord
from armazem.targets.registry import home_target, target_of
from armazem.targets.rows import Rows


@main.command()
@target_option
@format_option
@click.pass_context
def builds(ctx: click.Context, target: str | None, format_: Format) -> None:
    """List the builds, newest first: which is current, which can be restored."""
    asked = target_of(settings_of(ctx, target=target))
    with asked.errors("the list of builds"):
        found = asked.builds()
    rows = tuple(
        (
            record.build_id,
            _state(record, found),
            "full" if record.full_refresh else "incremental",
            record.new_loads,
            record.tests_passed,
            record.tests_warned,
            record.tests_failed,
            record.seconds,
            record.finished_at,
        )
        for record in reversed(found.records)
    )
    columns = (
        "build_id",
        "state",
        "kind",
        "new_loads",
        "passed",
        "warned",
        "failed",
        "seconds",
        "finished_at",
    )
    print_rows(Rows(columns, rows), format_)


def _state(record: BuildRecord, found: Builds) -> str:
    if record.build_id == found.current:
        return "current"
    return "kept" if record.build_id in found.kept else record.status


@main.command()
@click.argument("build_id", required=False)
@target_option
@click.pass_context
def rollback(ctx: click.Context, build_id: str | None, target: str | None) -> None:
    """Give readers the version BUILD_ID, or the one before the current.

    \b
    Examples:
      armazem rollback
      armazem rollback 20181017T120000000000Z
    """
    restored = target_of(settings_of(ctx, target=target)).rollback(build_id, console.messages().print)
    console.messages().print(f"{restored} is current; the next build starts from it")


@main.command()
@click.option("--ledger", is_flag=True, help="The books of events, per source; exit code 1 where they do not add up.")
@target_option
@format_option
@click.pass_context
def status(ctx: click.Context, ledger: bool, target: str | None, format_: Format) -> None:
    """Show what is loaded, what is published, and whether a build is due.

    With --ledger: of the messages received, how many were accepted, known already, or refused, and how many of the
    accepted events are in the journal and in the published tables.

    \b
    Examples:
      armazem status
      armazem status --ledger
      armazem status --ledger --target bigquery
    """
    settings = settings_of(ctx, target=target)
    if ledger:
        books = target_of(settings).event_ledger()
        print_rows(books, format_)
        unaccounted = dict(zip(books.columns, books.rows[-1], strict=True))["difference"]
        if unaccounted:
            raise ArmazemError(f"{unaccounted} received messages are unaccounted for", "keep the home folder, tell us")
        return
    values = status_of(settings)
    if format_ == "table":
        values["build_due"] = values["build_due"] or "no"
        print_rows(Rows(("", "value"), tuple(values.items())), format_)
    else:
        print_rows(Rows(tuple(values), (tuple(values.values()),)), format_)


@main.command()
@click.argument("query")
@click.option("--failed", is_flag=True, help="Ask the last build that failed its tests, to see the failing rows.")
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    help="Seconds after which the query is stopped.  [default: 600]",
)
@target_option
@format_option
@click.pass_context
def sql(
    ctx: click.Context, query: str, failed: bool, timeout: float | None, target: str | None, format_: Format
) -> None:
    """Answer a query on the published warehouse, which it cannot change.

    Only statements that read its tables run: SELECT, EXPLAIN, DESCRIBE, SHOW, SUMMARIZE. No file can be opened, and
    time, memory and rows have limits.

    \b
    Examples:
      armazem sql "select customer_state, sum(revenue) from marts.fact_orders group by 1 order by 2 desc"
      armazem sql "show tables"
      armazem sql "describe marts.fact_orders"
      armazem sql "from kpis.agg_sales_trend" --format csv > trend.csv
      armazem sql --target bigquery "select count(*) from marts.fact_orders"
    """
    settings = settings_of(ctx, target=target, query_timeout=timeout)
    if timeout is not None:
        home_target(settings, "--timeout", "leave it out: BigQuery has limits of its own")
    print_rows(target_of(settings).query(query, failed=failed), format_)


def _filter_options(command: Callable[..., None]) -> Callable[..., None]:
    for entry in reversed(FILTERS):
        values = entry.schema.get("enum")
        metavar = f"[{'|'.join(values)}]" if values else entry.schema.get("format", entry.name).upper()
        command = click.option(f"--{entry.name}", metavar=metavar, help=entry.help)(command)
    return command


@main.command()
@click.argument("name")
@_filter_options
@click.option("--where", help="One more condition, in SQL, on its columns.")
@target_option
@format_option
@click.pass_context
def kpi(
    ctx: click.Context, /, name: str, where: str | None, target: str | None, format_: Format, **given: str | None
) -> None:
    """Show the KPI table NAME, with or without its `agg_`, or an own model.

    Each table has some of the filters; a filter that it does not have is refused with those that it has. They are the
    same as in `GET /v1/kpis/NAME`.

    \b
    Examples:
      armazem kpi monthly_growth --from 2018-01-01 --to 2018-06-30
      armazem kpi sales_by_seller --state SP --city "São Paulo" --order=-units --limit 20
      armazem kpi top_selling_products --grain all --category toys --format json
      armazem kpi sales_trend --grain month --where "orders > 100"
    """
    settings = settings_of(ctx, target=target)
    found = _kpi_named(settings, name)
    try:
        filters = parse_filters(found, ((key, text) for key, text in given.items() if text is not None))
    except FilterError as error:
        raise click.UsageError(f"{error}\n{error.hint}") from error
    print_rows(kpi_rows(settings, found, filters, where=where), format_, found.title)


def _kpi_named(settings: Settings, name: str) -> Kpi:
    own = () if is_ours(name) else own_kpis_of(settings)
    try:
        return find_kpi(name, own)
    except QueryError as error:
        raise click.BadParameter(f"{error}; {error.hint}") from error

"""The commands that make a version of the warehouse: build, publish, graph."""

from __future__ import annotations

from datetime import datetime

import click

from armazem import console, interrupts
from armazem.build.graph import table_graph
from armazem.build.outcome import report_of
from armazem.build.run import AuditFailed, BuildReport, BuildRequest, estimate, publish_build
from armazem.build.run import build as build_warehouse
from armazem.cli.group import (
    main,
    print_json,
    print_rows,
    report_option,
    settings_of,
    target_option,
)
from armazem.config import Settings
from armazem.targets.registry import target_of
from armazem.targets.rows import Rows


def run_build(settings: Settings, request: BuildRequest, *, as_json: bool = False) -> BuildReport:
    """Build with progress and a summary at the terminal; `as_json`: and a report on the standard output."""
    logs = settings.home_folder.logs
    notices = console.messages()
    try:
        with console.steps("building") as step:
            killable = target_of(settings).may_be_killed
            with interrupts.at_once() if killable else interrupts.unwinding():
                report = build_warehouse(settings, request, on_node=step, on_notice=notices.print)
    except AuditFailed as error:
        console.show_build(error.report, logs)
        if as_json:
            print_json(report_of(error.report))
        raise
    console.show_build(report, logs)
    if as_json:
        print_json(report_of(report))
    return report


@main.command()
@click.option("--full-refresh", is_flag=True, help="Build everything anew from the landing zone.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="Reprocess the orders bought from this day on.")
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="Reprocess the orders bought up to this day.")
@click.option(
    "--select", help="Only these models, in dbt's selector syntax; or dims, facts, kpis. New data is not taken in."
)
@click.option(
    "--only-load",
    "only_loads",
    multiple=True,
    metavar="LOAD_ID",
    help="Of the loads that came since the last build, only this one; may be repeated.",
)
@click.option(
    "--except-load", "except_loads", multiple=True, metavar="LOAD_ID", help="All but this one; may be repeated."
)
@click.option(
    "--changes/--no-changes",
    default=True,
    show_default=True,
    help="With --format json: say which tables have other content than before, which takes a scan of them.",
)
@click.option("--no-publish", is_flag=True, help="Let it wait, once it has passed, for `armazem publish BUILD_ID`.")
@target_option
@click.option(
    "--dry-run", is_flag=True, help="BigQuery: print the bytes that each model would scan, and build nothing."
)
@click.option("--wait", type=float, help="Seconds to wait for another build.  [default: 600]")
@click.option("--threads", type=click.IntRange(1, 64), help="Models built at the same time.")
@report_option
@click.pass_context
def build(
    ctx: click.Context,
    full_refresh: bool,
    start: datetime | None,
    end: datetime | None,
    select: str | None,
    only_loads: tuple[str, ...],
    except_loads: tuple[str, ...],
    changes: bool,
    no_publish: bool,
    target: str | None,
    dry_run: bool,
    wait: float | None,
    threads: int | None,
    as_json: bool,
) -> None:
    """Build the tables and KPIs, test them, and publish them if every test has passed.

    Only what depends on the files that came since the last build is computed and tested again. Readers see
    the old version until the new one is whole; if a test fails they keep it, and the exit code is 3.

    With --format json a report of the build is printed, also of one that failed: its models and tests, and which
    tables have other content than before.

    \b
    Examples:
      armazem build
      armazem build --start 2018-08-01 --end 2018-08-31
      armazem build --select agg_sales_trend
      armazem build --only-load 20181017T120000000000Z
      armazem build --no-publish && armazem publish 20181017T120000000000Z
      armazem build --target bigquery --dry-run
    """
    if start and end and start > end:
        raise click.UsageError(f"--start {start.date()} lies after --end {end.date()}")
    if select is not None and not select.strip():
        raise click.BadParameter("it selects nothing", param_hint="--select")
    if select is not None and (only_loads or except_loads):
        raise click.UsageError("--select takes no load in: leave it or --only-load out")
    settings = settings_of(ctx, lock_timeout=wait, threads=threads, target=target)
    request = BuildRequest(
        full_refresh,
        start.date() if start else None,
        end.date() if end else None,
        select,
        frozenset(only_loads) or None,
        frozenset(except_loads),
        not no_publish,
        as_json and changes,
    )
    if dry_run:
        _estimate(settings, request)
    else:
        run_build(settings, request, as_json=as_json)


@main.command()
@click.argument("build_id")
@target_option
@report_option
@click.pass_context
def publish(ctx: click.Context, build_id: str, target: str | None, as_json: bool) -> None:
    """Give readers the build BUILD_ID, which `build --no-publish` made.

    It is refused where another build was published since that one was made: it would take back what that took in.
    What is published already stays, so a second try does no harm.

    \b
    Example:
      armazem publish 20181017T120000000000Z
    """
    before = publish_build(settings_of(ctx, target=target), build_id, on_notice=console.messages().print)
    if as_json:
        print_json({"build_id": build_id, "current": build_id, "before": before or None})
    same = before == build_id
    console.messages().print(f"{build_id} is published already" if same else f"published {build_id}")


@main.command()
@target_option
@click.pass_context
def graph(ctx: click.Context, target: str | None) -> None:
    """Print, as JSON, each published table with the published tables that it is computed from.

    That is what a scheduler draws: `{"kpis.agg_sales_trend": ["marts.fact_orders", …], …}`.

    \b
    Example:
      armazem graph > dags/include/graph.json
    """
    print_json(table_graph(target_of(settings_of(ctx, target=target))))


def _estimate(settings: Settings, request: BuildRequest) -> None:
    estimates = estimate(settings, request, on_notice=console.messages().print)
    known = [item.bytes for item in estimates if item.bytes is not None]
    rows = [
        (item.name, "after its inputs are built" if item.bytes is None else f"{item.bytes:,}") for item in estimates
    ]
    print_rows(Rows(("model", "bytes"), (*rows, ("total", f"{sum(known):,}"))), "table")

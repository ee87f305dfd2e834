"""The command line: each command reads its flags, calls one function of the packages, and shows what it did."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from armazem import __version__, console
from armazem.config import Settings, load_settings
from armazem.errors import ArmazemError, QueryError
from armazem.landing import load as load_files
from armazem.landing import read_ledger, withdraw
from armazem.serve.formats import FORMATS, Format, print_table, to_csv, to_json
from armazem.serve.kpis import KPIS, find_kpi, kpi_rows
from armazem.warehouse import versions
from armazem.warehouse.build import AuditFailed, BuildReport, BuildRequest
from armazem.warehouse.build import build as build_warehouse
from armazem.warehouse.lock import build_lock
from armazem.warehouse.query import Rows, open_published, run_query
from armazem.warehouse.query import fetch as fetch_rows

OLIST_ORDERS = 99_441


class _Group(click.Group):
    """Turns the package's errors into one line and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ArmazemError as error:
            console.show_error(error)
            ctx.exit(1)
        except KeyboardInterrupt:
            console.messages().print("interrupted")
            ctx.exit(130)
        except BrokenPipeError:  # the reader of a pipe has seen enough
            sys.stderr.close()
            ctx.exit(0)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            reason = error.strerror or str(error)
            console.show_error(ArmazemError(f"{where}{reason}", "check the free space and the permissions there"))
            ctx.exit(1)


_target = click.option(
    "--target",
    type=click.Choice(["duckdb", "bigquery"]),
    help="The warehouse in the home folder, or the one on BigQuery.  [default: duckdb]",
)

_format = click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
    help="Of the answer.",
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--home", type=click.Path(path_type=Path), help="Home folder of all data [ARMAZEM_HOME].")
@click.version_option(__version__, prog_name="armazem")
@click.pass_context
def main(ctx: click.Context, home: Path | None) -> None:
    """The warehouse of an e-commerce platform: files in, audited tables and KPIs out.

    \b
    Examples:
      armazem up                           everything, on generated data
      armazem load ~/olist && armazem build
      armazem kpi monthly_growth
    """
    ctx.obj = {"home": home}


def _settings(ctx: click.Context, **flags: Any) -> Settings:
    return load_settings(**ctx.obj, **flags)


def _no_build(settings: Settings) -> AbstractContextManager[None]:
    """Hold the build lock, after a remark where a build has it."""
    notices = console.messages()
    return build_lock(
        settings.home_folder,
        timeout=settings.lock_timeout,
        waiting=lambda holder: notices.print(f"waiting for a build of this home folder: {holder}"),
    )


def _print(rows: Rows, format_: Format, title: str | None = None) -> None:
    if format_ == "table":
        print_table(console.output(), rows, title)
    else:
        click.echo(to_json(rows) if format_ == "json" else to_csv(rows), nl=False)


@main.command()
@click.option(
    "--data", type=click.Path(path_type=Path, readable=False), help="Folder or zip to load; generated data without it."
)
@click.option("--orders", type=click.IntRange(1), help=f"Orders to generate.  [default: {OLIST_ORDERS:,}]")
@click.option("--seed", default=42, show_default=True, help="Of the generated data.")
@click.option("--no-serve", is_flag=True, expose_value=False, help="Stop after the build; so far it always does.")
@click.pass_context
def up(ctx: click.Context, data: Path | None, orders: int | None, seed: int) -> None:
    """Do the main job: data, load, build, and a first look at every KPI.

    \b
    Examples:
      armazem up --orders 5000
      armazem up --data ~/Downloads/archive.zip
    """
    if data is not None and orders is not None:
        raise click.UsageError("--data and --orders exclude each other")
    settings = _settings(ctx)
    if data is None:
        data = _generated(settings, orders or OLIST_ORDERS, seed)
    _load(settings, data, strict=False)
    _build(settings, BuildRequest())
    _show_heads(settings)
    console.messages().print('more: `armazem kpi NAME`, `armazem sql "SELECT …"`, `armazem status`')


def _generated(settings: Settings, orders: int, seed: int) -> Path:
    """The folder of generated data of this size and seed, made where it does not exist yet."""
    folder = settings.home_folder.open().root / "generated" / f"{orders}-orders-seed-{seed}"
    complete = folder / ".complete"
    if not complete.exists():
        _generate(folder, orders, seed)
        complete.touch()
    return folder


def _generate(out: Path, orders: int, seed: int) -> None:
    from armazem.sources.synthetic import generate as generate_files

    started = time.monotonic()
    with console.rows_written("generating") as progress:
        rows = generate_files(out, orders=orders, seed=seed, progress=progress)
    console.messages().print(
        f"generated {sum(rows.values()):,} rows in {len(rows)} files in {out}, {time.monotonic() - started:.1f} s"
    )


def _load(settings: Settings, path: str | Path, **options: Any) -> None:
    started = time.monotonic()
    with console.loading() as progress:
        if settings.target == "bigquery":
            from armazem.landing.bigquery import load_to_bigquery

            result = load_to_bigquery(path, settings, on_progress=progress, **options)
        else:
            result = load_files(path, settings.home_folder, on_progress=progress, **options)
    console.show_load(result, time.monotonic() - started)
    if settings.target == "bigquery":
        return
    generated = settings.home_folder.root / "generated"
    if generated.is_dir() and generated not in Path(path).absolute().parents:
        console.messages().print(
            f"mind that {settings.home_folder.root} holds generated data too; "
            "`armazem --home FOLDER load …` keeps yours apart"
        )


def _build(settings: Settings, request: BuildRequest) -> BuildReport:
    logs = settings.home_folder.logs
    notices = console.messages()
    run = build_warehouse
    if settings.target == "bigquery":
        with _cloud_extra():
            from armazem.warehouse.bigquery.build import build as run
    try:
        with console.steps("building") as step:
            report = run(settings, request, on_node=step, on_notice=lambda text: notices.print(text))
    except AuditFailed as error:
        console.show_build(error.report, logs)
        raise
    console.show_build(report, logs)
    return report


@contextmanager
def _cloud_extra() -> Iterator[None]:
    """Say what to install where Google's libraries are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ArmazemError(
            f"the BigQuery target needs {error.name}", 'install it with `pip install "armazem[bigquery]"`'
        ) from error


def _show_heads(settings: Settings) -> None:
    for kpi in KPIS:
        rows = kpi_rows(settings, kpi, where=kpi.head, limit=5)
        print_table(console.output(), rows, f"{kpi.title}: kpis.{kpi.name}")


@main.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--orders", type=click.IntRange(1), default=OLIST_ORDERS, show_default=True, help="How many orders.")
@click.option("--seed", default=42, show_default=True, help="The same seed gives the same bytes.")
def generate(out: Path, orders: int, seed: int) -> None:
    """Write nine CSV files like Olist's, with their defects, into folder OUT.

    \b
    Examples:
      armazem generate /tmp/shop --orders 10000
      armazem generate /tmp/big --orders 5000000 --seed 7
    """
    try:
        _generate(out, orders, seed)
    except OSError as error:
        raise ArmazemError(
            f"cannot write to {out}: {error.strerror or error}", "free space, or another folder"
        ) from error


@main.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
def fetch(out: Path) -> None:
    """Download the real data set by Olist from Kaggle into folder OUT.

    \b
    Example:
      armazem fetch ~/olist && armazem load ~/olist
    """
    from armazem.sources.kaggle import LICENCE
    from armazem.sources.kaggle import fetch as fetch_files

    console.messages().print(LICENCE)
    for path in fetch_files(out):
        console.messages().print(f"fetched {path}")


@main.command()
@click.argument("path")  # what cannot be read is no wrong use
@click.option("--strict", is_flag=True, help="Fail, and land nothing, if a single row is rejected.")
@click.option("--force", is_flag=True, help="Load files again that were loaded before.")
@click.option("--partial", is_flag=True, help="Accept that required files are missing.")
@click.option("--delimiter", default=",", show_default=True, help="Between the columns; \\t for a tab.")
@click.option(
    "--encoding",
    type=click.Choice(["auto", "utf-8", "latin-1"]),
    default="auto",
    show_default=True,
    help="Of the files.",
)
@_target
@click.pass_context
def load(ctx: click.Context, /, path: str, target: str | None, **options: Any) -> None:
    """Load batch files from PATH, a folder, a zip or one CSV file, here or on gs://, into the landing zone.

    Rows that do not fit are kept aside with their line and reason, and the rest goes on. A file that was
    loaded before is left alone; a newer extract of the same orders updates them in the next build.

    \b
    Examples:
      armazem load ~/olist
      armazem load extract-2018-08-29.zip --strict
      armazem load olist_order_reviews_dataset.csv
      armazem load gs://shop-exports/2018-08-29 --target bigquery
    """
    _load(_settings(ctx, target=target), path, **options)


@main.command()
@click.argument("load_id")
@_target
@click.pass_context
def unload(ctx: click.Context, load_id: str, target: str | None) -> None:
    """Withdraw a load: the next build is made without it. Its files are kept aside.

    \b
    Example:
      armazem unload 20181017T120000000000Z && armazem build
    """
    settings = _settings(ctx, target=target)
    if settings.target == "bigquery":
        from armazem.landing.bigquery import withdraw_from_bigquery

        withdraw_from_bigquery(settings, load_id, lambda: console.messages().print("waiting for a load to end"))
        console.messages().print("withdrawn; `armazem build --target bigquery` now builds without it")
        return
    home = settings.home_folder.open(create=False)
    with _no_build(settings):  # it may be reading the files
        kept = withdraw(home, load_id, lambda: console.messages().print("waiting for a load to end"))
    console.messages().print(f"withdrawn; its files are in {kept}. `armazem build` now builds without it")


@main.command()
@click.option("--full-refresh", is_flag=True, help="Build everything anew from the landing zone.")
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="Reprocess the orders bought from this day on.")
@click.option("--end", type=click.DateTime(["%Y-%m-%d"]), help="Reprocess the orders bought up to this day.")
@click.option("--select", help="Only these models, in dbt's selector syntax.")
@_target
@click.option(
    "--dry-run", is_flag=True, help="BigQuery: print the bytes that each model would scan, and build nothing."
)
@click.option("--wait", type=float, help="Seconds to wait for another build.  [default: 600]")
@click.option("--threads", type=click.IntRange(1, 64), help="Models built at the same time.")
@click.pass_context
def build(
    ctx: click.Context,
    full_refresh: bool,
    start: datetime | None,
    end: datetime | None,
    select: str | None,
    target: str | None,
    dry_run: bool,
    wait: float | None,
    threads: int | None,
) -> None:
    """Build the tables and KPIs, test them, and publish them if every test has passed.

    Only what depends on the files that came since the last build is computed and tested again. Readers see
    the old version until the new one is whole; if a test fails they keep it, and the exit code is 1.

    \b
    Examples:
      armazem build
      armazem build --start 2018-08-01 --end 2018-08-31
      armazem build --select agg_sales_trend
      armazem build --target bigquery --dry-run
    """
    if start and end and start > end:
        raise click.UsageError(f"--start {start.date()} lies after --end {end.date()}")
    if select is not None and not select.strip():
        raise click.BadParameter("it selects nothing", param_hint="--select")
    settings = _settings(ctx, lock_timeout=wait, threads=threads, target=target)
    request = BuildRequest(full_refresh, start.date() if start else None, end.date() if end else None, select)
    if not dry_run:
        _build(settings, request)
    elif settings.target == "bigquery":
        _estimate(settings, request)
    else:
        raise click.UsageError("--dry-run is for --target bigquery: here nothing is billed by the byte")


def _estimate(settings: Settings, request: BuildRequest) -> None:
    with _cloud_extra():
        from armazem.warehouse.bigquery.build import estimate
    estimates = estimate(settings, request, on_notice=lambda text: console.messages().print(text))
    known = [item.bytes for item in estimates if item.bytes is not None]
    rows = [
        (item.name, "after its inputs are built" if item.bytes is None else f"{item.bytes:,}") for item in estimates
    ]
    _print(Rows(("model", "bytes"), (*rows, ("total", f"{sum(known):,}"))), "table")


@main.command()
@_target
@_format
@click.pass_context
def builds(ctx: click.Context, target: str | None, format_: Format) -> None:
    """List the builds, newest first: which is current, which can be restored."""
    settings = _settings(ctx, target=target)
    if settings.target == "bigquery":
        with _cloud_extra():
            from armazem.warehouse.bigquery.query import builds as cloud_builds
        records, current, kept = cloud_builds(settings)
    else:
        home = settings.home_folder.open(create=False)
        current, kept = versions.current_build(home), set(versions.published_builds(home))
        records = versions.read_records(home)
    rows = tuple(
        (
            record.build_id,
            "current" if record.build_id == current else "kept" if record.build_id in kept else record.status,
            "full" if record.full_refresh else "incremental",
            record.new_loads,
            record.tests_passed,
            record.tests_warned,
            record.tests_failed,
            record.seconds,
            record.finished_at,
        )
        for record in reversed(records)
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
    _print(Rows(columns, rows), format_)


@main.command()
@click.argument("build_id", required=False)
@_target
@click.pass_context
def rollback(ctx: click.Context, build_id: str | None, target: str | None) -> None:
    """Give readers the version BUILD_ID, or the one before the current.

    \b
    Examples:
      armazem rollback
      armazem rollback 20181017T120000000000Z
    """
    settings = _settings(ctx, target=target)
    if settings.target == "bigquery":
        with _cloud_extra():
            from armazem.warehouse.bigquery.build import rollback as cloud_rollback
        restored = cloud_rollback(settings, build_id)
    else:
        home = settings.home_folder.open(create=False)
        with _no_build(settings):  # it would publish over what was just restored
            restored = build_id or versions.previous_build(home)
            versions.make_current(home, restored)
    console.messages().print(f"{restored} is current; the next build starts from it")


@main.command()
@_target
@_format
@click.pass_context
def status(ctx: click.Context, target: str | None, format_: Format) -> None:
    """Show what is loaded, what is published, and whether a build is due."""
    settings = _settings(ctx, target=target)
    if settings.target == "bigquery":
        with _cloud_extra():
            from armazem.warehouse.bigquery.query import status as cloud_status
        values = cloud_status(settings)
    else:
        values = _status_of_home(settings)
    if format_ == "table":
        _print(Rows(("", "value"), tuple(values.items())), format_)
    else:
        _print(Rows(tuple(values), (tuple(values.values()),)), format_)


def _status_of_home(settings: Settings) -> dict[str, Any]:
    home = settings.home_folder.open(create=False)
    loads = read_ledger(home)
    current = versions.current_build(home)
    taken_in = set()
    orders: Any = None
    if current is not None:
        with open_published(home) as connection:  # one version for all figures
            current = fetch_rows(connection, "select max(build_id) from meta.builds").rows[0][0]
            taken_in = {row[0] for row in fetch_rows(connection, "select distinct load_id from meta.loads").rows}
            orders = fetch_rows(
                connection,
                "select count(*), max(order_purchase_timestamp), "
                "coalesce(sum(revenue) filter (is_valid_sale), 0) from marts.fact_orders",
            ).rows[0]
    ids = {load.load_id for load in loads}
    return {
        "home": str(home.root),
        "loads": len(ids),
        "rows_accepted": sum(load.rows_accepted for load in loads),
        "rows_rejected": sum(load.rows_rejected for load in loads),
        "last_load": max(ids, default=None),
        "current_build": current,
        "loads_not_built": len(ids - taken_in),
        "versions_kept": len(versions.published_builds(home)),
        "orders": orders[0] if orders else None,
        "last_order": orders[1] if orders else None,
        "revenue": orders[2] if orders else None,
    }


@main.command()
@click.argument("query")
@click.option("--failed", is_flag=True, help="Ask the last build that failed its tests, to see the failing rows.")
@_target
@_format
@click.pass_context
def sql(ctx: click.Context, query: str, failed: bool, target: str | None, format_: Format) -> None:
    """Answer a query on the published warehouse, which it cannot change.

    \b
    Examples:
      armazem sql "select customer_state, sum(revenue) from marts.fact_orders group by 1 order by 2 desc"
      armazem sql "show all tables"
      armazem sql "from kpis.agg_sales_trend" --format csv > trend.csv
      armazem sql --target bigquery "select count(*) from marts.fact_orders"
    """
    settings = _settings(ctx, target=target)
    if settings.target == "duckdb":
        _print(run_query(settings.home_folder, query, failed=failed), format_)
        return
    if failed:
        raise click.UsageError("on BigQuery the tables of a failed build are in the dataset `audit`: query them there")
    with _cloud_extra():
        from armazem.warehouse.bigquery.query import run_query as run_on_bigquery
    _print(run_on_bigquery(settings, query), format_)


@main.command()
@click.argument("name")
@click.option("--where", help="SQL condition on its columns.")
@click.option("--limit", type=click.IntRange(1), help="At most so many rows.")
@_target
@_format
@click.pass_context
def kpi(
    ctx: click.Context, name: str, where: str | None, limit: int | None, target: str | None, format_: Format
) -> None:
    """Show the KPI table NAME, with or without its `agg_`.

    \b
    Examples:
      armazem kpi monthly_growth
      armazem kpi sales_by_seller --where "seller_state = 'SP'" --limit 20
      armazem kpi top_selling_products --where "grain = 'all'" --format json
    """
    try:
        found = find_kpi(name)
    except QueryError as error:
        raise click.BadParameter(f"{error}; {error.hint}") from error
    with _cloud_extra():
        rows = kpi_rows(_settings(ctx, target=target), found, where=where, limit=limit)
    _print(rows, format_, found.title)

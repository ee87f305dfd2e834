"""The commands on the lake, the landing zone as Iceberg tables: lake register, lake history,
lake maintain; and lake load, which is in `spark`.
"""

from __future__ import annotations

from datetime import timedelta

import click

from armazem import console
from armazem.cli.group import format_option, main, print_json, print_rows, report_option, settings_of
from armazem.cli.spark import load
from armazem.contract import TABLES
from armazem.errors import extra
from armazem.kpis.formats import Format
from armazem.targets.rows import Rows

_WAITING = "waiting for a load of this home folder to end"


@main.group()
def lake() -> None:
    """The landing zone as Iceberg tables, which Spark, DuckDB, Trino, BigQuery and pyiceberg read too.

    Each load is a snapshot of the tables `raw.…`; the files stay as they were landed. With ARMAZEM_LANDING=lake `load`
    lands there, and `build` reads there.

    \b
    Examples:
      armazem lake register
      armazem lake load gs://shop-exports/2018-08-29
      armazem lake history orders
      armazem lake maintain --older-than 30
    """


lake.add_command(load)


@lake.command()
@click.option("--load", "loads", metavar="ID", multiple=True, help="Only this load; can be repeated.")
@report_option
@click.pass_context
def register(ctx: click.Context, loads: tuple[str, ...], as_json: bool) -> None:
    """Put what was landed in the home folder in the lake, where it is not there yet.

    What was withdrawn from the home folder is withdrawn from the lake. A second time there is nothing to do.

    \b
    Examples:
      armazem lake register
      armazem lake register --load 20181017T120000000000Z
    """
    with extra("iceberg", "the lake"):
        from armazem.lake.register import register as register_loads

    with console.steps("adding") as step:
        done = register_loads(
            settings_of(ctx),
            loads,
            lambda: console.messages().print(_WAITING),
            lambda row, number, total: step(f"{row.load_id} {row.table}", number, total),
        )
    if as_json:
        print_json(
            {
                "added": [
                    {"load_id": one.load_id, "table": one.table, "rows": one.rows, "seconds": one.seconds}
                    for one in done.added
                ],
                "loads": len({one.load_id for one in done.added}),
                "withdrawn": list(done.withdrawn),
                "there": list(done.there),
                "back": list(done.back),
            }
        )
        return
    say = console.messages().print
    if done.added:
        ids = {one.load_id for one in done.added}
        rows, seconds = sum(one.rows for one in done.added), sum(one.seconds for one in done.added)
        what = f"{rows:,} rows in {_count(len(done.added), 'file')}"
        say(f"added {_count(len(ids), 'load')} to the lake: {what}, {seconds:.1f} s")
    for load_id in done.withdrawn:
        say(f"withdrew {load_id}, as in the home folder")
    for load_id in done.back:
        console.warn(
            f"{load_id} is in the home folder and was withdrawn from the lake, for good: `armazem unload` it, then "
            "load its files again"
        )
    if not done.added and not done.withdrawn:
        say(f"nothing to do: {_count(len(done.there), 'load')} in the lake already")


@lake.command()
@click.argument("table", required=False, type=click.Choice([*(table.name for table in TABLES), "rejects", "loads"]))
@format_option
@click.pass_context
def history(ctx: click.Context, table: str | None, format_: Format) -> None:
    """List the snapshots of TABLE, or of all tables: when, which load, what was done, how many rows, by whom.

    The id of a snapshot is what other programs take to read the table as it was then.

    \b
    Examples:
      armazem lake history
      armazem lake history orders --format json
    """
    with extra("iceberg", "the lake"):
        from armazem.lake.history import COLUMNS
        from armazem.lake.history import history as history_of

    print_rows(Rows(COLUMNS, history_of(settings_of(ctx), table)), format_)


@lake.command()
@click.option(
    "--older-than", metavar="DAYS", type=click.FloatRange(0), default=30.0, show_default=True, help="Forget snapshots."
)
@click.option(
    "--keep", type=click.IntRange(1), default=10, show_default=True, help="Of each table, however old they are."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@report_option
@click.pass_context
def maintain(ctx: click.Context, older_than: float, keep: int, dry_run: bool, as_json: bool) -> None:
    """Bring the lake in order.

    Withdrawals that were cut off are finished; what a load left that never ended is removed, after a day where it was
    not one of this home folder; old snapshots are forgotten. The files of loads stay, withdrawn or not.

    \b
    Examples:
      armazem lake maintain --dry-run
      armazem lake maintain --older-than 7 --keep 3
    """
    with extra("iceberg", "the lake"):
        from armazem.lake.maintain import maintain as maintain_lake

    done = maintain_lake(
        settings_of(ctx),
        older_than=timedelta(days=older_than),
        keep=keep,
        dry_run=dry_run,
        on_wait=lambda: console.messages().print(_WAITING),
    )
    cleared = done.cleared
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "withdrawals_finished": cleared.withdrawn,
                "loads_removed": cleared.unfinished,
                "loads_perhaps_running": list(cleared.perhaps_running),
                "foreign": list(cleared.foreign),
                "snapshots_forgotten": done.expired,
                "files_deleted": list(done.deleted),
                "copies_deleted": done.copies,
            }
        )
        return
    say = console.messages().print

    def did(verb: str, done_: str) -> str:
        return f"would {verb}" if dry_run else done_

    for load_id, rows in cleared.withdrawn.items():
        say(f"{did('finish', 'finished')} the withdrawal of {load_id}: {_count(rows, 'row')}")
    for load_id, rows in cleared.unfinished.items():
        say(f"{did('remove', 'removed')} {load_id}, which never ended: {_count(rows, 'row')}")
    for load_id in cleared.perhaps_running:
        say(f"left {load_id} alone: it is not in the ledger, and may still be under way")
    for load_id in cleared.foreign:
        say(
            f"left rows with _load_id {load_id!r} alone: that is no load, somebody else wrote them; no build reads them"
        )
    for table, count in done.expired.items():
        say(f"{did('forget', 'forgot')} {_count(count, 'snapshot')} of {table}")
    if done.deleted:
        say(f"{did('delete', 'deleted')} {_count(len(done.deleted), 'file')} of loads that never ended")
    if done.copies:
        say(f"deleted {_count(done.copies, 'copy', 'copies')} of files that no load has any more")
    if not (cleared.withdrawn or cleared.unfinished or done.expired or done.deleted or done.copies):
        say("nothing to do")
    say("the files of all loads stay")


def _count(number: int, thing: str, things: str = "") -> str:
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"

"""The command that writes the published tables for other programs: export tableau, export parquet."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import click

from armazem import console
from armazem.cli.group import main, settings_of
from armazem.errors import extra
from armazem.export.parquet import export_parquet
from armazem.export.tables import Exported
from armazem.targets.registry import home_target

force_option = click.option("--force", is_flag=True, help="Replace an earlier export there.")


@main.group()
def export() -> None:
    """Write all marts and KPIs of the published version for other programs.

    It is of one version, whatever is published meanwhile, and it is in its place when it is whole: until then,
    and if it fails, what was there stays. On BigQuery, let the other program connect to BigQuery.

    \b
    Examples:
      armazem export tableau ~/shop/olist.hyper
      armazem export parquet ~/shop/olist --force
    """


@export.command()
@click.argument("out", type=click.Path(path_type=Path))
@force_option
@click.pass_context
def tableau(ctx: click.Context, out: Path, force: bool) -> None:
    """Write a Tableau extract to OUT, which ends in .hyper, and the data source that opens it, which ends in .tds.

    \b
    Examples:
      armazem export tableau olist.hyper
      armazem export tableau ~/shop/olist.hyper --force
    """
    if out.suffix != ".hyper":
        raise click.BadParameter("Tableau opens extracts by their ending: name a file that ends in .hyper")
    with extra("tableau", "export tableau"):
        from armazem.export.tableau import export_tableau
    _export(ctx, export_tableau, out, force)


@export.command()
@click.argument("out", type=click.Path(path_type=Path))
@force_option
@click.pass_context
def parquet(ctx: click.Context, out: Path, force: bool) -> None:
    """Write folder OUT: one Parquet file per table, and build.json, which says of which build they are.

    \b
    Examples:
      armazem export parquet olist
      armazem export parquet /mnt/share/olist --force
    """
    _export(ctx, export_parquet, out, force)


def _export(ctx: click.Context, write: Callable[..., Exported], out: Path, force: bool) -> None:
    target = home_target(settings_of(ctx), "an export", "connect to BigQuery directly, or set ARMAZEM_TARGET=duckdb")
    started = time.monotonic()
    with console.steps("exporting") as step:
        done = write(target.home, out, step, force=force)
    _show(done, time.monotonic() - started)


def _show(done: Exported, seconds: float) -> None:
    lines = console.messages()
    for table, rows in zip(done.contents.tables, done.rows, strict=True):
        lines.print(f"{table.full_name:44}{rows:>12,}")
    lines.print(
        f"{len(done.rows)} tables, {sum(done.rows):,} rows, {done.bytes:,} bytes of build {done.contents.build_id}, "
        f"{seconds:.1f} s"
    )
    for path in done.paths:
        lines.print(f"wrote {path}")

"""The commands that write what is published for other programs: export tableau, export parquet, export feast."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from armazem import console
from armazem.cli.group import main, settings_of
from armazem.errors import extra

if TYPE_CHECKING:  # pyarrow and DuckDB take half a second, and help needs neither
    from armazem.export.tables import Exported, OnTable
    from armazem.targets.base import Target

force_option = click.option("--force", is_flag=True, help="Replace an earlier export there.")


@main.group()
def export() -> None:
    """Write all marts, features and KPIs of the published version for other programs.

    It is of one version, whatever is published meanwhile, and it is in its place when it is whole: until then,
    and if it fails, what was there stays. On BigQuery, let the other program connect to BigQuery.

    \b
    Examples:
      armazem export tableau ~/shop/olist.hyper
      armazem export parquet ~/shop/olist --force
      armazem export feast ~/shop/feast --force
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
    home = _target(ctx).home
    _export(lambda step: export_tableau(home, out, step, force=force))


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
    from armazem.export.parquet import export_parquet

    home = _target(ctx).home
    _export(lambda step: export_parquet(home, out, step, force=force))


@export.command()
@click.argument("out", type=click.Path(path_type=Path))
@force_option
@click.pass_context
def feast(ctx: click.Context, out: Path, force: bool) -> None:
    """Write folder OUT: the features of every entity and day, and a feature repository of Feast over them.

    OUT/data has a Parquet file for each entity, with a row for each day from which any of its features is another one:
    entity_id, feature_timestamp (the midnight, business time, from which it holds), created_timestamp (when the last
    of what it is made of was told), and all features, named as `armazem features list` has them. BigQuery ML and Vertex
    AI read them like that. OUT/feature_repo is for `feast apply`; its registry and its online store lie beside OUT,
    in OUT-state, where --force leaves them.

    \b
    Examples:
      armazem export feast olist-features
      armazem export feast ~/shop/feast --force && cd ~/shop/feast/feature_repo && feast apply
    """
    from armazem.export.feast import export_feast

    settings = _target(ctx).settings
    _export(lambda step: export_feast(settings, out, step, force=force))


def _target(ctx: click.Context) -> Target:
    from armazem.targets.registry import home_target

    return home_target(settings_of(ctx), "an export", "connect to BigQuery directly, or set ARMAZEM_TARGET=duckdb")


def _export(write: Callable[[OnTable], Exported]) -> None:
    started = time.monotonic()
    with console.steps("exporting") as step:
        done = write(step)
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

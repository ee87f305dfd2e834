"""The commands that bring data: generate, fetch, load, unload."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

import click

from armazem import console, interrupts
from armazem.cli.generated import generate_files, yesterday
from armazem.cli.group import main, print_json, report_option, settings_of, target_option
from armazem.disk.causes import cause_of
from armazem.errors import ArmazemError, SourceError
from armazem.landing import LoadResult
from armazem.landing import load as load_files
from armazem.landing.form import ENCODINGS, SEPARATORS
from armazem.targets.registry import target_of

if TYPE_CHECKING:
    from armazem.config import Settings

OLIST_ORDERS = 99_441
_Command = TypeVar("_Command", bound=Callable[..., Any])


def until_option(help_text: str) -> Callable[[_Command], _Command]:
    """The last day of generated data."""
    return click.option("--until", callback=_day, metavar="DAY", help=help_text)


def _day(_: click.Context, __: click.Parameter, text: str | None) -> date | None:
    from armazem.shop.history import EARLIEST, LATEST

    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is no day; write it as 2018-10-17") from None
    if not EARLIEST <= day <= LATEST:
        raise click.BadParameter(f"{day} is not from {EARLIEST} to {LATEST}")
    return day


def load_and_show(settings: Settings, path: str | Path, **options: Any) -> LoadResult:
    """Load as the command does: progress and warnings meanwhile, the table of files after it."""
    started = time.monotonic()
    target = target_of(settings)
    warned: list[str] = []
    options |= {"on_warning": warned.append}
    # In the home folder the next load clears up; what is on its way elsewhere has to be taken back.
    ending = interrupts.at_once if target.may_be_killed else interrupts.unwinding
    with console.warnings_before_an_error(warned), console.loading() as progress, ending():
        zone, home = target.zone(), settings.home_folder
        result = load_files(path, home, zone=zone, time_zone=settings.time_zone, on_progress=progress, **options)
    console.show_load(result, time.monotonic() - started)
    generated = settings.home_folder.root / "generated"
    if target.in_home and generated.is_dir() and generated not in Path(path).absolute().parents:
        console.messages().print(
            f"mind that {settings.home_folder.root} holds generated data too; "
            "`armazem --home FOLDER load …` keeps yours apart"
        )
    return result


@main.command()
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--orders", type=click.IntRange(1), default=OLIST_ORDERS, show_default=True, help="How many orders.")
@click.option("--seed", default=42, show_default=True, help="The same seed and last day give the same bytes.")
@until_option("With the last order on this day.  [default: yesterday]")
@click.pass_context
def generate(ctx: click.Context, out: Path, orders: int, seed: int, until: date | None) -> None:
    """Write nine CSV files like Olist's, with their defects, into folder OUT.

    \b
    Examples:
      armazem generate /tmp/shop --orders 10000
      armazem generate /tmp/big --orders 5000000 --seed 7 --until 2018-10-17
    """
    try:
        generate_files(out, orders, seed, until or yesterday(settings_of(ctx)))
    except OSError as error:
        cause = cause_of(error, out)
        raise ArmazemError(f"cannot write to {out}: {cause.reason}", cause.hint) from error


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


_LOAD_OPTIONS = (
    click.option("--strict", is_flag=True, help="Fail, and land nothing, if a single row is rejected."),
    click.option("--force", is_flag=True, help="Load files again that were loaded before."),
    click.option("--partial", is_flag=True, help="Accept that required files are missing."),
    click.option("--delimiter", help="Between the columns; \\t for a tab.  [default: a comma, in .tsv a tab]"),
    click.option(
        "--encoding",
        type=click.Choice(ENCODINGS),
        default="auto",
        show_default=True,
        help="Of the files; latin-1 means windows-1252.",
    ),
    click.option(
        "--decimal", type=click.Choice(SEPARATORS), default=".", show_default=True, help="Decimal separator of numbers."
    ),
    click.option(
        "--as-of",
        metavar="TIME",
        help="How old the extract is, such as 2018-08-29T06:00; without a zone in business time.  "
        "[default: as old as the newest time in it]",
    ),
)


def load_options(command: _Command) -> _Command:
    """The path of the files and how to load them: for every command that loads."""
    for option in reversed(_LOAD_OPTIONS):
        command = option(command)
    return click.argument("path")(command)  # what cannot be read is no wrong use


@main.command()
@load_options
@target_option
@report_option
@click.pass_context
def load(
    ctx: click.Context, /, path: str, target: str | None, as_of: str | None, as_json: bool, **options: Any
) -> None:
    """Load batch files from PATH, a folder, an archive or one file, here or on gs://, into the landing zone.

    Files are CSV, CSV compressed with gzip, TSV or Parquet, named after their tables: orders.csv, olist_orders.csv.gz.

    Rows that do not fit are kept aside with their line and reason, and the rest goes on. A file that was
    loaded before is left alone; a newer extract of the same orders updates them in the next build. Say how old
    one is that is loaded late, --as-of.

    With --format json a report of the load is printed; with `refused` where the files cannot be used as they are.

    \b
    Examples:
      armazem load ~/olist
      armazem load extract-2018-08-29.zip --strict
      armazem load olist_order_reviews_dataset.csv
      armazem load extract-2018-08-28.zip --as-of 2018-08-28T06:00
      armazem load ~/excel --delimiter ';' --decimal ,
      armazem load gs://shop-exports/2018-08-29 --target bigquery
    """
    settings = settings_of(ctx, target=target)
    with refusals_as_json(as_json):
        result = load_and_show(settings, path, as_of=None if as_of is None else as_of_time(as_of, settings), **options)
    if as_json:
        print_load(result)


@contextmanager
def refusals_as_json(wanted: bool) -> Iterator[None]:
    """Print, where that is wanted, why files cannot be used as they are."""
    try:
        yield
    except SourceError as error:
        if wanted:
            print_json({"load_id": None, "files": [], "refused": str(error), "hint": error.hint})
        raise


def print_load(result: LoadResult) -> None:
    """Print the report of a load as JSON."""
    print_json(
        {
            "load_id": result.load_id,
            "files": [asdict(row) for row in result.files],
            "warnings": result.warnings,
            "rejects_path": None if result.rejects_path is None else str(result.rejects_path),
        }
    )


def as_of_time(text: str, settings: Settings) -> datetime:
    """The time in UTC. Raises BadParameter for what is none, or lies ahead."""
    try:
        time_ = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no time; write it like 2018-08-29T06:00 or 2018-08-29T06:00:00-03:00", param_hint="--as-of"
        ) from error
    if time_.tzinfo is None:
        time_ = time_.replace(tzinfo=ZoneInfo(settings.time_zone))
    if time_ > datetime.now(UTC):
        raise click.BadParameter(f"{text} lies ahead: no extract is from the future", param_hint="--as-of")
    return time_.astimezone(UTC)


@main.command()
@click.argument("load_id")
@target_option
@click.pass_context
def unload(ctx: click.Context, load_id: str, target: str | None) -> None:
    """Withdraw a load: the next build is made without it. Its files are kept aside.

    \b
    Example:
      armazem unload 20181017T120000000000Z && armazem build
    """
    settings = settings_of(ctx, target=target)
    warehouse = target_of(settings)
    kept = warehouse.withdraw(load_id, console.messages().print)
    option = "" if warehouse.in_home else f" --target {settings.target}"
    place = "" if kept is None else f"; its files are in {kept}"
    console.messages().print(f"withdrawn{place}; `armazem build{option}` now builds without it")

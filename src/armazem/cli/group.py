"""What every command uses: the group with its errors, the options they share, and how answers are printed."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import Any

import click

from armazem import __version__, console, interrupts
from armazem.causes import cause_of
from armazem.config import Settings, load_settings
from armazem.errors import ArmazemError
from armazem.serve.formats import FORMATS, Format, print_table, to_csv, to_json
from armazem.warehouse.lock import build_lock
from armazem.warehouse.query import Rows


class _Group(click.Group):
    """Turns the package's errors into one line and exit code 1."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **extra)  # `--help` and `--version` answer here
        except BrokenPipeError:
            raise SystemExit(0) from None
        except OSError as error:
            console.show_error(console.unwritten(error))
            raise SystemExit(1) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with interrupts.unwinding():
                return super().invoke(ctx)
        except ArmazemError as error:
            if not interrupts.came():
                console.show_error(error)
            ctx.exit(1)
        except KeyboardInterrupt:
            if not interrupts.came():  # in another program
                console.messages().print("interrupted")
            ctx.exit(130)
        except BrokenPipeError:  # the reader of the answer has seen enough
            ctx.exit(0)
        except OSError as error:
            if interrupts.came():
                ctx.exit(130)
            cause = cause_of(error, Path("the system"))
            console.show_error(ArmazemError(cause.reason, cause.hint))
            ctx.exit(1)


target_option = click.option(
    "--target",
    type=click.Choice(["duckdb", "bigquery"]),
    help="The warehouse in the home folder, or the one on BigQuery.  [default: duckdb]",
)

format_option = click.option(
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


def settings_of(ctx: click.Context, **flags: Any) -> Settings:
    """Settings with the flags of this command on top."""
    return load_settings(**ctx.obj, **flags)


def no_build(settings: Settings) -> AbstractContextManager[None]:
    """Hold the build lock, after a remark where a build has it."""
    notices = console.messages()
    return build_lock(
        settings.home_folder,
        timeout=settings.lock_timeout,
        waiting=lambda holder: notices.print(f"waiting for a build of this home folder: {holder}"),
    )


def print_rows(rows: Rows, format_: Format, title: str | None = None) -> None:
    """Print an answer as `--format` says."""
    with console.answering():
        if format_ == "table":
            print_table(console.output(), rows, title)
        else:
            click.echo(to_json(rows) if format_ == "json" else to_csv(rows, exact=True), nl=False)


@contextmanager
def cloud_extra() -> Iterator[None]:
    """Say what to install where Google's libraries are missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ArmazemError(
            f"the BigQuery target needs {error.name}", 'install it with `pip install "armazem[bigquery]"`'
        ) from error


@contextmanager
def stop_signals() -> Iterator[Event]:
    """Set by the first Ctrl-C or SIGTERM. The second one ends the process as ever."""
    stopped = Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def stop(number: int, frame: FrameType | None) -> None:
        del frame
        signal.signal(number, before[signal.Signals(number)])
        interrupts.finished(number)
        stopped.set()

    with interrupts.owned():
        for number in before:
            signal.signal(number, stop)
        try:
            yield stopped
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

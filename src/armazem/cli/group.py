"""What every command uses: the group with its errors, the options they share, and how answers are printed.

Each command's module is imported when the command is asked for, and here only what each of them needs: help and
version answer at once.
"""

from __future__ import annotations

import importlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

import armazem
from armazem import interrupts
from armazem.errors import ArmazemError

if TYPE_CHECKING:
    from armazem.config import Settings
    from armazem.kpis.formats import Format
    from armazem.targets.rows import Rows

FORMATS = ("table", "csv", "json")

# Name to the module that has it, and what `armazem --help` says of it.
COMMANDS = {
    "build": ("build", "Build tables and KPIs, test them, publish them if they pass."),
    "builds": ("warehouse", "List the builds: which is current, which can be restored."),
    "dataflow": ("dataflow", "Take events from Pub/Sub into BigQuery by a pipeline of Beam."),
    "dbt": ("dbt", "Run a command of dbt on a copy of what is published."),
    "dead-letters": ("ingest", "Messages that were refused: list, show, take in again."),
    "export": ("export", "Write marts, KPIs, features: Parquet, for Tableau, for Feast."),
    "features": ("features", "Features as of a time: list, get; evaluate, train, predict."),
    "fetch": ("data", "Download the real data set by Olist from Kaggle."),
    "generate": ("data", "Write nine CSV files like Olist's, with their defects."),
    "graph": ("build", "Print which table is computed from which, for schedulers."),
    "ingest": ("ingest", "Take in the events of a file."),
    "kpi": ("warehouse", "Show a KPI table."),
    "lake": ("lake", "Landing as Iceberg tables: register, load, history, maintain."),
    "load": ("data", "Load batch files: a folder, an archive, a bucket, one file."),
    "publish": ("build", "Publish a build that was made without that."),
    "report": ("report", "A day of the shop beside earlier ones, and what needs a look."),
    "rollback": ("warehouse", "Give readers an older version."),
    "serve": ("serve", "Take events over HTTP; dashboard, API and live figures."),
    "simulate": ("simulate", "Send the orders of an invented shop."),
    "spark": ("spark", "Load batch files into the lake by a job of Spark."),
    "sql": ("warehouse", "Answer a query on the published warehouse."),
    "status": ("warehouse", "What is loaded, what is published, whether a build is due."),
    "subscribe": ("subscribe", "Take events from Pub/Sub or Kafka."),
    "unload": ("data", "Withdraw a load: the next build is made without it."),
    "up": ("up", "The main job: data, load, build, a first look, serve."),
}


class _Group(click.Group):
    """Imports commands as they are asked for; turns the package's errors into one line and their exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            # A KeyboardInterrupt that falls into an import leaves its lock held; there is nothing to unwind yet.
            with interrupts.at_once():
                importlib.import_module(f"armazem.cli.{COMMANDS[cmd_name][0]}")
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in sorted(COMMANDS.items())])

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **extra)  # `--help` and `--version` answer here
        except BrokenPipeError:
            raise SystemExit(0) from None
        except OSError as error:
            from armazem import console

            console.show_error(console.unwritten(error))
            raise SystemExit(1) from None

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with interrupts.unwinding():
                return super().invoke(ctx)
        except ArmazemError as error:
            from armazem import console

            if not interrupts.came():
                console.show_error(error)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            from armazem import console

            if not interrupts.came():  # in another program
                console.messages().print("interrupted")
            ctx.exit(130)
        except BrokenPipeError:  # the reader of the answer has seen enough
            ctx.exit(0)
        except OSError as error:
            if interrupts.came():
                ctx.exit(130)
            from armazem import console
            from armazem.disk.causes import cause_of

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

report_option = click.option(
    "--format",
    "as_json",
    type=click.Choice(("table", "json")),
    default="table",
    show_default=True,
    callback=lambda ctx, parameter, value: value == "json",
    help="json: a report for programs on the standard output, besides the remarks.",
)


def _version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        click.echo(f"armazem, version {armazem.__version__}")
        ctx.exit()


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--home", type=click.Path(path_type=Path), help="Home folder of all data [ARMAZEM_HOME].")
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit."
)
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
    from armazem.config import load_settings, unknown_variables  # pydantic takes a tenth of a second

    if unknown := unknown_variables():
        from armazem import console

        for problem in unknown:
            console.warn(f"{problem}; it is not looked at")
    return load_settings(**ctx.obj, **flags)


def print_rows(rows: Rows, format_: Format, title: str | None = None) -> None:
    """Print an answer as `--format` says."""
    from armazem import console
    from armazem.kpis.formats import print_table, to_csv, to_json

    with console.answering():
        if format_ == "table":
            print_table(console.output(), rows, title)
        else:
            click.echo(to_json(rows) if format_ == "json" else to_csv(rows, exact=True), nl=False)


def print_json(value: Any) -> None:
    """Print a report for programs as one line of JSON."""
    import json

    from armazem import console

    with console.answering():
        click.echo(json.dumps(value, ensure_ascii=False))


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


def all_commands() -> dict[str, click.Command]:
    """Name to command, in order, all of them imported: for who describes them."""
    context = click.Context(main)
    found = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}

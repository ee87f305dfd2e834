"""What a person at the terminal sees: progress, summaries and errors. Answers go to stdout, the rest to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from armazem.errors import ArmazemError

if TYPE_CHECKING:  # a second of imports, which few commands need
    from armazem.build.run import BuildReport
    from armazem.landing import LoadResult
    from armazem.landing import Progress as LoadProgress
    from armazem.targets.records import AuditResult

LINE_SECONDS = 10.0
_PLAIN_WIDTH = 100_000  # where nobody looks at it, a line is never folded


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise  # rich calls this where it has caught it, and would exit with 1


def output() -> Console:
    """For answers."""
    return _Console(width=None if _is_terminal(sys.stdout) else _PLAIN_WIDTH, highlight=False, soft_wrap=False)


@contextmanager
def answering() -> Iterator[None]:
    """Write an answer, all of it. ArmazemError where it does not get there, BrokenPipeError where nobody reads on."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritten(error) from error


def unwritten(error: OSError) -> ArmazemError:
    """What to say where standard output takes no more."""
    return ArmazemError(
        f"the answer could not be written: {error.strerror or error}", "look at where standard output goes to"
    )


def messages() -> Console:
    """For progress and remarks."""
    width = None if _is_terminal(sys.stderr) else _PLAIN_WIDTH
    return Console(stderr=True, width=width, highlight=False, soft_wrap=True, markup=False)


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()  # None where it was closed before the start


@contextmanager
def steps(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Progress of named steps as `step(name, number, total)`: a bar on a terminal, some plain lines elsewhere."""
    console = messages()
    if not console.is_terminal:
        yield _plain_steps(console, what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=None)

        def step(name: str, number: int, total: int) -> None:
            # Steps run side by side: the newest one names the bar, its number says how far it is.
            progress.update(task, completed=number, total=total, description=f"{what} {name[:48]:48}")

        yield step


def _plain_steps(console: Console, what: str) -> Callable[[str, int, int], None]:
    said = 0

    def step(name: str, number: int, total: int) -> None:
        nonlocal said
        tenth = 10 * number // total if total else 0
        if tenth > said or number == 1:
            said = tenth
            console.print(f"{what} {number}/{total} {name}")

    return step


@contextmanager
def rows_written(what: str) -> Iterator[Callable[[str, int], None]]:
    """Progress of rows as `progress(file, rows so far)`."""
    console = messages()
    if not console.is_terminal:
        last = ""

        def line(name: str, rows: int) -> None:
            nonlocal last
            if rows and name != last:
                console.print(f"{what} {name}")
                last = name

        yield line
        return
    with console.status(what) as status:
        yield lambda name, rows: status.update(f"{what} {name}: {rows:,} rows")


@contextmanager
def progress_line(first: str) -> Iterator[Callable[[str], None]]:
    """Progress as one line of text that changes on a terminal, and is printed every ten seconds elsewhere."""
    console = messages()
    if console.is_terminal:
        with console.status(first) as status:
            yield status.update
        return
    due = time.monotonic() + LINE_SECONDS

    def line(text: str) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due += LINE_SECONDS
            console.print(text)

    yield line


@contextmanager
def loading() -> Iterator[Callable[[LoadProgress], None]]:
    """Progress of a load."""
    console = messages()
    last = ""
    with console.status("loading") as status:

        def show(progress: LoadProgress) -> None:
            nonlocal last
            if progress.step == "waiting":
                console.print("waiting for another load of this home folder to end")
            elif progress.step in ("downloading", "uploading", "adding"):
                text = f"{progress.step} {progress.name} ({progress.file} of {progress.files})"
                if console.is_terminal:
                    size = f": {progress.bytes / 2**20:,.0f} MiB" if progress.bytes else ""
                    status.update(text + size)
                elif text != last:
                    console.print(text)
                last = text
            elif progress.step == "reading":
                text = f"loading {progress.name} ({progress.file} of {progress.files})"
                if console.is_terminal:
                    status.update(f"{text}: {progress.rows:,} rows")
                elif progress.rows == 0:
                    console.print(text)

        yield show


@contextmanager
def warnings_before_an_error(warned: list[str]) -> Iterator[None]:
    """What was warned of is shown although the work fails: it may be the reason."""
    try:
        yield
    except ArmazemError:
        for warning in warned:
            warn(warning)
        raise


def show_load(result: LoadResult, seconds: float) -> None:
    """The summary of a load."""
    console = messages()
    for warning in result.warnings:
        _say(console, "warning:", "yellow", warning)
    table = Table("table", "file", box=None, padding=(0, 2, 0, 0))
    for name in ("read", "accepted", "rejected", "seconds", ""):
        table.add_column(name, justify="right" if name else "left")
    for row in result.files:
        counts = (
            f"{row.rows_read:,}",
            f"{row.rows_accepted:,}",
            f"{row.rows_rejected:,}",
            f"{row.seconds:.2f}",
        )
        table.add_row(row.table, Text(row.path), *counts, "unchanged" if row.status == "unchanged" else "")
    console.print(table)
    if result.load_id is None:
        console.print(f"nothing new: every file was loaded before ({seconds:.1f} s)")
        return
    new = [row for row in result.files if row.status == "loaded"]
    rejected = sum(row.rows_rejected for row in new)
    console.print(
        f"loaded {sum(row.rows_accepted for row in new):,} rows of {_count(len(new), 'file')} as {result.load_id}, "
        f"{rejected:,} rejected, {seconds:.1f} s"
    )
    if rejected and result.rejects_path is not None:
        of = ", ".join(f"{row.rows_rejected:,} of {row.path}" for row in new if row.rows_rejected)
        console.print(f"the rejected rows ({of}), with line and reason, are in {result.rejects_path}", soft_wrap=True)


def show_build(report: BuildReport, logs: Path) -> None:
    """The summary of a build, published or not."""
    console = messages()
    record = report.record
    if record is None:
        console.print(f"{report.reason} {report.current}: it stays current")
        return
    for test in report.tests:
        if test.status == "warn":
            _say(console, "warning:", "yellow", _outcome(test))
    for model in report.models:
        if model.status == "error":
            _say(console, "failed:", "red", f"{model.model}: {model.message}")
    for test in report.tests:
        if test.status in ("fail", "error"):
            _say(console, "failed:", "red", _outcome(test))
            console.print(f"the failing rows:\n\n{test.sql}\n")
    statuses = [test.status for test in report.tests] + [model.status for model in report.models]
    rows = sum(count for name, count in report.rows if name.startswith(("marts.", "kpis.")))
    console.print(
        f"{sum(model.status == 'success' for model in report.models)} of {record.models} models, "
        f"{record.tests_passed} tests passed, {record.tests_warned} warned, "
        f"{record.tests_failed} failed, "
        f"{statuses.count('skipped')} skipped"
        + (f", {rows:,} rows in marts and kpis" if report.rows else "")
        + f", {record.seconds:.1f} s"
    )
    if record.status == "published":
        console.print(f"published {record.build_id}")
    elif record.status == "built":
        console.print(f"built {record.build_id}; readers get it with `armazem publish {record.build_id}`")
    else:
        console.print(f"dbt's own log: {logs / 'dbt.log'}")


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'s' * (number != 1)}"


def _outcome(test: AuditResult) -> str:
    what = (
        f"rows that fail: {test.failed_checks}" if test.failed_checks else _count(test.failures, "row") + " to look at"
    )
    return f"{test.test}: {what}" + "".join(f"\n    {line}" for line in test.remarks)


def warn(text: str) -> None:
    """One line on what may not be as it was meant."""
    _say(messages(), "warning:", "yellow", text)


def show_error(error: ArmazemError) -> None:
    """One clear line: what, where; and what to do."""
    console = messages()
    _say(console, "error:", "red", str(error))
    if error.hint:
        console.print(f"  → {error.hint}")


def _say(console: Console, label: str, style: str, text: str) -> None:
    console.print(Text.assemble((label, style), " ", text))

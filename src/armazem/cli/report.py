"""The command that says how the shop and its warehouse are doing: report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from armazem import console
from armazem.cli.group import main, settings_of, target_option
from armazem.kpis.locales import LOCALES, Format, Locale
from armazem.report.daily import FIRST_DAY, report_of, today_of
from armazem.report.files import json_of, write
from armazem.report.html import html_of
from armazem.report.text import print_page
from armazem.report.words import page

_DAY = click.DateTime(["%Y-%m-%d"])


@main.command()
@click.option("--html", metavar="FILE", help="Write one HTML file, for a browser or a mail; - for standard output.")
@click.option("--since", type=_DAY, help="Show loads and refusals from this day on.  [default: the day of the report]")
@click.option("--day", type=_DAY, help="The day of the report.  [default: yesterday, or the last day with a sale]")
@click.option("--locale", type=click.Choice(LOCALES), default="en", show_default=True, help="Of numbers and dates.")
@target_option
@click.option("--format", "format_", type=click.Choice(["table", "json"]), help="Of the answer.  [default: table]")
@click.pass_context
def report(
    ctx: click.Context,
    html: str | None,
    since: datetime | None,
    day: datetime | None,
    locale: Locale,
    target: str | None,
    format_: str | None,
) -> None:
    """Show a day of the shop beside the week and the year before, and what of the warehouse needs a look.

    Orders, revenue, customers, deliveries and reviews of the day, each beside the same weekday a week and 52 weeks
    before; what sold best; the last build with its warnings; the loads, rejected rows and dead letters since then;
    and whether a build is due. Days are days of business time.

    \b
    Examples:
      armazem report
      armazem report --html report.html
      armazem report --day 2018-08-29 --since 2018-08-01 --format json
      (echo 'Content-Type: text/html'; echo; armazem report --html -) | sendmail shop@example.com
    """
    if html is not None and format_ is not None:
        raise click.UsageError("--html and --format exclude each other: a report is of one form")
    settings = settings_of(ctx, target=target)
    now = datetime.now(UTC)
    today = today_of(settings, now)
    if day is not None and not FIRST_DAY <= day.date() <= today:
        raise click.BadParameter(f"{day.date()} is not between {FIRST_DAY} and today, {today}", param_hint="--day")
    if since is not None and since.date() < FIRST_DAY:
        raise click.BadParameter(f"{since.date()} lies before {FIRST_DAY}", param_hint="--since")
    found = report_of(settings, day=day.date() if day else None, since=since.date() if since else None, now=now)
    if html is not None and html != "-":
        written = write(Path(html), html_of(page(found, Format(locale))))
        console.messages().print(f"wrote {written}")
        return
    with console.answering():
        if html == "-":
            click.echo(html_of(page(found, Format(locale))), nl=False)
        elif format_ == "json":
            click.echo(json_of(found), nl=False)
        else:
            print_page(console.output(), page(found, Format(locale)))

"""The command `dbt`, for who changes a model or asks dbt something."""

from __future__ import annotations

import click

from armazem.build.dbt_command import run_command
from armazem.cli.group import main, settings_of


@main.command(
    "dbt",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    options_metavar="",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="COMMAND [OPTIONS]...")
@click.pass_context
def dbt(ctx: click.Context, arguments: tuple[str, ...]) -> None:
    """Run a command of dbt on a copy of what is published.

    Nothing that it does is published: the copy is gone afterwards. No load and no event counts as new there, so that an
    increment takes in nothing; with --full-refresh a model is made of all of them. Artifacts, such as the pages of
    `docs generate`, are in the folder dbt-target of the home folder.

    \b
    Examples:
      armazem dbt build --select agg_sales_trend
      armazem dbt show --inline "select * from {{ ref('dim_sellers') }}" --limit 5
      armazem dbt docs generate
      armazem dbt list --select +agg_monthly_growth
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        click.echo(ctx.get_help())
        return
    if not run_command(settings_of(ctx), arguments):
        ctx.exit(1)

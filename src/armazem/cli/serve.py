"""The command `serve`: events and live figures over HTTP."""

from __future__ import annotations

import click

from armazem.cli.group import main, settings_of
from armazem.cli.serving import run_server
from armazem.cli.subscribe import checked_source
from armazem.intake.receivers import FORMS


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen at; 0: a free one."
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which clients call the server, besides loopback's and --host; may be repeated.",
)
@click.option(
    "--subscribe",
    "source",
    callback=checked_source,
    metavar=FORMS,
    help="Take events from this Pub/Sub subscription or Kafka topic too.",
)
@click.option("--inbox", metavar="DIR|gs://…", help="Load the files that come there.")
@click.option("--build-every", metavar="DURATION", help="Build what is new so often: 30s, 5m, 1h.")
@click.option("--build-at", metavar="HH:MM", help="Build what is new at this time of day, in business time.")
@click.pass_context
def serve(
    ctx: click.Context,
    host: str,
    port: int,
    allowed_hosts: tuple[str, ...],
    source: str | None,
    inbox: str | None,
    build_every: str | None,
    build_at: str | None,
) -> None:
    """Take events over HTTP and show live figures, until Ctrl-C or SIGTERM.

    An event is acknowledged when it is on the disk. Another host than this machine's own is served only with a
    token: whoever sends it may write events. A client that calls it by a name says so in `Host`, which must be
    loopback's, --host or an --allowed-host; IP addresses are always right.

    With --inbox files that have come whole are loaded, and with --build-every or --build-at what is new is built in
    the background, tested, and published if it passes. A load that fails its audit is held back, and the others go on.

    \b
    Examples:
      armazem serve
      armazem serve --inbox ~/extracts --build-every 5m
      armazem serve --inbox gs://shop-exports/daily --build-at 23:00
      ARMAZEM_TOKEN=… armazem serve --host 0.0.0.0 --port 80
      ARMAZEM_TOKEN=… armazem serve --host 0.0.0.0 --allowed-host warehouse.example
      armazem serve --subscribe pubsub:my-project
    """
    from armazem.serve.http.access import is_loopback

    settings = settings_of(
        ctx,
        allowed_hosts=",".join(allowed_hosts) or None,
        inbox=inbox,
        build_every=build_every or (None if build_at is None else ""),
        build_at=build_at or (None if build_every is None else ""),
    )
    if not settings.token and not is_loopback(host):
        raise click.UsageError(
            f"--host {host} is open to other machines: set ARMAZEM_TOKEN to a secret that senders give, "
            "or keep to 127.0.0.1"
        )
    run_server(settings, host, port, source=source)

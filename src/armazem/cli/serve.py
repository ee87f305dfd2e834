"""The command `serve`: events and live figures over HTTP."""

from __future__ import annotations

import click

from armazem import console
from armazem.cli.group import main, settings_of


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port to listen at; 0: a free one."
)
@click.pass_context
def serve(ctx: click.Context, host: str, port: int) -> None:
    """Take events over HTTP and show live figures, until Ctrl-C or SIGTERM.

    An event is acknowledged when it is on the disk. Another host than this machine's own is served only with a
    token: whoever sends it may write events.

    \b
    Examples:
      armazem serve
      ARMAZEM_TOKEN=… armazem serve --host 0.0.0.0 --port 80
    """
    from armazem.serve.access import is_loopback

    settings = settings_of(ctx)
    if not settings.token and not is_loopback(host):
        raise click.UsageError(
            f"--host {host} is open to other machines: set ARMAZEM_TOKEN to a secret that senders give, "
            "or keep to 127.0.0.1"
        )
    from armazem.serve.server import serve as serve_http  # FastAPI takes half a second to import

    serve_http(settings, host=host, port=port, on_ready=lambda url: console.messages().print(f"serving {url}"))

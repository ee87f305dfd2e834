"""A report as one HTML file: for a browser, and for mail programs, which take tables and inline styles only."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from armazem.report.words import Page


def html_of(page: Page) -> str:
    """Return the file. Every text of it is escaped; it has no script, and nothing in it is fetched."""
    return _template().render(page=page)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("armazem", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html.j2")

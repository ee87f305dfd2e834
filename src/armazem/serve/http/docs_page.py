"""`/docs`: the API on one page, written out from its OpenAPI description. It loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #1c2733 }
code, pre { font: 14px/1.45 ui-monospace, monospace; background: #f2f4f7; border-radius: 4px }
code { padding: .1em .3em } pre { padding: .8rem; overflow-x: auto }
h2 { margin-top: 2.5rem; border-top: 1px solid #d5dbe3; padding-top: 1.2rem } h2 code { background: none }
.method { color: #0b6b4f; font-weight: 700 } table { border-collapse: collapse } th { text-align: left }
th, td { padding: .2rem 1.2rem .2rem 0; vertical-align: top } p { white-space: pre-line }
"""


def docs_page(schema: dict[str, Any]) -> str:
    """Return HTML with a section for each operation: what it does, parameters, body, answers."""
    title = escape(f"{schema['info']['title']} {schema['info']['version']}")
    sections = [
        "".join(_operation(path, method, operation))
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body><h1>{title}</h1>'
        f"<p>{escape(schema['info'].get('description', ''))}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>' + "".join(sections) + "</body></html>\n"
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f'<section><h2><code><span class="method">{method.upper()}</span> {escape(path)}</code></h2>'
    yield f"<p><strong>{escape(operation.get('summary', ''))}</strong></p>"
    yield f"<p>{escape(operation.get('description', ''))}</p>"
    if operation.get("parameters"):
        yield "<h3>Parameters</h3>"
        yield _table(
            (parameter["name"], parameter["in"], parameter.get("description", ""))
            for parameter in operation["parameters"]
        )
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<h3>Body: <code>{escape(media)}</code></h3>"
        if "example" in content:
            yield f"<pre>{escape(str(content['example']))}</pre>"
    yield "<h3>Answers</h3>"
    yield _table((status, answer["description"]) for status, answer in operation["responses"].items())
    yield "</section>"


def _table(rows: Iterator[tuple[str, ...]]) -> str:
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{row}</tr>" for row in cells) + "</table>"

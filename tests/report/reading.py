"""What a mail program sees of a report: its tables as texts, and whether it would have to run or fetch something."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = ("meta", "br", "img", "link", "input", "hr")
FORBIDDEN = ("script", "link", "img", "iframe", "object", "embed", "form", "style", "svg", "base", "a")


class Mail(HTMLParser):
    """`tables`: by the heading before them, their rows of texts. `tags`: all of them; `unclosed`: those that stay
    open. `said`: every text.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: dict[str, list[list[str]]] = {}
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.unclosed: list[str] = []
        self.said: list[str] = []
        self._heading = ""
        self._cell: list[str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in _VOID:
            self.unclosed.append(tag)
        if tag == "h2":
            self._heading = ""
        elif tag == "tr" and self._heading:
            self.tables.setdefault(self._heading, []).append([])
        elif tag in ("td", "th") and self._heading:
            self._cell = []
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed.pop() == tag
        if tag in ("td", "th") and self._cell is not None:
            self.tables[self._heading][-1].append("".join(self._cell).strip())
            self._cell = None

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        if self.unclosed and self.unclosed[-1] == "h2":
            self._heading += data
        elif self._cell is not None:
            self._cell.append(data)

    def row(self, table: str, first: str) -> list[str]:
        """The other cells of the row that begins so."""
        return next(cells[1:] for cells in self.tables[table] if cells and cells[0] == first)

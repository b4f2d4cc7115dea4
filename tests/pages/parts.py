"""Parts of a page as plain values."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Cell:
    """``text`` without the blanks around it, ``links`` where its links lead to."""

    text: str = ""
    links: list[str] = field(default_factory=list)


class _Table(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.part, self.depth = "", 0
        self.rows: dict[str, list[list[Cell]]] = {"thead": [], "tbody": [], "tfoot": []}
        self.cell: Cell | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.rows:
            self.part = tag
        elif tag == "tr":
            self.rows[self.part].append([])
        elif tag in ("td", "th"):
            self.cell = Cell()
            self.rows[self.part][-1].append(self.cell)
        elif tag == "a" and self.cell is not None:
            self.cell.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self.cell = None

    def handle_data(self, data: str) -> None:
        if self.cell is not None:
            self.cell.text = " ".join(f"{self.cell.text} {data}".split())


@dataclass(frozen=True)
class Parts:
    """The first table of a page; ``page_foot`` are the sums of the page where it has several."""

    head: list[Cell]
    rows: list[list[Cell]]
    foot: list[Cell]
    page_foot: list[Cell]

    @property
    def texts(self) -> list[list[str]]:
        return [[cell.text for cell in row] for row in self.rows]

    @property
    def totals(self) -> list[str]:
        return [cell.text for cell in self.foot]

    def link(self, row: str, column: str) -> str:
        """Where the number leads to that stands beside ``row`` and below ``column``; ``Total`` is a row, too."""
        place = [cell.text for cell in self.head].index(column)
        cells = next(cells for cells in (*self.rows, self.foot) if cells[0].text == row)
        return cells[place].links[0]


def table_of(html: str) -> Parts:
    parser = _Table()
    found = re.search(r"<table.*?</table>", html, re.DOTALL)
    parser.feed(found[0] if found else "")
    heads, feet = parser.rows["thead"], parser.rows["tfoot"]
    return Parts(
        head=heads[0] if heads else [],
        rows=parser.rows["tbody"],
        foot=feet[-1] if feet else [],
        page_foot=feet[0] if feet[1:] else [],
    )

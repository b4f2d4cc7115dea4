"""Files that the portal hands out: the template, the rows that were refused, and what switches an upload off again."""

from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _

from common.csvfiles import Dialect, write_csv
from outofoffice.models import Upload, UploadRow
from outofoffice.parsing import EMAIL, ENABLED, END, LOGIN, START, TEMPLATE_COLUMNS

CLEARING_COLUMNS = (LOGIN, EMAIL, START, END, ENABLED)
EXAMPLES = (
    ("# anna.mueller", "2026-12-21", "2026-12-31", "yes"),
    ("# b.schmidt", "", "", "no"),
)


def template(dialect: Dialect) -> bytes:
    """The header and two comments that show how a row looks."""
    return write_csv(TEMPLATE_COLUMNS, EXAMPLES, dialect)


def refused_rows(upload: Upload, dialect: Dialect) -> bytes:
    """The user's own table with the rows that cannot be sent, each with its reasons. Read again without the reasons."""
    width = len(upload.header)
    rows = upload.rows.filter(effect=UploadRow.Effect.ERROR)
    lines = (
        [*_padded(row.cells, width), " ".join(problem["text"] for problem in row.problems)] for row in rows.iterator()
    )
    return write_csv([*upload.header, _("Reason")], lines, dialect)


def clearing(rows: Iterable[UploadRow], left_out: Sequence[str]) -> bytes:
    """A file that switches these absences off and leaves their days; who is left out stands in a comment."""
    lines = [f"# {text}" for text in left_out]
    lines.append(",".join(CLEARING_COLUMNS))
    for row in rows:
        names = (row.user, "") if row.addressed_by == LOGIN else ("", row.user)
        lines.append(",".join((*names, f"{row.start}", f"{row.end}", "no")))
    return "".join(f"{line}\r\n" for line in lines).encode()


def _padded(cells: Sequence[str], width: int) -> list[str]:
    """As many cells as the header has, so that the reason gets a column of its own."""
    return [*cells[:width], *[""] * (width - len(cells))]

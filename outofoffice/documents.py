"""Uploads as plain values, for ``--json`` and for the terminal."""

from typing import Any

from outofoffice.checks import CheckedFile
from outofoffice.models import Upload, UploadRow

Document = dict[str, Any]
TAKEN = (UploadRow.Outcome.SENT, UploadRow.Outcome.CONFIRMED)


def checked_document(checked: CheckedFile) -> Document:
    """What a file would do; ``complete`` is whether every row can be sent."""
    return {
        "faults": [{"line": fault.line, "text": fault.text} for fault in checked.faults],
        "counts": checked.counts,
        "rows": [
            {
                "line": row.source.line,
                "effect": row.effect,
                "user": row.user,
                "start": _day(row.start),
                "end": _day(row.end),
                "problems": [{"column": fault.column, "text": fault.text} for fault in row.faults],
                "notes": [note.text for note in row.notes],
                "outcome": "",
            }
            for row in checked.rows
        ],
        "complete": not checked.faults and checked.good == len(checked.rows),
    }


def upload_document(upload: Upload) -> Document:
    """What became of an upload; ``complete`` is whether every good row was taken. One query."""
    rows = list(upload.rows.all())
    good = [row for row in rows if row.effect != UploadRow.Effect.ERROR]
    return {
        "upload": upload.pk,
        "sha256": upload.sha256,
        "faults": [],
        "counts": {effect: sum(row.effect == effect for row in rows) for effect in UploadRow.Effect.values},
        "rows": [
            {
                "line": row.line,
                "effect": row.effect,
                "user": row.user,
                "start": _day(row.start),
                "end": _day(row.end),
                "problems": row.problems,
                "notes": [note["text"] for note in row.notes],
                "outcome": row.outcome,
                "outcome_text": row.outcome_text,
            }
            for row in rows
        ],
        "complete": all(row.outcome in TAKEN for row in good),
    }


def _day(day: Any) -> str:
    return "" if day is None else f"{day:%Y-%m-%d}"

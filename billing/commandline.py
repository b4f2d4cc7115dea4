"""What the commands of the ledger share: reading their arguments, tables, a progress bar, files written whole."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TextIO

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from common.months import Month
from tickets.models import Customer

PARTLY, WRONG_USE = 1, 2  # exit codes
BAR_WIDTH = 30


def read_month(text: str) -> Month:
    """The month of ``YYYY-MM``; anything else ends the command as wrong use."""
    try:
        return Month.parse(text)
    except ValueError as error:
        raise CommandError(str(error), returncode=WRONG_USE) from error


def read_customer(text: str | None) -> Customer | None:
    """The customer of a CustomerID, or of ``SYSTEM/CustomerID`` where two ticket systems know it."""
    if text is None:
        return None
    customers = Customer.objects.select_related("system")
    found = list(customers.filter(customer_id=text))
    system, _slash, customer_id = text.partition("/")
    found = found or list(customers.filter(system__name=system, customer_id=customer_id))
    if not found:
        raise CommandError(
            _("There is no customer “%(text)s”; the CustomerID is written exactly as in the ticket system.")
            % {"text": text},
            returncode=WRONG_USE,
        )
    if len(found) > 1:
        choices = ", ".join(f"{customer.system.name}/{text}" for customer in found)
        raise CommandError(
            _("“%(text)s” is a customer in several ticket systems; write one of: %(choices)s.")
            % {"text": text, "choices": choices},
            returncode=WRONG_USE,
        )
    return found[0]


class Progress:
    """A bar on a terminal; elsewhere nothing, so that logs and pipes stay clean."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shows = stream.isatty()
        self._width = 0

    def __call__(self, step: str, done: int, total: int) -> None:
        if self._shows:
            share = min(done / total, 1) if total else 0
            bar = "#" * round(BAR_WIDTH * share)
            self._draw(f"[{bar:<{BAR_WIDTH}}] {share:4.0%} {step}")

    def clear(self) -> None:
        if self._shows and self._width:
            self._draw("")
            self._stream.write("\r")

    def _draw(self, line: str) -> None:
        self._stream.write(f"\r{line:<{self._width}}")
        self._stream.flush()
        self._width = len(line)


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: int) -> str:
    """Aligned columns; the last ``numbers`` of them to the right."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    first_number = len(header) - numbers
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column >= first_number else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def write_file(folder: Path, name: str, content: bytes) -> Path:
    """Write the whole file or none: a reader never sees half of it. Returns its path; raises ``OSError``."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / name
    with NamedTemporaryFile(dir=folder, prefix=f".{name}.", delete=False) as temporary:
        try:
            temporary.write(content)
            temporary.flush()
            os.fsync(temporary.fileno())
            Path(temporary.name).chmod(0o640)
            Path(temporary.name).replace(target)
        except OSError:
            Path(temporary.name).unlink(missing_ok=True)
            raise
    return target

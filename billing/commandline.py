"""What the commands of the ledger share: naming a customer, tables, files written whole."""

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.management.base import CommandError
from django.utils.translation import gettext as _

from common.commandline import WRONG_USE
from tickets.models import Customer


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

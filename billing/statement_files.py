"""Work statements as files: a preview until the order is issued, then a file that is kept byte for byte."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from billing.documents import entries_of_orders
from billing.handover import ExportResult, record_export, sha256_of
from billing.models import Export, Order
from billing.numbers import clean
from billing.orders import OrdersRefused, lock_orders
from billing.statements import LANGUAGES, work_statement
from tickets.models import AnyUser

FORMAT = "pdf"
CONTENT_TYPE = "application/pdf"


@transaction.atomic
def statement_file(order: Order, *, language: str, user: AnyUser | None, now: datetime) -> ExportResult:
    """The work statement of an order in ``de`` or ``en``.

    Of an issued order it is drawn once and kept: asking again gives the same bytes, also where a later version would
    draw it otherwise. Raises ``OrdersRefused`` for another language.
    """
    if language not in LANGUAGES:
        raise OrdersRefused([_("There is no work statement in this language; choose de or en.")])
    lock_orders([order.pk])
    found = Order.objects.select_related("customer__system", "correction_of").get(pk=order.pk)
    kept = found.state in (Order.State.ISSUED, Order.State.EXPORTED)
    name = f"work-statement-{clean(found.document_number or found.number)}-{language}{'' if kept else '-preview'}.pdf"
    stored = Export.objects.filter(format=FORMAT, file_name=name).first() if kept else None
    if stored is not None:
        return ExportResult(stored.file_name, bytes(stored.content), stored.sha256, [found])
    positions = list(found.positions.select_related("ticket").order_by("position"))
    content = work_statement(found, positions, entries_of_orders([found]), language=language)
    if kept:
        record_export(FORMAT, [found], content, name, user, now)
    return ExportResult(name, content, sha256_of(content), [found], is_draft=not kept)

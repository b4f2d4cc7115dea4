"""The files that were handed over, as they are kept: who may have which, and their exact bytes again."""

from django.db.models import Count, QuerySet
from django.db.models.functions import Length
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import statement_files
from billing.handover import CONTENT_TYPES, Format, sha256_of
from billing.models import BillingRun, Export, Order
from billing.orders import OrdersRefused
from common.months import Month
from tickets.models import AnyUser

FORMATS = dict(Format.choices) | {statement_files.FORMAT: gettext_lazy("Work statement (PDF)")}
TYPES = {str(name): mime for name, mime in CONTENT_TYPES.items()} | {
    statement_files.FORMAT: statement_files.CONTENT_TYPE
}


def name_of_format(export: Export) -> str:
    """The format in words."""
    return str(FORMATS.get(export.format, export.format))


def stored_files(user: AnyUser) -> QuerySet[Export]:
    """What the user may download, the latest first: without content, with ``size`` in bytes and ``held`` orders."""
    found = Export.objects.visible_to(user).defer("content").select_related("created_by")
    return found.annotate(size=Length("content"), held=Count("orders"))


def narrowed(files: QuerySet[Export], *, format: str, text: str) -> QuerySet[Export]:  # noqa: A002  # the field's word
    """Those of the format whose name holds the text; empty: any."""
    of_format = files.filter(format=format) if format else files
    return of_format.filter(file_name__icontains=text) if text else of_format


def files_of_order(order: Order, *, user: AnyUser) -> QuerySet[Export]:
    """Those that hold the order."""
    return stored_files(user).filter(pk__in=order.exports.order_by().values("pk"))


def files_of_month(month: Month, *, user: AnyUser) -> QuerySet[Export]:
    """Those that hold an order of the month."""
    return _with_orders(Order.objects.filter(month=month.first_day), user)


def files_of_run(run: BillingRun, *, user: AnyUser) -> QuerySet[Export]:
    """Those that hold an order of the run's month and scope."""
    orders = Order.objects.filter(month=run.month)
    return _with_orders(orders if run.customer_id is None else orders.filter(customer=run.customer_id), user)


def _with_orders(orders: QuerySet[Order], user: AnyUser) -> QuerySet[Export]:
    held = Export.orders.through.objects.filter(order__in=orders.order_by().values("pk"))
    return stored_files(user).filter(pk__in=held.values("export"))


def exact_bytes(export: Export) -> bytes:
    """What was handed over. Raises ``OrdersRefused`` where the bytes are not those whose SHA-256 was noted then."""
    content = bytes(export.content)
    if sha256_of(content) != export.sha256:
        text = _(
            "The stored bytes of %(file)s are not those that were handed over: their SHA-256 differs. Nothing was "
            "downloaded; an administrator has to look at the database and its backups."
        )
        raise OrdersRefused([text % {"file": export.file_name}])
    return content

"""The page of the mails: what is set up, a button that sends one, and those that failed."""

from typing import Any, cast

import django_tables2 as tables
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from common.exports import download
from common.mails import Mail
from common.paging import Empty, show_page
from common.tables import DateTimeColumn, NumberColumn, Table
from portal.health.access import PERMISSION
from portal.mails import failed_mails, send_test_mail

WORDS = {"td": {"class": "break"}}


class FailedMailTable(Table):
    """One row a mail that was given up."""

    caption = gettext_lazy("Mails that failed")

    at = DateTimeColumn(verbose_name=gettext_lazy("Given up"))
    to = tables.Column(verbose_name=gettext_lazy("To"), attrs=WORDS)
    about = tables.Column(verbose_name=gettext_lazy("About"), attrs=WORDS)
    attempts = NumberColumn(verbose_name=gettext_lazy("Attempts"))
    error = tables.Column(verbose_name=gettext_lazy("Error"), attrs=WORDS)


@require_safe
@permission_required(PERMISSION, raise_exception=True)
def mails(request: HttpRequest) -> HttpResponse:
    """What is set up, without the password, and the mails of the last weeks that were not sent."""
    table = FailedMailTable(failed_mails(now=timezone.now()))
    show_page(table, request)
    if "export" in request.GET:
        return download(table, request, _("failed-mails"))
    context: dict[str, Any] = {"table": table, "server": _server(), "address": cast(User, request.user).email}
    context["sender"] = settings.DEFAULT_FROM_EMAIL
    if not table.paginator.count:
        text = _("Every mail of the last 30 days was taken by the mail server, or is tried again by itself.")
        context["empty"] = Empty(title=_("No mail failed"), text=text)
    return render(request, "portal/mails.html", context)


@require_POST
@permission_required(PERMISSION, raise_exception=True)
def test_mail(request: HttpRequest) -> HttpResponse:
    """Send one to whoever asks."""
    user = cast(User, request.user)
    if not settings.SENDS_MAIL:
        messages.error(request, _("No mail server is set up: EMAIL_URL is empty. Nothing was sent."))
    elif not user.email:
        messages.error(request, _("Your account has no e-mail address. Enter one under Set-up, Users, and try again."))
    else:
        outcome = send_test_mail(user, now=timezone.now())
        if outcome.state == Mail.State.SENT:
            text = _("The mail server has taken the test mail to %(address)s. Look whether it arrives.")
            messages.success(request, text % {"address": user.email})
        else:
            messages.error(request, f"{outcome.error} " + _("The test mail is not tried again."))
    return redirect("mails")


def _server() -> str:
    """``mail.example.org:587``; empty where none is set up."""
    return f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT}" if settings.SENDS_MAIL else ""

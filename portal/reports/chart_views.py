"""The charts: the same time as in the reports, as pictures with their figures."""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from common.spans import Span
from portal.reports.chart_data import Subject, charts_of
from portal.reports.choice import Unit
from portal.reports.data_state import state_of
from portal.reports.empty import why_no_time
from portal.reports.filters import Question, read_question
from portal.reports.views import report_page
from tickets.queries import has_no_customers

PAGE = "reports:charts"


def charts(request: HttpRequest) -> HttpResponse:
    """Four charts of the span, in hours where the address names no unit: nobody reads an axis of minutes."""
    now = timezone.now()
    question = read_question(request, now=now)
    if "unit" not in request.GET:
        question = replace(question, unit=Unit.HHMM)
    context = report_page(PAGE, question) | {"title": _("Charts")}
    if question.form.is_valid() and not has_no_customers(request.user):
        context["charts"] = charts_of(_subject_of(question, now))
    else:
        context["empty"] = why_no_time(
            question.choice,
            user=request.user,
            given=question.form.given,
            is_valid=question.form.is_valid(),
            state=context["state"],
            without_filters=context["without_filters"],
        )
    return render(request, "reports/charts.html", context)


def _subject_of(question: Question, now: datetime) -> Subject:
    """Today is the day of the ticket systems, the first one's where they keep several zones."""
    zone = ZoneInfo(question.choice.calendar.zones[0])
    subject = Subject(
        span=question.choice.span,
        user=question.user,
        today=now.astimezone(zone).date(),
        narrowing=question.form.narrowing,
        unit=question.unit,
        parameters=question.parameters,
    )
    drawn = Span.of_months(subject.months[0], subject.months[-1])
    return replace(subject, unread=state_of(drawn, now=now).unread)

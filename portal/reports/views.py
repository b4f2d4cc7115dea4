"""The time reports: sums, the entries behind them, and pivots."""

from typing import Any, TypeVar

from django.db.models import TextChoices
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from common.exports import bad_request, download
from common.paging import MOST_PER_PAGE, Empty, show_page
from common.tables import Table
from portal.reports.choice import Unit, span_label
from portal.reports.data_state import state_of
from portal.reports.empty import why_no_time
from portal.reports.entry_tables import EntryTable
from portal.reports.filters import Question, read_question
from portal.reports.lines import report as report_of
from portal.reports.links import Tab, address
from portal.reports.pivot_tables import PivotTable
from portal.reports.pivots import PivotKind, PivotTooWide
from portal.reports.pivots import pivot as pivot_of
from portal.reports.sums import By
from portal.reports.tables import CAPTIONS, ReportTable

Choice = TypeVar("Choice", bound=TextChoices)


def report(request: HttpRequest) -> HttpResponse:
    """Sums of the span by agent, customer, queue or ticket, beside those of the span before."""
    question = read_question(request, now=timezone.now())
    by = _chosen(By, request.GET.get("by", ""))
    plain = question.entries(standing=False)
    table = ReportTable(report_of(by, question.entries(), question.entries_before(), plain=plain), question)
    if "export" in request.GET:
        return _file(table, question, request, f"{_('time')}_{by}")
    show_page(table, request)
    context = report_page("reports:report", question, by=by.value) | {"by": by, "title": CAPTIONS[by], "table": table}
    context |= {"doubts": _doubts_of_comparison(question), "is_wide": by == By.TICKET}
    if not table.paginator.count:
        context["empty"] = _why_empty(question, context)
    return render(request, "reports/report.html", context)


def _doubts_of_comparison(question: Question) -> str:
    """Why the column of the span before may be short; empty where all of that span was read."""
    before = question.choice.before
    if before is None or state_of(before).complete:
        return ""
    text = _("%(period)s was not read in full, so its minutes and the difference may be wrong.")
    return text % {"period": span_label(before)}


def entries(request: HttpRequest) -> HttpResponse:
    """The rows behind a number."""
    question = read_question(request, now=timezone.now())
    table = EntryTable(question)
    if "export" in request.GET:
        return _file(table, question, request, _("time-entries"))
    show_page(table, request)
    context = report_page("reports:entries", question) | {"title": _("Time entries"), "table": table}
    context["is_wide"] = len(question.form.systems) > 1
    if not table.paginator.count:
        context["empty"] = _why_empty(question, context)
    return render(request, "reports/report.html", context)


def pivot(request: HttpRequest) -> HttpResponse:
    """Minutes in two directions at once; where that would be too wide, a sentence."""
    question = read_question(request, now=timezone.now())
    kind = _chosen(PivotKind, request.GET.get("kind", ""))
    context = report_page("reports:pivot", question, kind=kind.value) | {"kind": kind, "title": kind.label}
    try:
        table = PivotTable(pivot_of(kind, question.entries(standing=False), question.choice.span), question)
    except PivotTooWide as refusal:
        if "export" in request.GET:
            return bad_request(request, str(refusal))
        context["empty"] = Empty(title=_("Too wide for a table"), text=str(refusal))
        return render(request, "reports/report.html", context)
    if "export" in request.GET:
        return _file(table, question, request, f"{_('time')}_{kind}")
    show_page(table, request, per_page=MOST_PER_PAGE)
    context |= {"table": table, "is_wide": True}
    if not table.paginator.count:
        context["empty"] = _why_empty(question, context)
    return render(request, "reports/report.html", context)


def report_page(page: str, question: Question, **own: str) -> dict[str, Any]:
    """What every page of the reports shows around its table; ``own`` are the page's own parameters."""
    plain = own | {"period": question.choice.value, "unit": question.unit.value}
    return {
        "choice": question.choice,
        "form": question.form,
        "plain": plain,
        "without_filters": address(page, plain),
        "tabs": _tabs(page, question, own),
        "units": [
            Tab(
                label=str(unit.label),
                url=address(page, own | question.parameters | {"unit": unit}),
                is_current=unit == question.unit,
            )
            for unit in Unit
        ],
        "state": state_of(question.choice.span),
        "query": address(page, own | question.parameters | {"sort": question.sort}).partition("?")[2],
    }


def _tabs(page: str, question: Question, own: dict[str, str]) -> list[Tab]:
    """All views of the same entries."""
    views = [
        *((by.label, "reports:report", {"by": by.value}) for by in By),
        (_("Entries"), "reports:entries", {}),
        *((kind.label, "reports:pivot", {"kind": kind.value}) for kind in PivotKind),
        (_("Charts"), "reports:charts", {}),
    ]
    return [
        Tab(label=str(label), url=address(name, which | question.parameters), is_current=(name, which) == (page, own))
        for label, name, which in views
    ]


def _why_empty(question: Question, context: dict[str, Any]) -> Empty:
    return why_no_time(
        question.choice,
        user=question.user,
        given=question.form.given,
        is_valid=question.form.is_valid(),
        state=context["state"],
        without_filters=context["without_filters"],
    )


def _file(table: Table, question: Question, request: HttpRequest, name: str) -> HttpResponse:
    """The table as a file; none where the address cannot be answered as it stands, as a file has no room to say so."""
    if question.errors:
        return bad_request(request, " ".join(question.errors))
    show_page(table, request)
    return download(table, request, f"{name}_{question.choice.value.replace('..', '_')}")


def _chosen(choices: type[Choice], text: str) -> Choice:
    """The first where none is named or none has this name."""
    return choices(text) if text in choices.values else next(iter(choices))

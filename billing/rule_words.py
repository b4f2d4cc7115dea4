"""Rate rules and agreements as sentences that an account manager can read to a customer."""

from datetime import date

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from billing.agreement_models import FROM_THE_BEGINNING, Agreement, RateRule
from common.templatetags.formats import number


def rule_in_words(rule: RateRule, currency: str) -> str:
    """Which time the rule is for, what it says of it, and on which days it holds."""
    if not rule.billable:
        what = _("is not billed (%(reason)s)") % {"reason": rule.reason}
    elif rule.hourly_rate is None:
        what = _("has the agreement's rate")
    else:
        what = _("costs %(rate)s an hour") % {"rate": f"{number(rule.hourly_rate, 2)} {currency}"}
    if rule.billable and rule.article_number:
        what = _("%(what)s, article %(article)s") % {"what": what, "article": rule.article_number}
    values = {"time": _time(rule), "what": what, "days": days_in_words(rule.valid_from, rule.valid_to)}
    return (_("%(time)s %(what)s, %(days)s.") if values["days"] else _("%(time)s %(what)s.")) % values


def days_in_words(begins: date, ends: date | None) -> str:
    """From when until when something holds; empty: always."""
    since = date_format(begins, "SHORT_DATE_FORMAT") if begins > FROM_THE_BEGINNING else ""
    until = date_format(ends, "SHORT_DATE_FORMAT") if ends else ""
    if since and until:
        return _("from %(since)s to %(until)s") % {"since": since, "until": until}
    if since:
        return _("from %(since)s on") % {"since": since}
    return _("until %(until)s") % {"until": until} if until else ""


def _time(rule: RateRule) -> str:
    parts = [
        _("of service “%(name)s”") % {"name": rule.service} if rule.service else "",
        _queue(rule),
        _("of type “%(name)s”") % {"name": rule.type} if rule.type else "",
        _("booked by %(name)s") % {"name": rule.agent} if rule.agent else "",
    ]
    named = ", ".join(filter(None, parts))
    return _("Time %(which)s") % {"which": named} if named else _("All booked time")


def _queue(rule: RateRule) -> str:
    if not rule.queue:
        return ""
    if top := rule.top_queue:
        return _("in queue “%(name)s” and those below it") % {"name": top}
    return _("in queue “%(name)s”") % {"name": rule.queue}


def terms_in_words(agreement: Agreement) -> list[str]:
    """What is billed, when, and who approves it, one sentence each."""
    sentences = []
    if not agreement.billed:
        sentences.append(_("This customer is not billed."))
    billed = capfirst(agreement.get_counting_display())
    sentences.append(_("Billed are: %(what)s.") % {"what": billed[:1].lower() + billed[1:]})
    sentences.append(_("One order for each %(period)s.") % {"period": agreement.get_period_months_display()})
    if agreement.counting_states:
        states = ", ".join(agreement.counting_states)
        sentences.append(_("Tickets count in these states alone: %(states)s.") % {"states": states})
    if agreement.needs_second_person:
        sentences.append(_("Four eyes: nobody approves a draft that they started or changed."))
    if agreement.approves_itself:
        sentences.append(_("A scheduled run over complete data approves the draft."))
    return sentences

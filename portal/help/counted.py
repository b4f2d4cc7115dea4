"""How each figure of the pages is counted: what, from which rows, what is left out, in which zone."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.help.documents import anchor_of, document


@dataclass(frozen=True, slots=True)
class Counted:
    """``heading`` is the text of a heading of the document that says more."""

    text: Promise
    name: str
    heading: str

    @property
    def url(self) -> str:
        return f"{reverse('help_document', args=[self.name])}#{anchor_of(self.heading)}"

    @property
    def title(self) -> str:
        """Of the document; in English, as the documents are."""
        return document(self.name).title


RULES, REPORTS = "billing-rules", "time-reports"

COUNTED: Mapping[str, Counted] = {
    "drafts": Counted(
        _(
            "Orders in the state draft, of all months, that you may see. The amount is the sum of their net amounts, "
            "each currency by itself. Approved, issued and void orders are left out."
        ),
        RULES,
        "The way of an order",
    ),
    "discrepancies": Counted(
        _(
            "Time entries that disagree with an order after it has left draft, once for each way in which they do: "
            "gone, moved, changed, or booked too late for it. The money is what the orders would come to by now less "
            "what was billed; a minus is to be given back. What was settled is left out. Months are those of the "
            "ticket system's zone."
        ),
        RULES,
        "What changes after approval",
    ),
    "unbilled": Counted(
        _(
            "Time entries of one month, by the day in the ticket system's zone, that can be billed and stand in no "
            "order. The month is that of the oldest such entry. Time of agreements, rules or persons that say it is "
            "not billed, and time without a customer, are left out."
        ),
        REPORTS,
        "Reports",
    ),
    "left_out": Counted(
        _(
            "All recorded time of the month's tickets that stands in none of the month's orders, by ticket and "
            "reason: those closed in the month, those with time booked in it, and those in its orders. Together with "
            "the orders this is all that was read of these tickets. Months are those of the ticket system's zone."
        ),
        RULES,
        "What was left out, and why",
    ),
    "readings": Counted(
        _(
            "Months, and agents of whom time is asked, whose last reading failed or whose stored reading has gaps, of "
            "the active ticket systems and as far back as they are read again. What is being read right now is left "
            "out, and so is what was never asked for."
        ),
        REPORTS,
        "Where time comes from",
    ),
    "runs": Counted(
        _(
            "Billing runs that are over and failed, left out customers, or went over data that are not known to be "
            "complete. Each month counts once for all customers, and once for each customer with a run of its own. "
            "Runs of closed months are left out."
        ),
        RULES,
        "Complete or not",
    ),
    "prepaid": Counted(
        _(
            "Customers of whose prepaid time a fifth or less is left, in the blocks that the order of the running "
            "month may use. Used-up blocks count only where the customer has no other. What drafts take is taken off "
            "already."
        ),
        RULES,
        "Included and prepaid time",
    ),
    "uploads": Counted(
        _(
            "Uploads of the last 30 days that were checked and never confirmed, or whose rows were refused or may not "
            "have arrived. A checked one counts no more once a later one for its ticket system was confirmed."
        ),
        "out-of-office",
        "Sending",
    ),
    "outbox": Counted(
        _(
            "Notes, tickets and mails for customers that you may see, which the portal has given up: the ticket "
            "system refused them, or nobody knows whether they were written. What is tried again by itself is left "
            "out."
        ),
        "writing-back",
        "What the portal does after a failure",
    ),
    "registrations": Counted(
        _(
            "Registered systems that you may see in the states conflict, expired, on grace period and overdue. "
            "Whatever reported in time, was deregistered or retired is left out."
        ),
        "registration-pages",
        "The list, /registration/",
    ),
    "mails": Counted(
        _(
            "Mails of the last 30 days about billing runs and registrations that were given up, or of which nobody "
            "knows whether the mail server took them. Those that are tried again by themselves are left out."
        ),
        RULES,
        "Scheduled runs",
    ),
    "agents": Counted(
        _(
            "Agents of active ticket systems who booked in the three months before and have no entry in the month, by "
            "the day in the ticket system's zone. Agents who are marked as departed, and entries that are gone, are "
            "left out."
        ),
        REPORTS,
        "Where time comes from",
    ),
    "orders": Counted(
        _(
            "Orders of the chosen month that you may see, by state, with the sum of their net amounts in each "
            "currency. Void orders are left out. The order of a quarter belongs to its last month."
        ),
        RULES,
        "What a month's order holds",
    ),
    "order_list": Counted(
        _(
            "One row an order. Recorded minutes are the sum of the time entries it holds, billable minutes what "
            "rounding makes of them, the net amount the sum of the amounts of its lines. The totals are those of all "
            "rows that pass the filters, each currency by itself; void orders are listed only when asked for."
        ),
        RULES,
        "From minutes to an amount",
    ),
    "next_run": Counted(
        _(
            "The next moment at which the scheduler finds a run due, as agreements and runs stand now: the day of "
            "billing and the days of grace of each agreement, at midnight in the zone of the customer's ticket "
            "system. Shown in the zone of the page."
        ),
        RULES,
        "Scheduled runs",
    ),
    "run_list": Counted(
        _(
            "One row for each month and scope, however often it was started. New, changed and unchanged orders are "
            "those of the last start; failures are customers that could not be billed."
        ),
        RULES,
        "Scheduled runs",
    ),
    "report": Counted(
        _(
            "Minutes of the time entries that you may see, booked in the period by the day in the ticket system's "
            "zone. Each minute stands once: billed, unbilled, not billable or blocked. Entries that are gone from the "
            "ticket system are left out. The totals are those of all rows that pass the filters."
        ),
        REPORTS,
        "Reports",
    ),
    "tickets": Counted(
        _(
            "Tickets of your customers that were closed in the month, in the ticket system's zone; any closing "
            "counts. One column holds the minutes booked in the month, the other all minutes of the ticket. Entries "
            "that are gone are left out."
        ),
        RULES,
        "What a month's order holds",
    ),
    "quality": Counted(
        _(
            "What each check finds among the time booked and the tickets closed in the month, of the customers that "
            "you may see. Minutes are those of the entries found, or of all entries of the tickets found. One entry "
            "may be found by several checks, so the numbers must not be added up."
        ),
        REPORTS,
        "Data quality",
    ),
    "systems": Counted(
        _(
            "Registered systems of the customers that you may see, by their present state. A system reports once a "
            "week; the state follows from the time of its last update."
        ),
        "registration-pages",
        "The list, /registration/",
    ),
}

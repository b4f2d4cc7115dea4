"""What the pages say about settling: what a choice does, and what was done."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing.settlement_models import Choice, Settlement


def consequence(choice: Choice) -> str:
    """What will happen, before it does."""
    return {
        Choice.NEXT_ORDER: _(
            "The time or the difference is billed with the customer's next order of a later month, which the next run "
            "drafts. The ticket need not be closed again."
        ),
        Choice.SUPPLEMENT: _(
            "A supplement to the order is drafted at once, one for each customer and month. It holds exactly this time "
            "and waits to be approved and issued."
        ),
        Choice.CREDIT: _(
            "The customer's next order of a later month gets a line that gives the difference back, by the price and "
            "rounding of the order that billed it. The next run drafts it. It waits while the customer's agreement has "
            "ended or bills in another currency."
        ),
        Choice.NOT_BILLABLE: _("The time is never billed as it is. It stands as not billable, with the reason."),
        Choice.ACCEPT: _("Nothing is billed or given back: the order stays right as it is."),
    }[choice]


def what_was_done(settlements: Sequence[Settlement]) -> str:
    """The sentence after it; supplements are named."""
    text = ngettext("%(count)d discrepancy settled.", "%(count)d discrepancies settled.", len(settlements))
    done = text % {"count": len(settlements)}
    numbers = sorted({row.supplement_number for row in settlements} - {""})
    if not numbers:
        return done
    drafted = ngettext("Draft supplement: %(numbers)s.", "Draft supplements: %(numbers)s.", len(numbers))
    return f"{done} {drafted % {'numbers': ', '.join(numbers)}}"

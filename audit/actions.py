"""What is written down, each kind with a name that never changes and a label that is translated.

The names stand in sealed rows for good: a new action gets a new name, an old one keeps its meaning.
"""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class ActorKind(TextChoices):
    USER = "user", _("a person")
    NOBODY = "nobody", _("nobody signed in")
    SCHEDULER = "scheduler", _("the scheduler")
    COMMAND = "command", _("a command")


class Result(TextChoices):
    DONE = "done", _("done")
    REFUSED = "refused", _("refused")
    FAILED = "failed", _("failed")


class Action(TextChoices):
    SIGNED_IN = "sign_in.done", _("signed in")
    SIGN_IN_FAILED = "sign_in.failed", _("sign-in failed")
    SIGNED_OUT = "sign_in.ended", _("signed out")
    PASSWORD_CHANGED = "password.changed", _("password changed")
    FACTOR_SET = "second_factor.set", _("second factor set")
    FACTOR_REMOVED = "second_factor.removed", _("second factor removed")
    FACTOR_RENEWED = "second_factor.renewed", _("recovery codes made anew")
    FACTOR_FAILED = "second_factor.failed", _("second factor wrong")
    ACCESS_REFUSED = "access.refused", _("access refused")
    NOT_FOUND = "access.not_found", _("asked for what is not there or not visible")
    DOWNLOADED = "file.downloaded", _("file downloaded")
    CREATED = "object.created", _("created")
    CHANGED = "object.changed", _("changed")
    DELETED = "object.deleted", _("deleted")
    LINKED = "object.linked", _("assigned")
    UNLINKED = "object.unlinked", _("assignment taken away")
    ORDER_DRAFTED = "order.drafted", _("order drafted")
    ORDER_CHANGED = "order.changed", _("draft changed by a run")
    ORDER_APPROVED = "order.approved", _("order approved")
    ORDER_ADJUSTED = "order.adjusted", _("draft changed by a person")
    ORDER_COMMENTED = "order.commented", _("order commented")
    ORDER_RETURNED = "order.returned", _("order returned to draft")
    ORDER_ISSUED = "order.issued", _("order issued")
    ORDER_EXPORTED = "order.exported", _("order exported")
    ORDER_DELIVERED = "order.delivered", _("order told to the ticket system")
    ORDER_VOIDED = "order.voided", _("order voided")
    ORDER_SETTLED = "order.settled", _("discrepancies settled")
    RUN_STARTED = "run.started", _("billing run started")
    RUN_CANCELLED = "run.cancelled", _("billing run stopped")
    MONTH_CLOSED = "month.closed", _("month closed")
    MONTH_REOPENED = "month.reopened", _("month opened again")
    UNITS_CONVERTED = "units.converted", _("minutes per time unit changed")
    LOSSES_ACCEPTED = "losses.accepted", _("loss of known time accepted")
    AGENTS_IMPORTED = "agents.imported", _("agents taken over from a file")
    WRITTEN = "ticket_system.written", _("ticket or article written")
    WRITTEN_AGAIN = "ticket_system.asked_again", _("writing asked for again")
    OUTCOME_SETTLED = "ticket_system.settled", _("unknown outcome settled by a person")
    UPLOADED = "absences.uploaded", _("absences uploaded")
    UPLOAD_CHANGED = "absences.changed", _("absences changed since they were looked at")
    UPLOAD_CONFIRMED = "absences.confirmed", _("absences confirmed for sending")
    UPLOAD_REPEATED = "absences.repeated", _("absences sent again")
    UPLOAD_CLEARED = "absences.cleared", _("absences taken back")
    UPLOAD_STOPPED = "absences.stopped", _("sending of absences stopped")
    UPLOAD_ENDED = "absences.ended", _("sending of absences ended")
    SYSTEM_EDITED = "registered_system.edited", _("registered system edited")
    SYSTEM_RETIRED = "registered_system.retired", _("registered system retired")
    OWN_REGISTRATION = "own_registration.changed", _("own registration changed")
    TOKEN_MADE = "api_token.made", _("API token made")
    TOKEN_REVOKED = "api_token.revoked", _("API token revoked")
    TOKEN_REFUSED = "api_token.refused", _("API token refused")
    KEYS_ROTATED = "keys.rotated", _("keys rotated")
    BACKED_UP = "backup.made", _("backup made")
    RESTORED = "backup.restored", _("restored from a backup")
    LOG_VERIFIED = "audit_log.verified", _("audit log verified")


def label_of(action: str) -> str:
    """Of a row, in the language of the page; a name that this version does not know is shown as it is."""
    return str(Action(action).label) if action in Action.values else action

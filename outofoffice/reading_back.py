"""What a ticket system says it stores, compared with what was sent."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from django.utils.translation import gettext as _

from generic_interface.absences import Absence
from outofoffice.models import UploadRow
from tickets.models import Agent


class ReadBack(Protocol):
    """Asks a ticket system what it stores, where there is a way: the Generic Interface itself has none.

    ``on_request`` is called before each request.
    """

    on_request: Callable[[], object] | None

    def stored_absences(self, logins: Sequence[str]) -> Mapping[str, Absence | None]:
        """By login; ``None`` where no such agent or no whole period is stored. Raises ``InterfaceError``."""
        ...

    def close(self) -> None: ...


def logins_of(rows: Sequence[UploadRow]) -> dict[int, str]:
    """By row: whoever was addressed by another name is asked about by login all the same."""
    known = Agent.objects.filter(pk__in=[row.agent_id for row in rows]).values_list("pk", "login")
    of_agent = {agent: login for agent, login in known if login}
    return {row.pk: of_agent[row.agent_id] for row in rows if row.agent_id in of_agent}


def is_stored_as_sent(found: Absence | None, row: UploadRow) -> bool:
    return found is not None and (found.start, found.end, found.enabled) == (row.start, row.end, bool(row.enabled))


def differing(read: Iterable[tuple[UploadRow, Absence | None]]) -> dict[str, list[UploadRow]]:
    """The rows of which something else is stored, by what to say of them."""
    found_by_text: defaultdict[str, list[UploadRow]] = defaultdict(list)
    for row, found in read:
        if not is_stored_as_sent(found, row):
            text = _("The ticket system stores something else than was sent.")
            found_by_text[f"{text} {_stored_text(found)}"].append(row)
    return found_by_text


def _stored_text(found: Absence | None) -> str:
    if found is None:
        return _("It knows no such agent, or stores no whole period.")
    days = {"start": found.start.isoformat(), "end": found.end.isoformat()}
    if found.enabled:
        return _("It has %(start)s to %(end)s, switched on.") % days
    return _("It has %(start)s to %(end)s, switched off.") % days

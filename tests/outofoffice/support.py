"""Short ways to uploads, and what the stand-in ticket system really stores."""

from datetime import datetime
from typing import Any

from generic_interface.simulator.data_set import DataSet
from outofoffice.models import Sending, Upload
from outofoffice.sending import run_sending
from outofoffice.uploads import confirm, upload_file
from tests.outofoffice.corpus import HEADER
from tickets.models import TicketSystem


def table(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def looked_at(system: TicketSystem, data: bytes, now: datetime) -> Upload:
    return upload_file(system=system, data=data, file_name="absences.csv", now=now)


def confirmed(system: TicketSystem, data: bytes, now: datetime) -> Sending:
    upload = looked_at(system, data, now)
    return confirm(upload=upload, seen=upload.fingerprint, now=now)


def sent(system: TicketSystem, data: bytes, now: datetime, **options: Any) -> Upload:
    sending = run_sending(confirmed(system, data, now), **options)
    return Upload.objects.get(pk=sending.upload_id)


def stored(upstream: DataSet) -> dict[str, tuple[str, str, str]]:
    """By login: the switch, the first and the last day, as the ticket system holds them."""
    logins = {agent.user_id: agent.login for agent in upstream.agents.values()}

    def day(values: dict[str, str], part: str) -> str:
        return "-".join(values.get(f"OutOfOffice{part}{unit}", "") for unit in ("Year", "Month", "Day"))

    return {
        logins[user_id]: (values["OutOfOffice"], day(values, "Start"), day(values, "End"))
        for user_id, values in upstream.preferences.items()
    }


def outcomes(upload: Upload) -> list[str]:
    return list(upload.rows.order_by("position").values_list("outcome", flat=True))

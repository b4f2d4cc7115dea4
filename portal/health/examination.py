"""Everything that is looked at, in the order in which a person would look."""

from datetime import datetime

from portal.health.audit_log import check_audit_log
from portal.health.findings import Finding, State
from portal.health.machine import check_broker, check_database, check_disk, check_keys
from portal.health.readings import check_readings
from portal.health.work import check_work


def examine(*, now: datetime) -> list[Finding]:
    """What rests on the database is not looked at where that does not answer."""
    database = check_database()
    findings = [database, check_broker(), check_disk()]
    if database.state == State.GOOD:
        findings += [check_keys(), *check_work(now=now), *check_readings(now=now)]
        findings.append(check_audit_log(now=now))
    return findings

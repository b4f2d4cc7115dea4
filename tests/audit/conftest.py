from collections.abc import Callable

import pytest

from audit.models import AuditRow

Rows = Callable[[], list[AuditRow]]


@pytest.fixture
def new_rows(db: None) -> Rows:
    """What was written since the test began: the roles that ``migrate`` makes stand in the log as well."""
    last = AuditRow.objects.order_by("pk").values_list("pk", flat=True).last() or 0
    return lambda: list(AuditRow.objects.filter(pk__gt=last).order_by("pk"))

"""Master data of the registration whose changes stand in the audit log."""

from audit.watching import watch
from registration.models import Account

watch(Account, secret=("password",))

"""Which ticket systems the portal may talk to, as whoever runs it has set."""

from django.conf import settings

from generic_interface.reach import Reach


def allowed_hosts() -> Reach:
    """Of ``TICKET_SYSTEM_HOSTS``. Raises ``WrongRequest`` where that cannot be read."""
    return Reach.of(settings.TICKET_SYSTEM_HOSTS)

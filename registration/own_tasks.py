"""Background work of the own registration: the row says what is due, the message is only a hint to look at it."""

import logging

from celery import shared_task
from django.utils import timezone

from registration.client import send_due_update

logger = logging.getLogger(__name__)


@shared_task(name="registration.update_own")
def update() -> None:
    """Send the weekly update, if it is due; a message that comes twice does nothing."""
    outcome = send_due_update(now=timezone.now())
    if outcome is not None and not outcome.success:
        logger.warning("The update of the own registration failed: %s", outcome.reason)

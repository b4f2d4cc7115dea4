"""Celery's scheduler, which also tells the database that it is alive: ``CELERY_BEAT_SCHEDULER``."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.beat import PersistentScheduler
from django.db import Error, connections

from portal.signs import BEAT, note_sign

logger = logging.getLogger(__name__)
PAUSE = timedelta(seconds=30)


class Scheduler(PersistentScheduler):
    """As Celery's own. A database that does not answer never stops it: the messages are sent all the same."""

    noted_at: datetime | None = None

    def tick(self, *args: Any, **kwargs: Any) -> Any:
        self.tell(now=datetime.now(UTC))
        return super().tick(*args, **kwargs)

    def tell(self, *, now: datetime) -> None:
        """Write the sign of life unless it was written just now; keeps no connection open in between."""
        if self.noted_at is not None and now - self.noted_at < PAUSE:
            return
        self.noted_at = now
        try:
            note_sign(BEAT, now=now)
        except Error as error:
            logger.warning("The scheduler could not say that it is alive: %s", error)
        finally:
            connections.close_all()

"""What the history shows of each upload, in one query for a page of it."""

from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from outofoffice.models import Upload, UploadRow

REMEMBERED = timedelta(days=30)
"""So long an upload that was not sent is brought up."""

Effect, Outcome = UploadRow.Effect, UploadRow.Outcome


def history() -> QuerySet[Upload]:
    """Uploads, the latest first, with ``good``, ``bad``, ``sent`` and ``busy``: how many of their rows are so."""
    is_bad = Q(rows__effect=Effect.ERROR)
    return (
        Upload.objects.select_related("system", "uploaded_by")
        .defer("content")
        .annotate(
            good=Count("rows", filter=~is_bad),
            bad=Count("rows", filter=is_bad),
            sent=Count("rows", filter=Q(rows__outcome__in=(Outcome.SENT, Outcome.CONFIRMED))),
            busy=Count("rows", filter=Q(rows__outcome__in=(Outcome.WAITING, Outcome.SENDING))),
        )
    )


def called(text: str) -> Q:
    """Part of the name of the file or of the ticket system."""
    return Q(file_name__icontains=text) | Q(system__name__icontains=text)


def not_sent(*, now: datetime) -> QuerySet[Upload]:
    """Of the last weeks: checked and never confirmed, or confirmed with rows that were refused or may not have arrived.

    A check counts no more once another upload for its ticket system was confirmed after it.
    """
    later = Upload.objects.filter(system=OuterRef("system"), confirmed_at__gt=OuterRef("uploaded_at"))
    troubled = UploadRow.objects.filter(upload=OuterRef("pk"), outcome__in=(Outcome.REFUSED, Outcome.UNKNOWN))
    waits = Q(state=Upload.State.CHECKED) & ~Exists(later)
    return history().filter(waits | Exists(troubled), uploaded_at__gt=now - REMEMBERED)

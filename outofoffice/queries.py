"""What the history shows of each upload, in one query for a page of it."""

from django.db.models import Count, Q, QuerySet

from outofoffice.models import Upload, UploadRow

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

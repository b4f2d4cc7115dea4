"""``/uploads``: the out-of-office files, and what became of each of their rows."""

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field

from outofoffice.models import Upload, UploadRow
from outofoffice.queries import history
from portal.api.order_records import Who, who
from portal.api.paging import Page, Paging, keyset_page
from portal.api.problems import not_there
from portal.api.references import SystemReference, system_reference
from portal.api.routing import reads
from portal.api.scopes import UPLOAD_RIGHTS, Scope
from portal.api.values import Key, Link, Moment, PagePath, api, one_of

router = Router(tags=["Out of office"])


class UploadQuery(Paging):
    """What the list can be asked for."""

    system: Annotated[Key | None, Field(description="Ticket system.")] = None


class UploadRecord(BaseModel):
    """A file that was looked at, or the clearing of an earlier one."""

    id: Key
    url: Link
    page: PagePath
    system: SystemReference
    kind: Annotated[Upload.Kind, one_of(Upload.Kind)]
    state: Annotated[Upload.State, one_of(Upload.State), Field(description="`checked`: nothing was sent.")]
    file_name: str
    sha256: Annotated[str, Field(description="SHA-256 of the file, in hex.")]
    uploaded_by: Who
    uploaded_at: Moment
    confirmed_at: Moment | None
    good: Annotated[int, Field(description="Rows that can be sent.")]
    bad: Annotated[int, Field(description="Rows that cannot.")]
    sent: Annotated[int, Field(description="Rows that the ticket system took.")]
    busy: Annotated[int, Field(description="Rows that wait or are being sent.")]
    rows: Annotated[Link, Field(description="Its rows.")]


class RowQuery(Paging):
    """What the list can be asked for."""

    outcome: Annotated[UploadRow.Outcome | None, Field(description="What became of it.")] = None


class FaultRecord(BaseModel):
    """Why a row cannot be sent."""

    column: Annotated[str, Field(description="Empty: the row as a whole.")]
    text: str


class UploadRowRecord(BaseModel):
    """One row of the file."""

    id: Key
    line: Annotated[int, Field(description="Line of the file.")]
    effect: Annotated[UploadRow.Effect, Field(description="What it does in the ticket system.")]
    user: Annotated[str, Field(description="The agent as the file names it.")]
    start: Annotated[date | None, Field(description="First day away.")]
    end: Annotated[date | None, Field(description="Last day away.")]
    enabled: Annotated[bool | None, Field(description="false: the absence is switched off.")]
    problems: list[FaultRecord]
    outcome: UploadRow.Outcome
    outcome_text: str
    sent_at: Moment | None


@reads(router, "/uploads", scope=Scope.UPLOADS, rights=UPLOAD_RIGHTS, answer=Page[UploadRecord], summary="Uploads")
def uploads(request: HttpRequest, query: Query[UploadQuery]) -> Page[UploadRecord]:
    """For people who may upload out-of-office files."""
    found = history() if query.system is None else history().filter(system=query.system)
    shown, following = keyset_page(request, found, query)
    return Page(items=[_upload(upload) for upload in shown], next=following)


@reads(
    router,
    "/uploads/{int:upload}",
    scope=Scope.UPLOADS,
    rights=UPLOAD_RIGHTS,
    answer=UploadRecord,
    summary="One upload",
)
def upload(request: HttpRequest, upload: Path[Key]) -> UploadRecord:
    """One upload."""
    found = history().filter(pk=upload).first()
    if found is None:
        raise not_there()
    return _upload(found)


@reads(
    router,
    "/uploads/{int:upload}/rows",
    scope=Scope.UPLOADS,
    rights=UPLOAD_RIGHTS,
    answer=Page[UploadRowRecord],
    summary="Rows of an upload",
)
def upload_rows(request: HttpRequest, upload: Path[Key], query: Query[RowQuery]) -> Page[UploadRowRecord]:
    """What each row does, and what became of it."""
    if not Upload.objects.filter(pk=upload).exists():
        raise not_there()
    found = UploadRow.objects.filter(upload=upload)
    if query.outcome:
        found = found.filter(outcome=query.outcome)
    shown, following = keyset_page(request, found, query)
    return Page(items=[_row(row) for row in shown], next=following)


def _upload(upload: Any) -> UploadRecord:
    """Of an upload that comes from ``history``."""
    names = ("file_name", "sha256", "uploaded_at", "confirmed_at", "good", "bad", "sent", "busy")
    return UploadRecord(
        id=upload.pk,
        url=api(f"uploads/{upload.pk}"),
        page=upload.get_absolute_url(),
        system=system_reference(upload.system),
        kind=Upload.Kind(upload.kind),
        state=Upload.State(upload.state),
        uploaded_by=who(upload.uploaded_by),
        rows=api(f"uploads/{upload.pk}/rows"),
        **{name: getattr(upload, name) for name in names},
    )


def _row(row: UploadRow) -> UploadRowRecord:
    names = ("line", "user", "start", "end", "enabled", "outcome_text", "sent_at")
    return UploadRowRecord(
        id=row.pk,
        effect=UploadRow.Effect(row.effect),
        outcome=UploadRow.Outcome(row.outcome),
        problems=[FaultRecord(column=fault.get("column") or "", text=fault["text"]) for fault in row.problems],
        **{name: getattr(row, name) for name in names},
    )

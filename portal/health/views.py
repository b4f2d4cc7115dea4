"""For machines: ``/healthz``, ``/readyz``, ``/metrics``; for administrators: the page that says what to do."""

from django.contrib.auth.decorators import login_not_required, permission_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from portal.health.access import PERMISSION, has_token, may_see
from portal.health.examination import examine
from portal.health.findings import Finding, State, is_well
from portal.health.metrics import metrics_text


@login_not_required
@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is looked at."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when everything works, 503 when something does not. What, is told with the token or the permission only."""
    findings = examine(now=timezone.now())
    document: dict[str, object] = {"ready": is_well(findings)}
    if has_token(request) or (findings[0].state == State.GOOD and may_see(request)):
        document["checks"] = [_row(finding) for finding in findings]
    return JsonResponse(document, status=200 if document["ready"] else 503)


@login_not_required
@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus's text format; 401 without the token, for people the permission."""
    if not may_see(request):
        if request.user.is_authenticated:
            raise PermissionDenied
        return HttpResponse("", status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain")
    return HttpResponse(metrics_text(now=timezone.now()), content_type=CONTENT_TYPE_LATEST)


@permission_required(PERMISSION, raise_exception=True)
@never_cache
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """Each part of the portal: well or not, what it is for, what to do."""
    findings = examine(now=timezone.now())
    context = {"findings": findings, "is_well": is_well(findings), "now": timezone.now()}
    return render(request, "portal/health.html", context)


def _row(finding: Finding) -> dict[str, str]:
    about = {"about": finding.about} if finding.about else {}
    return {"name": finding.name, **about, "state": finding.state.value, "text": finding.text}

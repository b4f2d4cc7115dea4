"""The address that ticket systems register at. No session, no cookie, no log-in: the request itself says who asks."""

import logging

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from common.addresses import address_of
from registration.limits import TooMany
from registration.protocol import read_request, write_answer, write_refusal
from registration.services import answer
from registration.values import Malformed

MOST_BYTES = 64 * 1024
MOST_BYTES_WITH_SUPPORT_DATA = 1024 * 1024
FORM = "application/x-www-form-urlencoded"
logger = logging.getLogger(__name__)


@csrf_exempt
@login_not_required
@require_POST
def endpoint(request: HttpRequest) -> HttpResponse:
    """Exactly ``200 OK`` wherever the request could be read: any other status is no contact to the client of OTRS."""
    now = timezone.now()
    if request.content_type != FORM:
        return _refuse(415, "Send the request as a form.")
    if _length(request) > MOST_BYTES_WITH_SUPPORT_DATA:
        return _refuse(413, "The request is too large.")
    try:
        asked = read_request(request.body)
        if len(request.body) > MOST_BYTES and not asked.brings_support_data:
            return _refuse(413, "The request is too large.")
        answers = answer(asked, address=address_of(request), now=now)
    except UnreadablePostError:
        return _refuse(400, "The request ended before it was complete.")
    except Malformed as error:
        return _refuse(400, str(error))
    except TooMany as error:
        response = _refuse(429, str(error))
        response["Retry-After"] = str(error.retry_after)
        return response
    return HttpResponse(write_answer(asked, answers), content_type="application/json")


def _length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0


def _refuse(status: int, reason: str) -> HttpResponse:
    """The address is left to the log of the web server, which tells requests apart."""
    logger.info("registration: refused with %d: %s", status, reason)
    return HttpResponse(write_refusal(reason), status=status, content_type="application/json")

"""Answers and faults in what a web service speaks: JSON or SOAP."""

import json
from http import HTTPStatus

from generic_interface.simulator.responses import XML_TYPE, Response, json_response, plain_response
from generic_interface.simulator.routes import WebService
from generic_interface.simulator.soap import write_answer, write_fault
from generic_interface.simulator.wire import Json


def answer_response(answer: Json, operation: str, service: WebService) -> Response:
    """HTTP 200, for a success as for an application error."""
    if not service.namespace:
        return json_response(answer, keep_alive=service.keep_alive)
    return Response(
        status=HTTPStatus.OK,
        reason="OK",
        content_type=XML_TYPE,
        body=write_answer(answer, operation, service.namespace),
        keep_alive=service.keep_alive,
    )


def fault_response(text: str, service: WebService) -> Response:
    """HTTP 500, typed text/plain in both."""
    if service.namespace:
        content = write_fault(text, service.namespace)
    else:
        content = json.dumps({"faultcode": "Server", "faultstring": text}, separators=(",", ":"))
    return plain_response(HTTPStatus.INTERNAL_SERVER_ERROR, content, keep_alive=service.keep_alive)

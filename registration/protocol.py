"""What a request asks for and what an answer looks like, for the clients of OTRS 4 to 6 and that of OTRS 3.3.

A request is a form. Newer clients put JSON into its fields (Action=PublicCloudService), the one of OTRS 3.3 sends
plain fields (Action=PublicRegistration). ``read_request`` takes the bytes and gives typed operations; it raises
``Malformed`` with a sentence where the form as a whole is wrong. An operation that is wrong by itself becomes ``Wrong``
and is answered beside the others.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from registration.operations import (
    Answer,
    Asked,
    Deregister,
    Key,
    Operation,
    Register,
    Request,
    SupportDataAdd,
    TokenGet,
    Update,
    Wrong,
)
from registration.values import (
    LONGEST_CREDENTIAL,
    Malformed,
    facts_of,
    flag,
    paragraph,
    read_json,
    secret,
    storable,
    text,
)

SERVICE = "SystemRegistration"
MOST_FIELDS = 60
MOST_OPERATIONS = 10
CLOUD_SERVICE, FLAT = "PublicCloudService", "PublicRegistration"
FLAT_KEYS = {"RegistrationKey": "UniqueID"}


def read_request(body: bytes) -> Request:
    """The form as it came over the wire; raises ``Malformed``."""
    form = _form(body)
    action = form.get("Action", "")
    if action == FLAT:
        return _flat_request(form)
    if action != CLOUD_SERVICE:
        raise Malformed("The field Action must be PublicCloudService or PublicRegistration.")
    login = _json_field(form, "OTRSIDAuth")
    services = _json_field(form, "RequestData")
    if not services:
        raise Malformed("The field RequestData names no service.")
    asked = [_asked(service, element, login) for service in services for element in _elements(services[service])]
    if not 0 < len(asked) <= MOST_OPERATIONS:
        raise Malformed(f"A request holds 1 to {MOST_OPERATIONS} operations.")
    names = [each.name for each in asked if not isinstance(each.operation, Wrong)]
    if len(names) != len(set(names)):
        raise Malformed("The same operation stands twice in one request.")
    return Request(key=_key(_json_field(form, "UniqueIDAuth")), asked=tuple(asked))


def write_answer(request: Request, answers: list[Answer]) -> bytes:
    """JSON as the client that asked reads it; one answer for each operation, in order."""
    if request.flat:
        first = answers[0]
        return _dump({"Success": 0 if first.reason else 1, **first.data, **_reason(first, "Reason", "ErrorMessage")})
    results: dict[str, list[dict[str, Any]]] = {}
    for asked, answer in zip(request.asked, answers, strict=True):
        result: dict[str, Any] = {"Operation": asked.name, "Success": 0 if answer.reason else 1}
        result |= _reason(answer, "ErrorMessage") | {"Data": {**answer.data, **_reason(answer, "Reason")}}
        if asked.instance is not None:
            result["InstanceName"] = asked.instance
        results.setdefault(asked.service, []).append(result)
    return _dump({"Success": 1, "Results": results})


def write_refusal(reason: str) -> bytes:
    """The answer to a request that could not be read or must wait."""
    return _dump({"Success": 0, "ErrorMessage": reason})


def _reason(answer: Answer, *names: str) -> dict[str, str]:
    return dict.fromkeys(names, answer.reason) if answer.reason else {}


def _dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _form(body: bytes) -> dict[str, str]:
    try:
        decoded = body.decode("utf-8")
        pairs = parse_qsl(decoded, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except UnicodeDecodeError as error:
        raise Malformed("The form is not UTF-8.") from error
    except ValueError as error:
        raise Malformed(f"The form has more than {MOST_FIELDS} fields.") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise Malformed("A field stands twice in the form.")
    return form


def _json_field(form: Mapping[str, str], name: str) -> dict[str, Any]:
    """The JSON object in the field; empty where the field is empty or missing."""
    value = read_json(form[name], name) if form.get(name) else {}
    if not isinstance(value, dict):
        raise Malformed(f"The field {name} is no JSON object.")
    return value


def _elements(found: Any) -> list[dict[str, Any]]:
    if not isinstance(found, list) or not all(isinstance(element, dict) for element in found):
        raise Malformed("A service in RequestData must hold a list of operations.")
    return found


def _asked(service: str, element: dict[str, Any], login: Mapping[str, Any]) -> Asked:
    name, instance, data = element.get("Operation"), element.get("InstanceName"), element.get("Data") or {}
    if not isinstance(name, str) or not isinstance(instance, str | None) or not isinstance(data, dict):
        raise Malformed("An operation needs a name as Operation and an object as Data.")
    if service != SERVICE:
        operation: Operation = Wrong("No such service.")
    else:
        operation = _operation(name, data, login)
    return Asked(service[:LONGEST_CREDENTIAL], name[:LONGEST_CREDENTIAL], operation, instance)


def _operation(name: str, data: Mapping[str, Any], login: Mapping[str, Any]) -> Operation:
    reader = _READERS.get(name)
    if reader is None:
        return Wrong("No such operation.")
    try:
        return reader(data, login)
    except Malformed as error:
        return Wrong(str(error))


def _token_get(data: Mapping[str, Any], login: Mapping[str, Any]) -> Operation:
    """Our own client says what the token is for; that of OTRS does not."""
    purpose = text(data, "Purpose").lower() or "either"
    if purpose not in ("either", "register", "deregister"):
        raise Malformed("Purpose must be Register or Deregister.")
    return TokenGet(otrs_id=secret(login, "OTRSID"), password=secret(login, "Password"), purpose=purpose)


def _register(data: Mapping[str, Any], _login: Mapping[str, Any]) -> Operation:
    return Register(
        otrs_id=secret(data, "OTRSID"),
        token=secret(data, "Token"),
        type=text(data, "Type")[:100],
        description=paragraph(data, "Description"),
        old=Key(secret(data, "OldUniqueID"), secret(data, "OldAPIKey")),
        facts=facts_of(data),
        sends_support_data=flag(data, "SupportDataSending") or False,
        payload=_payload("Register", data),
    )


def _update(data: Mapping[str, Any], _login: Mapping[str, Any]) -> Operation:
    return Update(
        last_update_id=secret(data, "LastUpdateID"),
        attempt=secret(data, "AttemptID"),
        type=text(data, "Type")[:100] if data.get("Type") is not None else None,
        description=paragraph(data, "Description") if data.get("Description") is not None else None,
        facts=facts_of(data),
        sends_support_data=flag(data, "SupportDataSending"),
    )


def _deregister(data: Mapping[str, Any], _login: Mapping[str, Any]) -> Operation:
    return Deregister(
        otrs_id=secret(data, "OTRSID"),
        token=secret(data, "Token"),
        key=Key(secret(data, "UniqueID"), secret(data, "APIKey")),
        payload=_payload("Deregister", data),
    )


def _support_data_add(data: Mapping[str, Any], _login: Mapping[str, Any]) -> Operation:
    content = data.get("SupportData")
    if not isinstance(content, list):
        raise Malformed("SupportData must be a list.")
    return SupportDataAdd(content)


_READERS = {
    "TokenGet": _token_get,
    "Register": _register,
    "Update": _update,
    "Deregister": _deregister,
    "SupportDataAdd": _support_data_add,
}


def _payload(name: str, data: Mapping[str, Any]) -> str:
    return json.dumps([name, {key: value for key, value in data.items() if key != "SupportData"}], sort_keys=True)


def _key(found: Mapping[str, Any]) -> Key | None:
    unique_id, api_key = secret(found, "UniqueID"), secret(found, "APIKey")
    return Key(unique_id, api_key) if unique_id and api_key else None


def _flat_request(form: Mapping[str, str]) -> Request:
    """The form of OTRS 3.3: the operation is the Subaction, support data is JSON in a field of it."""
    name = form.get("Subaction", "")
    data = {FLAT_KEYS.get(key, key): storable(value) for key, value in form.items() if key != "SupportData"}
    asked = [Asked(SERVICE, name, _operation(name, data, data))]
    if form.get("SupportData"):
        content = {"SupportData": read_json(form["SupportData"], "SupportData")}
        asked.append(Asked(SERVICE, "SupportDataAdd", _operation("SupportDataAdd", content, {})))
    return Request(key=_key(data), asked=tuple(asked), flat=True)

"""What each recorded out-of-office file really stored, against the simulator: it must ignore and misread alike."""

import http.client
import json
import re
from ast import literal_eval
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.model import Agent
from generic_interface.simulator.server import start_simulator
from tests.simulator.asking import Caller
from tests.simulator.recordings import FOLDER, read_recording

EARLIER = {
    "bad-date-keeps-old-period": ["setup-old-period"],
    "bad-end-mixes-periods": ["setup-old-period", "bad-date-keeps-old-period"],
    "disable-keeps-dates": ["setup-old-period", "bad-date-keeps-old-period", "bad-end-mixes-periods"],
}
"""Files that were sent before this one onto the same agents; the other ones began with none stored."""
NOT_REPLAYED = {
    "thousand-rows": "its text was cut when it was written down",
    "over-maxlength": "its text was cut when it was written down",
    "not-admin": "another login; replayed from its recording",
    "bad-password": "another login; replayed from its recording",
    "customer-user": "another login; replayed from its recording",
    "no-credentials-empty-csv": "no login and no text",
}


@dataclass(frozen=True)
class Case:
    name: str
    csv: object
    succeeded: bool
    stored: dict[str, dict[str, str]]


def read_cases() -> list[Case]:
    text = (FOLDER / "outofoffice-what-was-stored.txt").read_text(encoding="utf-8")
    return [_case(block) for block in text.split("### ")[1:]]


def _case(block: str) -> Case:
    name = block.partition("\n")[0]
    text = re.search(r"^CSV: (.*)$", block, re.MULTILINE)
    recording = FOLDER / f"rest-outofoffice-{name}.http"
    csv: object = literal_eval(text[1]) if text and name not in NOT_REPLAYED else ""
    if csv == "" and recording.exists() and name not in NOT_REPLAYED:
        csv = sent(name)
    lines = [line.split("\t") for line in block.partition("stored:\n")[2].splitlines() if "\t" in line]
    stored = {login: dict(part.split("=") for part in parts.split(" ")) for login, parts in lines}
    return Case(name, csv, 'answer: HTTP/1.1 200 OK {"Success": 1}' in block, stored)


def sent(name: str) -> object:
    body = read_recording(f"rest-outofoffice-{name}").request.partition(b"\r\n\r\n")[2]
    return json.loads(body.decode("utf-8", "surrogatepass")).get("OutOfOfficeEntriesCSVString")


CASES = [case for case in read_cases() if case.name not in NOT_REPLAYED]
TEXTS = {case.name: case.csv for case in CASES}


@pytest.fixture
def data() -> DataSet:
    """The agents of the recorded server, as far as the files name them."""
    people = [
        ("b.schmidt", "Bernd", "Schmidt", "", True),
        ("c.weber", "Carla", "Weber", "", True),
        ("d.oeztuerk", "Deniz", "Öztürk", "", True),
        ("f.alt", "Frank", "Alt", "", False),
        ("h_test", "H", "Unterstrich", "", True),
        ("hxtest", "H", "Ohne", "", True),
        ("hotline", "Hot", "Line", "hotline@beispiel.test", True),
        ("hotline.alt", "Hot", "Line", "hotline@beispiel.test", False),
    ]
    agents = [
        Agent(user_id=10 + index, login=login, first_name=first, last_name=last, email=email, valid=valid)
        for index, (login, first, last, email, valid) in enumerate(people)
    ]
    admin = Agent(user_id=2, login="portal-api", first_name="", last_name="", password="stand-in-only", is_admin=True)
    return DataSet(agents=[admin, *agents], queues=(), customers=(), customer_users=(), now=datetime(2026, 11, 22))


def stored(data: DataSet) -> dict[str, dict[str, str]]:
    logins = {agent.user_id: agent.login for agent in data.agents.values()}
    return {
        logins[user_id]: {key.removeprefix("OutOfOffice"): value for key, value in preferences.items()}
        for user_id, preferences in data.preferences.items()
    }


def send(caller: Caller, csv: object) -> Any:
    parameters = {} if csv is None else {"OutOfOfficeEntriesCSVString": csv}
    with caller.send("OutOfOffice", **parameters) as response:
        return json.loads(response.read())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_file_stores_what_was_recorded(data: DataSet, case: Case) -> None:
    with start_simulator(data) as running:
        for name in EARLIER.get(case.name, []):
            with Caller(running) as caller:
                send(caller, TEXTS[name])
        with Caller(running) as caller:
            answer = _answer(caller, case.csv)

    assert stored(data) == case.stored
    assert (answer == {"Success": 1}) is case.succeeded


def _answer(caller: Caller, csv: object) -> Any:
    """A crash has no status line, which this caller cannot read."""
    try:
        return send(caller, csv)
    except http.client.BadStatusLine:
        return None

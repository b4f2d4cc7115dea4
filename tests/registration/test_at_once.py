"""Eight equal requests in the same moment have one effect: the rows of the database are looked at, not the answers."""

import json
from collections import Counter
from collections.abc import Iterator

import pytest

from registration import limits
from registration.models import RegisteredSystem, RegistrationEvent, RegistrationToken
from tests.factories.registration import PASSWORD, AccountFactory
from tests.processes import Crew, crew_of
from tests.registration.network import NO_LIMIT, post
from tests.registration.otrs_client import FACTS, OtrsClient, form

pytestmark = [pytest.mark.postgresql, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
WORKERS, ROUNDS = 8, 100
LOGIN = ("kunde@beispiel.test", PASSWORD)


@pytest.fixture(scope="module")
def crew(django_db_setup: None) -> Iterator[Crew]:
    with crew_of(WORKERS) as crew:
        yield crew


@pytest.fixture(autouse=True)
def account(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    AccountFactory(otrs_id=LOGIN[0])
    monkeypatch.setattr(limits, "LIMITS", NO_LIMIT)


def send(_number: int, body: bytes) -> str:
    """What the server answered, without the seconds until the next update. Runs in a process of its own."""
    limits.LIMITS = NO_LIMIT
    status, content = post(body)
    document = json.loads(content)
    for result in document["Results"]["SystemRegistration"]:
        result["Data"].pop("NextUpdate", None)
    return f"{status} {json.dumps(document)}"


def token() -> str:
    return OtrsClient().read_token(*post(form(("TokenGet", {}), login=LOGIN)))


def registration(with_token: str) -> bytes:
    return form(("Register", FACTS | {"OTRSID": LOGIN[0], "Token": with_token, "Type": "production"}))


def effects(system: RegisteredSystem | None = None) -> Counter[str]:
    events = RegistrationEvent.objects.exclude(kind="token")
    events = events if system is None else events.filter(system=system)
    return Counter(events.values_list("kind", flat=True))


def test_equal_registrations(crew: Crew) -> None:
    for number in range(1, ROUNDS + 1):
        answers = crew(send, registration(token()))

        assert len(set(answers)) == 1
        assert '"Success": 1, "Data"' in answers[0]
        assert RegisteredSystem.objects.count() == number
        assert effects() == {"registered": number, "repeated": number * (WORKERS - 1)}


def test_registrations_that_differ_with_one_token(crew: Crew) -> None:
    for number in range(1, ROUNDS + 1):
        answers = crew(send_differing, token())

        assert sum('"Success": 1, "Data"' in answer for answer in answers) == 1
        assert RegisteredSystem.objects.count() == number


def send_differing(number: int, with_token: str) -> str:
    body = form(("Register", FACTS | {"OTRSID": LOGIN[0], "Token": with_token, "Type": f"type {number}"}))
    return send(number, body)


@pytest.mark.parametrize("attempts", [True, False])
def test_equal_updates(crew: Crew, attempts: bool) -> None:
    client = OtrsClient()
    client.read_registration(*post(registration(token())))
    system = RegisteredSystem.objects.get()
    for number in range(1, ROUNDS + 1):
        data = FACTS | {"LastUpdateID": client.stored["LastUpdateID"]}
        data |= {"AttemptID": f"attempt {number}"} if attempts else {}
        answers = crew(send, form(("Update", data), key=client.key))

        assert len(set(answers)) == 1
        client.read_update("200 OK", answers[0].partition(" OK ")[2].encode())
        assert RegisteredSystem.objects.values_list("counter", "state").get() == (number + 1, "active")
        assert effects(system)["repeated"] == number * (WORKERS - 1)


def test_equal_deregistrations(crew: Crew) -> None:
    for number in range(1, ROUNDS + 1):
        client = OtrsClient()
        client.read_registration(*post(registration(token())))
        assert client.key is not None
        data = {"OTRSID": LOGIN[0], "Token": token(), "UniqueID": client.key[0], "APIKey": client.key[1]}
        answers = crew(send, form(("Deregister", data), key=client.key))

        assert len(set(answers)) == 1
        assert effects()["deregistered"] == number
        assert RegistrationToken.objects.filter(used_for="deregister").count() == number


def test_copies_that_update_in_the_same_moment(crew: Crew) -> None:
    """Eight systems with one id and an attempt each: one gets the next id, the others make it a conflict."""
    for _number in range(ROUNDS // 4):
        client = OtrsClient()
        client.read_registration(*post(registration(token())))
        system = RegisteredSystem.objects.get(unique_id=client.stored["UniqueID"])
        answers = crew(send_own, client.stored["LastUpdateID"], client.key)

        system.refresh_from_db()
        assert (system.state, system.counter) == ("conflict", 2)
        assert sum('"Success": 1, "Data"' in answer for answer in answers) == 1
        assert effects(system) == {"registered": 1, "mode": 1, "conflict": 1, "refused": WORKERS - 2}


def send_own(number: int, update_id: str, key: tuple[str, str]) -> str:
    data = FACTS | {"LastUpdateID": update_id, "AttemptID": f"attempt of {number}"}
    return send(number, form(("Update", data), key=key))


def test_limit_is_not_passed_by_many_at_once(crew: Crew) -> None:
    assert Counter(crew(ask_within_limits)) == {"200 OK": 5, "429 Too Many Requests": WORKERS - 5}


def ask_within_limits(_number: int) -> str:
    limits.LIMITS = LIMITS
    return post(form(("TokenGet", {}), login=("nobody", "wrong")))[0]


LIMITS = limits.LIMITS

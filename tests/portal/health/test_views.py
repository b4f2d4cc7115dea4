"""What machines are told, and how much strangers are not."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import DjangoAssertNumQueries, Settings

from common.rotation import encrypted_columns
from portal.health import views
from portal.health.findings import Finding, State
from portal.roles import ADMINISTRATOR, BILLING
from portal.signs import note_sign
from tests.billing.scenes import bill, ticket_of
from tests.factories.billing import AgreementFactory
from tests.factories.tickets import CustomerFactory, SyncRunFactory, TicketSystemFactory
from tests.pages.world import account, signed_in

TOKEN = "token-of-the-test"
METRICS_QUERIES = 24  # and one for each encrypted column
Found = Callable[[State], None]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Found:
    """The database is well, the worker of the ledger is as told."""

    def set_to(state: State) -> None:
        database = Finding(name="database", label="Database", state=State.GOOD, text="Fine.", meaning="Holds all.")
        worker = Finding(
            name="worker",
            about="ledger",
            label="Worker",
            state=state,
            text="Never seen.",
            meaning="Bills.",
            advice="Look into its log.",
        )
        monkeypatch.setattr(views, "examine", lambda now: [database, worker])

    return set_to


def bearer(token: str = TOKEN) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_process_that_answers_is_alive_and_asks_no_database() -> None:
    response = Client().get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok\n")
    assert "no-store" in response["Cache-Control"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_machines_inside_are_not_sent_to_https(settings: Settings, found: Found, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    found(State.GOOD)

    assert Client().get(path).status_code == 200


def test_metrics_are_told_over_tls_only(settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert Client().get("/metrics").status_code == 301


@pytest.mark.parametrize(("state", "code"), [(State.GOOD, 200), (State.WARN, 200), (State.BAD, 503)])
def test_stranger_learns_whether_it_is_ready_and_nothing_else(found: Found, state: State, code: int) -> None:
    found(state)

    response = Client().get("/readyz")

    assert (response.status_code, response.json()) == (code, {"ready": code == 200})


def test_token_shows_what_was_found(found: Found, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    found(State.BAD)

    document = Client().get("/readyz", headers=bearer()).json()

    assert document == {
        "ready": False,
        "checks": [
            {"name": "database", "state": "good", "text": "Fine."},
            {"name": "worker", "about": "ledger", "state": "bad", "text": "Never seen."},
        ],
    }


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "sees"), [(ADMINISTRATOR, True), (BILLING, False)])
def test_permission_shows_what_was_found(found: Found, role: str, sees: bool) -> None:
    found(State.GOOD)

    assert ("checks" in signed_in(account("dora", role)).get("/readyz").json()) == sees


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer wrong", "Basic token-of-the-test", TOKEN])
def test_metrics_need_the_token(settings: Settings, sent: str) -> None:
    settings.METRICS_TOKEN = TOKEN

    response = Client().get("/metrics", headers={"Authorization": sent})

    assert (response.status_code, response.content) == (401, b"")
    assert response["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer"])
def test_no_token_set_means_nobody_has_it(settings: Settings, sent: str) -> None:
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics", headers={"Authorization": sent}).status_code == 401


@pytest.mark.django_db
def test_metrics_are_refused_to_people_without_the_permission() -> None:
    assert signed_in(account("clara", BILLING)).get("/metrics").status_code == 403


def samples(settings: Settings) -> dict[tuple[str, ...], float]:
    """Value of each sample by its name and the values of its labels, which are sorted."""
    settings.METRICS_TOKEN = TOKEN
    text = Client().get("/metrics", headers=bearer()).content.decode()
    return {
        (sample.name.removeprefix("portal_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.django_db
def test_metrics_count_jobs_orders_readings_and_signs(settings: Settings) -> None:
    system = TicketSystemFactory(name='Help "desk"\n')
    SyncRunFactory(system=system, complete_run=True)
    SyncRunFactory(system=system)
    customer = CustomerFactory(system=system)
    AgreementFactory(customer=customer)
    ticket_of(customer, 30)
    bill()

    found = samples(settings)

    assert (found["jobs", "sync", "done"], found["jobs", "sync", "queued"]) == (1, 1)
    assert (found["jobs", "billing", "done"], found["jobs", "sending", "queued"]) == (1, 0)
    assert found["oldest_waiting_job_seconds", "sync"] >= 0
    assert found["oldest_waiting_job_seconds", "billing"] == 0
    assert (found["orders", "draft"], found["orders", "issued"]) == (1, 0)
    assert found["reading_complete", 'Help "desk"\n'] == 1
    assert found["reading_age_seconds", 'Help "desk"\n'] > 0
    assert found["check", "", "database"] == 1
    assert found["check", "ledger", "worker"] == 0
    assert found["waiting_mails",] == 0


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [1, 3])
def test_metrics_ask_the_same_number_of_questions(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries, rows: int
) -> None:
    settings.METRICS_TOKEN = TOKEN
    for _number in range(rows):
        SyncRunFactory(complete_run=True)

    with django_assert_num_queries(METRICS_QUERIES + len(encrypted_columns())):
        assert Client().get("/metrics", headers=bearer()).status_code == 200


@pytest.mark.django_db
def test_labels_name_nothing_of_customers_tickets_or_people(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    SyncRunFactory(complete_run=True)
    note_sign("beat", now=timezone.now())
    text = Client().get("/metrics", headers=bearer()).content.decode()

    assert set(re.findall(r"(\w+)=\"", text)) == {"about", "check", "kind", "name", "state", "system"}


@pytest.mark.django_db
def test_page_says_in_words_what_is_wrong_and_what_to_do(found: Found) -> None:
    client = signed_in(account("dora", ADMINISTRATOR))
    found(State.BAD)
    html = client.get("/health/").content.decode()

    assert "does not work" in html
    assert "state-bad" in html
    assert "Look into its log." in html
    assert 'role="alert"' in html

    found(State.GOOD)
    html = client.get("/health/").content.decode()
    assert "Everything works." in html
    assert "state-bad" not in html


@pytest.mark.django_db
def test_page_is_linked_for_those_who_may_see_it(django_user_model: type[User]) -> None:
    assert 'href="/health/"' in signed_in(account("dora", ADMINISTRATOR)).get("/").content.decode()
    assert 'href="/health/"' not in signed_in(account("clara", BILLING)).get("/").content.decode()

"""Sessions end by themselves, with the password, with the account, and when somebody ends them."""

import re
from datetime import timedelta

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings as django_settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.roles import ACCOUNT_MANAGER, ADMINISTRATOR, BILLING
from portal.sessions import end_sessions, forget_ended_sessions, live_sessions
from portal.sign_in_middleware import POLLED
from tests.pages.test_throttling import CODE, LOGIN, code_at, later
from tests.pages.world import NOW, PASSWORD, account, signed_in, with_second_factor

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(now: None) -> User:
    return account("anna", ACCOUNT_MANAGER)


def client_of(user: User, *, agent: str = "Browser") -> Client:
    """Signed in through the page, so that the session is listed."""
    client = Client(headers={"user-agent": agent})
    response = client.post(LOGIN, {"login": user.username, "password": PASSWORD})
    assert response.status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/accounts/second-factor/").status_code == 200


def test_session_ends_when_nothing_is_done_for_half_an_hour(anna: User) -> None:
    used, left = client_of(anna), client_of(anna)
    with later(29):
        assert is_in(used)

    with later(31):
        assert is_in(used)
        response = left.get("/tickets/", follow=True)

    assert response.request["PATH_INFO"] == LOGIN
    assert "signed out because nothing was done for 30 minutes" in response.content.decode()
    assert response.request["QUERY_STRING"] == "next=%2Ftickets%2F"


def test_session_ends_after_twelve_hours_however_busy(anna: User) -> None:
    client = client_of(anna)
    for minutes in range(0, 12 * 60, 25):
        with later(minutes):
            assert is_in(client)

    with later(12 * 60):
        response = client.get("/", follow=True)

    assert "as after every 12 hours" in response.content.decode()
    assert not is_in(client)


def test_page_that_asks_by_itself_keeps_no_session_alive(anna: User) -> None:
    client = client_of(anna)
    polled = {"HX-Request": "true"}

    for minutes in (10, 20, 29):
        with later(minutes):
            client.get("/tickets/readings/1/", headers=polled)
    with later(31):
        response = client.get("/tickets/readings/1/", headers=polled)

    assert response.status_code == 302


def test_every_address_that_templates_poll_is_known() -> None:
    polled = set()
    for path in (django_settings.BASE_DIR / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for tag in re.findall(r"<[^<]*hx-trigger=\"every[^>]*", text.replace("{% if", "").replace("\n", " ")):
            polled |= set(re.findall(r"hx-get=\"{% url \"([\w:]+)\"", tag))

    assert polled == POLLED


def test_post_after_the_end_is_not_carried_out(anna: User) -> None:
    client = client_of(anna)

    with later(31):
        response = client.post("/filters/save/", {"page": "reports:report", "name": "x", "query": ""})

    assert (response.status_code, response["Location"]) == (302, f"{LOGIN}?next=/filters/save/")


def test_activity_is_written_down_once_a_minute(anna: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = client_of(anna)
    session = UserSession.objects.get()

    with later(0.9):
        is_in(client)
    unchanged = UserSession.objects.get().last_seen_at
    with later(1.1):
        is_in(client)

    assert unchanged == session.last_seen_at
    assert UserSession.objects.get().last_seen_at == NOW + timedelta(minutes=1.1)


def test_session_that_says_no_times_is_over(anna: User) -> None:
    client = client_of(anna)
    session = client.session
    del session["signed_in_at"]
    session.save()

    assert not is_in(client)


def test_new_password_ends_all_other_sessions(anna: User) -> None:
    client, other = client_of(anna), client_of(anna)
    new = "battery staple horse"

    client.post("/accounts/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert (is_in(client), is_in(other)) == (True, False)
    assert [row.session_key for row in live_sessions(anna, now=NOW)] == [client.session.session_key]


def test_password_that_an_administrator_sets_ends_all_sessions(anna: User) -> None:
    client = client_of(anna)
    new = {"password1": "battery staple horse", "password2": "battery staple horse", "usable_password": "true"}

    admin = signed_in(account("dora", ADMINISTRATOR, is_staff=True))
    response = admin.post(f"/admin/auth/user/{anna.pk}/password/", new)

    assert response.status_code == 302
    assert not UserSession.objects.filter(user=anna).exists()
    assert not is_in(client)


def switch(admin: Client, user: User, *, active: bool) -> None:
    fields = {"username": user.username, "first_name": "", "last_name": "", "email": "", "groups": []}
    response = admin.post(f"/admin/auth/user/{user.pk}/change/", fields | ({"is_active": "on"} if active else {}))
    assert response.status_code == 302


def test_account_that_is_switched_off_has_no_session_also_when_it_is_switched_on_again(anna: User) -> None:
    listed, unlisted = client_of(anna), signed_in(anna)
    admin = signed_in(account("dora", ADMINISTRATOR, is_staff=True))

    switch(admin, anna, active=False)
    off = (is_in(listed), is_in(unlisted))
    switch(admin, anna, active=True)

    assert off == (False, False)
    assert (is_in(listed), is_in(unlisted)) == (False, False)


def test_user_sees_and_ends_own_sessions(anna: User) -> None:
    client, phone, tablet = (client_of(anna, agent=agent) for agent in ("Desktop", "<b>Phone</b>", "Tablet"))

    html = client.get("/accounts/sessions/").content.decode()
    of_phone = UserSession.objects.get(user_agent="<b>Phone</b>")
    client.post("/accounts/sessions/", {"session": of_phone.pk})
    after_one = (is_in(client), is_in(phone), is_in(tablet))
    client.post("/accounts/sessions/")

    assert "&lt;b&gt;Phone&lt;/b&gt;" in html
    assert html.count("this one") == 1
    assert after_one == (True, False, True)
    assert (is_in(client), is_in(tablet)) == (True, False)


def test_button_ends_its_session_also_when_there_were_thousands_before(anna: User) -> None:
    client, phone = client_of(anna), client_of(anna, agent="Phone")
    UserSession.objects.filter(user_agent="Phone").update(id=1_234_567)

    html = client.get("/accounts/sessions/").content.decode()
    (chosen,) = re.findall(r'name="session"\s+value="([^"]+)"', html)
    client.post("/accounts/sessions/", {"session": chosen})

    assert not is_in(phone)


@pytest.mark.parametrize("chosen", ["x", "-1", "0", "9" * 30])
def test_unreadable_choice_ends_nothing(anna: User, chosen: str) -> None:
    client, other = client_of(anna), client_of(anna)

    html = client.post("/accounts/sessions/", {"session": chosen}, follow=True).content.decode()

    assert "0 sessions were ended." in html
    assert is_in(other)


def test_nobody_ends_sessions_of_others(anna: User) -> None:
    client = client_of(anna)
    stranger = client_of(account("bernd", ACCOUNT_MANAGER))

    stranger.post("/accounts/sessions/", {"session": UserSession.objects.get(user=anna).pk})
    stranger.post("/accounts/sessions/")

    assert is_in(client)
    assert "127.0.0.1" in stranger.get("/accounts/sessions/").content.decode()


def test_administrator_sees_and_ends_sessions_of_others(anna: User) -> None:
    client = client_of(anna, agent="Her browser")
    admin = signed_in(account("dora", ADMINISTRATOR, is_staff=True))
    page = f"/admin/auth/user/{anna.pk}/sign-in/"

    html = admin.get(page).content.decode()
    admin.post(page, {"action": "sessions"})

    assert "Her browser" in html
    assert not is_in(client)
    assert LogEntry.objects.get().change_message == "dora has ended 1 session of anna."
    assert "not signed in anywhere" in admin.get(page).content.decode()


def test_list_takes_the_same_queries_for_one_and_three_sessions(
    anna: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(anna)
    client.get("/accounts/sessions/")

    with django_assert_num_queries(QUERIES_OF_THE_LIST):
        client.get("/accounts/sessions/")
    client_of(anna)
    client_of(anna)
    with django_assert_num_queries(QUERIES_OF_THE_LIST):
        client.get("/accounts/sessions/")


QUERIES_OF_THE_LIST = 7


def test_what_is_left_of_ended_sessions_is_forgotten(anna: User) -> None:
    client_of(anna)
    with later(60 * 13):
        client = client_of(anna)
        forget_ended_sessions(now=timezone.now())

        assert [row.session_key for row in Session.objects.all()] == [client.session.session_key]
        assert [row.session_key for row in UserSession.objects.all()] == [client.session.session_key]


def test_session_has_another_key_after_the_password_and_again_after_the_code(anna: User) -> None:
    with_second_factor(anna)
    client = Client()
    client.cookies["sessionid"] = "fixed-by-somebody"

    client.post(LOGIN, {"login": "anna", "password": PASSWORD})
    halfway = client.cookies["sessionid"].value
    client.post(CODE, {"code": code_at()})

    assert len({"fixed-by-somebody", halfway, client.cookies["sessionid"].value}) == 3
    assert not Session.objects.filter(session_key__in=["fixed-by-somebody", halfway]).exists()


@pytest.mark.parametrize(
    ("path", "role"), [("/orders/runs/", BILLING), ("/health/", ADMINISTRATOR), ("/registration/own/", ADMINISTRATOR)]
)
def test_role_that_is_taken_away_counts_from_the_next_request(anna: User, path: str, role: str) -> None:
    group = Group.objects.get(name=role)
    anna.groups.add(group)
    client = signed_in(anna)
    assert client.get(path).status_code == 200

    anna.groups.remove(group)

    assert client.get(path).status_code in (403, 404)


def test_set_up_that_is_taken_away_counts_from_the_next_request(now: None) -> None:
    user = account("dora", ADMINISTRATOR, is_staff=True)
    client = signed_in(user)
    assert client.get("/admin/").status_code == 200

    User.objects.filter(pk=user.pk).update(is_staff=False)

    assert client.get("/admin/", follow=True).status_code == 403


def test_ending_sessions_of_one_user_leaves_the_others_alone(anna: User) -> None:
    client = client_of(account("bernd", ACCOUNT_MANAGER))
    client_of(anna)

    assert end_sessions(anna) == 1
    assert end_sessions(anna) == 0
    assert is_in(client)

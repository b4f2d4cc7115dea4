import pytest
from django.contrib.auth.models import User
from django.test import Client

from portal.languages import language_of
from portal.models import UserLanguage

pytestmark = pytest.mark.django_db


@pytest.fixture
def anna(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("anna")


def test_language_that_a_person_chooses_is_kept_for_mails(anna: User, client: Client) -> None:
    client.force_login(anna)
    assert language_of(anna) == "en"

    for language in ("en", "de"):
        response = client.post("/language/", {"language": language, "next": "/orders/"})

    assert (response.status_code, language_of(anna)) == (302, "de")
    assert str(UserLanguage.objects.get()) == "de"


@pytest.mark.parametrize("language", ["", "fr", "de" * 400, "\0"])
def test_language_that_the_portal_does_not_speak_is_not_kept(anna: User, client: Client, language: str) -> None:
    client.force_login(anna)

    assert client.post("/language/", {"language": language}).status_code == 302
    assert UserLanguage.objects.count() == 0


def test_visitor_changes_the_language_of_the_pages_only(client: Client) -> None:
    client.post("/language/", {"language": "de"})

    assert UserLanguage.objects.count() == 0


def test_asking_without_a_choice_keeps_nothing(anna: User, client: Client) -> None:
    client.force_login(anna)

    client.get("/language/")

    assert UserLanguage.objects.count() == 0

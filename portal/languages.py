"""The language of a person: chosen on a page, and kept for the mails."""

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser

from portal.models import UserLanguage


def keep_language(user: AbstractBaseUser, language: str) -> None:
    """Remember what the user has chosen; what the portal does not speak is passed over."""
    if language in dict(settings.LANGUAGES):
        UserLanguage.objects.update_or_create(user_id=user.pk, defaults={"language": language})


def language_of(user: AbstractBaseUser) -> str:
    """What the user has chosen last, else that of the portal."""
    chosen = UserLanguage.objects.filter(user_id=user.pk).first()
    return chosen.language if chosen else settings.LANGUAGE_CODE

"""Before the portal serves: its folders, the newest database tables, the cache table and the static files."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command


def prepare() -> None:
    """Bring everything up to date; done again it changes nothing. Raises ``OSError`` where it may not write."""
    for folder in _folders():
        folder.mkdir(parents=True, exist_ok=True)
    call_command("migrate", interactive=False, verbosity=0)
    call_command("createcachetable", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def _folders() -> list[Path]:
    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    names = ("data_folder_in", "data_folder_out", "control_folder")
    return [settings.VAR_DIR, *(Path(str(options[name])) for name in names if name in options)]

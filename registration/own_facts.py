"""What this portal tells of itself: versions, operating system, database and name; nothing of its data."""

import platform
import socket
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

DATABASES = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}


def system_facts() -> dict[str, str]:
    """The facts by the names that the wire has for them; no name server is asked."""
    return {
        "FQDN": urlsplit(settings.PORTAL_URL).hostname or socket.gethostname(),
        "OTRSVersion": f"Billing portal {settings.VERSION}",
        "PythonVersion": platform.python_version(),
        "OSType": platform.system(),
        "OSVersion": _os_version(),
        "DatabaseVersion": _database_version(),
    }


def _os_version() -> str:
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.release()
    return f"{release['ID']} {release.get('VERSION_ID', '')}".strip()


def _database_version() -> str:
    name = DATABASES.get(connection.vendor, connection.vendor)
    return f"{name} {'.'.join(map(str, connection.get_database_version()))}"

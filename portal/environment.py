"""First start: ``python -m portal.environment`` makes ``var/`` and writes ``.env`` with new keys.

Runs before Django, whose settings need the keys. An existing ``.env`` is never changed.
"""

import os
import secrets
import sys
from pathlib import Path

from cryptography.fernet import Fernet

REQUIRED = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS")
TEMPLATE = """\
# Made at the first start on this machine; .env.example lists every setting.
# Keep this file: without FIELD_ENCRYPTION_KEYS the stored passwords of the ticket systems cannot be read.
SECRET_KEY={secret_key}
FIELD_ENCRYPTION_KEYS={encryption_key}
# Plain HTTP is for this machine only; behind a TLS proxy set HTTPS=on and BEHIND_TLS_PROXY=on.
HTTPS=off
# Ticket systems that the portal may talk to: here the invented one. Add yours, such as https://help.example.org
TICKET_SYSTEM_HOSTS=http://127.0.0.1:*
"""


def write_environment(folder: Path) -> bool:
    """Write ``.env`` (mode 0600) into ``folder`` unless there is one; returns whether it was written.

    Raises ``OSError`` where the folder cannot be written.
    """
    (folder / "var").mkdir(exist_ok=True)
    path = folder / ".env"
    text = TEMPLATE.format(secret_key=secrets.token_urlsafe(50), encryption_key=Fernet.generate_key().decode())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return True


def missing_names(folder: Path) -> list[str]:
    """Required settings that stand neither in the environment nor in ``.env``."""
    lines = (folder / ".env").read_text(encoding="utf-8").splitlines()
    given = {line.removeprefix("export ").partition("=")[0].strip() for line in lines}
    return [name for name in REQUIRED if name not in given and not os.environ.get(name)]


def main(folder: Path) -> int:
    """Returns the exit code: 0 ready, 1 with a sentence on stderr that says what to do."""
    try:
        written, missing = write_environment(folder), missing_names(folder)
    except OSError as error:
        sys.stderr.write(f"Cannot set up {folder}: {error.strerror}. Copy the project to a folder of your own.\n")
        return 1
    if missing:
        sys.stderr.write(f"{folder / '.env'} lacks {' and '.join(missing)}; .env.example shows how to make them.\n")
        return 1
    if written:
        sys.stdout.write("Wrote .env with new keys.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent))

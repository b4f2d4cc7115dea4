#!/usr/bin/env python
"""Entry point of all commands; ``manage.py help`` lists them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError


def main() -> int | str:
    """The exit code, or the sentence to end with where the installation itself is not ready."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        return f"{error}. `make run` writes a first .env; docs/operations.md lists the settings."
    except (OperationalError, ProgrammingError) as error:
        if "no such table" in str(error) or "does not exist" in str(error):
            return "The database has no or old tables. Bring it up to date first: manage.py migrate"
        if "unable to open database file" in str(error):
            return "The database file cannot be opened: make the folder that VAR_DIR names, then run manage.py migrate."
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What the commands of all apps share: exit codes, reading a month, one JSON document on stdout."""

import json

from django.core.management.base import CommandError, CommandParser

from common.months import Month

NOT_DONE, WRONG_USE = 1, 2  # exit codes: partly or not done; nothing was started


def read_month(text: str) -> Month:
    """The month of ``YYYY-MM``; anything else ends the command as wrong use."""
    try:
        return Month.parse(text)
    except ValueError as error:
        raise CommandError(str(error), returncode=WRONG_USE) from error


def add_json_option(parser: CommandParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else on stdout")


def json_text(document: object) -> str:
    """For people and scripts alike: indented, letters as they are."""
    return json.dumps(document, ensure_ascii=False, indent=2)

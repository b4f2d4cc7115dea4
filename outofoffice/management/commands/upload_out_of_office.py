"""``manage.py upload_out_of_office``: a file checked and sent in this process."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _

from common.commandline import NOT_DONE, WRONG_USE, add_json_option, json_text
from common.csvfiles import UnreadableCsv
from common.jobs import LeaseLost
from common.progress import ProgressBar
from outofoffice.checks import CheckedFile, check_file
from outofoffice.dialect import check_size
from outofoffice.documents import checked_document, upload_document
from outofoffice.models import Upload
from outofoffice.sending import SendingBusy, run_sending
from outofoffice.uploads import NotPossible, confirm, same_content, upload_file
from tickets.models import TicketSystem


class Command(BaseCommand):
    help = (
        "Check a CSV file of absences and send it to a ticket system. A file with a bad row is not sent, unless "
        "--good-rows says so. Example: manage.py upload_out_of_office absences.csv --system Helpdesk --dry-run"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the CSV file")
        parser.add_argument("--system", metavar="S", required=True, help="name of the ticket system")
        parser.add_argument("--dry-run", action="store_true", help="check only; nothing is kept and nothing is sent")
        parser.add_argument("--good-rows", action="store_true", help="send the good rows although others are bad")
        add_json_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Exit code 0: every row was good and, without ``--dry-run``, sent; 1: not or partly; 2: wrong use."""
        path, system = Path(options["file"]), _system(options["system"])
        data = _read(path)
        checked = check_file(system=system, data=data, now=timezone.now())
        document = checked_document(checked)
        is_clean = not checked.faults and checked.good == len(checked.rows)
        may_send = not options["dry_run"] and (is_clean or (options["good_rows"] and checked.good > 0))
        if may_send:
            upload = self._send(system, path, data)
            document = upload_document(upload)
            is_clean = is_clean and document["complete"]
        if options["json"]:
            self.stdout.write(json_text(document | {"dry_run": options["dry_run"], "sent": may_send}))
        else:
            self._print(document)
        self._complain(checked, may_send=may_send, dry_run=options["dry_run"])
        if not is_clean:
            sys.exit(NOT_DONE)

    def _send(self, system: TicketSystem, path: Path, data: bytes) -> Upload:
        upload = upload_file(system=system, data=data, file_name=path.name, now=timezone.now())
        if earlier := same_content(upload):
            words = {"time": f"{timezone.localtime(earlier.uploaded_at):%Y-%m-%d %H:%M}"}
            self.stderr.write(_("The very same file was sent before, on %(time)s; it is sent again.") % words)
        try:
            sending = confirm(upload=upload, seen=upload.fingerprint, now=timezone.now())
            with ProgressBar(sys.stderr) as bar:
                run_sending(sending, on_progress=bar)
        except SendingBusy as busy:
            text = _("%(reason)s The worker sends it in its turn.") % {"reason": busy}
            raise CommandError(text, returncode=NOT_DONE) from busy
        except (NotPossible, LeaseLost) as error:
            raise CommandError(str(error), returncode=NOT_DONE) from error
        except KeyboardInterrupt:
            text = _("Interrupted. What was sent stays; the upload's page sends the rest again.")
            raise CommandError(text, returncode=NOT_DONE) from None
        return upload

    def _print(self, document: dict[str, Any]) -> None:
        for row in document["rows"]:
            absence = f"{row['user']} {row['start']} – {row['end']}" if row["user"] else ""
            parts = [f"{row['line']:>5}", row["effect"], absence, row["outcome"], *row["notes"]]
            self.stdout.write("  ".join(part for part in parts if part))
        self.stdout.write(", ".join(f"{effect}: {count}" for effect, count in document["counts"].items()))

    def _complain(self, checked: CheckedFile, *, may_send: bool, dry_run: bool) -> None:
        for fault in checked.faults:
            self.stderr.write(str(fault))
        for row in checked.rows:
            for each in row.faults:
                where = f"{row.source.line} {each.column}".rstrip()
                self.stderr.write(_("Line %(where)s: %(text)s") % {"where": where, "text": each.text})
        if not may_send and not dry_run:
            self.stderr.write(_("Nothing was sent. Correct the file, or send the good rows with --good-rows."))


def _system(name: str) -> TicketSystem:
    found = TicketSystem.objects.filter(name=name, active=True).first()
    if found is None:
        names = ", ".join(TicketSystem.objects.filter(active=True).values_list("name", flat=True))
        text = _("There is no active ticket system “%(name)s”. There is: %(names)s.") % {"name": name, "names": names}
        raise CommandError(text, returncode=WRONG_USE)
    return found


def _read(path: Path) -> bytes:
    """The file's bytes; one that is too large is refused by its size, before any of it is read."""
    try:
        if not path.is_file():
            raise CommandError(_("“%(path)s” is not a file.") % {"path": path}, returncode=WRONG_USE)
        check_size(path.stat().st_size)
        return path.read_bytes()
    except UnreadableCsv as error:
        raise CommandError(str(error), returncode=NOT_DONE) from error
    except OSError as error:
        text = _("“%(path)s” cannot be read: %(reason)s.") % {"path": path, "reason": error.strerror}
        raise CommandError(text, returncode=WRONG_USE) from error

"""The programs that make up the portal on one machine, and how they are started."""

import socket
import sys

from django.utils.translation import gettext as _

from portal.supervisor import Program

GUNICORN = ("--worker-class", "gthread", "--workers", "2", "--threads", "4", "--log-level", "warning")
CELERY = ("--beat", "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle")


class PortTaken(Exception):
    """Something else listens on the port, or it may not be used; the text says what to do."""


def check_port(host: str, port: int) -> None:
    """Raise ``PortTaken`` unless a server could listen there now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            text = _(
                "Cannot listen on %(host)s:%(port)d: %(why)s. Stop what uses it, or choose another: --port %(next)d"
            )
            values = {"host": host, "port": port, "why": error.strerror, "next": port + 1}
            raise PortTaken(text % values) from error


def address(host: str, port: int) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def programs(*, host: str, port: int) -> list[Program]:
    """The web server, without which all ends, and the worker with the scheduler, which is started again."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    web = [
        sys.executable,
        "-m",
        "gunicorn",
        "portal.wsgi:application",
        "--bind",
        bind,
        "--no-control-socket",
        *GUNICORN,
    ]
    worker = [sys.executable, "-m", "celery", "--quiet", "-A", "portal.celery", "worker", *CELERY]
    return [Program("web server", web), Program("worker", worker, restart=True)]

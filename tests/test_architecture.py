from pathlib import Path

import pytest

from tests.architecture import read_sources, violations

ROOT = Path(__file__).resolve().parent.parent


def test_product_keeps_the_rules_of_the_house() -> None:
    assert violations(read_sources(ROOT)) == []


def test_every_package_of_the_house_is_read() -> None:
    apps = {name.partition(".")[0] for name in read_sources(ROOT)}

    assert apps == {
        "audit",
        "billing",
        "common",
        "generic_interface",
        "outofoffice",
        "portal",
        "registration",
        "tickets",
    }


@pytest.mark.parametrize(
    ("name", "source", "sentence"),
    [
        (
            "tickets.sync",
            "from billing.models import Order",
            "tickets.sync: tickets may not import billing.models.Order",
        ),
        ("common.money", "import tickets.models", "common.money: common may not import tickets.models"),
        ("common.money", "import generic_interface", "common.money: common may not import generic_interface"),
        (
            "registration.client",
            "import generic_interface.client",
            "registration.client: registration may not import generic_interface.client",
        ),
        ("billing.runs", "import outofoffice.models", "billing.runs: billing may not import outofoffice.models"),
        ("portal.demo", "from tests import factories", "portal.demo: portal may not import tests.factories"),
        ("tickets.sync", "from .models import Ticket", "tickets.sync: relative import .models"),
        ("generic_interface.a", "import django.db", "generic_interface.a: the client library may not import django.db"),
        ("billing.a", "import requests", "billing.a: reaches the network past its client with requests"),
        (
            "billing.a",
            "from urllib.request import urlopen",
            "billing.a: reaches the network past its client with urllib.request.urlopen",
        ),
        (
            "billing.views",
            "from billing.kivitendo import write",
            "billing.views: kivitendo is known to billing.files and billing.handover only",
        ),
        (
            "billing.views",
            "import psycopg",
            "billing.views: reaches a database past billing.kivitendo_database with psycopg",
        ),
        (
            "tickets.sync",
            "from generic_interface.simulator.data import build",
            "tickets.sync: the simulator is for the demo and for tests",
        ),
        ("billing.a", "def f():\n    import json", "billing.a:1: import inside a function"),
        ("billing.a", "try:\n    pass\nexcept Exception:\n    pass", "billing.a:3: broad except"),
        ("billing.a", "try:\n    pass\nexcept (OSError, BaseException):\n    pass", "billing.a:3: broad except"),
        ("billing.a", "try:\n    pass\nexcept:\n    pass", "billing.a:3: broad except"),
        ("billing.a", "print(1)", "billing.a:1: print outside a command"),
        ("billing.views", "Order.objects.filter(pk=1)", "billing.views:1: Order.objects without visible_to"),
        ("generic_interface.client", "def ask(): ...", "generic_interface.client:1: ask has no docstring"),
    ],
)
def test_fault_is_named(name: str, source: str, sentence: str) -> None:
    assert violations({name: source}) == [sentence]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("portal.management.commands.demo", "import generic_interface.simulator\nprint(1)"),
        ("billing.views", "Order.objects.visible_to(user).filter(pk=1)"),
        ("generic_interface.client", 'import json, requests\nclass _Inner: ...\ndef ask():\n    """Asks."""'),
        ("registration.client_transport", "import http.client"),
        ("registration.client_transport", "from generic_interface.addresses import look_up"),
        ("billing.files", "from billing.kivitendo import write"),
        ("billing.runs", "from generic_interface.client import Client"),
        ("billing.a", "try:\n    pass\nexcept (OSError, ValueError):\n    pass"),
    ],
)
def test_what_is_allowed_passes(name: str, source: str) -> None:
    assert violations({name: source}) == []


def test_low_module_importing_a_higher_one_is_named() -> None:
    sources = {
        "billing.models": "from billing.views import page",
        "billing.views": "",
        "billing.tasks": "from billing.runs import run",
        "billing.runs": "from billing.models import Order",
    }

    assert violations(sources) == ["billing.models: imports billing.views, which ranks above it"]


def test_helper_that_touches_models_ranks_with_the_queries() -> None:
    sources = {
        "billing.models": "from billing.texts import short\nfrom billing.claims import taken",
        "billing.texts": "",
        "billing.claims": "import billing.models",
        "billing.queries": "from billing.claims import taken",
    }

    assert violations(sources) == [
        "billing.models: imports billing.claims, which ranks above it",
        "circle of imports: billing.claims -> billing.models -> billing.claims",
    ]


def test_queries_know_nothing_of_services() -> None:
    sources = {"billing.queries": "from billing.ledger import write", "billing.ledger": ""}

    assert violations(sources) == ["billing.queries: imports billing.ledger, which ranks above it"]


def test_circle_is_named_once() -> None:
    sources = {"billing.a": "import billing.b", "billing.b": "import billing.c", "billing.c": "import billing.a"}

    assert violations(sources) == ["circle of imports: billing.a -> billing.b -> billing.c -> billing.a"]

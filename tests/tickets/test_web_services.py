"""The definition that is imported into the ticket system: as a real one took it, and as the client asks."""

from pathlib import Path

import pytest
import yaml

from generic_interface.routes import OPERATIONS, PRESETS
from generic_interface.simulator.routes import SERVICES
from tests.commands import run_command
from tests.factories.tickets import TicketSystemFactory
from tickets.web_services import Offer, Transport, web_service_definition

DOCUMENTED = Path(__file__).parents[2] / "docs" / "BillingPortal.yml"


def test_rest_definition_is_the_one_that_a_real_system_took() -> None:
    assert web_service_definition() == DOCUMENTED.read_text(encoding="utf-8")


def test_each_operation_has_the_route_that_the_client_asks() -> None:
    transport = yaml.safe_load(web_service_definition())["Provider"]["Transport"]["Config"]

    routes = {
        name: (*route["RequestMethod"], route["Route"]) for name, route in transport["RouteOperationMapping"].items()
    }

    asked = {name: (route.method, route.path) for name, route in PRESETS["billing_portal"].items()}
    assert asked.keys() >= set(OPERATIONS)
    assert asked.items() <= routes.items()


def test_simulator_offers_what_the_definition_says() -> None:
    config = yaml.safe_load(web_service_definition())["Provider"]["Transport"]["Config"]
    [simulated] = [service for service in SERVICES if service.name == "BillingPortal"]

    defined = {("POST", route["Route"], name) for name, route in config["RouteOperationMapping"].items()}

    assert {route for route in simulated.routes if route[0] == "POST"} <= defined
    assert (simulated.keep_alive, str(simulated.max_length)) == (config["KeepAlive"] == "1", config["MaxLength"])


def test_plain_otrs_gets_no_operation_of_znuny() -> None:
    for transport in Transport:
        provider = yaml.safe_load(web_service_definition(transport=transport, offer=Offer.OTRS))["Provider"]

        assert "TicketHistoryGet" in provider["Operation"]
        assert not {"TimeAccountingGet", "OutOfOffice"} & provider["Operation"].keys()


def test_soap_definition_names_its_operations_as_the_rest_one() -> None:
    rest, soap = (yaml.safe_load(web_service_definition(transport=transport)) for transport in Transport)

    assert soap["Provider"]["Operation"] == rest["Provider"]["Operation"]
    assert soap["Provider"]["Transport"]["Type"] == "HTTP::SOAP"
    assert {rest["Debugger"]["DebugThreshold"], soap["Debugger"]["DebugThreshold"]} == {"error"}


@pytest.mark.django_db
def test_definition_is_printed_or_written(tmp_path: Path) -> None:
    system = TicketSystemFactory()

    printed = run_command("web_service_definition", "--system", system.name)
    written = run_command(
        "web_service_definition", "--system", system.name, "--transport", "soap", "--output", str(tmp_path)
    )

    assert printed == (0, web_service_definition(), "")
    assert written[0] == 0
    assert (tmp_path / "BillingPortalSOAP.yml").read_text() == web_service_definition(transport=Transport.SOAP)


@pytest.mark.django_db
def test_definition_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    system = TicketSystemFactory()

    code, out, said = run_command("web_service_definition", "--system", system.name, "--output", str(tmp_path / "no"))

    assert (code, out) == (1, "")
    assert said.endswith("BillingPortal.yml could not be written: No such file or directory")


@pytest.mark.django_db
def test_definition_for_an_unknown_system_is_wrong_use() -> None:
    assert run_command("web_service_definition", "--system", "X") == (
        2,
        "",
        "There is no ticket system “X”. See manage.py ticket_system list.",
    )

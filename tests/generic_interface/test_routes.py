import pytest

from generic_interface.errors import WrongRequest
from generic_interface.routes import OPERATIONS, PRESETS, Route, interface_url, parse_route, routes_for
from tests.generic_interface.conftest import make_connection


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_has_a_route_for_every_operation(preset: str) -> None:
    assert set(PRESETS[preset]) == set(OPERATIONS)


def test_billing_portal_posts_every_operation_to_its_own_name() -> None:
    routes = routes_for(make_connection())

    assert routes == {name: Route("POST", "BillingPortal", f"/{name}") for name in OPERATIONS}


def test_override_replaces_one_route_of_the_preset() -> None:
    routes = routes_for(make_connection(preset="otrs6_sample", routes={"TicketSearch": "POST My Portal /Search"}))

    assert routes["TicketSearch"] == Route("POST", "My Portal", "/Search")
    assert routes["TicketGet"] == Route("GET", "GenericTicketConnectorREST", "/Ticket/:TicketID")


@pytest.mark.parametrize(
    "text",
    ["", "POST BillingPortal", "POST /TicketGet", "PUT BillingPortal /TicketGet", "post BillingPortal /TicketGet",
     "POST BillingPortal /Ticket?UserLogin=x", "POST BillingPortal TicketGet", "POST BillingPortal /a b",
     "POST  BillingPortal /a\n"],
)  # fmt: skip
def test_malformed_route_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(WrongRequest, match="must look like “POST BillingPortal /TicketGet”"):
        parse_route("TicketGet", text)


def test_route_of_an_unknown_operation_is_refused() -> None:
    with pytest.raises(WrongRequest, match="no operation “TicketDelete”"):
        parse_route("TicketDelete", "POST BillingPortal /TicketDelete")


def test_unknown_preset_is_refused_with_the_known_ones() -> None:
    with pytest.raises(WrongRequest, match="billing_portal, otrs6_sample, znuny_sample"):
        routes_for(make_connection(preset="otrs5"))


def test_placeholders_are_filled_and_leave_the_parameters() -> None:
    route = Route("GET", "Größe/1", "/Ticket/:TicketID")

    assert route.fill({"TicketID": "1,2", "Extended": 1}) == (
        "/Webservice/Gr%C3%B6%C3%9Fe%2F1/Ticket/1,2",
        {"Extended": 1},
    )


def test_placeholder_value_cannot_leave_its_place_in_the_path() -> None:
    assert (
        Route("GET", "S", "/T/:TicketID").fill({"TicketID": "1/../2?x=#"})[0] == "/Webservice/S/T/1%2F..%2F2%3Fx%3D%23"
    )


def test_placeholder_without_parameter_is_refused() -> None:
    with pytest.raises(WrongRequest, match="needs Password"):
        Route("POST", "S", "/Login/:Password").fill({"TicketID": "1"})


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://help.example.org/otrs", "https://help.example.org/otrs/nph-genericinterface.pl"),
        ("http://[::1]:8080/znuny/", "http://[::1]:8080/znuny/nph-genericinterface.pl"),
    ],
)
def test_interface_url_is_below_the_base(base: str, url: str) -> None:
    assert interface_url(base) == url


@pytest.mark.parametrize(
    ("base", "why"),
    [
        ("", "must look like"),
        ("help.example.org/otrs", "must look like"),
        ("ftp://help.example.org/otrs", "must look like"),
        ("https:///otrs", "must look like"),
        ("https://help.example.org:port/otrs", "must look like"),
        ("https://[::1/otrs", "must look like"),
        ("https://help.example.org/otrs?x=1", "must look like"),
        ("https://help.example.org/otrs#x", "must look like"),
        ("https://help.example.org/ot rs", "must look like"),
        ("https://portal:geheim@help.example.org/otrs", "must not contain a login"),
        ("https://help.example.org/otrs/nph-genericinterface.pl", "ends before"),
    ],
)
def test_interface_url_refuses_what_is_no_base_and_shows_no_secret(base: str, why: str) -> None:
    with pytest.raises(WrongRequest, match=why) as caught:
        interface_url(base)

    assert "geheim" not in str(caught.value)

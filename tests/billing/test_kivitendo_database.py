"""Reading kivitendo: from a real PostgreSQL, and what is said where there is none to read from."""

import runpy
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import pytest
from django.core.checks import Error
from pytest_django import Settings

from billing import kivitendo_database
from billing.checks import check_kivitendo
from billing.kivitendo_database import (
    ArticleRecord,
    BadAnswer,
    ContactRecord,
    CustomerRecord,
    KivitendoError,
    NotConfigured,
    NotReadable,
    OrderRecord,
    TooSlow,
    UnitRecord,
    Unreachable,
    WriteRefused,
    WrongSettings,
    connected,
    read_content,
    read_orders,
    settings_fault,
)
from tests.billing.erp import CLASSIC, V40, V41, Erp, kivitendo

MUELLER = CustomerRecord("11", "K1001", 'Müller & Söhne "GmbH"', "70173", "Stuttgart", False, False)
SECRET = "s3cret-word"


@pytest.fixture(params=[V41, V40])
def erp(request: pytest.FixtureRequest, db: None) -> Iterator[Erp]:
    """kivitendo of either release with the portal's views."""
    with kivitendo(request.param) as erp:
        erp.views(request.param)
        yield erp


@pytest.fixture
def bare(db: None) -> Iterator[Erp]:
    """kivitendo 4.0 without any view, and an account that may read nothing."""
    with kivitendo(V40) as erp:
        yield erp


@pytest.mark.postgresql
def test_content_is_read_by_the_views_of_either_release(erp: Erp) -> None:
    content = read_content(erp.address)

    assert content.customers_source == "portal_customers"
    assert sorted(content.customers, key=lambda row: row.identity)[:3] == [
        MUELLER,
        CustomerRecord("12", "K1002", "Ohne Kontakt", "", "", False, True),
        CustomerRecord("13", "K1005", "Altkunde", "20095", "Hamburg", True, False),
    ]
    assert [row.number for row in content.customers].count("K1006") == 2
    contacts = sorted(content.contacts, key=lambda row: row.identity)
    assert contacts[:2] == [
        ContactRecord("11/21", "11", "Dr. Şebnem Öztürk", "o@mueller.example", "0711 1", True),
        ContactRecord("13/23", "13", "Alt", "a@alt.example", "0171", False),
    ]
    assert len(contacts) == 4
    assert (content.articles_source, content.units_source) == ("portal_services", "portal_units")
    assert sorted(content.articles, key=lambda row: row.identity) == [
        ArticleRecord("1", "SUP-STD", "Stundensatz", "Std", False),
        ArticleRecord("2", "ALT-STD", "", "Std", True),
    ]
    assert {(row.name, row.base) for row in content.units} == {
        ("min", ""),
        ("Std", "min"),
        ("Tag", "Std"),
        ("psch", ""),
    }


@pytest.mark.postgresql
def test_orders_are_found_by_their_exact_number(erp: Erp) -> None:
    erp.run(
        "INSERT INTO oe (id, ordnumber, record_type, customer_id, netamount) VALUES"
        " (1, 'TK-1', 'sales_order', 11, 190), (2, 'TK-1', 'sales_order_intake', 12, NULL),"
        " (3, 'TK-2', 'sales_quotation', 11, 5), (4, 'tk-1', 'sales_order', 11, 5), (5, NULL, 'sales_order', 11, 5),"
        " (6, 'TK-3', 'sales_order', 11, 'NaN')"
    )
    found = read_orders(erp.address, ["TK-1", "TK-2", "TK-3", "'; DROP TABLE oe; --"])

    assert found == [
        OrderRecord(1, "TK-1", "K1001", Decimal("190.00000")),
        OrderRecord(2, "TK-1", "K1002", None),
        OrderRecord(6, "TK-3", "K1001", None),
    ]


@pytest.mark.postgresql
def test_classic_view_alone_gives_customers_with_a_contact(bare: Erp) -> None:
    bare.run(CLASSIC)
    bare.grant("otrs_customer_contacts")

    content = read_content(bare.address)

    assert content.customers_source == content.contacts_source == "otrs_customer_contacts"
    assert sorted((row.number, row.city, row.obsolete) for row in content.customers) == [
        ("K1001", "Stuttgart", False),
        ("K1005", "Hamburg", True),
        ("K1006", "Berlin", False),
        ("K1006", "München", False),
    ]
    assert len({row.identity for row in content.customers}) == 4
    assert {row.customer for row in content.contacts} == {row.identity for row in content.customers}
    assert (content.articles_source, content.articles, content.units_source, content.units) == ("", [], "", [])
    with pytest.raises(NotReadable, match="can read none of these: portal_orders, oe"):
        read_orders(bare.address, ["TK-1"])


@pytest.mark.postgresql
def test_contacts_without_keys_are_left_out_beside_whole_customers(bare: Erp) -> None:
    bare.run(CLASSIC)
    bare.grant("otrs_customer_contacts", "customer")

    content = read_content(bare.address)

    assert (content.customers_source, len(content.customers)) == ("customer", 5)
    assert (content.contacts_source, content.contacts) == ("", [])


@pytest.mark.postgresql
def test_contacts_with_keys_suffice_for_customers(erp: Erp) -> None:
    erp.revoke("portal_customers")

    content = read_content(erp.address)

    assert content.customers_source == "otrs_customer_contacts"
    assert sorted(row.identity for row in content.customers) == ["11", "13", "14", "15"]
    assert MUELLER in content.customers


@pytest.mark.postgresql
def test_tables_stand_in_for_missing_views(bare: Erp) -> None:
    bare.grant("customer", "parts", "units", "oe")
    bare.run(
        "INSERT INTO oe (id, ordnumber, record_type, customer_id, netamount) VALUES (1, 'TK-1', 'sales_order', 11, 2)"
    )

    content = read_content(bare.address)

    sources = (content.customers_source, content.contacts_source, content.articles_source, content.units_source)
    assert sources == ("customer", "", "parts", "units")
    assert ArticleRecord("3", "KABEL", "Netzwerkkabel", "psch", False) in content.articles
    assert read_orders(bare.address, ["TK-1"]) == [OrderRecord(1, "TK-1", "K1001", Decimal(2))]


@pytest.mark.postgresql
def test_units_are_taken_from_the_services_where_nothing_lists_them(bare: Erp) -> None:
    bare.run(
        "CREATE VIEW portal_services AS SELECT p.id AS part_id, p.partnumber, p.description, p.unit, p.obsolete,"
        " u.base_unit, u.factor FROM parts p JOIN units u ON u.name = p.unit"
    )
    bare.grant("customer", "portal_services")

    content = read_content(bare.address)

    assert content.units_source == "portal_services"
    assert set(content.units) == {UnitRecord("Std", "min"), UnitRecord("min", ""), UnitRecord("psch", "")}


@pytest.mark.postgresql
def test_account_without_any_right_is_told_what_is_missing(bare: Erp) -> None:
    with pytest.raises(NotReadable, match="none of these: portal_customers, customer, otrs_customer_contacts"):
        read_content(bare.address)


@pytest.mark.postgresql
def test_view_that_lacks_columns_is_named_and_not_passed_over(bare: Erp) -> None:
    bare.run("CREATE VIEW portal_customers AS SELECT id AS customer_id, customernumber, name, city FROM customer")
    bare.grant("portal_customers", "customer")

    with pytest.raises(NotReadable) as refused:
        read_content(bare.address)

    assert "portal_customers.zipcode, portal_customers.obsolete, portal_customers.order_lock" in str(refused.value)


@pytest.mark.postgresql
def test_view_whose_rights_were_lost_beneath_is_told(erp: Erp) -> None:
    """A view runs with its owner's rights, and the owner may have lost them."""
    erp.run(f"ALTER VIEW portal_customers OWNER TO {erp.role}")

    with pytest.raises(NotReadable, match=r"may not read in kivitendo \(permission denied for table customer\)"):
        read_content(erp.address)


@pytest.mark.postgresql
def test_nothing_can_be_written_even_as_the_owner(erp: Erp) -> None:
    with pytest.raises(WriteRefused, match="only reads in kivitendo"), connected(erp.owner) as connection:
        connection.execute("UPDATE customer SET name = 'x'")

    with connected(erp.owner) as connection:
        assert connection.execute("SHOW default_transaction_read_only").fetchone() == ("on",)
        assert connection.execute("SHOW statement_timeout").fetchone() == ("20s",)
        assert connection.execute("SELECT count(*) FROM customer WHERE name = 'x'").fetchone() == (0,)


@pytest.mark.postgresql
def test_write_hidden_in_a_view_is_refused(bare: Erp) -> None:
    bare.run(
        "CREATE FUNCTION rename() RETURNS boolean LANGUAGE sql AS $$ UPDATE customer SET name = 'x' RETURNING false $$;"
        "CREATE VIEW portal_customers AS SELECT id AS customer_id, customernumber, name, zipcode, city,"
        " rename() AS obsolete, false AS order_lock FROM customer"
    )

    with pytest.raises(WriteRefused):
        read_content(bare.owner)


@pytest.mark.postgresql
def test_read_only_account_cannot_read_past_its_views(erp: Erp) -> None:
    with pytest.raises(NotReadable, match="permission denied"), connected(erp.address) as connection:
        connection.execute("SELECT * FROM customer")


@pytest.mark.postgresql
def test_statement_that_takes_too_long_is_ended(erp: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kivitendo_database, "SESSION", "SET statement_timeout = 50")

    with pytest.raises(TooSlow, match="took too long"), connected(erp.address) as connection:
        connection.execute("SELECT pg_sleep(5)")


@pytest.mark.postgresql
def test_upgrade_that_is_locking_a_table_is_not_waited_for(bare: Erp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kivitendo_database, "SESSION", "SET lock_timeout = 50")
    bare.run("BEGIN; LOCK TABLE customer")

    try:
        with pytest.raises(TooSlow):
            read_content(bare.owner)
    finally:
        bare.run("ROLLBACK")


@pytest.mark.postgresql
def test_session_that_is_ended_by_the_server_is_unreachable(erp: Erp) -> None:
    def ended_halfway() -> None:
        with connected(erp.address) as connection:
            erp.run(f"SELECT pg_terminate_backend({connection.info.backend_pid})")
            connection.execute("SELECT 1")

    with pytest.raises(Unreachable):
        ended_halfway()


@pytest.mark.postgresql
def test_view_that_fails_while_it_is_read_is_a_bad_answer(bare: Erp) -> None:
    bare.run(
        "CREATE VIEW portal_customers AS SELECT id AS customer_id, customernumber, name, zipcode, city,"
        " (1 / (id - id)) = 1 AS obsolete, false AS order_lock FROM customer"
    )

    with pytest.raises(BadAnswer, match="division by zero"):
        read_content(bare.owner)


@pytest.mark.postgresql
def test_missing_database_is_told(erp: Erp) -> None:
    address = erp.address.replace(f"/{erp.session.info.dbname}", "/there_is_none")

    with pytest.raises(Unreachable, match='database "there_is_none" does not exist'):
        read_content(address)


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "text", ['O\'Brien "x" \\ %s %(a)s', "=1+1", "<svg onload=x>", "a\r\nb\tc", "𝒳\u202e", "x" * 50_000]
)
def test_hostile_texts_come_as_they_are(bare: Erp, text: str) -> None:
    bare.session.execute("UPDATE customer SET customernumber = %s, name = %s WHERE id = 11", [text, text])
    bare.run(CLASSIC)
    bare.grant("customer")

    found = {row.identity: row for row in read_content(bare.address).customers}["11"]

    assert (found.number, found.name) == (text, text)


@pytest.mark.postgresql
def test_long_keys_of_the_classic_view_are_short_identities(bare: Erp) -> None:
    bare.run("UPDATE customer SET name = repeat('ü', 5000)")
    bare.run(CLASSIC)
    bare.grant("otrs_customer_contacts")

    content = read_content(bare.address)

    assert {len(row.identity) for row in content.customers} == {64}
    assert {len(row.identity) for row in content.contacts} == {64}
    assert {row.customer for row in content.contacts} == {row.identity for row in content.customers}


def test_nothing_is_asked_without_an_address() -> None:
    with pytest.raises(NotConfigured, match="KIVITENDO_DATABASE_URL is empty"):
        read_content("")


@pytest.mark.parametrize(
    "address",
    [
        f"mysql://portal:{SECRET}@127.0.0.1/erp",
        f"postgres://portal:{SECRET}@127.0.0.1:port/erp",
        f"postgres://portal:{SECRET}@127.0.0.1/erp?no_such_option=1",
        f"postgres://portal:{SECRET}%zz@127.0.0.1/erp",
        f"postgres://portal:a@{SECRET}@127.0.0.1/erp",
        f"postgres://portal:a@b:{SECRET}@127.0.0.1/erp",
        f"postgres://portal:1/{SECRET}@127.0.0.1/erp",
        f"postgres://portal:{SECRET}@/",
        f"host=127.0.0.1 dbname=erp password={SECRET}",
        SECRET,
    ],
)
def test_address_that_is_none_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(WrongSettings, match="is not an address like postgres://") as refused:
        read_content(address)

    assert SECRET not in str(refused.value)
    assert "%40 for @" in str(refused.value)


def test_server_that_is_down_is_told_without_the_password() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with pytest.raises(Unreachable, match="Connection refused") as refused:
        read_content(f"postgres://portal_ro:{SECRET}@127.0.0.1:{port}/erp")

    assert SECRET not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_wrong_password_is_told_without_the_password() -> None:
    with server(_refusing_the_password) as port, pytest.raises(Unreachable) as refused:
        read_content(f"postgres://portal_ro:{SECRET}@127.0.0.1:{port}/erp?sslmode=disable")

    assert 'password authentication failed for user "portal_ro"' in str(refused.value)
    assert "Check KIVITENDO_DATABASE_URL" in str(refused.value)
    assert SECRET not in str(refused.value)


def test_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kivitendo_database, "CONNECT_SECONDS", 2)

    with server(lambda peer: None) as port, pytest.raises(Unreachable):
        read_content(f"postgres://portal_ro@127.0.0.1:{port}/erp?sslmode=disable")


@pytest.mark.postgresql
def test_text_that_is_not_in_its_encoding_is_a_bad_answer(erp: Erp) -> None:
    """A database that keeps bytes as they are hands them out as such."""
    name = f"{erp.schema}_bytes"
    erp.run(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    address = erp.owner.replace(f"/{erp.session.info.dbname}", f"/{name}")

    try:
        with pytest.raises(BadAnswer, match="invalid byte sequence"), connected(address) as connection:
            connection.execute(rb"SELECT E'M\xfcller'").fetchone()
    finally:
        erp.run(f"DROP DATABASE {name}")


def test_missing_driver_is_told_at_the_check(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.KIVITENDO_DATABASE_URL = "postgres://portal_ro@127.0.0.1/erp"
    assert check_kivitendo(None) == []

    monkeypatch.setattr(kivitendo_database, "DRIVER_MISSING", True)

    assert check_kivitendo(None) == [
        Error(
            "KIVITENDO_DATABASE_URL is set, but the driver psycopg is not installed. "
            "Install the extra: uv sync --frozen --no-dev --extra postgres.",
            id="billing.E001",
        )
    ]
    with pytest.raises(WrongSettings):
        read_content(settings.KIVITENDO_DATABASE_URL)


def test_address_that_is_none_is_told_at_the_check_and_an_empty_one_is_fine(settings: Settings) -> None:
    settings.KIVITENDO_DATABASE_URL = "erp.example.org"
    assert [fault.id for fault in check_kivitendo(None)] == ["billing.E001"]

    settings.KIVITENDO_DATABASE_URL = ""
    assert check_kivitendo(None) == []


def test_module_can_be_imported_without_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    names = runpy.run_path(kivitendo_database.__file__, run_name="without_driver")

    assert names["DRIVER_MISSING"] is True
    assert "psycopg is not installed" in names["settings_fault"]("postgres://portal_ro@127.0.0.1/erp")


def test_address_that_is_one_has_no_fault() -> None:
    assert settings_fault("postgresql://portal_ro:p%40ss@db.example.org:5433/kivitendo?sslmode=verify-full") == ""
    assert settings_fault("postgres:///kivitendo?host=/var/run/postgresql") == ""


def test_every_error_is_of_one_family() -> None:
    kinds = (BadAnswer, NotConfigured, NotReadable, TooSlow, Unreachable, WriteRefused, WrongSettings)

    assert all(issubclass(kind, KivitendoError) for kind in kinds)


@contextmanager
def server(answer: object) -> Iterator[int]:
    """A port that takes one connection and gives it to ``answer``; the connection stays open until the end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        peers: list[socket.socket] = []

        def serve() -> None:
            peer, _address = listener.accept()
            peers.append(peer)
            answer(peer)  # type: ignore[operator]

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            thread.join(timeout=10)
            for peer in peers:
                peer.close()


def _refusing_the_password(peer: socket.socket) -> None:
    """PostgreSQL's protocol, as far as a login goes: ask for the password in the clear, then refuse it (28P01)."""
    length = int.from_bytes(peer.recv(4), "big")
    peer.recv(length - 4)
    peer.sendall(b"R" + (8).to_bytes(4, "big") + (3).to_bytes(4, "big"))
    peer.recv(1024)
    fields = b'SFATAL\0C28P01\0Mpassword authentication failed for user "portal_ro"\0\0'
    peer.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)
    peer.close()

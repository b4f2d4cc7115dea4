"""kivitendo's database, read and never written: the one module that reaches it.

``KIVITENDO_DATABASE_URL`` says where it is. Every session is read only, bounded in time, and one snapshot. Nothing is
tried again: whoever asks hears a sentence and may ask once more. Records come out, and errors of one family.

Installations differ in what they let the portal read, so each kind of thing has several sources. The first that the
account sees is taken, and it must have all its columns: a view that was made for an older portal is named, not passed
over. Texts come as they are; to kivitendo itself, case and blanks of a number count.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict
except ImportError:  # the extra "postgres" is not installed, or the library beneath it is not
    DRIVER_MISSING = True
else:
    DRIVER_MISSING = False

if TYPE_CHECKING:
    from psycopg.rows import TupleRow

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 20
LOCK_SECONDS = 5
SESSION = (
    "SELECT set_config('default_transaction_read_only', 'on', false),"
    f" set_config('statement_timeout', '{STATEMENT_SECONDS}s', false),"
    f" set_config('lock_timeout', '{LOCK_SECONDS}s', false),"
    f" set_config('idle_in_transaction_session_timeout', '{STATEMENT_SECONDS}s', false)"
)
COLUMNS_SEEN = """
SELECT relation, a.attname::text
  FROM unnest(%s::text[]) AS relation
  JOIN pg_attribute a ON a.attrelid = to_regclass(relation)
 WHERE a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
"""


class KivitendoError(Exception):
    """kivitendo could not be read; the text says why and what to do. Nothing was written anywhere."""


class NotConfigured(KivitendoError):
    """``KIVITENDO_DATABASE_URL`` is empty."""


class WrongSettings(KivitendoError):
    """The address cannot be read as one, or the driver is not installed."""


class Unreachable(KivitendoError):
    """No connection, or it broke off; a refused login as well."""


class TooSlow(KivitendoError):
    """A statement took longer than ``STATEMENT_SECONDS``, or waited for a lock."""


class NotReadable(KivitendoError):
    """A view or table is missing, lacks columns, or the account may not read it."""


class WriteRefused(KivitendoError):
    """Something tried to write."""


class BadAnswer(KivitendoError):
    """What came cannot be used."""


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """``identity`` tells customers apart, since numbers do not; ``locked``: kivitendo wants no new orders for it."""

    identity: str
    number: str
    name: str
    zipcode: str
    city: str
    obsolete: bool
    locked: bool


@dataclass(frozen=True, slots=True)
class ContactRecord:
    """``customer`` is the identity of a ``CustomerRecord``."""

    identity: str
    customer: str
    name: str
    email: str
    phone: str
    is_main: bool


@dataclass(frozen=True, slots=True)
class ArticleRecord:
    """``identity`` is kivitendo's key; ``unit`` the name of the unit that the article is priced in."""

    identity: str
    number: str
    description: str
    unit: str
    obsolete: bool


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """``base`` is the name of the unit that this one is a multiple of; empty for one that stands on its own."""

    name: str
    base: str


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """A sales order in kivitendo. ``net_amount`` is ``None`` where it was saved without any position."""

    key: int
    number: str
    customer_number: str
    net_amount: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a copy is made of, in one snapshot. A source is the view or table that was read, empty where none is."""

    customers: list[CustomerRecord]
    customers_source: str
    contacts: list[ContactRecord]
    contacts_source: str
    articles: list[ArticleRecord]
    articles_source: str
    units: list[UnitRecord]
    units_source: str


@dataclass(frozen=True, slots=True)
class Source:
    """A view or table, the columns that must be there (of further tables too), and the statement that reads it."""

    name: str
    columns: Mapping[str, tuple[str, ...]]
    sql: str

    def missing(self, seen: Mapping[str, set[str]]) -> list[str]:
        return [
            f"{relation}.{column}"
            for relation, columns in self.columns.items()
            for column in columns
            if column not in seen.get(relation, set())
        ]


def _source(name: str, columns: str, sql: str) -> Source:
    return Source(name, {name: tuple(columns.split())}, sql)


CONTACTS_VIEW = "otrs_customer_contacts"
"""It has the customers with a contact that has an e-mail, and no others."""

CUSTOMERS = (
    _source(
        "portal_customers",
        "customer_id customernumber name zipcode city obsolete order_lock",
        "SELECT customer_id::text, COALESCE(customernumber, ''), COALESCE(name, ''), COALESCE(zipcode, ''),"
        " COALESCE(city, ''), COALESCE(obsolete, false), COALESCE(order_lock, false) FROM portal_customers",
    ),
    _source(
        "customer",
        "id customernumber name zipcode city obsolete",
        "SELECT id::text, COALESCE(customernumber, ''), COALESCE(name, ''), COALESCE(zipcode, ''),"
        " COALESCE(city, ''), COALESCE(obsolete, false), false FROM customer",
    ),
    _source(
        CONTACTS_VIEW,
        "customer_id customernumber name zipcode city customer_valid_id",
        "SELECT DISTINCT customer_id::text, COALESCE(customernumber, ''), COALESCE(name, ''), COALESCE(zipcode, ''),"
        " COALESCE(city, ''), customer_valid_id IS DISTINCT FROM 1, false FROM otrs_customer_contacts",
    ),
    _source(
        CONTACTS_VIEW,
        "customernumber name zipcode city street customer_valid_id",
        "SELECT DISTINCT concat_ws(chr(31), customernumber, name, street, zipcode, city), COALESCE(customernumber, ''),"
        " COALESCE(name, ''), COALESCE(zipcode, ''), COALESCE(city, ''), customer_valid_id IS DISTINCT FROM 1, false"
        " FROM otrs_customer_contacts",
    ),
)
_PERSON = (
    "concat_ws(' ', NULLIF(cp_title, ''), NULLIF(cp_givenname, ''), NULLIF(cp_name, '')),"
    " btrim(COALESCE(cp_email, '')), COALESCE(NULLIF(cp_phone1, ''), cp_mobile1, '')"
)
_PERSON_COLUMNS = "cp_title cp_givenname cp_name cp_email cp_phone1 cp_mobile1"
CONTACTS = (
    _source(
        CONTACTS_VIEW,
        f"{_PERSON_COLUMNS} customer_id contact_id is_main_contact",
        f"SELECT contact_id::text, customer_id::text, {_PERSON}, COALESCE(is_main_contact, false)"  # noqa: S608
        " FROM otrs_customer_contacts",
    ),
    _source(
        CONTACTS_VIEW,
        f"{_PERSON_COLUMNS} customernumber name street zipcode city",
        f"SELECT concat_ws(chr(31), cp_name, cp_givenname, cp_email),"  # noqa: S608
        f" concat_ws(chr(31), customernumber, name, street, zipcode, city), {_PERSON}, false"
        " FROM otrs_customer_contacts",
    ),
)
ARTICLES = (
    _source(
        "portal_services",
        "part_id partnumber description unit obsolete",
        "SELECT part_id::text, COALESCE(partnumber, ''), COALESCE(description, ''), COALESCE(unit::text, ''),"
        " COALESCE(obsolete, false) FROM portal_services",
    ),
    _source(
        "parts",
        "id partnumber description unit obsolete",
        "SELECT id::text, COALESCE(partnumber, ''), COALESCE(description, ''), COALESCE(unit::text, ''),"
        " COALESCE(obsolete, false) FROM parts",
    ),
)
UNITS = (
    _source(
        "portal_units",
        "name base_unit",
        "SELECT name::text, COALESCE(base_unit::text, '') FROM portal_units",
    ),
    _source("units", "name base_unit", "SELECT name::text, COALESCE(base_unit::text, '') FROM units"),
    _source(
        "portal_services",
        "unit base_unit",
        "SELECT unit::text, COALESCE(base_unit::text, '') FROM portal_services WHERE unit IS NOT NULL"
        " UNION SELECT base_unit::text, '' FROM portal_services"
        " WHERE base_unit IS NOT NULL AND base_unit::text NOT IN (SELECT unit::text FROM portal_services"
        " WHERE unit IS NOT NULL)",
    ),
)
ORDERS = (
    _source(
        "portal_orders",
        "order_id ordnumber record_type customernumber netamount",
        "SELECT order_id::bigint, ordnumber, COALESCE(customernumber, ''), netamount FROM portal_orders"
        " WHERE ordnumber = ANY(%s) AND record_type::text IN ('sales_order', 'sales_order_intake') ORDER BY order_id",
    ),
    Source(
        "oe",
        {
            "oe": ("id", "ordnumber", "record_type", "customer_id", "netamount"),
            "customer": ("id", "customernumber"),
        },
        "SELECT o.id::bigint, o.ordnumber, COALESCE(k.customernumber, ''), o.netamount"
        " FROM oe o JOIN customer k ON k.id = o.customer_id"
        " WHERE o.ordnumber = ANY(%s) AND o.record_type::text IN ('sales_order', 'sales_order_intake') ORDER BY o.id",
    ),
)
ALL_RELATIONS = sorted(
    {
        relation
        for sources in (CUSTOMERS, CONTACTS, ARTICLES, UNITS, ORDERS)
        for source in sources
        for relation in source.columns
    }
)


def settings_fault(address: str) -> str:
    """Why this address cannot be used, in a sentence; empty where it can. Asks no server, tells no password."""
    if DRIVER_MISSING:
        return _(
            "KIVITENDO_DATABASE_URL is set, but the driver psycopg is not installed. "
            "Install the extra: uv sync --frozen --no-dev --extra postgres."
        )
    scheme = address.partition("://")[0]
    try:
        parts = conninfo_to_dict(address) if scheme in ("postgres", "postgresql") else {}
    except psycopg.Error:  # its text may hold the password
        parts = {}
    host, name, port = (str(parts.get(key) or "") for key in ("host", "dbname", "port"))
    # With a bare @ or / in it, a part of the password would be taken for one of these, and be told in an error.
    if host and name and "@" not in host + name and (port or "0").replace(",", "").isdecimal():
        return ""
    return (
        _(
            "KIVITENDO_DATABASE_URL is not an address like postgres://portal_ro:password@host:5432/kivitendo. "
            "Special characters in it are written as percent codes, such as %%40 for @."
        )
        % {}
    )


def read_content(address: str) -> Content:
    """Customers, contacts, articles and units, in one snapshot.

    Raises ``KivitendoError``. Customers must be readable; what else is not has no source and no rows.
    """
    with connected(address) as connection:
        seen = _columns_seen(connection)
        customers_source, customers = _read(connection, CUSTOMERS, seen)
        if customers_source is None:
            raise _nothing_readable(CUSTOMERS)
        contacts_source, contacts = _read(connection, CONTACTS, seen)
        articles_source, articles = _read(connection, ARTICLES, seen)
        units_source, units = _read(connection, UNITS, seen)
    has_keys = "customer_id" in seen.get(CONTACTS_VIEW, set())
    if not has_keys and customers_source.name != CONTACTS_VIEW:
        contacts_source, contacts = None, []  # nothing tells which of two customers of one number they belong to
    return Content(
        customers=[CustomerRecord(_short(key), *rest) for key, *rest in customers],
        customers_source=customers_source.name,
        contacts=[_contact(row) for row in contacts],
        contacts_source=contacts_source.name if contacts_source else "",
        articles=[ArticleRecord(*row) for row in articles],
        articles_source=articles_source.name if articles_source else "",
        units=[UnitRecord(*row) for row in units],
        units_source=units_source.name if units_source else "",
    )


def read_orders(address: str, numbers: Sequence[str]) -> list[OrderRecord]:
    """The sales orders that have one of these numbers, several of one number among them. Raises ``KivitendoError``."""
    with connected(address) as connection:
        seen = _columns_seen(connection)
        source, rows = _read(connection, ORDERS, seen, list(numbers))
    if source is None:
        raise _nothing_readable(ORDERS)
    return [
        OrderRecord(key, number, customer, net if net is not None and net.is_finite() else None)
        for key, number, customer, net in rows
    ]


@contextmanager
def connected(address: str) -> Iterator["psycopg.Connection[TupleRow]"]:
    """A session that can only read, in one transaction. Raises ``KivitendoError`` for whatever goes wrong in it."""
    if not address:
        raise NotConfigured(_("No kivitendo is set up: KIVITENDO_DATABASE_URL is empty."))
    if fault := settings_fault(address):
        raise WrongSettings(fault)
    try:
        with psycopg.connect(
            address,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            tcp_user_timeout=1000 * STATEMENT_SECONDS,
            client_encoding="utf-8",
            application_name="billing portal",
            prepare_threshold=None,
        ) as connection:
            connection.execute(SESSION)
            connection.read_only = True
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.autocommit = False
            yield connection
    except psycopg.Error as error:
        raise _translated(error) from error


def _columns_seen(connection: "psycopg.Connection[TupleRow]") -> dict[str, set[str]]:
    """The columns that the account may read, by view or table."""
    seen: dict[str, set[str]] = {}
    for relation, column in connection.execute(COLUMNS_SEEN, [ALL_RELATIONS]):
        seen.setdefault(relation, set()).add(column)
    return seen


def _read(
    connection: "psycopg.Connection[TupleRow]", sources: Sequence[Source], seen: Mapping[str, set[str]], *values: Any
) -> tuple[Source | None, list[Any]]:
    source = _choose(sources, seen)
    if source is None:
        return None, []
    return source, connection.execute(source.sql.encode(), values or None).fetchall()


def _choose(sources: Sequence[Source], seen: Mapping[str, set[str]]) -> Source | None:
    """The first source that is there at all, in the first of its forms whose columns are; ``None`` without any."""
    for name, forms in groupby(sources, key=lambda source: source.name):
        if name not in seen:
            continue
        lacking: list[str] = []
        for form in forms:
            lacking = form.missing(seen)
            if not lacking:
                return form
        raise NotReadable(
            _(
                "The account of the portal cannot read these columns in kivitendo: %(columns)s. "
                "Create the views again as docs/kivitendo.md says."
            )
            % {"columns": ", ".join(lacking)}
        )
    return None


def _nothing_readable(sources: Sequence[Source]) -> NotReadable:
    names = ", ".join(dict.fromkeys(source.name for source in sources))
    text = _(
        "In kivitendo's database the account of the portal can read none of these: %(names)s. "
        "Create the views as docs/kivitendo.md says, and grant SELECT on them."
    )
    return NotReadable(text % {"names": names})


def _contact(row: Sequence[Any]) -> ContactRecord:
    """A contact may belong to several customers and stands there once for each."""
    key, customer, *rest = row
    return ContactRecord(_short(f"{customer}/{key}"), _short(customer), *rest)


def _short(key: str) -> str:
    """Numbers as they are; what had to be put together from texts, as its hash."""
    return key if len(key) <= 40 and key.isascii() and key.isprintable() else hashlib.sha256(key.encode()).hexdigest()


def _translated(error: "psycopg.Error") -> KivitendoError:
    said = (error.diag.message_primary or str(error)).strip().partition("\n")[0][:300]
    match error:
        case psycopg.errors.QueryCanceled() | psycopg.errors.LockNotAvailable():
            return TooSlow(_("kivitendo's database took too long (%(said)s). Try again later.") % {"said": said})
        case psycopg.errors.ReadOnlySqlTransaction():
            return WriteRefused(
                _("The portal only reads in kivitendo, and something tried to write (%(said)s).") % {"said": said}
            )
        case psycopg.errors.InsufficientPrivilege():
            return NotReadable(
                _("The account of the portal may not read in kivitendo (%(said)s). Grant it SELECT.") % {"said": said}
            )
        case psycopg.OperationalError():
            return Unreachable(
                _(
                    "kivitendo's database cannot be reached (%(said)s). "
                    "Check KIVITENDO_DATABASE_URL, the account's password and the network."
                )
                % {"said": said}
            )
    return BadAnswer(_("kivitendo's database refused the question (%(said)s).") % {"said": said})

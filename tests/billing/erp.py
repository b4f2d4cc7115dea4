"""A small kivitendo: tables of the shape that the portal's views need, in a schema of their own on PostgreSQL.

``V41`` and ``V40`` are the shapes of the two releases: how contacts belong to customers, and how a country is kept.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg
from django.db import connection

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "kivitendo"
V41, V40 = "4.1", "4.0"
COMMON = """
CREATE TYPE kind_of_record AS ENUM ('sales_quotation', 'sales_order_intake', 'sales_order', 'purchase_order');
CREATE TYPE kind_of_part AS ENUM ('part', 'service');
CREATE TABLE units (name varchar(20) PRIMARY KEY, base_unit varchar(20) REFERENCES units, factor numeric(20, 5));
CREATE TABLE parts (
    id integer PRIMARY KEY, partnumber text NOT NULL, description text, unit varchar(20) REFERENCES units,
    obsolete boolean DEFAULT false, part_type kind_of_part NOT NULL
);
CREATE TABLE oe (
    id integer PRIMARY KEY, ordnumber text, record_type kind_of_record NOT NULL, customer_id integer,
    vendor_id integer, netamount numeric(15, 5)
);
CREATE TABLE contacts (
    cp_id integer PRIMARY KEY, cp_title text, cp_givenname text, cp_name text, cp_email text, cp_phone1 text,
    cp_mobile1 text {contact}
);
CREATE TABLE customer (
    id integer PRIMARY KEY, customernumber text, name text NOT NULL, street text, zipcode text, city text, phone text,
    fax text, homepage text, notes text, obsolete boolean DEFAULT false, order_lock boolean DEFAULT false,
    itime timestamp, mtime timestamp {customer}
);
INSERT INTO units VALUES ('min', NULL, 0), ('Std', 'min', 60), ('Tag', 'Std', 8), ('psch', NULL, 0);
INSERT INTO parts VALUES
    (1, 'SUP-STD', 'Stundensatz', 'Std', false, 'service'), (2, 'ALT-STD', NULL, 'Std', true, 'service'),
    (3, 'KABEL', 'Netzwerkkabel', 'psch', NULL, 'part');
INSERT INTO customer (id, customernumber, name, street, zipcode, city, obsolete, order_lock) VALUES
    (11, 'K1001', 'Müller & Söhne "GmbH"', 'Königsstr. 1', '70173', 'Stuttgart', false, false),
    (12, 'K1002', 'Ohne Kontakt', '', '', '', NULL, true),
    (13, 'K1005', 'Altkunde', 'Weg 9', '20095', 'Hamburg', true, NULL),
    (14, 'K1006', 'Doppelt', 'Erste 1', '10115', 'Berlin', false, false),
    (15, 'K1006', 'Doppelt', 'Zweite 2', '80331', 'München', false, false);
INSERT INTO contacts (cp_id, cp_title, cp_givenname, cp_name, cp_email, cp_phone1, cp_mobile1 {contact_column}) VALUES
    (21, 'Dr.', 'Şebnem', 'Öztürk', ' o@mueller.example ', '0711 1', '' {of_11}),
    (22, '', 'Ohne', 'Mail', '', '', '' {of_12}), (23, NULL, NULL, 'Alt', 'a@alt.example', NULL, '0171' {of_13}),
    (24, '', '', 'Eins', 'x@d.example', '', '' {of_14}), (25, '', '', 'Zwei', 'x@d.example', '', '' {of_15});
"""
SHAPES = {
    V41: COMMON.format(
        contact="", customer=", country_id integer", contact_column="", of_11="", of_12="", of_13="", of_14="", of_15=""
    )
    + """
CREATE TABLE countries (id integer PRIMARY KEY, iso2 text);
CREATE TABLE customer_contacts (customer_id integer, contact_id integer, main boolean);
INSERT INTO customer_contacts VALUES (11, 21, true), (12, 22, false), (13, 23, NULL), (14, 24, false), (15, 25, false);
""",
    V40: COMMON.format(
        contact=", cp_cv_id integer, cp_main boolean",
        customer=", country text",
        contact_column=", cp_cv_id, cp_main",
        of_11=", 11, true",
        of_12=", 12, false",
        of_13=", 13, NULL",
        of_14=", 14, false",
        of_15=", 15, false",
    ),
}
# The view as ticket systems have known it for long: no keys, and no other views beside it.
CLASSIC = """
CREATE VIEW otrs_customer_contacts AS
SELECT c.cp_title, c.cp_givenname, c.cp_name, c.cp_email, c.cp_phone1, c.cp_mobile1, 'none'::text AS cp_password,
       1 AS cp_valid_id, k.customernumber, k.name, k.street, k.zipcode, k.city, k.country, k.phone, k.fax, k.homepage,
       k.notes, CASE WHEN k.obsolete THEN 2 ELSE 1 END AS customer_valid_id, k.itime AS create_time,
       k.mtime AS change_time
  FROM contacts c JOIN customer k ON k.id = c.cp_cv_id
 WHERE c.cp_email <> ''
"""
VIEWS = ("otrs_customer_contacts", "portal_customers", "portal_services", "portal_units", "portal_orders")


class Erp:
    """A schema with an account that reads what it is granted. ``address`` is the account's, ``owner`` the other one."""

    def __init__(self, session: "psycopg.Connection[tuple[object, ...]]", schema: str) -> None:
        self.session, self.schema = session, schema
        self.role = f"{schema}_ro"
        self.address, self.owner = self._address(self.role, "rö/@:"), self._address(None, None)

    def _address(self, user: str | None, password: str | None) -> str:
        info = self.session.info
        name, word = user or info.user, password or info.password
        login = f"{quote(name)}:{quote(word, safe='')}" if word else quote(name)
        where = f"{quote(info.host, safe='')}:{info.port}/{quote(info.dbname)}"
        return f"postgres://{login}@{where}?options=-csearch_path%3D{self.schema}"

    def run(self, sql: str) -> None:
        self.session.execute(sql.encode())

    def views(self, release: str) -> None:
        self.run((DOCS / f"views-{release}.sql").read_text(encoding="utf-8"))
        self.grant(*VIEWS)

    def grant(self, *relations: str) -> None:
        self.run(f"GRANT SELECT ON {', '.join(relations)} TO {self.role}")

    def revoke(self, relation: str) -> None:
        self.run(f"REVOKE ALL ON {relation} FROM {self.role}")


@contextmanager
def kivitendo(release: str) -> Iterator[Erp]:
    """An own session beside Django's: what it writes is there for other sessions at once, and gone at the end."""
    known = connection.settings_dict
    login = {name: known[key] for name, key in (("user", "USER"), ("password", "PASSWORD")) if known[key]}
    where = {"host": known["HOST"] or "127.0.0.1", "port": known["PORT"] or 5432, "dbname": known["NAME"]}
    with psycopg.connect(**login, **where, autocommit=True) as session:
        schema = f"erp_{session.info.backend_pid}"
        erp = Erp(session, schema)
        erp.run(f"CREATE SCHEMA {schema}; SET search_path = {schema}; CREATE ROLE {erp.role} LOGIN PASSWORD 'rö/@:'")
        try:
            erp.run(f"GRANT USAGE ON SCHEMA {schema} TO {erp.role}")
            erp.run(SHAPES[release])
            yield erp
        finally:
            erp.run(f"DROP SCHEMA {schema} CASCADE; DROP OWNED BY {erp.role}; DROP ROLE {erp.role}")

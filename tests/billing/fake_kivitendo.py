"""A kivitendo that answers from lists, for tests that need no server; it answers what the real reader answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from pytest_django import Settings

from billing.kivitendo_database import (
    ArticleRecord,
    ContactRecord,
    Content,
    CustomerRecord,
    KivitendoError,
    OrderRecord,
    UnitRecord,
)

ADDRESS = "postgres://portal_ro@127.0.0.1:9/kivitendo"
UNITS = [UnitRecord("min", ""), UnitRecord("Std", "min"), UnitRecord("Tag", "Std"), UnitRecord("psch", "")]


def customer(key: int, number: str, *, obsolete: bool = False, locked: bool = False, name: str = "") -> CustomerRecord:
    return CustomerRecord(f"{key}", number, name or f"Kunde {key}", "70173", "Stuttgart", obsolete, locked)


def contact(key: int, of: int, name: str = "Anna", email: str = "a@example.org") -> ContactRecord:
    return ContactRecord(f"{of}/{key}", f"{of}", name, email, "", False)


def article(key: int, number: str = "SUP-STD", unit: str = "Std", *, obsolete: bool = False) -> ArticleRecord:
    return ArticleRecord(f"{key}", number, "Stundensatz", unit, obsolete)


@dataclass
class FakeKivitendo:
    """K1001 and the article of the agreements, and nothing else until a test says so."""

    customers: list[CustomerRecord] = field(default_factory=lambda: [customer(11, "K1001")])
    contacts: list[ContactRecord] = field(default_factory=list)
    articles: list[ArticleRecord] = field(default_factory=lambda: [article(1)])
    units: list[UnitRecord] = field(default_factory=lambda: list(UNITS))
    orders: list[OrderRecord] = field(default_factory=list)
    customers_source: str = "portal_customers"
    articles_source: str = "portal_services"
    units_source: str = "portal_units"
    failure: KivitendoError | None = None
    asked: list[str] = field(default_factory=list)

    def content(self, address: str) -> Content:
        self._answer(address)
        return Content(
            customers=self.customers,
            customers_source=self.customers_source,
            contacts=self.contacts,
            contacts_source="otrs_customer_contacts",
            articles=self.articles,
            articles_source=self.articles_source,
            units=self.units,
            units_source=self.units_source,
        )

    def orders_of(self, address: str, numbers: Sequence[str]) -> list[OrderRecord]:
        self._answer(address)
        return [order for order in self.orders if order.number in numbers]

    def has(self, number: str, net: str | None, of: str = "K1001") -> None:
        amount = None if net is None else Decimal(net)
        self.orders.append(OrderRecord(len(self.orders) + 1, number, of, amount))

    def _answer(self, address: str) -> None:
        self.asked.append(address)
        if self.failure:
            raise self.failure


def installed(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeKivitendo:
    """Configured, and asked wherever the product would ask the real one."""
    fake = FakeKivitendo()
    settings.KIVITENDO_DATABASE_URL = ADDRESS
    monkeypatch.setattr("billing.kivitendo_copy.read_content", fake.content)
    monkeypatch.setattr("billing.erp_findings.read_orders", fake.orders_of)
    return fake

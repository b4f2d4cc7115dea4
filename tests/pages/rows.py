"""Any number of rows for each list, written with few statements; their names are as long and strange as they come."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from audit.actions import Action
from audit.origin import origin_now
from audit.recording import entry, record_all
from billing.erp_models import ErpFinding, KivitendoCopy, KivitendoCustomer
from billing.models import Agreement, Allocation, BillingRun, Export, Order, OrderPosition
from billing.pricing import Rule
from billing.settlement_models import Settlement
from outofoffice.models import Upload, UploadRow
from registration.models import RegisteredSystem, RegistrationEvent, RegistrationMail
from tests.billing.scenes import read_completely
from tests.factories.billing import AgreementFactory
from tests.factories.registered_systems import AccountFactory, SystemFactory
from tests.factories.tickets import AgentFactory, CustomerFactory, TicketSystemFactory
from tests.pages.world import NOW
from tickets.models import Agent, Customer, Ticket, TicketClosing, TicketSystem, TimeEntry
from tickets.outbox_models import OutboxItem

BATCH = 500
OCTOBER = date(2026, 10, 1)
BOOKED = datetime(2026, 10, 5, 8, tzinfo=UTC)
STRANGE = "😀 مرحبا"
WIDE = f"{STRANGE} بالعالم שלום 👩🏽‍🚒 Straße {'Donaudampfschifffahrtsgesellschaft' * 2} {'x' * 60}"


def name(number: int, longest: int = 200) -> str:
    """Fills its column: an emoji, letters that go from right to left, and words without a place to break them."""
    return f"{number:05} {WIDE}{'ü' * longest}"[:longest]


def ticket_system() -> TicketSystem:
    """Whose October was read."""
    system: TicketSystem = TicketSystemFactory(name=name(0, 100))
    read_completely(system)
    return system


def customer() -> Customer:
    made: Customer = CustomerFactory(system=ticket_system(), customer_id="C", name=name(0))
    return made


def customers(count: int) -> list[Customer]:
    system = ticket_system()
    rows = [Customer(system=system, customer_id=f"C{number:05}", name=name(number)) for number in range(count)]
    return Customer.objects.bulk_create(rows, BATCH)


def agents(count: int, system: TicketSystem, **values: Any) -> list[Agent]:
    rows = [
        Agent(system=system, name=name(number), **{"login": f"a{number:05}", "user_id": number + 1000} | values)
        for number in range(count)
    ]
    return Agent.objects.bulk_create(rows, BATCH)


def tickets(of: list[Customer], **values: Any) -> list[Ticket]:
    """One of each customer, closed in October unless told otherwise; a customer may come several times."""
    closed_at = values.get("closed_at", datetime(2026, 10, 20, 15, tzinfo=UTC))
    fields: dict[str, Any] = {"state": name(0), "state_type": "closed", "queue": "Support", "closed_at": closed_at}
    fields |= {"created_at": BOOKED, "changed_at": BOOKED, "read_at": NOW, "time_units": Decimal(15)} | values
    rows = [
        Ticket(
            ticket_id=f"{place}",
            number=f"2026{place:012}",
            title=name(place, 300),
            **{"system": whose.system, "customer": whose} | fields,
        )
        for place, whose in enumerate(of)
    ]
    made = Ticket.objects.bulk_create(rows, BATCH)
    if closed_at is not None:
        TicketClosing.objects.bulk_create([TicketClosing(ticket=row, month=OCTOBER) for row in made], BATCH)
    return made


def entries(rows: list[Ticket], by: list[Agent] | None = None, **values: Any) -> list[TimeEntry]:
    """One of 15 minutes on each ticket in October, each by the agent at its place, or all by one."""
    agent = AgentFactory(system=rows[0].system, name=name(0)) if rows and by is None else None
    fields: dict[str, Any] = {"booked_at": BOOKED, "booked_local": "2026-10-05 10:00:00", "local_day": BOOKED.date()}
    fields |= {"units": Decimal(15), "minutes": Decimal(15), "source": "history", "queue": name(0)} | values
    made = [
        TimeEntry(system=row.system, ticket=row, agent=by[place] if by else agent, running_number=place + 1, **fields)
        for place, row in enumerate(rows)
    ]
    return TimeEntry.objects.bulk_create(made, BATCH)


def booked(count: int) -> None:
    """On a ticket each, of one customer."""
    entries(tickets([customer()] * count))


def booked_for_customers(count: int) -> None:
    entries(tickets(customers(count)))


def booked_by_agents(count: int) -> None:
    ticket = tickets([customer()])[0]
    entries([ticket] * count, agents(count, ticket.system))


def booked_in_queues(count: int) -> None:
    rows = entries(tickets([customer()] * count))
    for place, row in enumerate(rows):
        row.queue = name(place)
    TimeEntry.objects.bulk_update(rows, ["queue"], BATCH)


def booked_and_open(count: int) -> None:
    entries(tickets([customer()] * count, state_type="open", closed_at=None))


def booked_too_long(count: int) -> None:
    entries(tickets([customer()] * count), units=Decimal(600), minutes=Decimal(600))


def booked_less_than_the_ticket_says(count: int) -> None:
    entries(tickets([customer()] * count, time_units=Decimal("99.5")))


def booked_where_the_ticket_says_nothing(count: int) -> None:
    entries(tickets([customer()] * count, time_units=None))


def closed_without_time(count: int) -> None:
    tickets([customer()] * count, time_units=None)


def without_name(count: int) -> None:
    """Customers of whom nothing is known but the CustomerID."""
    of = customers(count)
    for place, each in enumerate(of):
        each.customer_id, each.name = name(place, 150), ""
    Customer.objects.bulk_update(of, ["customer_id", "name"], BATCH)
    entries(tickets(of))


def by_agents_without_user_id(count: int) -> None:
    ticket = tickets([customer()])[0]
    entries([ticket] * count, agents(count, ticket.system, user_id=None))


def idle_agents(count: int) -> None:
    """They booked in October and not in November."""
    booked_by_agents(count)


def notes(count: int) -> None:
    ticket = tickets([customer()])[0]
    refused = {"state": "failed", "outcome": "refused", "outcome_text": name(0)}
    rows = [
        OutboxItem(
            system=ticket.system,
            customer=ticket.customer,
            ticket=ticket,
            kind="note",
            key=f"form-{place}",
            subject=name(place),
            body="Text",
            **refused,
        )
        for place in range(count)
    ]
    OutboxItem.objects.bulk_create(rows, BATCH)


def agreements(count: int) -> list[Agreement]:
    plain = AgreementFactory.build().__dict__
    kept = {key: value for key, value in plain.items() if key not in ("_state", "id", "customer_id")}
    return Agreement.objects.bulk_create([Agreement(**kept | {"customer": each}) for each in customers(count)], BATCH)


def orders(count: int) -> list[Order]:
    """Drafts over complete data, one a customer."""
    fields: dict[str, Any] = {"month": OCTOBER, "period_start": OCTOBER, "complete": True, "currency": "EUR"}
    fields |= {"tax_rate": Decimal(19), "created_at": NOW, "changed_at": NOW, "net_amount": Decimal("47.50")}
    fields |= {"recorded_minutes": Decimal(15), "billable_minutes": Decimal(15)}
    rows = [
        Order(number=f"TK-{place}", customer=each.customer, agreement=each, erp_customer_number=f"{place}", **fields)
        for place, each in enumerate(agreements(count))
    ]
    return Order.objects.bulk_create(rows, BATCH)


def positions(rows: list[Order], of: list[Ticket]) -> list[OrderPosition]:
    """A line a ticket; an order that comes several times gets several."""
    rule = Rule.from_agreement(rows[0].agreement).as_json() if rows else {}
    fields: dict[str, Any] = {"recorded_minutes": Decimal(15), "billable_minutes": Decimal(15), "rule": rule}
    fields |= {"quantity": Decimal(15), "unit": "min", "unit_price": Decimal(1), "amount": Decimal(15)}
    made = [
        OrderPosition(order=order, ticket=ticket, position=place + 1, text=name(place), article_number="1", **fields)
        for place, (order, ticket) in enumerate(zip(rows, of, strict=True))
    ]
    return OrderPosition.objects.bulk_create(made, BATCH)


def lines(count: int) -> None:
    """Of one order."""
    order = orders(1)[0]
    positions([order] * count, tickets([order.customer] * count))


def vanished_after_billing(count: int) -> None:
    """Entries of an approved order that the ticket system no longer shows."""
    order = orders(1)[0]
    of = tickets([order.customer] * count)
    gone = entries(of, gone_at=NOW)
    made = positions([order] * count, of)
    claims = [
        Allocation(entry=each, position=line, minutes=each.minutes) for each, line in zip(gone, made, strict=True)
    ]
    Allocation.objects.bulk_create(claims, BATCH)
    Order.objects.update(state="approved", approved_at=NOW)


def settled(count: int) -> None:
    vanished_after_billing(count)
    claims = Allocation.objects.select_related("entry", "position").order_by("pk")
    fields: dict[str, Any] = {"kind": "gone", "choice": "accept", "facts": "15>0", "reason": name(0), "at": NOW}
    fields |= {"minutes_billed": Decimal(15), "minutes_now": Decimal(0), "minutes_at_stake": Decimal(-15)}
    fields |= {"money_at_stake": Decimal(-15), "currency": "EUR"}
    made = [Settlement(allocation=each, entry=each.entry, position=each.position, **fields) for each in claims]
    Settlement.objects.bulk_create(made, BATCH)


def files(count: int) -> None:
    """Each with an order of its own."""
    held = orders(count)
    rows = [
        Export(file_name=name(place), format="csv", content=b"kept", sha256="0" * 64, created_at=NOW)
        for place in range(count)
    ]
    made = Export.objects.bulk_create(rows, BATCH)
    through = Export.orders.through
    pairs = [through(export=each, order=order) for each, order in zip(made, held, strict=True)]
    through._default_manager.bulk_create(pairs, BATCH)


def runs(count: int) -> None:
    rows = [BillingRun(month=OCTOBER, customer=each, state="done", complete=True) for each in customers(count)]
    BillingRun.objects.bulk_create(rows, BATCH)


def kivitendo_customers(count: int) -> None:
    KivitendoCopy.objects.update_or_create(
        pk=KivitendoCopy.ONLY, defaults={"read_at": NOW, "customers_source": "portal_customers"}
    )
    rows = [
        KivitendoCustomer(
            identity=f"{place}", number=f"{place}", name=name(place), zipcode="", city="", obsolete=False, locked=False
        )
        for place in range(count)
    ]
    KivitendoCustomer.objects.bulk_create(rows, BATCH)


def findings(count: int) -> None:
    rows = [ErpFinding(order=order, state="missing", looked_at=NOW, count=0) for order in orders(count)]
    ErpFinding.objects.bulk_create(rows, BATCH)


def _upload(place: int, system: TicketSystem) -> Upload:
    at = NOW - timedelta(minutes=place)
    return Upload(
        system=system, file_name=name(place), content=b"", sha256="0" * 64, fingerprint="0" * 64, uploaded_at=at
    )


def uploads(count: int) -> None:
    system = ticket_system()
    Upload.objects.bulk_create([_upload(place, system) for place in range(count)], BATCH)


def upload_rows(count: int) -> None:
    """Of one upload; none can be sent."""
    upload = Upload.objects.bulk_create([_upload(0, ticket_system())])[0]
    header = ["UserLogin", "StartDate", "EndDate", "Enabled"]
    Upload.objects.update(header=header, columns=["user", "start", "end", "enabled"])
    rows = [
        UploadRow(
            upload=upload,
            position=place,
            line=place + 2,
            cells=[name(place), "", "", ""],
            effect="error",
            problems=[{"column": "user", "text": name(0)}],
        )
        for place in range(count)
    ]
    UploadRow.objects.bulk_create(rows, BATCH)


def registered_systems(count: int) -> None:
    account = AccountFactory(customer=customer())
    plain = SystemFactory.build(account=account).__dict__
    kept = {key: value for key, value in plain.items() if key not in ("_state", "id", "unique_id", "fqdn")}
    rows = [
        RegisteredSystem(**kept | {"unique_id": f"{place}", "fqdn": name(place), "reported_type": name(place, 100)})
        for place in range(count)
    ]
    RegisteredSystem.objects.bulk_create(rows, BATCH)


def registration_events(count: int) -> None:
    """Of one system."""
    system = SystemFactory(account=AccountFactory(customer=customer()))
    facts = {"fqdn": [name(0), name(1)]}
    rows = [RegistrationEvent(system=system, kind="conflict", at=NOW, facts=facts) for _place in range(count)]
    RegistrationEvent.objects.bulk_create(rows, BATCH)


def actions(count: int) -> None:
    here = origin_now()
    record_all(
        entry(Action.DOWNLOADED, target_type="file", target_name=name(place), text=name(place), origin=here, now=NOW)
        for place in range(count)
    )


def failed_mails(count: int) -> None:
    rows = [
        RegistrationMail(address=f"m{place}@example.org", state="failed", due_at=NOW, ended_at=NOW, error=name(place))
        for place in range(count)
    ]
    RegistrationMail.objects.bulk_create(rows, BATCH)

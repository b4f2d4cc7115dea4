"""Who and what the built-in data set consists of: queues, agents, customers, titles."""

from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD, Agent, Customer, CustomerUser, Queue

_USERS, _SUPPORT, _PROJECTS = 1, 4, 5
_ALL = frozenset({_USERS, _SUPPORT, _PROJECTS})

QUEUES = (Queue(5, "Support", _SUPPORT), Queue(6, "Support::Vor-Ort", _SUPPORT), Queue(7, "Projekte", _PROJECTS))

LIMITED_AGENT = "e.jung"
"""May not read the queue Projekte and may not call TimeAccountingGet."""
DEPARTED_AGENT = "f.alt"
"""No longer valid: cannot log in, but has bookings."""

AGENTS = (
    Agent(user_id=1, login="root@localhost", first_name="Admin", last_name="OTRS", groups=_ALL, is_admin=True),
    Agent(
        user_id=2,
        login=DEMO_LOGIN,
        first_name="Portal",
        last_name="Schnittstelle",
        password=DEMO_PASSWORD,
        groups=_ALL,
        may_read_times=True,
        is_admin=True,
    ),
    Agent(user_id=3, login="anna.mueller", first_name="Anna", last_name="Müller", groups=_ALL),
    Agent(user_id=4, login="b.schmidt", first_name="Bernd", last_name="Schmidt", groups=_ALL),
    Agent(user_id=5, login="c.weber", first_name="Clara", last_name="Weber", groups=_ALL),
    Agent(user_id=6, login="d.oeztuerk", first_name="Deniz", last_name="Öztürk", groups=_ALL),
    Agent(user_id=7, login=LIMITED_AGENT, first_name="Eva", last_name="Jung", groups=frozenset({_USERS, _SUPPORT})),
    Agent(user_id=8, login=DEPARTED_AGENT, first_name="Frank", last_name="Alt", groups=_ALL, valid=False),
)
WORKING_AGENTS = ("anna.mueller", "b.schmidt", "c.weber", "d.oeztuerk", LIMITED_AGENT)

MASS_CUSTOMER = "70000"
CUSTOMERS = (
    Customer(number="10001", name="Müller & Söhne GmbH"),
    Customer(number="1000", name="Übermut Versand AG"),
    Customer(number="0042", name="Bäckerei Groß e. K."),
    Customer(number="A(1)+B", name="Anlagenbau Ost GmbH"),
    Customer(number="KÖLN 7 & Co", name="Köln 7 Medien KG"),
    Customer(number="AT/2026-07", name="Österreichische Spedition Jäger"),
    Customer(number="10%", name="Zehn Prozent Handels GmbH"),
    Customer(number=MASS_CUSTOMER, name="Massenversand Nord GmbH"),
)
CUSTOMER_USERS = (
    CustomerUser(login="h.mueller", customer_number="10001"),
    CustomerUser(login="u.uebermut", customer_number="1000"),
    CustomerUser(login="s.gross", customer_number="0042"),
    CustomerUser(login="m.aebeltoft", customer_number="A(1)+B"),
    CustomerUser(login="n.köln", customer_number="KÖLN 7 & Co"),
    CustomerUser(login="k.jaeger", customer_number="AT/2026-07"),
    CustomerUser(login="p.zehn", customer_number="10%"),
    CustomerUser(login="massen", customer_number=MASS_CUSTOMER),
)

TITLES = (
    "Drucker druckt keine Umlaute",
    "VPN-Zugang einrichten",
    "E-Mail kommt nicht an",
    "Passwort zurücksetzen",
    "Datensicherung prüfen",
    "Server neu gestartet",
    "Neuer Arbeitsplatz für Frau Weiß",
    "Telefonanlage: kein Freizeichen",
    "Beamer im großen Saal flackert",
    "Outlook öffnet Anhänge nicht",
    "Firewall rule for the new branch office",
    "Laptop does not wake up from sleep",
    "Rechnung 4711 – Rückfrage zum Rabatt",
    "SSL-Zertifikat läuft ab",
    "Update der Warenwirtschaft einspielen",
    "Shared mailbox missing after migration",
    "Scan-to-Mail funktioniert nicht mehr",
    "WLAN in der Lagerhalle ausbauen",
    "Monitoring meldet volle Festplatte",
    "Onboarding of three new colleagues",
    "Bildschirm bleibt schwarz (2. Versuch)",
    "Schnittstelle zum Webshop: Artikel fehlen",
    "Backup job failed with error 0x80070005",
    "Kasse 3 druckt Bons doppelt",
)
UNITS = (5, 10, 15, 20, 30, 45, 60, 90, 120)

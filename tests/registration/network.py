"""Systems that report over a bad network to the real endpoint and database, and what may happen on the way.

Requests are lost, late, doubled and overtake each other; answers are lost; client and server crash; the server's row
goes back to a backup; a system is copied. ``HonestMachine`` has one system and no copy: it is never refused.
``CopyMachine`` copies it: once each copy has had one fresh update processed, the copies are found.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from django.db import transaction
from django.test import Client
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from registration import limits, updating
from registration.models import RegisteredSystem
from registration.rotation import decide_update
from tests.factories.registration import PASSWORD, AccountFactory
from tests.registration.otrs_client import FACTS, FORM, OtrsClient, form

NO_LIMIT = dict.fromkeys(limits.LIMITS, limits.Limit(10**9, limits.LIMITS[limits.Subject.UPDATE_OF_SYSTEM].period))
ANY = st.integers(0, 20)


@dataclass(frozen=True)
class Packet:
    sender: int
    update_id: str
    attempt: str
    begun: int
    serial: int


@dataclass
class Sender:
    """A system that reports. ``waiting`` is the connection it listens on; all else it has stored."""

    update_id: str
    pending: str = ""
    begun: int = 0
    waiting: int = 0
    fresh: bool = False
    """Whether an update that it began after it was copied was processed."""


def post(body: bytes) -> tuple[str, bytes]:
    response = Client(SERVER_NAME="localhost").post("/otrs/public.pl", body, content_type=FORM)
    return f"{response.status_code} {response.reason_phrase}", response.content


def register(otrs_id: str = "") -> OtrsClient:
    """A client that has just registered with a new account."""
    account = AccountFactory(**({"otrs_id": otrs_id} if otrs_id else {}))
    client = OtrsClient()
    token = client.read_token(*post(form(("TokenGet", {}), login=(account.otrs_id, PASSWORD))))
    data = FACTS | {"OTRSID": account.otrs_id, "Token": token, "Type": "production", "Description": ""}
    client.read_registration(*post(form(("Register", data))))
    return client


class Network(RuleBasedStateMachine):
    """The rules that all machines share, for a ``client`` that is registered already and did not report yet.

    ``decide`` is a weaker server, ``forgets_attempts`` a weaker client.
    """

    client: OtrsClient
    decide: Callable[..., Any] = staticmethod(decide_update)
    forgets_attempts = False
    copied_at = 0

    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.patches = ExitStack()
        self.patches.enter_context(patch.dict(limits.LIMITS, NO_LIMIT))
        self.patches.enter_context(patch.object(updating, "decide_update", self.decide))
        self.senders = [Sender(self.client.stored["LastUpdateID"])]
        self.packets: list[Packet] = []
        self.serial = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.atomic.__exit__(None, None, None)
        self.patches.close()

    @property
    def state(self) -> str:
        return RegisteredSystem.objects.values_list("state", flat=True).get()

    # --- What a system does

    @rule(number=ANY)
    def send(self, number: int) -> None:
        """Begins an update, or sends the one again that it got no answer to."""
        index = number % len(self.senders)
        sender = self.senders[index]
        self.serial += 1
        if not sender.pending:
            sender.pending, sender.begun = f"attempt {index}.{self.serial}", self.serial
        sender.waiting = self.serial
        self.packets.append(Packet(index, sender.update_id, sender.pending, sender.begun, self.serial))

    @rule(number=ANY)
    def client_crashes(self, number: int) -> None:
        """Between sending and storing: only what is stored survives."""
        sender = self.senders[number % len(self.senders)]
        sender.waiting = 0
        if self.forgets_attempts:
            sender.pending = ""

    # --- What the network and the server do

    @precondition(lambda self: self.packets)
    @rule(number=ANY, stays=st.booleans(), answer_is_lost=st.booleans())
    def arrives(self, number: int, stays: bool, answer_is_lost: bool) -> None:
        """Any packet, in any order; one that stays arrives once more later on."""
        packet = self._take(number, stays=stays)
        status, body = post(self._body(packet))
        sender = self.senders[packet.sender]
        sender.fresh = sender.fresh or packet.begun > self.copied_at
        if not answer_is_lost and sender.waiting == packet.serial:
            self._receive(sender, status, body)

    @precondition(lambda self: self.packets)
    @rule(number=ANY)
    def is_lost(self, number: int) -> None:
        self._take(number, stays=False)

    @precondition(lambda self: self.packets)
    @rule(number=ANY, stays=st.booleans())
    def server_crashes_before_commit(self, number: int, stays: bool) -> None:
        with transaction.atomic():
            post(self._body(self._take(number, stays=stays)))
            transaction.set_rollback(True)

    def _take(self, number: int, *, stays: bool) -> Packet:
        index = number % len(self.packets)
        return self.packets[index] if stays else self.packets.pop(index)

    def _body(self, packet: Packet) -> bytes:
        data = FACTS | {"LastUpdateID": packet.update_id, "AttemptID": packet.attempt}
        return form(("Update", data), key=self.client.key)

    def _receive(self, sender: Sender, status: str, body: bytes) -> None:
        """Stores the new id; a refusal ends the attempt."""
        sender.waiting, sender.pending = 0, ""
        reader = OtrsClient(dict(self.client.stored))
        try:
            reader.read_update(status, body)
        except AssertionError:
            self.refused(status, body)
        else:
            sender.update_id = reader.stored["LastUpdateID"]

    def refused(self, status: str, body: bytes) -> None:
        """An answer other than a new id was received."""


class HonestMachine(Network):
    backup: dict[str, Any] | None = None

    def refused(self, status: str, body: bytes) -> None:
        raise AssertionError(f"refused an honest system: {status} {body!r}")

    @rule()
    def server_is_backed_up(self) -> None:
        self.backup = dict(RegisteredSystem.objects.values().get())

    @precondition(lambda self: self.backup)
    @rule()
    def server_is_restored(self) -> None:
        RegisteredSystem.objects.update(**(self.backup or {}))

    @invariant()
    def is_not_locked_out(self) -> None:
        assert self.state == "active", "locked out an honest system"

    def teardown(self) -> None:
        """With a good network at last, the next update is accepted."""
        try:
            self.packets.clear()
            for _update in range(2):
                self.send(0)
                self.arrives(0, stays=False, answer_is_lost=False)
        finally:
            super().teardown()


class CopyMachine(Network):
    @precondition(lambda self: len(self.senders) < 3)
    @rule(number=ANY)
    def is_copied(self, number: int) -> None:
        """Of all that is stored; a connection is not."""
        self.senders.append(replace(self.senders[number % len(self.senders)], waiting=0))
        self.copied_at = self.serial
        for sender in self.senders:
            sender.fresh = False

    @invariant()
    def copies_are_found(self) -> None:
        if len(self.senders) > 1 and all(sender.fresh for sender in self.senders):
            assert self.state == "conflict", "did not find the copies"

"""Sessions and logins of the stand-in ticket system."""

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass

from generic_interface.simulator.model import Agent, CustomerUser
from generic_interface.simulator.store import TicketStore
from generic_interface.simulator.wire import Json, is_true

SESSION_SECONDS = 7200
"""A session dies this long after it was made, however much it is used."""

Viewer = Agent | CustomerUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    session_id: str
    viewer: Viewer
    address: str
    started: float


class SessionStore:
    """``clock`` gives seconds; sessions work in every web service."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}

    def create(self, viewer: Viewer, address: str) -> str:
        session_id = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(32))
        self._sessions[session_id] = Session(
            session_id=session_id, viewer=viewer, address=address, started=self._clock()
        )
        return session_id

    def find(self, session_id: object, address: str) -> Session | None:
        """The living session; an expired one, or one used from another address, is deleted by the attempt."""
        session = self._sessions.get(str(session_id))
        if session is None:
            return None
        if session.address != address or self._clock() - session.started > SESSION_SECONDS:
            del self._sessions[session.session_id]
            return None
        return session

    def remove(self, session_id: object) -> bool:
        return self._sessions.pop(str(session_id), None) is not None

    def expire_all(self) -> None:
        """Forget every session, as after a restart of the ticket system."""
        self._sessions.clear()


def check_login(data: TicketStore, parameters: Json) -> Viewer | None:
    """The agent or customer user of the login data. Logins match in any case; an invalid agent counts as unknown."""
    password = parameters.get("Password")
    if is_true(parameters.get("UserLogin")):
        login = str(parameters["UserLogin"]).casefold()
        agents = (agent for agent in data.agents.values() if agent.valid)
        return next((agent for agent in agents if agent.login.casefold() == login and agent.password == password), None)
    login = str(parameters.get("CustomerUserLogin", "")).casefold()
    users = data.customer_users.values()
    return next((user for user in users if user.login.casefold() == login and user.password == password), None)


def authenticate(data: TicketStore, sessions: SessionStore, parameters: Json, address: str) -> Viewer | None:
    """Who is calling, with the rights of now. Login data beside a bad SessionID are not tried."""
    if is_true(parameters.get("SessionID")):
        session = sessions.find(parameters["SessionID"], address)
        return data.agents.get(session.viewer.login, session.viewer) if session else None
    return check_login(data, parameters)

"""What ``rpc.pl`` tells of an agent's absence. Nothing else stays of the data, which hold the password's hash."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from generic_interface.absences import Absence
from generic_interface.connection import Connection
from generic_interface.errors import BadAnswer
from generic_interface.rpc import USERS, Rpc
from generic_interface.rpc_values import NoValue, Value, pairs

SWITCH = "OutOfOffice"
FIRST = ("OutOfOfficeStartYear", "OutOfOfficeStartMonth", "OutOfOfficeStartDay")
LAST = ("OutOfOfficeEndYear", "OutOfOfficeEndMonth", "OutOfOfficeEndDay")
KEYS = frozenset({SWITCH, *FIRST, *LAST})


class StoredAbsences:
    """Reads absences back over ``rpc.pl``. ``on_request`` is called before each request."""

    def __init__(self, connection: Connection) -> None:
        self._rpc = Rpc(connection)

    def close(self) -> None:
        self._rpc.close()

    def check_login(self) -> None:
        """Raises ``InterfaceError`` where ``rpc.pl`` does not answer or refuses the login."""
        self._rpc.confirm_login()

    @property
    def on_request(self) -> Callable[[], object] | None:
        return self._rpc.on_request

    @on_request.setter
    def on_request(self, told: Callable[[], object] | None) -> None:
        self._rpc.on_request = told

    def stored_absences(self, logins: Sequence[str]) -> Mapping[str, Absence | None]:
        """What is stored for each login, one request each (``UserObject.GetUserData``).

        ``None``: no agent has this login, or no period with two real days is stored. Raises ``InterfaceError``.
        """
        return {login: self._stored(login) for login in logins}

    def _stored(self, login: str) -> Absence | None:
        values = self._rpc.ask(USERS, "GetUserData", {"User": login})
        try:
            return stored_absence(login, pairs(values, keys=KEYS))
        except NoValue as error:
            raise BadAnswer(f"The answer to {USERS}.GetUserData {error}. Nothing of it was used.") from None


def stored_absence(login: str, preferences: Mapping[str, Value]) -> Absence | None:
    """The absence in an agent's preferences, where both days are whole and real."""
    start, end = _day(preferences, FIRST), _day(preferences, LAST)
    if start is None or end is None:
        return None
    return Absence(user=login, start=start, end=end, enabled=preferences.get(SWITCH) == "1")


def _day(preferences: Mapping[str, Value], names: tuple[str, str, str]) -> date | None:
    parts = [preferences.get(name) for name in names]
    if not all(isinstance(part, str) and part.isascii() and part.isdecimal() for part in parts):
        return None
    try:
        year, month, day = map(int, map(str, parts))
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None

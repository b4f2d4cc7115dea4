"""What ``UserObject`` tells over ``rpc.pl``: agents with their preferences, and the hash of the password among them."""

import hashlib
from datetime import date, datetime

from generic_interface.simulator.model import Agent
from generic_interface.simulator.store import TicketStore, UnknownName

SET_UP_AT = "2026-11-22 15:43:26"

Values = dict[str, object]


def get_user_data(data: TicketStore, arguments: Values) -> Values:
    """By ``User`` (the login, in any case) or ``UserID``; nothing for nobody. Deactivated agents are told as well."""
    agent = _find(data, arguments)
    return {} if agent is None else user_data(data, agent) | data.preferences.get(agent.user_id, {})


def user_data(data: TicketStore, agent: Agent) -> Values:
    """Without the absence, but for what it adds to the name while it lasts."""
    message = _absence_message(data.preferences.get(agent.user_id, {}), data.now)
    name = f"{agent.first_name} {agent.last_name}"
    return {
        "UserID": agent.user_id,
        "UserLogin": agent.login,
        "UserFirstname": agent.first_name,
        "UserLastname": agent.last_name,
        "UserFullname": f"{name} {message}" if message else name,
        "UserEmail": agent.address,
        "UserPw": hashlib.sha256(agent.password.encode()).hexdigest(),
        "UserTitle": None,
        "ValidID": 1 if agent.valid else 2,
        "CreateTime": SET_UP_AT,
        "ChangeTime": SET_UP_AT,
        "UserCreateNextMask": "",
        "UserRefreshTime": 0,
        "UserTicketOverviewSmallPageShown": 25,
        "UserTicketOverviewMediumPageShown": 20,
        "UserTicketOverviewPreviewPageShown": 15,
        "AdminCommunicationLogPageShown": 25,
        "AdminDynamicFieldsOverviewPageShown": 25,
        **({"OutOfOfficeMessage": message} if message else {}),
    }


def agent_of(data: TicketStore, user_id: object) -> Agent | None:
    try:
        return data.agent_by_id(int(str(user_id)))
    except (UnknownName, ValueError):
        return None


def _find(data: TicketStore, arguments: Values) -> Agent | None:
    if "UserID" in arguments:
        return agent_of(data, arguments["UserID"])
    login = str(arguments.get("User", "")).casefold()
    return next((agent for agent in data.agents.values() if agent.login.casefold() == login), None)


def _absence_message(stored: dict[str, str], now: datetime) -> str:
    """While an absence lasts, its end and the days that are left stand behind the agent's name."""
    if stored.get("OutOfOffice") != "1":
        return ""
    try:
        start, end = (
            date(*(int(stored[f"OutOfOffice{edge}{part}"]) for part in ("Year", "Month", "Day")))
            for edge in ("Start", "End")
        )
    except (KeyError, ValueError):
        return ""
    if not start <= now.date() <= end:
        return ""
    return f"*** out of office until {end.isoformat()} ({(end - now.date()).days} d left) ***"

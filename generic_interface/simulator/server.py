"""Starting and stopping the stand-in ticket system on a real socket of this machine."""

import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self
from zoneinfo import ZoneInfo

from generic_interface.simulator.connections import HOST, WebServer
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.faults import FaultPlan
from generic_interface.simulator.gateway import Gateway, TicketSystem
from generic_interface.simulator.model import DEMO_LOGIN, DEMO_PASSWORD
from generic_interface.simulator.months import ZONE
from generic_interface.simulator.rpc import RPC_PATH, RpcScript, RpcSettings
from generic_interface.simulator.system import SimulatedSystem
from generic_interface.simulator.wire import Flavour, Json

KEEP_ALIVE_MAX = 100
KEEP_ALIVE_IDLE_SECONDS = 5.0


class RunningSimulator:
    """A ticket system that answers at ``base_url`` until ``stop``; also a context manager.

    ``faults`` can be changed while it runs.
    """

    login = DEMO_LOGIN
    password = DEMO_PASSWORD

    def __init__(
        self,
        system: TicketSystem,
        *,
        port: int = 0,
        faults: FaultPlan | Iterable[str] | None = None,
        flavour: Flavour = Flavour.MAIN,
        rpc: RpcSettings | None = None,
        keep_alive_max: int = KEEP_ALIVE_MAX,
        keep_alive_idle: float = KEEP_ALIVE_IDLE_SECONDS,
    ) -> None:
        """Bind and serve at once. ``port`` 0 takes a free one. Raises OSError when the port is taken."""
        self.system = system
        self.faults = faults if isinstance(faults, FaultPlan) else FaultPlan(faults or ())
        self._rpc = (
            RpcScript(system, rpc or RpcSettings(), self.faults) if isinstance(system, SimulatedSystem) else None
        )
        self._gateway = Gateway(system, self.faults, flavour, self._rpc)
        self._server = WebServer(port, self._gateway, keep_alive_max=keep_alive_max, keep_alive_idle=keep_alive_idle)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}/otrs"

    @property
    def rpc_url(self) -> str:
        return f"http://{HOST}:{self.port}{RPC_PATH}"

    @property
    def rpc(self) -> RpcScript:
        """What ``rpc.pl`` was asked and has sent. Raises LookupError where the system has none."""
        if self._rpc is None:
            raise LookupError("This stand-in answers the Generic Interface alone.")
        return self._rpc

    @property
    def requests(self) -> list[tuple[str, Json]]:
        """Every operation called, in order, with its parameters but without secrets."""
        return list(self._gateway.requests)

    @property
    def strays(self) -> list[str]:
        """Targets of requests that did not ask for the Generic Interface, such as a followed redirect."""
        return list(self._gateway.strays)

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._server.accepted

    def operations(self) -> list[str]:
        """The names of the operations called, in order."""
        return [operation for operation, _ in self.requests]

    def forget_requests(self) -> None:
        self._gateway.requests.clear()

    def expire_sessions(self) -> None:
        """Let every session die, as two hours would."""
        self.system.sessions.expire_all()

    def stop(self) -> None:
        """Close the port and every connection. May be called twice."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_simulator(
    data: DataSet,
    *,
    port: int = 0,
    faults: FaultPlan | Iterable[str] | None = None,
    flavour: Flavour = Flavour.MAIN,
    rpc: RpcSettings | None = None,
    clock: Callable[[], float] = time.time,
    zone: ZoneInfo = ZONE,
    keep_alive_max: int = KEEP_ALIVE_MAX,
    keep_alive_idle: float = KEEP_ALIVE_IDLE_SECONDS,
) -> RunningSimulator:
    """Serve a data set. ``clock`` and ``zone`` are the server's; ``faults`` as ``faults.parse_fault`` reads them."""
    return RunningSimulator(
        SimulatedSystem(data, flavour=flavour, clock=clock, zone=zone),
        port=port,
        faults=faults,
        flavour=flavour,
        rpc=rpc,
        keep_alive_max=keep_alive_max,
        keep_alive_idle=keep_alive_idle,
    )

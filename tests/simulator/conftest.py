from collections.abc import Iterator

import pytest

from generic_interface.simulator.data import build_data_set
from generic_interface.simulator.data_set import DataSet
from generic_interface.simulator.server import RunningSimulator, start_simulator
from tests.simulator.asking import Caller


@pytest.fixture(scope="session")
def data() -> DataSet:
    """Shared by all tests that only read; a test that changes tickets takes ``own_data``."""
    return build_data_set((2026, 10))


@pytest.fixture
def own_data() -> DataSet:
    return build_data_set((2026, 10))


@pytest.fixture
def simulator(data: DataSet) -> Iterator[RunningSimulator]:
    with start_simulator(data) as running:
        yield running


@pytest.fixture
def caller(simulator: RunningSimulator) -> Iterator[Caller]:
    with Caller(simulator) as kept:
        yield kept

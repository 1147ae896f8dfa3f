"""What the fault scenarios share: a nursery per process of tests, a rig per test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.faults.nursery import Nursery
from tests.faults.rig import Rig, rigged, running_nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with running_nursery() as running:
        yield running


@pytest.fixture
async def rig(nursery: Nursery, tmp_path: Path) -> AsyncIterator[Rig]:
    async with rigged(nursery, tmp_path) as running:
        yield running

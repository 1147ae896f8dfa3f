"""Slack stand-ins for the tests of telling."""

from collections.abc import AsyncIterator

import pytest

from tests.telling import BENCHES, Bench


@pytest.fixture(params=list(BENCHES))
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """Our own stand-in, and the one beside the checkout where there is one."""
    async with BENCHES[request.param]() as running:
        yield running

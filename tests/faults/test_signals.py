"""SIGTERM, SIGINT, SIGHUP: at any moment, in any number, in the middle of crawling and of sending.

F03, F27 and F30.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from tests import web_stand_in
from tests.faults.nursery import Nursery
from tests.faults.rig import Rig, rigged, until

ONE_DAY = timedelta(days=1)
HUNG = 40  # sockets, eight a host
PATIENCE = 10.0  # seconds that systemd and Docker grant

pytestmark = pytest.mark.slow


# ---- F03


async def test_a_stop_drains_while_sockets_and_slack_hang_and_the_next_start_tells_once(
    nursery: Nursery, tmp_path: Path
) -> None:
    async def stopped(number: signal.Signals, accepted: bool) -> None:
        async with rigged(nursery, tmp_path / number.name) as rig:
            await rig.begin()
            rig.slack.arm("hang", seconds=30, accept=accepted)
            rig.papers["herald"].publish("OpenAI and its partner")
            async with hung_papers(rig) as hung:
                rig.configure("herald", *hung, deadline="20s", settle="1s")
                daemon = rig.start()
                await until(lambda: rig.papers.hanging == HUNG)
                await until(lambda: ("chat.postMessage", "hang") in rig.slack.calls or rig.slack.messages)
                began = time.monotonic()
                daemon.signal(number)
                assert await daemon.ended(PATIENCE + 5) == 0
                assert time.monotonic() - began < PATIENCE
            assert daemon.logged("crawl stopped")[0]["unfinished"] == HUNG
            rig.configure("herald", settle="1s")
            rig.start()
            await rig.all_told("OpenAI and its partner")
            assert rig.slack.told == ["OpenAI and its partner"]

    await asyncio.gather(stopped(signal.SIGTERM, True), stopped(signal.SIGINT, False))


@contextlib.asynccontextmanager
async def hung_papers(rig: Rig) -> AsyncIterator[list[str]]:
    """So many that never answer; on several hosts, as one is not asked by all at once."""
    async with contextlib.AsyncExitStack() as hosts:
        sites = [
            await hosts.enter_async_context(web_stand_in.serving(rig.papers.answer, f"127.0.0.{at}"))
            for at in range(2, 2 + HUNG // 8)
        ]
        names = [f"hung-{at}" for at in range(HUNG)]
        for at, name in enumerate(names):
            rig.papers[name].hangs = True
            rig.addresses[name] = sites[at % len(sites)].url
        yield names


# ---- reload


async def test_a_good_configuration_counts_at_once_and_tells_nothing_old(rig: Rig) -> None:
    await rig.begin()
    rig.papers["herald"].publish("Anthropic and its partner: before the keyword")
    rig.papers["bugle"].publish("OpenAI in bugle, long ago", age=3 * ONE_DAY)
    daemon = rig.start()
    await until(lambda: rig.ask("SELECT count(*) FROM revisions WHERE screened_at IS NOT NULL") == 2)
    rig.configure("herald", "bugle", terms=("OpenAI", "Anthropic"))
    daemon.signal(signal.SIGHUP)
    await until(lambda: rig.papers.asked["/bugle/feed"] > 1)
    new = ["Anthropic and its partner: after the keyword", "OpenAI and its partner: in the new source"]
    rig.papers["herald"].publish(new[0])
    rig.papers["bugle"].publish(new[1])
    await rig.all_told(*new)
    assert sorted(rig.slack.told) == new
    assert len(daemon.logged("configuration reloaded")) == 1


async def test_a_bad_configuration_is_refused_told_once_and_the_last_good_one_stays(rig: Rig) -> None:
    await rig.begin()
    daemon = rig.start()
    await daemon.started()
    rig.write("watches.yaml", {"watches": [{"id": "pact", "rulez": []}]})
    daemon.signal(signal.SIGHUP)
    await until(lambda: rig.ops.told)
    daemon.signal(signal.SIGHUP)
    await until(lambda: len(daemon.logged("configuration refused")) == 2)
    rig.papers["herald"].publish("OpenAI and its partner")
    await rig.all_told("OpenAI and its partner")
    (told,) = rig.ops.messages
    assert "last good one stays in force" in told["text"]
    assert "watches.yaml:5" in str(told)


async def test_a_hundred_reloads_under_load_lose_and_repeat_nothing(rig: Rig) -> None:
    """F27."""
    rng = Random(27)
    await rig.begin("herald", "bugle")
    rig.slack.rng, rig.slack.p = Random(27), 0.1
    daemon = rig.start()
    await daemon.started()
    titles: list[str] = []
    for turn in range(100):
        if turn % 12 == 5:
            titles.append(f"OpenAI and its partner, part {turn}")
            rig.papers["herald"].publish(titles[-1])
        if turn % 25 == 7:
            rig.write("daemon.yaml", {"delivery": {"deadline": "soon"}})
        else:
            rig.configure("herald", *["bugle"] * (turn % 2), settle="1s", terms=("OpenAI", f"Name{turn}"))
        daemon.signal(signal.SIGHUP)
        await asyncio.sleep(rng.uniform(0, 0.08))
    rig.slack.rng = None
    rig.configure("herald", "bugle", settle="1s")
    daemon.signal(signal.SIGHUP)
    await rig.all_told(*titles)
    assert sorted(rig.slack.told) == sorted(titles)
    assert daemon.code is None


async def test_a_storm_of_signals_ends_in_a_clean_stop(rig: Rig) -> None:
    """F30. A signal nobody listens to kills it, as it kills any process: no worse than kill -9."""
    rng = Random(30)
    await rig.begin()
    rig.papers["herald"].publish("OpenAI and its partner")
    rig.slack.arm("reset", accept=True)
    daemon = rig.start()
    await until(lambda: rig.slack.messages)
    daemon.signal(signal.SIGUSR1)
    assert await daemon.ended() == -signal.SIGUSR1
    daemon = rig.start()
    await daemon.started()
    for _ in range(500):
        daemon.signal(signal.SIGHUP)
        await asyncio.sleep(rng.uniform(0, 0.002))
    began = time.monotonic()
    while not daemon.logged("stopped"):
        daemon.signal(rng.choice((signal.SIGTERM, signal.SIGINT, signal.SIGHUP)))
        await asyncio.sleep(0.001)
    assert await daemon.ended() == 0
    assert time.monotonic() - began < PATIENCE
    rig.start()
    await rig.all_told("OpenAI and its partner")
    assert rig.slack.told == ["OpenAI and its partner"]

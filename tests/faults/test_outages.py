"""Slack is away for a while, or a person has to mend something, while the daemon goes on.

F08 to F10 as a whole process lives through them; the rules of each single answer are shown at the door
(tests/alerts/test_slack.py).
"""

import asyncio
import itertools
import signal
from pathlib import Path

import pytest

from tests.faults.nursery import Nursery
from tests.faults.rig import Rig, rigged, until

pytestmark = pytest.mark.slow


async def test_after_an_outage_all_is_told_in_order_one_a_second_and_once(rig: Rig) -> None:
    await rig.begin()
    daemon = rig.start()
    await daemon.started()
    await rig.slack.hang_up()
    titles = [f"OpenAI and its partner, part {n}" for n in range(6)]
    for batch in (titles[:2], titles[2:4], titles[4:]):
        for title in batch:
            rig.papers["herald"].publish(title)
        published = len(rig.papers["herald"].entries) - 1
        await until(lambda: rig.pending == published)  # noqa: B023  awaited at once
    assert rig.count("sent") == 0
    rig.slack.post_interval = 0.98  # what comes faster is refused, and noted
    await rig.slack.pick_up()
    await rig.all_told(*titles)
    assert rig.slack.told == titles
    assert ("chat.postMessage", "ratelimited") not in rig.slack.calls
    times = [float(message["ts"]) for message in rig.slack.messages]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 0.98


async def test_what_a_person_has_to_mend_keeps_all_pending_is_told_once_and_drains_after_a_reload(
    nursery: Nursery, tmp_path: Path
) -> None:
    async def mended(what: str, error: str) -> None:
        async with rigged(nursery, tmp_path / error) as rig:
            await rig.begin()
            daemon = rig.start()
            await daemon.started()
            setattr(rig.slack, what, error)
            titles = [f"OpenAI and its partner, part {n}" for n in range(3)]
            for title in titles:
                rig.papers["herald"].publish(title)
            await until(lambda: rig.pending == 3)
            await until(lambda: rig.ops.told)
            await until(lambda: rig.pending == 3)  # what ops was told is on record as sent
            assert rig.slack.told == []
            assert error in rig.ops.told[0]
            setattr(rig.slack, what, None)
            daemon.signal(signal.SIGHUP)
            await rig.all_told(*titles)
            assert rig.slack.told == titles
            assert len(rig.ops.told) == 1
            assert daemon.code is None

    await asyncio.gather(mended("token_error", "token_revoked"), mended("channel_error", "is_archived"))

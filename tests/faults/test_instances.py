"""Who may hold a data directory, and what a start finds there.

F20, F13 and F15.
"""

import os
import signal
import tempfile
from pathlib import Path

import pytest

from tests.faults.nursery import Nursery
from tests.faults.processes import children, nobody
from tests.faults.rig import Rig, rigged, until

pytestmark = pytest.mark.slow


async def test_a_second_start_ends_with_4_and_says_who_holds_the_directory(rig: Rig) -> None:
    await rig.begin()
    first = rig.start()
    await first.started()
    rig.papers["herald"].publish("OpenAI and its partner")
    second = rig.start()
    assert await second.ended() == 4
    (line,) = second.log
    assert f"process {first.pid}" in line["said"]
    assert str(rig.data) in line["said"]
    await rig.all_told("OpenAI and its partner")
    assert first.code is None


async def test_a_lock_left_by_a_kill_is_taken(rig: Rig) -> None:
    await rig.begin()
    assert (rig.data / "lock").read_text() == str(rig.daemons[0].pid)
    again = rig.start()
    await again.started()
    assert (rig.data / "lock").read_text() == str(again.pid)


async def test_of_many_starts_at_once_one_lives(rig: Rig) -> None:
    await rig.begin()
    rig.papers["herald"].publish("OpenAI and its partner")
    starts = [rig.start() for _ in range(6)]
    await until(lambda: sum(one.code == 4 for one in starts) == 5)
    await rig.all_told("OpenAI and its partner")
    assert [one.code for one in starts].count(None) == 1
    assert len(rig.slack.messages) == 1


async def test_a_parsing_child_that_cannot_end_by_itself_does_not_hold_the_lock(rig: Rig) -> None:
    """A fork inherits the lock; what is executed must not."""
    await rig.begin()
    daemon = rig.start()
    rig.papers["herald"].publish("OpenAI and its partner")
    await rig.all_told("OpenAI and its partner")
    (child,) = children(daemon.pid)
    os.kill(child, signal.SIGSTOP)
    await daemon.kill()
    next_one = rig.start()
    await next_one.started()


async def test_a_read_only_directory_refuses_the_start_with_a_reason(nursery: Nursery) -> None:
    with tempfile.TemporaryDirectory(prefix="tocsin-faults-") as scratch:
        Path(scratch).chmod(0o755)  # the tests' own directory lets nobody else in
        async with rigged(nursery, Path(scratch)) as rig:
            await rig.begin()
            for path in (*rig.data.iterdir(), rig.data):
                path.chmod(0o555 if path.is_dir() else 0o444)
            daemon = rig.start(uid=nobody())
            assert await daemon.ended() == 1
            (line,) = daemon.log
            assert line["said"].startswith("tocsin: ")
            assert "denied" in line["said"]
            assert str(rig.data) in line["said"]
            rig.data.chmod(0o755)


async def test_after_its_database_was_deleted_it_begins_anew_without_a_flood(rig: Rig) -> None:
    await rig.begin()
    told = [f"OpenAI and its partner, part {n}" for n in range(4)]
    for title in told:
        rig.papers["herald"].publish(title)
    daemon = rig.start()
    await rig.all_told(*told)
    daemon.signal(signal.SIGTERM)
    assert await daemon.ended() == 0
    for left in rig.data.glob("tocsin.db*"):
        left.unlink()
    await rig.start().started()
    await until(lambda: rig.read == 1)
    rig.papers["herald"].publish("OpenAI and its partner: the news after")
    await rig.all_told("OpenAI and its partner: the news after")
    again = len(rig.slack.told) - len(told) - 1
    assert again <= 3  # the backlog: fresh news of a first reading, of which nobody can know

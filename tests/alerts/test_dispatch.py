"""The door against a Slack in memory: every order of faults and kills, and what the caller sees."""

import asyncio
import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from alerts import outbox
from alerts.channels import Channel, DeliveryHabits
from alerts.dispatch import dispatch
from alerts.notifications import Delivery, DeliveryFailed, DeliveryId, Fault, HistoryPage, Plainness, Receipt
from alerts.outbox import State
from tests.telling import HABITS, SECOND, Clock, drain, enqueue, memory, once, states

NEWS = Channel(id="news", kind="console")


class Killed(BaseException):
    """kill -9: no code of ours runs after it."""


@dataclass
class MemorySlack:
    """A channel that stores what it is sent, unless the script says otherwise.

    A step is (stored, end): is the message stored, and how does the call end? None: with an answer.
    """

    script: Iterator[tuple[bool, Fault | type[Killed] | None]] = field(default_factory=lambda: iter(()))
    look_script: Iterator[Fault | type[Killed] | None] = field(default_factory=lambda: iter(()))
    reads_back: bool = True
    pace: timedelta = SECOND
    page: int = 100
    stored: list[DeliveryId] = field(default_factory=list)
    seen: list[Delivery] = field(default_factory=list)

    async def send(self, delivery: Delivery) -> Receipt:
        self.seen.append(delivery)
        stored, end = next(self.script, (True, None))
        if stored:
            self.stored.append(delivery.id)
        self._end(end)
        return Receipt(f"{len(self.stored)}.000000")

    async def newest(self) -> str:
        self._end(next(self.look_script, None))
        return f"{len(self.stored)}.000000"

    async def read(
        self, oldest: str | None, cursor: str | None, wanted: Collection[DeliveryId]
    ) -> HistoryPage:
        self._end(next(self.look_script, None))
        begin = int(cursor or 0)
        rows = list(enumerate(self.stored, 1))[::-1][begin : begin + self.page]
        more = begin + self.page < len(self.stored)
        found = {name: f"{number}.000000" for number, name in rows if number >= float(oldest or 0)}
        return HistoryPage(found, f"{len(self.stored)}.000000", str(begin + self.page) if more else None)

    async def check(self) -> str:
        return ""

    def _end(self, end: Fault | type[Killed] | None) -> None:
        if end is Killed:
            raise Killed
        if isinstance(end, Fault):
            raise DeliveryFailed(end, f"scripted: {end}")


async def live(engine: Engine, slack: MemorySlack, clock: Clock, rounds: int = 3000) -> None:
    """Tick until nothing is left; after a kill, start anew as the daemon does."""
    for _ in range(rounds):
        try:
            if (await once(engine, slack, clock)).waiting == 0:
                return
        except Killed:
            with engine.begin() as connection:
                outbox.recover(connection, clock(), HABITS.settle)
        clock.pass_by(60)


# What may truly happen to a call. STOPPED and LIMITED and the like are said only of what was not stored.
STEPS = st.sampled_from([
    (True, None),
    (True, Fault.UNKNOWN),
    (False, Fault.UNKNOWN),
    (True, Killed),
    (False, Killed),
    (False, Fault.LIMITED),
    (False, Fault.UNREACHABLE),
    (False, Fault.STOPPED),
])  # fmt: skip
LOOKS = st.sampled_from([None, None, Fault.LIMITED, Fault.UNKNOWN, Fault.UNREACHABLE, Fault.STOPPED, Killed])


@settings(max_examples=40, deadline=None)
@given(
    script=st.lists(STEPS, max_size=25),
    looks=st.lists(LOOKS, max_size=12),
    alerts=st.integers(1, 6),
    page=st.integers(1, 3),
)
def test_in_any_order_of_faults_and_kills_each_alert_is_there_once(
    script: list[tuple[bool, Fault | type[Killed] | None]],
    looks: list[Fault | type[Killed] | None],
    alerts: int,
    page: int,
) -> None:
    engine, clock = memory(), Clock()
    names = [f"{number:02d}" for number in range(alerts)]
    enqueue(engine, *names)
    slack = MemorySlack(iter(script), iter(looks), page=page)
    asyncio.run(live(engine, slack, clock))
    assert sorted(slack.stored) == names
    assert set(states(engine).values()) == {State.SENT}
    engine.dispose()


def test_control_a_blind_repeat_makes_duplicates() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    slack = MemorySlack(iter([(True, Killed)]), reads_back=False)
    asyncio.run(live(engine, slack, clock))
    assert slack.stored == ["a1", "a1"]


async def test_where_nobody_can_look_a_repeat_is_called_one() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    slack = MemorySlack(iter([(True, Fault.UNKNOWN)]), reads_back=False)
    await drain(engine, slack, clock)
    assert [(one.id, one.repeat_possible) for one in slack.seen] == [
        ("a1", False),
        ("b2", False),
        ("a1", True),
    ]


async def test_a_kill_before_the_call_costs_a_look_and_loses_nothing() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    with engine.begin() as connection:
        outbox.claim(connection, "news", clock(), 25 * SECOND, SECOND)
    slack = MemorySlack()
    await drain(engine, slack, clock)
    assert slack.stored == ["a1"]


async def test_a_claim_whose_lease_ran_out_is_looked_for_without_a_restart() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    slack = MemorySlack(iter([(True, Killed)]))
    with pytest.raises(Killed):
        await once(engine, slack, clock)
    await drain(engine, slack, clock)
    assert slack.stored == ["a1"]
    assert states(engine) == {"a1": State.SENT}


async def test_a_cancelled_call_is_looked_for() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")

    class Slow(MemorySlack):
        async def send(self, delivery: Delivery) -> Receipt:
            await super().send(delivery)
            await asyncio.sleep(30)
            raise AssertionError

    slow = Slow()
    task = asyncio.create_task(once(engine, slow, clock))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    fast = MemorySlack(stored=slow.stored)
    await drain(engine, fast, clock)
    assert fast.stored == ["a1"]


async def test_nothing_is_sent_inside_a_transaction(tmp_path: object) -> None:
    """A second connection can write while a call is under way."""
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")

    class Writes(MemorySlack):
        async def send(self, delivery: Delivery) -> Receipt:
            enqueue(engine, "meanwhile")
            return await super().send(delivery)

    slack = Writes()
    await once(engine, slack, clock)
    assert slack.stored == ["a1", "meanwhile"]


async def test_messages_of_a_channel_are_a_second_apart_and_in_order() -> None:
    engine, clock = memory(), Clock()
    names = [f"{number:02d}" for number in range(10)]
    enqueue(engine, *names)
    times = []

    class Timed(MemorySlack):
        async def send(self, delivery: Delivery) -> Receipt:
            times.append(clock())
            return await super().send(delivery)

    slack = Timed()
    await once(engine, slack, clock)
    assert slack.stored == names
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= SECOND


async def test_the_pace_survives_a_restart() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    await once(engine, MemorySlack(), clock)
    enqueue(engine, "b2", now=clock())
    with engine.begin() as connection:
        assert outbox.claim(connection, "news", clock(), SECOND, SECOND) is None


async def test_a_long_outage_keeps_the_order_and_does_not_hammer() -> None:
    engine, clock = memory(), Clock()
    names = [f"{number:02d}" for number in range(40)]
    enqueue(engine, *names)
    slack = MemorySlack(itertools.repeat((False, Fault.UNREACHABLE), 15))
    for _ in range(150):
        await once(engine, slack, clock)
        clock.pass_by(60)
    assert slack.stored == names
    assert len(slack.seen) == 55


async def test_an_outage_of_half_answers_does_not_throw_every_alert_at_it() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, *(f"{number:02d}" for number in range(40)))
    slack = MemorySlack(itertools.repeat((False, Fault.UNKNOWN)))
    for _ in range(120):
        await once(engine, slack, clock)
        clock.pass_by(5)
    assert len(slack.seen) < 20


async def test_a_stopped_channel_is_tried_every_quarter_of_an_hour() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    slack = MemorySlack(itertools.repeat((False, Fault.STOPPED), 5))
    for _ in range(60):
        await once(engine, slack, clock)
        clock.pass_by(60)
    assert 3 <= len(slack.seen) <= 5
    with engine.begin() as connection:
        assert outbox.channel_states(connection)[0].stopped_reason == "scripted: stopped"


async def test_a_message_refused_in_every_form_dies_alone() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    slack = MemorySlack(iter([(False, Fault.CONTENT)] * 3))
    done = await once(engine, slack, clock)
    assert (done.sent, done.dead, done.waiting) == (1, 1, 0)
    assert [one.plainness for one in slack.seen] == [*Plainness, Plainness.FULL]


async def test_channels_do_not_wait_for_each_other() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    with engine.begin() as connection:
        body = outbox.records(connection)[0].body
        outbox.enqueue(connection, DeliveryId("z9"), "other", body, None, None, clock())
    held = asyncio.Event()

    class Stuck(MemorySlack):
        async def send(self, delivery: Delivery) -> Receipt:
            await held.wait()
            return await super().send(delivery)

    slow = asyncio.create_task(once(engine, Stuck(), clock))
    other = MemorySlack()
    await dispatch(
        engine, Channel(id="other", kind="console"), other, HABITS, clock, Random(1), sleep=clock.sleep
    )
    assert other.stored == ["z9"]
    held.set()
    await slow


async def test_asked_to_stop_it_sends_nothing_more() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    slack = MemorySlack()
    done = await dispatch(
        engine, NEWS, slack, HABITS, clock, Random(1), stopping=lambda: bool(slack.stored), sleep=clock.sleep
    )
    assert (done.sent, done.waiting) == (1, 1)


async def test_a_rate_limit_holds_the_whole_workspace() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    enqueue(engine, "o1", channel="ops")
    limited = MemorySlack(iter([(False, Fault.LIMITED)]))
    await dispatch(engine, NEWS, limited, HABITS, clock, Random(1), neighbours={"ops"}, sleep=clock.sleep,
                   stopping=lambda: bool(limited.seen))  # fmt: skip
    with engine.begin() as connection:
        for channel in ("news", "ops"):
            at = outbox.sendable_at(connection, channel, SECOND, clock())
            assert at is not None
            assert at > clock() + SECOND, channel


async def test_an_idle_door_says_so() -> None:
    done = await once(memory(), MemorySlack(), Clock())
    assert (done.sent, done.dead, done.waiting, done.sendable_at) == (0, 0, 0, None)


async def test_a_clock_set_back_does_not_silence_the_bell() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    slack = MemorySlack(iter([(True, None), (True, Fault.UNKNOWN), (False, Fault.LIMITED)]))
    await once(engine, slack, clock)
    enqueue(engine, "b2", "c3", now=clock())
    await once(engine, slack, clock)
    clock.pass_by(-86400)
    enqueue(engine, "d4", now=clock())
    assert await drain(engine, slack, clock) < 180
    assert sorted(slack.stored) == ["a1", "b2", "c3", "d4"]


async def test_short_habits_scale_the_second_look_too() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    habits = DeliveryHabits(deadline=SECOND, settle=2 * SECOND)
    slack = MemorySlack(iter([(False, Fault.UNKNOWN)]))
    for _ in range(8):
        await once(engine, slack, clock, habits)
        clock.pass_by(1)
    assert slack.stored == ["a1"]

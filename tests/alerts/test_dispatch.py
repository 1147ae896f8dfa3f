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
from sqlalchemy import Engine, select

from alerts import outbox
from alerts.channels import Channel, DeliveryHabits
from alerts.dispatch import dispatch
from alerts.notifications import (
    Delivery,
    DeliveryFailed,
    DeliveryId,
    Fault,
    FollowUp,
    HistoryPage,
    Kind,
    Plainness,
    Receipt,
)
from alerts.outbox import State
from tests.telling import HABITS, SECOND, Clock, alarm, drain, enqueue, memory, once, reply, revise, states

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
    threads: bool = True
    edits: bool = True
    pace: timedelta = SECOND
    edit_pace: timedelta = 2 * SECOND
    page: int = 100
    stored: list[DeliveryId] = field(default_factory=list)
    threads_of: dict[DeliveryId, str | None] = field(default_factory=dict)  # message → ts of its root
    shown: dict[str, str] = field(default_factory=dict)  # ts → headline, as last edited
    seen: list[Delivery] = field(default_factory=list)

    async def send(self, delivery: Delivery) -> Receipt:
        self.seen.append(delivery)
        stored, end = next(self.script, (True, None))
        if stored and delivery.kind is Kind.EDIT:
            assert delivery.thread is not None
            self.shown[delivery.thread] = delivery.body.title
        elif stored:
            self.stored.append(delivery.id)
            self.threads_of[delivery.id] = delivery.thread
            self.shown[f"{len(self.stored)}.000000"] = delivery.body.title
        self._end(end)
        return Receipt(f"{len(self.stored)}.000000")

    async def newest(self) -> str:
        self._end(next(self.look_script, None))
        return f"{len(self.stored)}.000000"

    async def read(
        self,
        oldest: str | None,
        cursor: str | None,
        wanted: Collection[DeliveryId],
        thread: str | None = None,
    ) -> HistoryPage:
        self._end(next(self.look_script, None))
        begin = int(cursor or 0)
        there = [row for row in enumerate(self.stored, 1) if self.threads_of.get(row[1]) == thread]
        rows = there[::-1][begin : begin + self.page]
        more = begin + self.page < len(there)
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


# What may be done to a story: told, followed up, revised.
DOINGS = st.lists(
    st.tuples(st.sampled_from(["root", "reply", "aloud", "revise", "tick"]), st.integers(0, 2)), max_size=14
)


@settings(max_examples=60, deadline=None)
@given(
    doings=DOINGS,
    script=st.lists(STEPS, max_size=25),
    looks=st.lists(LOOKS, max_size=8),
    page=st.integers(1, 3),
)
def test_in_any_order_of_faults_and_kills_a_thread_tells_everything_once_and_its_root_the_newest(
    doings: list[tuple[str, int]],
    script: list[tuple[bool, Fault | type[Killed] | None]],
    looks: list[Fault | type[Killed] | None],
    page: int,
) -> None:
    engine, clock, slack = memory(), Clock(), MemorySlack(iter(script), iter(looks), page=page)
    newest: dict[str, str] = {}
    said: dict[str, list[str]] = {}
    for number, (what, which) in enumerate(doings):
        root, words = f"root{which}", f"{what} {number}"
        if what == "root" and root not in newest:
            enqueue(engine, root, now=clock(), body=alarm(words), story=root)
            newest[root], said[root] = words, []
        elif what in {"reply", "aloud"} and root in newest:
            reply(engine, words, words, root=root, now=clock(), broadcast=what == "aloud")
            said[root].append(words)
        elif what == "revise" and root in newest:
            revise(engine, words, root=root, now=clock())
            newest[root] = words
        elif what == "tick":
            asyncio.run(live(engine, slack, clock, rounds=1))
    asyncio.run(live(engine, slack, clock))
    ts_of = {name: f"{number}.000000" for number, name in enumerate(slack.stored, 1)}
    assert len(ts_of) == len(slack.stored)
    assert {root: slack.shown[ts_of[DeliveryId(root)]] for root in newest} == newest
    for root, words in said.items():
        assert sorted(told_in(engine, root)) == sorted(words)
        replies = [name for name, thread in slack.threads_of.items() if thread == ts_of[DeliveryId(root)]]
        assert all(float(ts_of[name]) > float(ts_of[DeliveryId(root)]) for name in replies)
        assert sorted(replies) == sorted(one.id for one in replies_to(engine, root))
    engine.dispose()


def replies_to(engine: Engine, root: str) -> list[outbox.Record]:
    deliveries = outbox.tables.tables["deliveries"]
    with engine.begin() as connection:
        which = deliveries.c.root == root, deliveries.c.kind == Kind.REPLY
        names = set(connection.scalars(select(deliveries.c.id).where(*which)))
        return [one for one in outbox.records(connection) if one.id in names]


def told_in(engine: Engine, root: str) -> list[str]:
    """The headlines of what was sent in the thread of a root."""
    said = [one.body for one in replies_to(engine, root) if one.state is State.SENT]
    return [item.title for body in said if isinstance(body, FollowUp) for item in body.items]


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

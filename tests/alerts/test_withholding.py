"""In quiet hours nothing is heard in a channel but what is urgent; at their end it goes out."""

from datetime import timedelta
from random import Random

import pytest
from sqlalchemy import Engine, update

from alerts import outbox
from alerts.channels import Channel, QuietHours
from alerts.dispatch import dispatch
from alerts.notifications import DeliveryId, FollowUp
from alerts.outbox import State
from alerts.outbox.schema import deliveries
from tests.alerts.test_dispatch import MemorySlack
from tests.builders import HOUR
from tests.telling import (
    HABITS,
    NOW,
    Clock,
    alarm,
    enqueue,
    follow_up,
    memory,
    reply,
    revise,
    root_of,
    states,
)

AROUND = QuietHours.model_validate(
    {"from": f"{NOW - HOUR:%H:%M}", "to": f"{NOW + 2 * HOUR:%H:%M}", "timezone": "UTC"}
)
QUIET = Channel(id="news", kind="console", quiet=AROUND)
LOUD = Channel(id="news", kind="console")


@pytest.fixture
def engine() -> Engine:
    return memory()


async def ticks(engine: Engine, slack: MemorySlack, clock: Clock, channel: Channel = QUIET) -> list[str]:
    before = len(slack.stored)
    await dispatch(engine, channel, slack, HABITS, clock, Random(7), sleep=clock.sleep)
    return [str(one) for one in slack.stored[before:]]


def urgent(engine: Engine, name: str) -> None:
    with engine.begin() as connection:
        outbox.enqueue(connection, DeliveryId(name), "news", alarm(), "s9", "pact", NOW, urgent=True)


async def test_what_waits_is_sent_when_quiet_ends_and_what_is_urgent_at_once(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    urgent(engine, "b2")
    assert await ticks(engine, slack, clock) == ["b2"]
    clock.pass_by(2 * 3600 - 60)
    assert await ticks(engine, slack, clock) == []
    clock.pass_by(60)
    assert await ticks(engine, slack, clock) == ["a1"]


async def test_an_edit_makes_no_sound_and_goes_out(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    assert await ticks(engine, slack, clock, LOUD) == ["a1"]
    revise(engine, "Another headline", now=clock())
    clock.pass_by(5)
    await ticks(engine, slack, clock)
    assert slack.shown == {"1.000000": "Another headline"}


async def test_replies_are_gathered_until_quiet_ends_but_not_with_urgent_ones(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    await ticks(engine, slack, clock, LOUD)
    reply(engine, "r1", now=clock())
    await ticks(engine, slack, clock)
    clock.pass_by(3600)
    reply(engine, "r2", now=clock())
    with engine.begin() as connection:
        (root,) = outbox.roots(connection, "s1", "pact")
        said = follow_up("A filing")
        outbox.reply(connection, root, DeliveryId("r3"), said, clock(), due_at=clock(), urgent=True)
    assert await ticks(engine, slack, clock) == ["r3"]
    clock.pass_by(3600)
    assert await ticks(engine, slack, clock) == ["r1"]
    (body,) = [one.body for one in slack.seen if one.id == "r1"]
    assert isinstance(body, FollowUp)
    assert [item.title for item in body.items] == ["Part r1", "Part r2"]


async def test_when_the_quiet_hours_are_taken_away_what_was_withheld_goes_out(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    assert await ticks(engine, slack, clock) == []
    assert await ticks(engine, slack, clock, LOUD) == ["a1"]


async def test_when_they_are_made_shorter_it_goes_out_sooner(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    assert await ticks(engine, slack, clock) == []
    until = f"{NOW + HOUR:%H:%M}"
    shorter = AROUND.model_copy(update={"end": QuietHours.model_validate({"from": "1:00", "to": until}).end})
    clock.pass_by(60)
    assert await ticks(engine, slack, clock, QUIET.model_copy(update={"quiet": shorter})) == []
    clock.pass_by(3600)
    assert await ticks(engine, slack, clock, QUIET.model_copy(update={"quiet": shorter})) == ["a1"]


async def test_a_root_that_waits_passes_with_what_follows_it(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    assert await ticks(engine, slack, clock) == []
    with engine.begin() as connection:
        outbox.let_pass(connection, root_of(engine))
    assert await ticks(engine, slack, clock) == ["a1"]


async def test_what_is_withheld_is_not_overdue_before_quiet_ends(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    await ticks(engine, slack, clock)
    ends = NOW + 2 * HOUR
    ends = ends.replace(second=0, microsecond=0)
    with engine.begin() as connection:
        assert outbox.oldest_waiting(connection, NOW + HOUR) is None
        assert outbox.oldest_waiting(connection, NOW + 3 * HOUR) == ends


async def test_a_clock_that_is_set_back_keeps_nothing_for_longer(engine: Engine) -> None:
    clock, slack = Clock(), MemorySlack()
    enqueue(engine, "a1")
    with engine.begin() as connection:
        connection.execute(update(deliveries).values(quiet_until=NOW + timedelta(days=9)))
    assert await ticks(engine, slack, clock, LOUD) == ["a1"]
    assert states(engine) == {"a1": State.SENT}

"""The stand-in for Slack, spoken to by the notifier that speaks to the real one."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from alerts.channels import Channel, DeliveryHabits
from alerts.notifications import Alarm, Delivery, DeliveryFailed, DeliveryId, Fault, Plainness, Sentence
from alerts.notifiers.slack import SlackNotifier
from config.reading import Secret
from scheduler.demo.slack import CHANNEL, TOKEN, Message, Slack, Words
from scheduler.demo.story import Mood
from scheduler.demo.world import listening
from tests.builders import NOW

LINK = "http://127.0.0.2:4000/news/pact"


def delivery(name: str = "d1", **changes: object) -> Delivery:
    alarm = Alarm(
        title="A pact", title_spans=(), link=LINK, source_name="The Ledger", language="en", published=NOW,
        seen=NOW, sentence=Sentence("OpenAI signs.", ((0, 6),)), watch="w", watch_name="Pact", rule="lead",
    )  # fmt: skip
    given = {"id": DeliveryId(name), "channel": "news", "body": alarm, "story": "s1", "watch": "w",
             "plainness": Plainness.FULL, "attempts": 1}  # fmt: skip
    return Delivery(**{**given, **changes})  # type: ignore[arg-type]


class Room:
    """The stand-in, a notifier for it, and what a spectator heard."""

    def __init__(self) -> None:
        self.shown: list[Message] = []
        self.grumbled: list[Mood] = []
        self.slack = Slack(lambda: NOW, shown=self.shown.append, grumbled=self.grumbled.append)
        self.address = ""

    def notifier(self, token: str = TOKEN, channel: str = CHANNEL) -> SlackNotifier:
        described = Channel(
            id="news", kind="slack", token=Secret(token), channel=channel, api_url=f"{self.address}/api/"
        )
        return SlackNotifier(described, DeliveryHabits(deadline=timedelta(seconds=2)))


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    made = Room()
    async with listening(made.slack.app()) as made.address:
        yield made


async def test_a_message_is_shown_as_a_reader_would_see_it(room: Room) -> None:
    receipt = await room.notifier().send(delivery())
    (message,) = room.shown
    title, quote, source, why = message.lines
    assert receipt.ts == message.ts
    assert title == (Words("A pact", bold=True, link=LINK),)
    assert quote == (Words("▌ "), Words("OpenAI", bold=True), Words(" signs."))
    assert source[0].text.startswith("The Ledger")
    assert "published 2026-03-02 12:00 UTC" in source[0].text
    assert why[0].text.startswith("Pact: lead")


async def test_a_message_without_blocks_is_shown_as_its_text(room: Room) -> None:
    await room.notifier().send(delivery(plainness=Plainness.MINIMAL))
    assert room.shown[0].lines[0] == (Words("A pact"),)


async def test_a_message_is_known_by_where_it_leads(room: Room) -> None:
    await room.notifier().send(delivery())
    assert room.slack.about([LINK]) == room.shown
    assert room.slack.about(["http://127.0.0.2:4000/news/another"]) == []


async def test_too_fast_is_said_once_and_nothing_is_stored(room: Room) -> None:
    room.slack.annoy(LINK, "too fast")
    with pytest.raises(DeliveryFailed) as refused:
        await room.notifier().send(delivery())
    assert (refused.value.fault, refused.value.retry_after) == (Fault.LIMITED, timedelta(seconds=2))
    assert room.shown == []
    await room.notifier().send(delivery())
    assert len(room.shown) == 1
    assert room.grumbled == ["too fast"]


async def test_a_connection_that_breaks_after_acceptance_leaves_a_message_that_can_be_found(
    room: Room,
) -> None:
    room.slack.annoy(LINK, "hangs up")
    notifier = room.notifier()
    with pytest.raises(DeliveryFailed) as broken:
        await notifier.send(delivery())
    assert broken.value.fault is Fault.UNKNOWN
    page = await notifier.read(None, None, [DeliveryId("d1")])
    assert page.found == {DeliveryId("d1"): room.shown[0].ts}


async def test_no_two_messages_have_one_name_and_the_newest_is_read_first(room: Room) -> None:
    notifier = room.notifier()
    first, second = await notifier.send(delivery("d1")), await notifier.send(delivery("d2"))
    assert first.ts != second.ts
    assert await notifier.newest() == second.ts


@pytest.mark.parametrize(("token", "channel"), [("xoxb-another", CHANNEL), (TOKEN, "C0ANOTHER01")])
async def test_a_stranger_is_turned_away(room: Room, token: str, channel: str) -> None:
    with pytest.raises(DeliveryFailed) as refused:
        await room.notifier(token, channel).send(delivery())
    assert refused.value.fault is Fault.STOPPED
    assert room.shown == []

"""Incoming webhooks: at least once, and never a word of the secret address."""

from datetime import timedelta
from typing import Any

import pytest

from alerts import outbox
from alerts.channels import Channel, DeliveryHabits
from alerts.notifications import DeliveryFailed, Fault
from alerts.notifiers.webhook import WebhookNotifier
from alerts.outbox import State
from config.reading import Secret
from tests.telling import (
    Bench,
    Clock,
    delivery,
    drain,
    enqueue,
    memory,
    once,
    own_bench,
    reply,
    revise,
    states,
)

HABITS = DeliveryHabits(deadline=timedelta(seconds=0.3))


def notifier(url: str) -> WebhookNotifier:
    return WebhookNotifier(Channel(id="news", kind="webhook", url=Secret(url)), HABITS)


async def test_a_webhook_is_told(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    await drain(engine, notifier(bench.webhook_url), clock)
    assert len(await _texts(bench)) == 2


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "not accepted"])
@pytest.mark.parametrize(
    "fault",
    [{"kind": "reset"}, {"kind": "close"}, {"kind": "hang", "seconds": 2}, {"kind": "http", "status": 500}],
    ids=lambda fault: fault["kind"],
)
async def test_after_an_unclear_answer_the_repeat_says_that_it_may_be_one(
    bench: Bench, fault: dict[str, Any], accept: bool
) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    await bench.arm(**fault, accept=accept, method="webhook")
    await drain(engine, notifier(bench.webhook_url), clock)
    texts = await _texts(bench)
    assert len(texts) == 1 + accept
    assert "possible repeat" in texts[-1]
    assert sum("possible repeat" in text for text in texts) == 1


async def test_a_rate_limit_is_not_a_reason_to_call_it_a_repeat(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    await bench.arm("ratelimit", retry_after=0, method="webhook")
    await drain(engine, notifier(bench.webhook_url), clock)
    assert "repeat" not in (await _texts(bench))[0]


@pytest.mark.parametrize(
    ("status", "body", "fault"),
    [
        (403, "invalid_token", Fault.STOPPED),
        (404, "no_service", Fault.STOPPED),
        (410, "channel_is_archived", Fault.STOPPED),
        (400, "invalid_blocks", Fault.CONTENT),
        (302, "", Fault.UNKNOWN),
        (200, "<html>airport</html>", Fault.UNKNOWN),
        (502, "bad gateway", Fault.UNKNOWN),
    ],
)
async def test_what_the_answers_mean(bench: Bench, status: int, body: str, fault: Fault) -> None:
    await bench.arm("http", status=status, body=body, method="webhook")
    with pytest.raises(DeliveryFailed) as failed:
        await notifier(bench.webhook_url).send(delivery())
    assert failed.value.fault is fault


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/hook/secret-path", "not an address secret-path"])
async def test_where_nobody_listens_nothing_is_lost_and_the_address_stays_secret(url: str) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    await once(engine, notifier(url), clock)
    assert states(engine) == {"a1": State.WAITING}
    with engine.begin() as connection:
        assert "secret-path" not in str(outbox.records(connection))
    with pytest.raises(DeliveryFailed) as failed:
        await notifier(url).send(delivery())
    assert failed.value.fault is Fault.UNREACHABLE
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


async def test_a_refused_message_gets_plainer() -> None:
    async with own_bench() as bench:
        engine, clock = memory(), Clock()
        enqueue(engine, "a1")
        bench.slack.arm("http", status=400, method="webhook")
        await drain(engine, notifier(bench.webhook_url), clock)
        assert "blocks" not in bench.slack.messages[0]["request"]


async def test_a_webhook_is_not_tried_by_a_message() -> None:
    assert "not tried" in await notifier("http://127.0.0.1:9/").check()


async def _texts(bench: Bench) -> list[str]:
    return [message["request"]["text"] for message in await bench.posted()]


async def test_a_webhook_hears_only_of_what_is_promoted_as_a_message_of_its_own() -> None:
    async with own_bench() as bench:
        engine, clock = memory(), Clock()
        enqueue(engine, "a1")
        await drain(engine, notifier(bench.webhook_url), clock)
        reply(engine, "r1", "Somebody comments", now=clock())
        reply(engine, "r2", "The SEC confirms", now=clock(), broadcast=True)
        revise(engine, "Two sources", now=clock())
        await drain(engine, notifier(bench.webhook_url), clock)
        first, second = await _texts(bench)
        assert first.startswith("OpenAI and Microsoft, part a1\n")
        assert second.startswith("Follow-up of: OpenAI and Microsoft sign a new pact\nThe SEC confirms (")
        assert "thread_ts" not in bench.slack.messages[1]["request"]
        assert states(engine)["r1"] is State.DROPPED

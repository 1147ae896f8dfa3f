"""Slack: faults F04 to F11 against a stand-in; the clock is turned, the network is loopback."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from sqlalchemy import Engine

from alerts import outbox
from alerts.channels import Channel
from alerts.dispatch import dispatch
from alerts.notifications import (
    DeliveryFailed,
    DeliveryId,
    Digest,
    DigestLine,
    DigestPart,
    Fault,
    Notice,
)
from alerts.notifiers.slack import EMPTY, SlackNotifier, meaning, retry_after
from alerts.outbox import State
from config.reading import Secret
from tests.telling import (
    HABITS,
    Bench,
    Clock,
    alarm,
    delivery,
    drain,
    enqueue,
    memory,
    once,
    own_bench,
    reply,
    revise,
    slack_notifier,
    states,
)

UNCLEAR: dict[str, dict[str, Any]] = {
    "reset": {"kind": "reset"},
    "close": {"kind": "close"},
    "truncate": {"kind": "truncate"},
    "hang": {"kind": "hang", "seconds": 3},
    "fatal_error": {"kind": "error", "error": "fatal_error"},
    "internal_error": {"kind": "error", "error": "internal_error"},
    "unknown_code": {"kind": "error", "error": "brand_new_code"},
    "http_500": {"kind": "http", "status": 500},
    "http_503": {"kind": "http", "status": 503},
    **{
        f"garbage_{variant}": {"kind": "garbage", "variant": variant}
        for variant in ("html", "empty", "array", "null", "bad_utf8", "half_json", "no_ts")
    },
}


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "not accepted"])
@pytest.mark.parametrize("fault", UNCLEAR.values(), ids=UNCLEAR)
async def test_whatever_the_answer_there_is_one_message_within_three_minutes(
    bench: Bench, fault: dict[str, Any], accept: bool
) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    await bench.arm(**fault, accept=accept)
    took = await drain(engine, slack_notifier(bench, deadline=0.25), clock)
    told = [message["metadata"]["event_payload"]["delivery"] for message in await bench.posted()]
    assert sorted(told) == ["a1", "b2"]
    assert set(states(engine).values()) == {State.SENT}
    assert took <= 180
    assert await bench.complaints() == []


async def test_the_others_go_on_while_one_is_unclear(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2", "c3")
    await bench.arm("reset", accept=False)
    await once(engine, slack_notifier(bench), clock)
    assert states(engine) == {"a1": State.UNCLEAR, "b2": State.SENT, "c3": State.SENT}


async def test_a_message_accepted_after_we_gave_up_is_not_sent_again(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    await bench.arm("delay", seconds=0.4)
    notifier = slack_notifier(bench, deadline=0.1)
    await once(engine, notifier, clock)
    assert states(engine) == {"a1": State.UNCLEAR}
    await _really(0.5)  # what is 30 seconds in life: less than we let it settle
    await drain(engine, notifier, clock)
    assert len(await bench.posted()) == 1


async def test_a_history_that_lags_does_not_make_a_repeat(bench: Bench) -> None:
    """The first look comes too early, the second does not: that is what it is for."""
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    await bench.configure(history_lag=0.3)
    await bench.arm("reset", accept=True)
    notifier = slack_notifier(bench)
    await once(engine, notifier, clock)
    clock.pass_by(61)
    await once(engine, notifier, clock)
    assert states(engine) == {"a1": State.UNCLEAR}
    await _really(0.35)
    await drain(engine, notifier, clock)
    assert len(await bench.posted()) == 1


@pytest.mark.parametrize("offset", [-7200.0, 7200.0])
async def test_looking_back_goes_by_the_clock_of_slack(bench: Bench, offset: float) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    await bench.human("somebody wrote here before")
    await bench.configure(clock_offset=offset)
    await bench.arm("close", accept=True, count=2)
    await drain(engine, slack_notifier(bench), clock)
    assert len(await bench.posted()) == 2


async def test_fifteen_rows_and_one_call_a_minute_are_enough(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    notifier = slack_notifier(bench)
    enqueue(engine, "a1")
    await bench.arm("reset", accept=True)
    await once(engine, notifier, clock)
    for number in range(40):
        await bench.human(f"chatter {number}")
    await bench.configure(history_rows=15, history_calls=1)
    for _ in range(30):
        await once(engine, notifier, clock)
        clock.pass_by(61)
        await _a_minute_passes(bench)
    assert states(engine) == {"a1": State.SENT}
    assert len(await bench.posted()) == 1


async def _a_minute_passes(bench: Bench) -> None:
    """In the stand-in too: its limits count in real time."""
    slack = bench.slack  # type: ignore[attr-defined]
    for known in ("_history_at", "windows"):
        if hasattr(slack, known):
            getattr(slack, known).clear()
    for known in ("_blocked", "blocked"):
        if hasattr(slack, known):
            getattr(slack, known).clear()


async def test_a_rate_limit_is_kept_and_everything_arrives(bench: Bench) -> None:
    engine = memory()
    names = [f"{number:02d}" for number in range(50)]
    enqueue(engine, *names)
    await bench.configure(post_interval=0.03)
    notifier = slack_notifier(bench)
    notifier.pace = timedelta(seconds=0.032)  # type: ignore[misc]
    await _drain_in_real_time(engine, notifier)
    told = [message["metadata"]["event_payload"]["delivery"] for message in await bench.posted()]
    assert told == names
    assert await bench.violations() == 0


@pytest.mark.parametrize("said", [1, 0, 1.5])
async def test_we_do_not_come_back_before_slack_allows_it(bench: Bench, said: float) -> None:
    engine = memory()
    enqueue(engine, "a1", "b2")
    await bench.arm("ratelimit", retry_after=said)
    notifier = slack_notifier(bench)
    notifier.pace = timedelta(seconds=0.05)  # type: ignore[misc]
    await _drain_in_real_time(engine, notifier)
    assert [m["metadata"]["event_payload"]["delivery"] for m in await bench.posted()] == ["a1", "b2"]
    assert await bench.violations() == 0


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e400"}, None),
        ({"Retry-After": "Mon, 02 Mar 2026 12:02:00 GMT", "Date": "Mon, 02 Mar 2026 12:00:00 GMT"}, 120),
        ({"Retry-After": "Mon, 02 Mar 2026 11:00:00 GMT", "Date": "Mon, 02 Mar 2026 12:00:00 GMT"}, 0),
        ({"Retry-After": "Mon, 02 Mar 2026 12:02:00 GMT"}, None),
    ],
)
def test_what_retry_after_says(headers: dict[str, str], wait: float | None) -> None:
    assert retry_after(headers) == (None if wait is None else timedelta(seconds=wait))


@pytest.mark.parametrize("said", ["soon", "Mon, 02 Mar 2026 12:00:20 GMT", None])
async def test_an_odd_retry_after_holds_the_channel_for_half_a_minute(bench: Bench, said: str | None) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    headers = {} if said is None else {"Retry-After": said, "Date": "nonsense"}
    await bench.arm("http", status=429, headers=headers)
    notifier = slack_notifier(bench)
    await once(engine, notifier, clock)
    assert await bench.posted() == []
    clock.pass_by(29)
    await once(engine, notifier, clock)
    assert await bench.posted() == []
    clock.pass_by(5)
    await drain(engine, notifier, clock)
    assert len(await bench.posted()) == 2


async def test_the_hold_of_a_rate_limit_survives_a_restart(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    await bench.arm("ratelimit", retry_after=600)
    await once(engine, slack_notifier(bench), clock)
    with engine.begin() as connection:
        outbox.recover(connection, clock(), HABITS.settle)
        outbox.resume(connection, clock())
    clock.pass_by(599)
    await once(engine, slack_notifier(bench), clock)
    assert await bench.calls("chat.postMessage") == 1


@pytest.mark.parametrize("error", ["token_revoked", "account_inactive", "token_expired"])
async def test_lost_auth_keeps_everything_and_drains_after_repair(bench: Bench, error: str) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    await bench.break_token(error)
    notifier = slack_notifier(bench)
    await _an_hour(engine, notifier, clock)
    assert states(engine) == {"a1": State.WAITING, "b2": State.WAITING}
    assert _stopped(engine) == (Clock()(), f"conversations.history: {error}")
    await bench.break_token(None)
    await drain(engine, notifier, clock)
    assert len(await bench.posted()) == 2
    assert _stopped(engine) == (None, None)


@pytest.mark.parametrize("error", ["is_archived", "not_in_channel"])
async def test_a_channel_that_is_gone_keeps_everything_and_drains_when_it_is_back(
    bench: Bench, error: str
) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    notifier = slack_notifier(bench)
    await drain(engine, notifier, clock)
    await bench.break_channel(error)
    enqueue(engine, "b2", "c3", now=clock())
    await _an_hour(engine, notifier, clock)
    assert states(engine) == {"a1": State.SENT, "b2": State.WAITING, "c3": State.WAITING}
    assert _stopped(engine)[0] is not None
    assert 3 <= await bench.calls("chat.postMessage") - 1 <= 5  # every quarter of an hour
    await bench.break_channel(None)
    with engine.begin() as connection:
        outbox.resume(connection, clock())
    await once(engine, notifier, clock)
    assert states(engine) == dict.fromkeys(("a1", "b2", "c3"), State.SENT)


async def test_an_unknown_channel_is_not_found_before_anything_is_sent(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1")
    channel = Channel(
        id="news", kind="slack", token=Secret(bench.token), channel="C0NOWHERE", api_url=bench.api_url
    )
    await once(engine, SlackNotifier(channel, HABITS), clock)
    assert _stopped(engine)[1] == "conversations.history: channel_not_found"


async def test_a_poisoned_alert_gets_plainer_then_dies_and_the_others_flow(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    await bench.arm("error", error="invalid_blocks", count=3)
    await once(engine, slack_notifier(bench), clock)
    assert states(engine) == {"a1": State.DEAD, "b2": State.SENT}
    with engine.begin() as connection:
        assert outbox.dead_list(connection)[0].reason == "chat.postMessage: invalid_blocks"
        outbox.retry_dead(connection, [DeliveryId("a1")], clock())
    await once(engine, slack_notifier(bench), clock)
    assert len(await bench.posted()) == 2


@pytest.mark.parametrize("refusals", [1, 2])
async def test_a_plainer_form_still_has_headline_link_and_reference(bench: Bench, refusals: int) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "5f0c7a9e2b", body=alarm("<!channel> *free* & so on", link="https://a.example/x?a=1&b=2"))
    await bench.arm("error", error="invalid_blocks", count=refusals)
    await drain(engine, slack_notifier(bench), clock)
    said = (await bench.posted())[0]["request"]
    assert "blocks" not in said
    assert ("metadata" in said) == (refusals == 1)
    assert said["text"].startswith("&lt;!channel&gt; *free* &amp; so on\n")
    assert "<https://a.example/x?a=1&amp;b=2>" in said["text"]
    assert said["text"].endswith("ref 5f0c7a9e2b")
    assert await bench.complaints() == []


async def test_the_plainest_form_is_found_again_by_its_reference(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "5f0c7a9e2b")
    await bench.arm("error", error="invalid_blocks", count=2)
    await bench.arm("reset", accept=True)
    await drain(engine, slack_notifier(bench), clock)
    assert len(await bench.posted()) == 1


async def test_nobody_listening_is_waited_for_in_order() -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2", "c3")
    channel = Channel(
        id="news", kind="slack", token=Secret("xoxb-1"), channel="C0NEWS", api_url="http://127.0.0.1:9/api/"
    )
    await once(engine, SlackNotifier(channel, HABITS), clock)
    with engine.begin() as connection:
        state = outbox.channel_states(connection)[0]
    assert state.failures == 1
    assert set(states(engine).values()) == {State.WAITING}


async def test_one_look_serves_all_that_is_unclear(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2", "c3")
    await bench.arm("reset", accept=True, count=3)
    notifier = slack_notifier(bench)
    for _ in range(4):
        await once(engine, notifier, clock)
        clock.pass_by(10)
    before = await bench.calls("conversations.history")
    clock.pass_by(60)
    await once(engine, notifier, clock)
    assert await bench.calls("conversations.history") - before == 1
    assert set(states(engine).values()) == {State.SENT}


async def test_a_person_who_quotes_a_reference_is_not_taken_for_us(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "5f0c7a9e2b")
    await bench.arm("reset", accept=False)
    notifier = slack_notifier(bench)
    await once(engine, notifier, clock)
    await bench.human("did you see ref 5f0c7a9e2b")
    await drain(engine, notifier, clock)
    assert len(await bench.posted()) == 1


async def test_a_history_that_may_not_be_read_does_not_silence_the_rest() -> None:
    async with own_bench() as bench:
        engine, clock = memory(), Clock()
        enqueue(engine, "a1")
        await once(engine, slack_notifier(bench), clock)
        bench.slack.history_error = "missing_scope"
        enqueue(engine, "b2", "c3", now=clock())
        bench.slack.arm("reset", accept=True)
        notifier = slack_notifier(bench)
        await _an_hour(engine, notifier, clock)
        assert states(engine) == {"a1": State.SENT, "b2": State.UNCLEAR, "c3": State.SENT}
        with engine.begin() as connection:
            assert outbox.channel_states(connection)[0].unreadable_at is not None
            assert outbox.channel_states(connection)[0].stopped_at is None
        bench.slack.history_error = None
        await drain(engine, notifier, clock)
        assert len(bench.slack.messages) == 3


async def test_trying_a_channel_tells_who_we_are_and_sends_nothing(bench: Bench) -> None:
    assert bench.channel in await slack_notifier(bench).check()
    assert await bench.posted() == []


async def test_the_watermark_of_a_channel_is_its_newest_message(bench: Bench) -> None:
    notifier = slack_notifier(bench)
    assert await notifier.newest() == EMPTY
    first = (await notifier.send(delivery())).ts
    assert await notifier.newest() == first


async def test_a_notice_goes_the_same_way(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(
        engine, "n1", body=Notice("herald cannot be read", "HTTP 500 <since> this morning\nWe go on trying.")
    )
    await drain(engine, slack_notifier(bench), clock)
    assert await bench.complaints() == []
    assert len(await bench.posted()) == 1


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "not accepted"])
async def test_a_digest_whose_answer_was_lost_is_in_the_channel_once(bench: Bench, accept: bool) -> None:
    engine, clock = memory(), Clock()
    stories = tuple(
        DigestLine(f"Story {n} <!channel>", f"https://herald.example/{n}", "Herald") for n in range(9)
    )
    body = Digest("9 stories held for the digest", (DigestPart("The pact", stories),))
    enqueue(engine, "d1", body=body)
    await bench.arm("close", accept=accept)
    await drain(engine, slack_notifier(bench), clock)
    assert states(engine) == {"d1": State.SENT}
    assert len(await bench.posted()) == 1
    assert await bench.complaints() == []


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("invalid_auth", Fault.STOPPED),
        ("token_revoked", Fault.STOPPED),
        ("restricted_action_read_only_channel", Fault.STOPPED),
        ("message_limit_exceeded", Fault.STOPPED),
        ("missing_scope", Fault.STOPPED),
        ("request_timeout", Fault.UNREACHABLE),
        ("invalid_blocks_format", Fault.CONTENT),
        ("msg_too_long", Fault.CONTENT),
        ("msg_blocks_too_long", Fault.CONTENT),
        ("metadata_too_large", Fault.CONTENT),
        ("invalid_metadata_schema", Fault.CONTENT),
        ("fatal_error", Fault.UNKNOWN),
        ("internal_error", Fault.UNKNOWN),
        ("service_unavailable", Fault.UNKNOWN),
        ("never_seen_before", Fault.UNKNOWN),
    ],
)
def test_what_the_error_codes_mean(code: str, fault: Fault) -> None:
    assert meaning(code) is fault


async def test_no_secret_stands_in_what_is_kept_of_a_failure(bench: Bench) -> None:
    await bench.break_token("token_revoked")
    with pytest.raises(DeliveryFailed) as failed:
        await slack_notifier(bench).send(delivery())
    assert bench.token not in failed.value.reason + str(failed.value)


async def test_control_the_retries_of_the_sdk_would_tell_twice(bench: Bench) -> None:
    """If this fails, the SDK has learned better, and `retry_handlers=[]` has lost its reason."""
    await bench.arm("reset", accept=True)
    notifier = slack_notifier(bench)
    notifier._client.retry_handlers = [AsyncConnectionErrorRetryHandler(max_retry_count=1)]
    await notifier.send(delivery())
    assert len(await bench.posted()) == 2


async def test_control_without_looking_back_the_same_faults_make_repeats(bench: Bench) -> None:
    engine, clock = memory(), Clock()
    enqueue(engine, "a1", "b2")
    await bench.arm("reset", accept=True, count=2)
    notifier = slack_notifier(bench)
    notifier.reads_back = False  # type: ignore[misc]
    await drain(engine, notifier, clock)
    assert len(await bench.posted()) == 4


# --- helpers ----------------------------------------------------------------------------------------


async def _really(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _an_hour(engine: Any, notifier: SlackNotifier, clock: Clock) -> None:
    for _ in range(60):
        await once(engine, notifier, clock)
        clock.pass_by(60)


async def _drain_in_real_time(engine: Any, notifier: SlackNotifier) -> None:
    channel = Channel(id="news", kind="console")
    for _ in range(400):
        done = await dispatch(engine, channel, notifier, HABITS, lambda: datetime.now(UTC), Random(7))
        if done.waiting == 0:
            return
        await _really(0.02)


def _stopped(engine: Any) -> tuple[Any, Any]:
    with engine.begin() as connection:
        state = outbox.channel_states(connection)[0]
    return state.stopped_at, state.stopped_reason


# ---- threads and edits


async def _begun(bench: Bench) -> tuple[Engine, Clock, SlackNotifier]:
    """A root that was told."""
    engine, clock, notifier = memory(), Clock(), slack_notifier(bench)
    enqueue(engine, "a1")
    await drain(engine, notifier, clock)
    return engine, clock, notifier


async def test_replies_stand_in_the_thread_and_only_a_promoted_one_in_the_channel_too(bench: Bench) -> None:
    engine, clock, notifier = await _begun(bench)
    reply(engine, "r1", now=clock())
    reply(engine, "r2", now=clock(), broadcast=True)
    await drain(engine, notifier, clock)
    root, *replies = await bench.posted()
    assert [one["thread_ts"] for one in replies] == [root["ts"]] * 2
    assert [bool(one["request"].get("reply_broadcast")) for one in replies] == [False, True]
    assert await bench.complaints() == []


async def test_an_edit_changes_the_root_and_keeps_it_recognisable(bench: Bench) -> None:
    engine, clock, notifier = await _begun(bench)
    revise(engine, "The SEC <confirms> it", now=clock())
    await drain(engine, notifier, clock)
    (root,) = await bench.posted()
    assert root["text"].startswith("The SEC &lt;confirms&gt; it\n")
    assert root["blocks"][0]["block_id"] == "a-a1"
    assert root["metadata"]["event_payload"]["delivery"] == "a1"
    assert await bench.calls("chat.update") == 1
    assert set(states(engine).values()) == {State.SENT}


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("kind", ["reset", "truncate", "close"])
async def test_a_reply_whose_answer_is_lost_is_found_in_its_thread(
    bench: Bench, kind: str, accept: bool
) -> None:
    engine, clock, notifier = await _begun(bench)
    await bench.arm(kind, accept=accept)
    reply(engine, "r1", now=clock())
    await drain(engine, notifier, clock)
    assert len(await bench.posted()) == 2
    assert await bench.calls("conversations.replies") >= 1
    assert states(engine) == {"a1": State.SENT, "r1": State.SENT}


@pytest.mark.parametrize("accept", [True, False])
async def test_an_edit_whose_answer_is_lost_is_made_again(bench: Bench, accept: bool) -> None:
    engine, clock, notifier = await _begun(bench)
    await bench.arm("reset", accept=accept, method="chat.update")
    revise(engine, "Two sources", now=clock())
    await drain(engine, notifier, clock)
    (root,) = await bench.posted()
    assert root["text"].startswith("Two sources")
    assert await bench.calls("chat.update") == 2


async def test_a_limit_on_edits_is_kept_while_messages_go_on(bench: Bench) -> None:
    engine, clock, notifier = await _begun(bench)
    await bench.arm("ratelimit", retry_after=30, method="chat.update")
    revise(engine, "Two sources", now=clock())
    await once(engine, notifier, clock)
    enqueue(engine, "b2", now=clock(), story="s2")
    clock.pass_by(2)
    await once(engine, notifier, clock)
    assert len(await bench.posted()) == 2
    assert await bench.calls("chat.update") == 1
    clock.pass_by(40)
    await once(engine, notifier, clock)
    assert await bench.calls("chat.update") == 2


async def test_an_edit_refused_for_its_blocks_gets_plainer(bench: Bench) -> None:
    engine, clock, notifier = await _begun(bench)
    await bench.arm("error", error="invalid_blocks", method="chat.update")
    revise(engine, "Two sources", now=clock())
    await drain(engine, notifier, clock)
    (root,) = await bench.posted()
    assert root["text"].startswith("Two sources")
    assert not root.get("blocks")


async def test_a_root_that_somebody_deleted_is_neither_edited_nor_replied_to() -> None:
    async with own_bench() as bench:
        engine, clock, notifier = await _begun(bench)
        bench.slack.delete(bench.slack.messages[0]["ts"])
        reply(engine, "r1", now=clock())
        revise(engine, "Two sources", now=clock())
        await drain(engine, notifier, clock)
        assert await bench.posted() == []
        assert states(engine) == {"a1": State.SENT, "r1": State.DROPPED, "a1-edit": State.DROPPED}

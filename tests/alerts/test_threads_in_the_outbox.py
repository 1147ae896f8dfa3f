"""Roots, replies and edits: what waits for what, what takes whose place, on each kind of database."""

from random import Random

from sqlalchemy import Engine

from alerts import outbox
from alerts.notifications import MOST_ITEMS, DeliveryFailed, DeliveryId, Fault, FollowUp, Kind
from alerts.outbox import Claim, Consequence, Record, State
from tests.telling import NOW, SECOND, alarm, enqueue, item, reply, revise, root_of, states

LEASE = 25 * SECOND
SETTLE = 60 * SECOND
PACE = SECOND


def claim(engine: Engine, at: float = 0.0) -> Claim | None:
    with engine.begin() as connection:
        return outbox.claim(connection, "news", NOW + at * SECOND, LEASE, PACE)


def claim_edit(engine: Engine, at: float = 0.0) -> Claim | None:
    with engine.begin() as connection:
        return outbox.claim_edit(connection, "news", NOW + at * SECOND, LEASE, PACE)


def sent(engine: Engine, claimed: Claim | None, ts: str | None = "7.000000", at: float = 0.0) -> None:
    assert claimed is not None
    with engine.begin() as connection:
        outbox.sent(connection, claimed, ts, NOW + at * SECOND)


def fail(engine: Engine, claimed: Claim | None, fault: Fault, at: float = 0.0) -> Consequence:
    assert claimed is not None
    with engine.begin() as connection:
        failure = DeliveryFailed(fault, "why", 7 * SECOND if fault is Fault.LIMITED else None)
        now = NOW + at * SECOND
        return outbox.failed(connection, claimed, failure, now, settle=SETTLE, readable=True, rng=Random(3))


def kill_off(engine: Engine, at: float = 0.0) -> None:
    """The next message is refused in every form."""
    for more in (0, 2, 4):
        last = fail(engine, claim(engine, at + more), Fault.CONTENT, at + more)
    assert last is Consequence.DEAD


def record(engine: Engine, name: str) -> Record:
    with engine.begin() as connection:
        found = outbox.record_of(connection, DeliveryId(name))
    assert found is not None
    return found


def headlines(engine: Engine, name: str) -> list[str]:
    body = record(engine, name).body
    assert isinstance(body, FollowUp)
    return [one.title for one in body.items]


def test_a_reply_waits_for_its_root_and_learns_where_it_stands(engine: Engine) -> None:
    enqueue(engine, "a1")
    root = claim(engine)
    reply(engine, "r1")
    assert claim(engine, at=5) is None
    sent(engine, root, ts="7.000000")
    told = claim(engine, at=10)
    assert told is not None
    assert (told.delivery.kind, told.delivery.root, told.delivery.thread) == (Kind.REPLY, "a1", "7.000000")


def test_while_one_reply_is_unclear_the_next_waits_and_other_roots_do_not(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine))
    reply(engine, "r1")
    fail(engine, claim(engine, at=2), Fault.UNKNOWN, at=2)
    reply(engine, "r2")
    enqueue(engine, "b2", story="s2")
    other = claim(engine, at=4)
    assert other is not None
    assert other.delivery.id == "b2"
    assert claim(engine, at=6) is None
    with engine.begin() as connection:
        outbox.found(connection, "news", {DeliveryId("r1"): "8.000000"}, NOW + 8 * SECOND)
    behind = claim(engine, at=10)
    assert behind is not None
    assert behind.delivery.id == "r2"


def test_a_reply_whose_root_is_dead_takes_its_place(engine: Engine) -> None:
    enqueue(engine, "a1")
    reply(engine, "r1", wait=60 * SECOND)
    reply(engine, "r2", broadcast=True)
    revise(engine, "OpenAI and Microsoft part ways")
    kill_off(engine)
    heir = claim(engine, at=10)
    assert heir is not None
    assert (heir.delivery.id, heir.delivery.kind, heir.delivery.broadcast) == ("r2", Kind.ROOT, False)
    sent(engine, heir, ts="9.000000", at=10)
    assert root_of(engine, "r2").channel == "news"  # what follows joins it
    behind = claim(engine, at=70)
    assert behind is not None
    assert (behind.delivery.id, behind.delivery.thread) == ("r1", "9.000000")


def test_an_edit_of_a_dead_root_is_dropped(engine: Engine) -> None:
    enqueue(engine, "a1")
    first = claim(engine)
    revise(engine, "OpenAI and Microsoft part ways")
    fail(engine, first, Fault.CONTENT)
    for at in (2, 4):
        fail(engine, claim(engine, at), Fault.CONTENT, at)
    with engine.begin() as connection:
        assert outbox.forgo(connection, "news", NOW, threads=True, edits=True) == 1
    assert states(engine) == {"a1": State.DEAD, "a1-edit": State.DROPPED}


def test_what_nobody_has_seen_is_not_edited_but_sent_as_it_is_by_now(engine: Engine) -> None:
    with engine.begin() as connection:
        later = NOW + 120 * SECOND
        outbox.enqueue(connection, DeliveryId("a1"), "news", alarm("First"), "s1", "pact", NOW, due_at=later)
    assert claim(engine, at=60) is None
    revise(engine, "Better", wait=60 * SECOND)
    claimed = claim(engine, at=60)
    assert claimed is not None
    assert claimed.delivery.body.title == "Better"
    assert list(states(engine)) == ["a1"]


def test_edits_of_one_root_are_one_and_the_newest_wording_wins(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine), ts="7.000000")
    for title in ("Two sources", "Three sources", "Four sources"):
        revise(engine, title, wait=30 * SECOND)
    assert claim_edit(engine, at=29) is None
    edit = claim_edit(engine, at=30)
    assert edit is not None
    assert (edit.delivery.body.title, edit.delivery.thread) == ("Four sources", "7.000000")
    assert edit.delivery.message == "a1"
    sent(engine, edit, at=31)
    assert claim_edit(engine, at=90) is None
    revise(engine, "Five sources", now=NOW + 100 * SECOND)
    again = claim_edit(engine, at=101)
    assert again is not None
    assert again.delivery.body.title == "Five sources"


def test_a_wording_that_came_during_the_call_is_sent_next(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine))
    revise(engine, "Two sources")
    edit = claim_edit(engine, at=2)
    revise(engine, "Three sources")
    sent(engine, edit, at=3)
    again = claim_edit(engine, at=5)
    assert again is not None
    assert again.delivery.body.title == "Three sources"


def test_an_interrupted_edit_is_made_again_without_a_look_when_it_cannot_be_overtaken(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine))
    revise(engine, "Two sources")
    assert claim_edit(engine, at=2) is not None
    with engine.begin() as connection:
        outbox.recover(connection, NOW + 3 * SECOND, SETTLE)
        assert outbox.claim_look(connection, "news", NOW + 300 * SECOND, LEASE) is None
    assert claim_edit(engine, at=62) is None
    assert claim_edit(engine, at=63) is not None


def test_a_limit_on_edits_holds_no_message_up(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine))
    revise(engine, "Two sources")
    fail(engine, claim_edit(engine, at=2), Fault.LIMITED, at=2)
    enqueue(engine, "b2", story="s2")
    assert claim(engine, at=3) is not None
    assert claim_edit(engine, at=8) is None
    assert claim_edit(engine, at=11) is not None


def test_an_edit_that_cannot_be_made_asks_for_nobody(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine))
    revise(engine, "Two sources")
    assert fail(engine, claim_edit(engine, at=2), Fault.GONE, at=2) is Consequence.DROPPED
    revise(engine, "Three sources", now=NOW + 5 * SECOND)
    ends = [fail(engine, claim_edit(engine, at=at), Fault.CONTENT, at=at) for at in (6, 8, 10)]
    assert ends == [Consequence.PLAINER, Consequence.PLAINER, Consequence.DROPPED]
    with engine.begin() as connection:
        assert outbox.dead_list(connection) == []


def test_if_somebody_deleted_the_root_only_what_the_channel_shall_see_is_told(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine))
    reply(engine, "r1")
    assert fail(engine, claim(engine, at=2), Fault.GONE, at=2) is Consequence.DROPPED
    reply(engine, "r2", broadcast=True)
    assert fail(engine, claim(engine, at=4), Fault.GONE, at=4) is Consequence.WAITS
    alone = claim(engine, at=6)
    assert alone is not None
    assert (alone.delivery.id, alone.delivery.kind, alone.delivery.thread) == ("r2", Kind.ROOT, None)


def test_replies_that_wait_become_one_and_what_does_not_fit_is_in_another(engine: Engine) -> None:
    enqueue(engine, "a1")
    for number in range(MOST_ITEMS + 2):
        reply(engine, f"r{number}", wait=180 * SECOND)
    assert headlines(engine, "r0") == [f"Part r{number}" for number in range(MOST_ITEMS)]
    assert headlines(engine, f"r{MOST_ITEMS}") == [f"Part r{MOST_ITEMS}", f"Part r{MOST_ITEMS + 1}"]
    assert len(states(engine)) == 3


def test_what_the_channel_shall_see_is_not_mixed_with_what_stays_in_the_thread(engine: Engine) -> None:
    enqueue(engine, "a1")
    reply(engine, "r1", wait=180 * SECOND)
    reply(engine, "r2", broadcast=True)
    assert headlines(engine, "r1") == ["Part r1"]
    sent(engine, claim(engine))
    aloud = claim(engine, at=2)
    assert aloud is not None
    assert (aloud.delivery.id, aloud.delivery.broadcast) == ("r2", True)


def test_a_reply_that_was_tried_takes_nothing_along(engine: Engine) -> None:
    """Of it nobody knows what was seen."""
    enqueue(engine, "a1")
    sent(engine, claim(engine))
    reply(engine, "r1")
    fail(engine, claim(engine, at=2), Fault.UNREACHABLE, at=2)
    reply(engine, "r2")
    assert headlines(engine, "r1") == ["Part r1"]
    assert headlines(engine, "r2") == ["Part r2"]


def test_unclear_replies_are_looked_for_in_their_thread_and_roots_in_the_channel(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine), ts="7.000000")
    enqueue(engine, "b2", story="s2")
    fail(engine, claim(engine, at=2), Fault.UNKNOWN, at=2)
    reply(engine, "r1")
    fail(engine, claim(engine, at=4), Fault.UNKNOWN, at=4)
    with engine.begin() as connection:
        first = outbox.claim_look(connection, "news", NOW + 70 * SECOND, LEASE)
        second = outbox.claim_look(connection, "news", NOW + 70 * SECOND, LEASE)
    assert first is not None
    assert second is not None
    assert ([one.id for one in first.missed], first.thread) == (["b2"], None)
    assert ([one.id for one in second.missed], second.thread) == (["r1"], "7.000000")


def test_a_channel_without_threads_or_edits_is_told_what_is_promoted_and_nothing_else(engine: Engine) -> None:
    enqueue(engine, "a1")
    sent(engine, claim(engine), ts=None)
    reply(engine, "r1")
    reply(engine, "r2", broadcast=True)
    revise(engine, "Two sources")
    with engine.begin() as connection:
        assert outbox.forgo(connection, "news", NOW, threads=False, edits=False) == 2
    told = claim(engine, at=2)
    assert told is not None
    assert (told.delivery.id, told.delivery.thread) == ("r2", None)
    assert states(engine) | {"r2": State.SENT} == {
        "a1": State.SENT, "r1": State.DROPPED, "r2": State.SENT, "a1-edit": State.DROPPED,
    }  # fmt: skip


def lost(engine: Engine) -> None:
    """The first attempt of the next root gets no answer, and its channel does not have it."""
    fail(engine, claim(engine), Fault.UNKNOWN)
    for at in (70, 120):
        with engine.begin() as connection:
            look = outbox.claim_look(connection, "news", NOW + at * SECOND, LEASE)
            assert look is not None
            outbox.looked(connection, look, NOW + at * SECOND, settle=SETTLE, rng=Random(3))


FILING = "https://sec.example/filing"


def test_a_lead_that_a_lost_root_shows_when_sent_again_is_not_named_by_a_reply_too(engine: Engine) -> None:
    enqueue(engine, "a1")
    lost(engine)
    revise(engine, "The filing", now=NOW + 122 * SECOND, link=FILING)
    reply(engine, "r1", item("The filing", link=FILING), item("Told first"), now=NOW + 122 * SECOND)
    again = claim(engine, at=125)
    assert again is not None
    assert again.delivery.body.title == "The filing"
    assert headlines(engine, "r1") == ["Told first"]


def test_a_reply_that_says_only_what_its_root_shows_is_not_sent(engine: Engine) -> None:
    enqueue(engine, "a1")
    lost(engine)
    revise(engine, "The filing", now=NOW + 122 * SECOND, link=FILING)
    reply(engine, "r1", item("The filing", link=FILING), now=NOW + 122 * SECOND)
    sent(engine, claim(engine, at=125), at=126)
    assert claim(engine, at=130) is None
    assert states(engine)["r1"] is State.DROPPED

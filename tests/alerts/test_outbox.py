"""The outbox as a notebook, on each kind of database."""

from random import Random

import pytest
from sqlalchemy import Engine, inspect, update
from sqlalchemy.exc import IntegrityError

from alerts import outbox
from alerts.notifications import DeliveryFailed, DeliveryId, Fault, Notice
from alerts.outbox import Claim, Consequence, State
from tests.telling import NOW, SECOND, alarm, enqueue

LEASE = 25 * SECOND
SETTLE = 60 * SECOND


def claim(engine: Engine, at: float = 0.0) -> Claim | None:
    with engine.begin() as connection:
        return outbox.claim(connection, "news", NOW + at * SECOND, LEASE, SECOND)


def fail(
    engine: Engine, claimed: Claim, fault: Fault, at: float = 0.0, *, readable: bool = True
) -> Consequence:
    with engine.begin() as connection:
        failure = DeliveryFailed(fault, "why", 7 * SECOND if fault is Fault.LIMITED else None)
        now = NOW + at * SECOND
        return outbox.failed(
            connection, claimed, failure, now, settle=SETTLE, readable=readable, rng=Random(3)
        )


def test_the_same_id_goes_in_once(engine: Engine) -> None:
    with engine.begin() as connection:
        for wanted in (True, False):
            put = outbox.enqueue(connection, DeliveryId("a1"), "news", alarm(), "s1", "pact", NOW)
            assert put is wanted
        assert sum(outbox.counts(connection).values()) == 1


def test_a_delivery_is_known_by_its_id(engine: Engine) -> None:
    enqueue(engine, "a1", "a2")
    with engine.begin() as connection:
        found = [outbox.record_of(connection, DeliveryId(one)) for one in ("a2", "a3")]
    assert [one and one.id for one in found] == ["a2", None]


def test_a_claim_is_stamped_before_anything_is_sent(engine: Engine) -> None:
    enqueue(engine, "a1")
    assert claim(engine) is not None
    with engine.begin() as connection:
        record = outbox.records(connection)[0]
    assert (record.state, record.attempts, record.attempted_at) == (State.CLAIMED, 1, NOW)


def test_the_database_itself_refuses_a_claim_without_a_stamp(engine: Engine) -> None:
    enqueue(engine, "a1")
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(update(outbox.tables.tables["deliveries"]).values(state="claimed"))


def test_each_attempt_is_stamped_not_only_the_first(engine: Engine) -> None:
    enqueue(engine, "a1")
    first = claim(engine)
    assert first is not None
    fail(engine, first, Fault.LIMITED)
    assert claim(engine, at=100) is not None
    with engine.begin() as connection:
        record = outbox.records(connection)[0]
    assert (record.attempts, record.attempted_at) == (2, NOW + 100 * SECOND)


def test_nobody_else_can_claim_what_is_claimed(engine: Engine) -> None:
    enqueue(engine, "a1")
    assert claim(engine)
    assert claim(engine, at=10) is None


def test_an_attempt_that_outlived_its_lease_undoes_nothing(engine: Engine) -> None:
    enqueue(engine, "a1")
    old = claim(engine)
    assert old is not None
    with engine.begin() as connection:
        outbox.lapse(connection, "news", NOW + 30 * SECOND, SETTLE)
        look = outbox.claim_look(connection, "news", NOW + 95 * SECOND, LEASE)
        assert look is not None
        outbox.found(connection, "news", {DeliveryId("a1"): "5.000000"}, NOW + 95 * SECOND)
    fail(engine, old, Fault.UNREACHABLE, at=96)
    with engine.begin() as connection:
        assert outbox.records(connection)[0].state is State.SENT


def test_a_late_success_counts_though_the_lease_had_lapsed(engine: Engine) -> None:
    enqueue(engine, "a1")
    claimed = claim(engine)
    assert claimed is not None
    with engine.begin() as connection:
        assert outbox.lapse(connection, "news", NOW + 30 * SECOND, SETTLE) == 1
        assert outbox.sent(connection, claimed, "5.000000", NOW + 31 * SECOND)
        assert outbox.records(connection)[0].state is State.SENT


def test_after_a_crash_what_was_claimed_is_unclear_and_settles_from_now(engine: Engine) -> None:
    enqueue(engine, "a1", "b2")
    claim(engine)
    with engine.begin() as connection:
        assert outbox.recover(connection, NOW + 5 * SECOND, SETTLE) == 1
        assert outbox.counts(connection)[State.UNCLEAR] == 1
        assert outbox.claim_look(connection, "news", NOW + 64 * SECOND, LEASE) is None
        assert outbox.claim_look(connection, "news", NOW + 65 * SECOND, LEASE) is not None


def test_only_the_second_look_in_vain_sends_again(engine: Engine) -> None:
    enqueue(engine, "a1")
    claimed = claim(engine)
    assert claimed is not None
    assert fail(engine, claimed, Fault.UNKNOWN) is Consequence.UNCLEAR
    with engine.begin() as connection:
        for at, gone in ((60, []), (70, ["a1"])):
            look = outbox.claim_look(connection, "news", NOW + at * SECOND, LEASE)
            assert look is not None
            now = NOW + at * SECOND
            assert outbox.looked(connection, look, now, settle=SETTLE, rng=Random(1)) == gone
        assert outbox.counts(connection)[State.WAITING] == 1


def test_a_look_begins_a_minute_before_the_mark(engine: Engine) -> None:
    enqueue(engine, "a1")
    with engine.begin() as connection:
        outbox.learn_watermark(connection, "news", "1700000100.000200", NOW)
        outbox.learn_watermark(connection, "news", "1700000000.000100", NOW)  # an older one teaches nothing
    claimed = claim(engine)
    assert claimed is not None
    fail(engine, claimed, Fault.UNKNOWN)
    with engine.begin() as connection:
        look = outbox.claim_look(connection, "news", NOW + 60 * SECOND, LEASE)
    assert look is not None
    assert look.oldest == "1700000040.000200"


def test_an_interrupted_look_goes_on_where_it_was(engine: Engine) -> None:
    enqueue(engine, "a1")
    claimed = claim(engine)
    assert claimed is not None
    fail(engine, claimed, Fault.UNKNOWN)
    with engine.begin() as connection:
        now = NOW + 60 * SECOND
        look = outbox.claim_look(connection, "news", now, LEASE)
        assert look is not None
        outbox.turn_page(connection, look, "page2", now, LEASE)
        limited = DeliveryFailed(Fault.LIMITED, "too fast", 60 * SECOND)
        outbox.look_failed(connection, "news", look, limited, now, rng=Random(1))
        assert outbox.claim_look(connection, "news", now + 59 * SECOND, LEASE) is None
        again = outbox.claim_look(connection, "news", now + 70 * SECOND, LEASE)
    assert again is not None
    assert again.cursor == "page2"


def test_a_cursor_that_is_no_longer_good_is_dropped(engine: Engine) -> None:
    enqueue(engine, "a1")
    claimed = claim(engine)
    assert claimed is not None
    fail(engine, claimed, Fault.UNKNOWN)
    with engine.begin() as connection:
        now = NOW + 60 * SECOND
        look = outbox.claim_look(connection, "news", now, LEASE)
        assert look is not None
        outbox.turn_page(connection, look, "page2", now, LEASE)
        outbox.look_failed(
            connection, "news", look, DeliveryFailed(Fault.CONTENT, "invalid_cursor"), now, rng=Random(1)
        )
        again = outbox.claim_look(connection, "news", now + 20 * SECOND, LEASE)
    assert again is not None
    assert again.cursor is None


def test_what_is_found_need_not_have_been_looked_for(engine: Engine) -> None:
    """A message that appears late is still there: the delivery that waits to be sent again is sent."""
    enqueue(engine, "a1", "b2")
    with engine.begin() as connection:
        assert outbox.found(connection, "news", {DeliveryId("a1"): "5.000000"}, NOW) == ["a1"]
        assert outbox.found(connection, "news", {DeliveryId("a1"): "5.000000"}, NOW) == []
        assert outbox.found(connection, "other", {DeliveryId("b2"): "6.000000"}, NOW) == []


@pytest.mark.parametrize("failures", range(1, 12))
def test_waits_double_up_to_five_minutes(failures: int) -> None:
    wait = outbox.backoff(failures, Random(1)).total_seconds()
    plain = min(2**failures, 300)
    assert 0.8 * plain <= wait <= 1.2 * plain


def test_failures_in_a_row_make_the_channel_wait_longer_and_a_success_ends_it(engine: Engine) -> None:
    enqueue(engine, "a1", "b2")
    at = 0.0
    for _ in range(6):
        claimed = claim(engine, at)
        assert claimed is not None
        fail(engine, claimed, Fault.UNREACHABLE, at)
        at += 400
    claimed = claim(engine, at)
    assert claimed is not None
    with engine.begin() as connection:
        assert outbox.channel_states(connection)[0].failures == 6
        outbox.sent(connection, claimed, "5.000000", NOW + at * SECOND)
        assert outbox.channel_states(connection)[0].failures == 0
    assert claim(engine, at + 1) is not None


def test_a_rate_limit_is_never_shortened_by_jitter(engine: Engine) -> None:
    enqueue(engine, "a1")
    claimed = claim(engine)
    assert claimed is not None
    fail(engine, claimed, Fault.LIMITED)
    assert claim(engine, at=7.04) is None
    assert claim(engine, at=8) is not None


def test_a_stop_is_told_of_once(engine: Engine) -> None:
    enqueue(engine, "a1")
    said = []
    for at in (0, 1000, 2000):
        claimed = claim(engine, at)
        assert claimed is not None
        said.append(fail(engine, claimed, Fault.STOPPED, at))
    assert said == [Consequence.STOPPED, Consequence.WAITS, Consequence.WAITS]
    with engine.begin() as connection:
        assert outbox.channel_states(connection)[0].stopped_at == NOW


def test_a_reload_tries_a_stopped_channel_at_once(engine: Engine) -> None:
    enqueue(engine, "a1")
    claimed = claim(engine)
    assert claimed is not None
    fail(engine, claimed, Fault.STOPPED)
    assert claim(engine, at=60) is None
    with engine.begin() as connection:
        assert outbox.resume(connection, NOW + 60 * SECOND) == 1
    assert claim(engine, at=61) is not None


def test_the_dead_come_back_in_full_dress(engine: Engine) -> None:
    enqueue(engine, "a1", "b2")
    for at in (0, 2, 4):
        claimed = claim(engine, at)
        assert claimed is not None
        last = fail(engine, claimed, Fault.CONTENT, at)
    assert last is Consequence.DEAD
    with engine.begin() as connection:
        assert [one.id for one in outbox.dead_list(connection)] == ["a1"]
        wanted = [DeliveryId("a1"), DeliveryId("b2"), DeliveryId("x")]
        assert outbox.retry_dead(connection, wanted, NOW + 9 * SECOND) == ["a1"]
        assert outbox.records(connection)[0].plainness == "full"
        assert outbox.retry_dead(connection, None, NOW) == []


def test_what_status_wants_to_know(engine: Engine) -> None:
    enqueue(engine, "a1")
    enqueue(engine, "b2", now=NOW + 5 * SECOND)
    claimed = claim(engine)
    assert claimed is not None
    with engine.begin() as connection:
        assert outbox.oldest_waiting(connection, NOW + SECOND * 9) == NOW
        outbox.sent(connection, claimed, None, NOW + SECOND)
        assert outbox.oldest_waiting(connection, NOW + SECOND * 9) == NOW + 5 * SECOND
        assert outbox.last_sent(connection) == NOW + SECOND
        assert outbox.counts(connection, "news") == {
            **dict.fromkeys(State, 0),
            State.SENT: 1,
            State.WAITING: 1,
        }
        assert outbox.counts(connection, "other") == dict.fromkeys(State, 0)
        assert len(outbox.records(connection, story="s1", states=[State.SENT])) == 1


def test_what_waits_for_a_channel_that_is_no_more_is_given_up_and_can_come_back(engine: Engine) -> None:
    enqueue(engine, "a1", "b2")
    claim(engine)
    with engine.begin() as connection:
        assert outbox.give_up_channels(connection, {"other"}, NOW) == 2
        assert outbox.give_up_channels(connection, {"other"}, NOW) == 0
        assert {r.reason for r in outbox.dead_list(connection)} == {"its channel left the configuration"}
        assert len(outbox.retry_dead(connection, None, NOW)) == 2


def test_hostile_words_go_in_and_come_out(engine: Engine) -> None:
    body = Notice("half \ud83d surrogate \x00", "🔔 \u202e")
    enqueue(engine, "a1", body=body)
    with engine.begin() as connection:
        assert outbox.records(connection)[0].body == body


def test_the_schema_says_when_a_column_is_null() -> None:
    silent = [
        f"{table.name}.{column.name}"
        for table in outbox.tables.sorted_tables
        for column in table.columns
        if column.nullable and "null:" not in (column.comment or "") and column.name != "attempted_at"
        if "lies in the future" not in (column.comment or "")
        if not (column.comment or "").startswith(("since when", "where reading"))
    ]
    assert silent == []


def test_the_migration_made_what_the_notebook_describes(engine: Engine) -> None:
    there = inspect(engine)
    for table in outbox.tables.sorted_tables:
        made = {column["name"]: column["nullable"] for column in there.get_columns(table.name)}
        assert made == {column.name: column.nullable for column in table.columns}

"""What the ops channel is told, and that it is told once."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from alerts import ledger, outbox
from alerts.alerting import Action
from alerts.channels import Channel
from alerts.notifications import Notice
from alerts.outbox import State
from crawler import archive
from crawler.fetches import Outcome
from crawler.sources import SourceId
from scheduler import assembly, notices, status
from scheduler.health import Progress
from scheduler.jobs import Jobs
from scheduler.notices.alive import alive_notice
from scheduler.notices.occasions import listed, tell
from scheduler.settings import load
from tests.builders import DAY, HOUR, MINUTE, NOW, entry, fetch, source
from tests.crawler.test_archive import Book
from tests.scheduler.test_daemon import CHANNELS, SOURCES, WATCHES
from tests.scheduler.test_health import picture
from tests.scheduler.test_health import source as known_source
from tests.telling import Clock, enqueue

LEASE = timedelta(minutes=1)


class Ops:
    """A database with sources, and an ops channel to look at."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sources = {SourceId(s.id): s for s in (source("one"), source("two"))}
        with engine.begin() as connection:
            archive.enrol(connection, self.sources.values())

    def crawl(self, outcome: Outcome, now: datetime, *named: str) -> None:
        """One fetch of these sources, or of all, with this outcome."""
        with self.engine.begin() as connection:
            archive.make_due(connection, now, [SourceId(name) for name in named or self.sources])
            for claim in archive.claim_due(connection, self.sources, now, LEASE, 9):
                if named and claim.source.id not in named:
                    archive.release(connection, claim)
                    continue
                archive.record_fetch(connection, claim, fetch(outcome, at=now, detail="HTTP 410"), now)
            notices.tell_of_sources(connection, "ops", now)

    def told(self) -> list[str]:
        with self.engine.connect() as connection:
            return [r.body.title for r in outbox.records(connection, states=[State.WAITING])]


@pytest.fixture
def ops(engine: Engine) -> Ops:
    return Ops(engine)


def test_one_failure_is_weather(ops: Ops) -> None:
    ops.crawl(Outcome.TIMEOUT, NOW)
    assert ops.told() == []


def test_sources_that_go_on_failing_are_named_once_and_together(ops: Ops) -> None:
    for n in range(9):
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR)
    assert ops.told() == ["2 sources cannot be read"]


def test_a_source_that_is_gone_for_good_is_named_at_once(ops: Ops) -> None:
    ops.crawl(Outcome.GONE, NOW)
    assert ops.told() == ["2 sources cannot be read"]


def test_what_is_gone_does_not_wait_for_others_that_begin_to_fail(ops: Ops) -> None:
    ops.crawl(Outcome.TIMEOUT, NOW, "two")
    ops.crawl(Outcome.GONE, NOW + HOUR, "one")
    assert ops.told() == ["one cannot be read"]


def test_sources_that_are_read_again_are_named_once(ops: Ops) -> None:
    for n in range(4):
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR)
    for n in range(4, 8):
        ops.crawl(Outcome.NOT_MODIFIED, NOW + n * HOUR)
    assert ops.told() == ["2 sources cannot be read", "2 sources are read again"]


def test_a_notice_says_what_failed_and_what_to_do(ops: Ops) -> None:
    ops.crawl(Outcome.GONE, NOW)
    with ops.engine.connect() as connection:
        (record,) = outbox.records(connection)
    assert "one: gone (HTTP 410). The publisher took the feed down for good" in record.body.text  # type: ignore[union-attr]


def test_a_source_that_fails_alone_is_named_at_its_third_failure(ops: Ops) -> None:
    for n in range(3):
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR, "one")
        ops.crawl(Outcome.OK, NOW + n * HOUR, "two")
    assert ops.told() == ["one cannot be read"]


def test_a_source_waits_for_others_that_are_about_to_follow(ops: Ops) -> None:
    """A network that is down takes every source at its next turn: one notice, not one for each."""
    for n in range(3):
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR, "one")
        assert ops.told() == []
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR + MINUTE, "two")
    assert ops.told() == ["2 sources cannot be read"]


def test_it_waits_no_longer_than_until_its_next_turn(ops: Ops) -> None:
    ops.crawl(Outcome.TIMEOUT, NOW, "two")
    for n in range(4):
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR, "one")
    assert ops.told() == ["one cannot be read"]


def test_sources_that_come_back_one_by_one_are_one_notice(ops: Ops) -> None:
    for n in range(3):
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR)
    ops.crawl(Outcome.OK, NOW + 4 * HOUR, "one")
    ops.crawl(Outcome.OK, NOW + 4 * HOUR + 20 * MINUTE, "two")
    assert ops.told() == ["2 sources cannot be read", "2 sources are read again"]


def test_a_source_that_stays_away_holds_up_the_good_news_of_another_for_half_an_hour(ops: Ops) -> None:
    for n in range(3):
        ops.crawl(Outcome.TIMEOUT, NOW + n * HOUR)
    for minutes, told in ((0, 1), (29, 1), (31, 2)):
        ops.crawl(Outcome.OK, NOW + 4 * HOUR + minutes * MINUTE, "one")
        assert len(ops.told()) == told
    assert ops.told()[1] == "one is read again"


def test_of_many_sources_the_first_ten_are_named() -> None:
    assert listed([str(n) for n in range(12)])[-2:] == ["9", "… and 2 more."]
    assert listed(["one"]) == ["one"]


def test_one_occasion_is_told_once(engine: Engine) -> None:
    with engine.begin() as connection:
        for _ in range(3):
            tell(connection, "ops", "down/1", Notice("one cannot be read", ""), NOW)
        assert len(outbox.records(connection)) == 1


# --- deliveries that were given up


def give_up(engine: Engine, now: datetime, *names: str) -> None:
    enqueue(engine, *names, now=now)
    with engine.begin() as connection:
        outbox.give_up_channels(connection, ["ops"], now)


def tell_of_dead(engine: Engine, now: datetime) -> list[Notice]:
    """All that was told of them by then."""
    with engine.begin() as connection:
        notices.tell_of_channels(connection, "ops", now)
        bodies = [r.body for r in outbox.records(connection) if r.channel == "ops"]
    return [body for body in bodies if isinstance(body, Notice)]


def test_fifty_deliveries_that_are_given_up_at_once_are_one_notice(engine: Engine) -> None:
    for n in range(50):
        give_up(engine, NOW + n * timedelta(seconds=1), f"d{n}")
        assert tell_of_dead(engine, NOW + n * timedelta(seconds=1)) == []
    for minutes in (2, 3, 4):
        (notice,) = tell_of_dead(engine, NOW + minutes * MINUTE)
    assert notice.title == "50 deliveries were given up"
    assert "50 for news: its channel left the configuration." in notice.text


def test_the_first_of_many_dead_waits_for_the_others_ten_minutes_at_most(engine: Engine) -> None:
    for n in range(10):
        give_up(engine, NOW + n * MINUTE, f"d{n}")
        assert tell_of_dead(engine, NOW + n * MINUTE) == []
    assert len(tell_of_dead(engine, NOW + 9.5 * MINUTE + MINUTE / 2)) == 1


def test_a_delivery_that_is_given_up_again_is_told_of_again(engine: Engine) -> None:
    give_up(engine, NOW, "d1")
    assert len(tell_of_dead(engine, NOW + MINUTE)) == 1
    with engine.begin() as connection:
        outbox.retry_dead(connection, None, NOW + HOUR)
        outbox.give_up_channels(connection, ["ops"], NOW + HOUR)
    assert [n.title for n in tell_of_dead(engine, NOW + 2 * HOUR)] == [
        "A delivery for news was given up: its channel left the configuration"
    ] * 2


# --- sources that are silent


class Listening:
    """A paper that announced something every hour for three weeks, and what is told of it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.book = Book(engine, source("daily"), source("gazette"))
        self.book.read(entry("Before us"), of="daily", now=NOW - 22 * DAY)
        for n in range(-21 * 24, 0):
            self.book.read(entry(f"Report {n}"), of="daily", now=NOW + n * HOUR)

    def ask(self, now: datetime, *new: str) -> None:
        """A fetch that brings this, and all that follows."""
        if new:
            self.book.read(*map(entry, new), of="daily", now=now)
        else:
            self.answers(now)
        found = notices.find_silent(self.engine)
        with self.engine.begin() as connection:
            notices.tell_of_silent(connection, "ops", found, now)
            notices.tell_of_speaking(connection, "ops", now)

    def answers(self, now: datetime) -> None:
        """A fetch that brings nothing new."""
        with self.engine.begin() as connection:
            archive.make_due(connection, now, [SourceId("daily")])
            for claim in archive.claim_due(connection, self.book.sources, now, LEASE, 9):
                if claim.source.id == "daily":
                    archive.record_fetch(connection, claim, fetch(Outcome.NOT_MODIFIED, at=now), now)
                else:
                    archive.release(connection, claim)

    def told(self) -> list[str]:
        with self.engine.connect() as connection:
            return [r.body.title for r in outbox.records(connection)]

    def state(self, now: datetime) -> status.SourceStanding:
        with self.engine.connect() as connection:
            standing, _ = status.source_standing(connection, self.book.sources[SourceId("daily")], now)
        assert standing is not None
        return standing


@pytest.fixture
def listening(engine: Engine) -> Listening:
    return Listening(engine)


def test_a_source_that_answers_and_has_nothing_new_for_long_is_named_once(listening: Listening) -> None:
    for hours in range(1, 24):
        listening.ask(NOW + hours * HOUR)
    assert listening.told() == ["daily is silent, though it answers"]
    standing = listening.state(NOW + DAY)
    assert standing.state == "silent"
    assert standing.trouble == "silent since 2026-03-02 11:00 UTC, usually 24 a day"


def test_a_short_silence_is_none(listening: Listening) -> None:
    for hours in range(1, 3):
        listening.ask(NOW + hours * HOUR)
    assert listening.told() == []
    assert listening.state(NOW + 3 * HOUR).state == "ok"


def test_a_silent_source_that_speaks_again_is_named_once(listening: Listening) -> None:
    listening.ask(NOW + DAY)
    listening.ask(NOW + 25 * HOUR, "At last")
    listening.ask(NOW + 26 * HOUR, "And more")
    assert listening.told() == ["daily is silent, though it answers", "daily is heard again"]
    assert listening.state(NOW + 26 * HOUR).state == "ok"


def test_a_source_that_we_did_not_ask_is_not_silent(listening: Listening) -> None:
    """A daemon that was down for a week heard nothing either."""
    assert notices.find_silent(listening.engine) == []


def test_a_source_is_found_silent_without_an_ops_channel_too(listening: Listening) -> None:
    listening.answers(NOW + DAY)
    found = notices.find_silent(listening.engine)
    with listening.engine.begin() as connection:
        notices.tell_of_silent(connection, None, found, NOW + DAY)
    assert listening.state(NOW + DAY).state == "silent"
    assert listening.told() == []


def test_what_was_announced_meanwhile_is_no_silence(listening: Listening) -> None:
    found = [notices.Silent(SourceId("daily"), NOW - 5 * HOUR, 24.0)]
    with listening.engine.begin() as connection:
        notices.tell_of_silent(connection, "ops", found, NOW)
    assert listening.told() == []


# --- the control room

REFUSED = ledger.ControlRoom(None, "apps.connections.open: invalid_auth", refused_at=NOW)
CONNECTED = ledger.ControlRoom(NOW + HOUR)


class Reach:
    """The control room as the socket notes it, and the ops channel."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def stands(self, *standings: ledger.ControlRoom | None) -> list[str]:
        """None: nobody dials. What is told by then."""
        with self.engine.begin() as connection:
            for n, one in enumerate(standings):
                if one is None:
                    ledger.close_control_room(connection, "control.app_token is not set")
                else:
                    ledger.note_control_room(connection, one)
                notices.tell_of_control(connection, "ops", NOW + n * MINUTE)
            return [r.body.title for r in outbox.records(connection)]


@pytest.fixture
def reach(engine: Engine) -> Reach:
    return Reach(engine)


REFUSAL = "The control room cannot be reached: apps.connections.open: invalid_auth"
TAKEN = "The control room can be reached again"


def test_a_refused_token_is_told_once_and_once_that_it_is_taken(reach: Reach) -> None:
    restarted = replace(REFUSED, refused_at=NOW + HOUR)
    away = ledger.ControlRoom(None, "ClientError")
    assert reach.stands(REFUSED, REFUSED, away, restarted, CONNECTED, away, CONNECTED) == [REFUSAL, TAKEN]


def test_a_connection_that_breaks_is_no_notice(reach: Reach) -> None:
    assert reach.stands(ledger.ControlRoom(None, "ClientError"), CONNECTED) == []


def test_a_token_that_was_taken_out_is_not_said_to_be_taken(reach: Reach) -> None:
    assert reach.stands(REFUSED, None, CONNECTED) == [REFUSAL]


def test_after_a_token_was_taken_out_the_refusal_of_another_is_told(reach: Reach) -> None:
    later = replace(REFUSED, reason="apps.connections.open: token_revoked")
    assert len(reach.stands(REFUSED, None, later)) == 2


def test_the_job_tells_of_a_refused_token(jobs: Jobs) -> None:
    with jobs.engine.begin() as connection:
        ledger.note_control_room(connection, REFUSED)
    assert alive(jobs, NOW) == [REFUSAL]


# --- once a day


@pytest.fixture
async def jobs(engine: Engine, tmp_path: Path) -> Jobs:
    for name, text in (("watches", WATCHES), ("sources", SOURCES), ("channels", CHANNELS)):
        (tmp_path / f"{name}.yaml").write_text(text)
    return assembly.jobs(load(tmp_path, {}), engine, Clock(NOW), Random(7), Progress())


def alive(jobs: Jobs, now: datetime) -> list[str]:
    jobs.clock.now = now  # type: ignore[attr-defined]
    jobs.tell_ops()
    with jobs.engine.connect() as connection:
        return [r.body.title for r in outbox.records(connection)]


def test_once_a_day_the_ops_channel_hears_how_things_stand(jobs: Jobs) -> None:
    book = Book(jobs.engine, source())
    book.read(entry(), now=NOW - 2 * DAY)
    line = "Alive: 1 source ok, 0 alerts, 0 held, outbox empty"
    assert alive(jobs, NOW) == [line]  # that of this morning, made up for
    assert alive(jobs, NOW + 20 * HOUR) == [line]
    assert alive(jobs, NOW + 21 * HOUR) == [line, f"{line[:-12]}1 in the outbox"]
    assert len(alive(jobs, NOW + 9 * DAY)) == 3  # of a week's absence the last is made up for


def test_a_daemon_that_has_just_begun_has_no_yesterday_to_tell_of(jobs: Jobs) -> None:
    assert alive(jobs, NOW) == []
    Book(jobs.engine, source()).read(entry(), now=NOW)
    assert alive(jobs, NOW + HOUR) == []
    assert len(alive(jobs, NOW + DAY)) == 1


def test_a_restart_does_not_say_it_again(jobs: Jobs) -> None:
    Book(jobs.engine, source()).read(entry(), now=NOW - 2 * DAY)
    assert len(alive(jobs, NOW)) == 1
    jobs._said_alive = None
    assert len(alive(jobs, NOW + HOUR)) == 1


def test_an_ops_channel_without_a_digest_hears_no_such_line(jobs: Jobs) -> None:
    Book(jobs.engine, source()).read(entry(), now=NOW - 2 * DAY)
    jobs.channels = {"ops": Channel(id="ops", kind="console", digest=None)}
    assert alive(jobs, NOW) == []


def test_the_line_names_whose_trouble_it_is() -> None:
    some = (
        standing("ok"),
        standing("failing", id="gazette", outcome="dns", failures=4, detail="no such host"),
        standing("silent", id="courier", silent_since=NOW, usually="usually 40 a day"),
    )
    notice = alive_notice(
        replace(picture(), sources=some, decided_24h={Action.TELL: 5, Action.HOLD: 2, Action.QUIET: 9})
    )
    assert notice.title == "Alive: 1 source ok, 1 failing, 1 silent, 5 alerts, 2 held, outbox empty"
    assert notice.text.splitlines() == [
        "gazette: dns, 4 in a row (no such host)",
        "courier: silent since 2026-03-02 12:00 UTC, usually 40 a day",
    ]


def standing(state: str, **changes: Any) -> status.SourceStanding:
    return replace(known_source("herald", state), **changes)

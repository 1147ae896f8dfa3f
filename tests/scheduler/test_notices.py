"""What the ops channel is told, and that it is told once."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from alerts import outbox
from alerts.outbox import State
from crawler import archive
from crawler.fetches import Outcome
from scheduler import notices
from tests.builders import HOUR, NOW, fetch, source

LEASE = timedelta(minutes=1)


class Ops:
    """A database with sources, and an ops channel to look at."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.sources = {s.id: s for s in (source("one"), source("two"))}
        with engine.begin() as connection:
            archive.enrol(connection, self.sources.values())

    def crawl(self, outcome: Outcome, now: datetime) -> None:
        with self.engine.begin() as connection:
            archive.make_due(connection, now)
            for claim in archive.claim_due(connection, self.sources, now, LEASE, 9):  # type: ignore[arg-type]
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


def test_of_many_sources_the_first_ten_are_named() -> None:
    assert notices._and_more(12) == ["… and 2 more."]


def test_one_occasion_is_told_once(engine: Engine) -> None:
    with engine.begin() as connection:
        for _ in range(3):
            notices.tell(connection, "ops", "refused/1", notices.refused_notice("watches.yaml:3: no"), NOW)
        assert len(outbox.records(connection)) == 1

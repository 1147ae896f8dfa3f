"""One pass without a clock: crawl every source now, screen, dispatch until nothing is due, stop.

Lives here: `tocsin once`. Not here: the daemon, the trial fetch of a single address (`online`).
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine

from alerts import outbox
from alerts.judging import Screened
from alerts.outbox import State
from crawler import archive
from crawler.crawl import Summary
from scheduler import assembly, rulebooks
from scheduler.clock import utc_now
from scheduler.health import Progress
from scheduler.jobs import Jobs
from scheduler.settings import Settings

DRAIN = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Passed:
    """What one pass did."""

    crawled: Summary
    screened: Screened
    deliveries: Mapping[State, int]
    sent: int

    def to_json(self) -> dict[str, Any]:
        unfinished = sum(self.deliveries[state] for state in outbox.UNFINISHED)
        return {
            "sources": {
                "ok": self.crawled.ok,
                "not_modified": self.crawled.not_modified,
                "failed": self.crawled.failed,
            },
            "entries_new": self.crawled.entries_new,
            "articles_new": self.crawled.articles_new,
            "matches": self.screened.matches,
            "alerts": self.screened.alerts,
            "deliveries": {"sent": self.sent, "waiting": unfinished, "dead": self.deliveries[State.DEAD]},
        }


async def one_pass(settings: Settings, engine: Engine) -> Passed:
    """Crawls every source that is switched on, whatever its pace.

    Then screens and delivers what came of it. Nothing waits for company: there may be no later pass.
    """
    jobs = assembly.jobs(settings, engine, utc_now, Random(), Progress())
    jobs.rulebook = replace(jobs.rulebook, stories=settings.daemon.stories.at_once())
    now = utc_now()
    with engine.begin() as connection:
        archive.enrol(connection, settings.crawled.values())
        outbox.recover(connection, now, settings.daemon.delivery.settle)
        outbox.resume(connection, now)
        rulebooks.take_into_force(connection, jobs.rulebook.matcher, now)
    await jobs.crawler.open()
    try:
        crawled = await jobs.crawler.crawl_all()
    finally:
        await jobs.crawler.close(DRAIN)
    screened = await jobs.screen()
    jobs.digest()
    jobs.wind_up()
    jobs.brief()
    await jobs.listen()
    jobs.tell_ops()
    sent = await _deliver(jobs)
    with engine.connect() as connection:
        return Passed(crawled, screened, outbox.counts(connection), sent)


async def _deliver(jobs: Jobs) -> int:
    """Every channel until nothing is due there; what has to wait for its time waits for the next pass."""
    done = await asyncio.gather(*(jobs.dispatch(channel) for channel in jobs.channels))
    return sum(d.sent for d in done)

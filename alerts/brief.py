"""Door: what quiet hours held in a channel → one ranked brief in the outbox.

Lives here: the one transaction of a brief. Its id is made of the channel and the moment at which quiet ended;
what it contains is marked with it. So a crash before the commit briefs the same again, and after it nothing
is left. It asks what is held, not what the configuration says by now: hours that are edited, or a channel
that is taken out, lose nothing. Not here: when quiet ends (`quiet_hours`), what it says (`digests`).
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row

from alerts import ledger, outbox
from alerts.digests import Held, compose_brief
from alerts.notifications import DeliveryId, Digest
from alerts.quiet_hours import quiet_until
from alerts.rulebook import Rulebook
from alerts.stories import StoryId
from crawler import archive

log = structlog.get_logger(__name__)

_BRIEFS = uuid.UUID(
    "3c1d9c0e-7f0b-4f7a-8a53-5f0d7f6e2b91"
)  # namespace of brief ids; chosen once, never changed


def brief(engine: Engine, rulebook: Rulebook, channel: str, now: datetime) -> bool:
    """Enqueues what waits for the end of quiet, if it is not quiet there; False: there was nothing to say."""
    there = rulebook.channels.get(channel)
    if there and quiet_until(there, now):
        return False
    with engine.begin() as connection:
        ledger.take_turns(connection)
        rows = ledger.held_in(connection, channel, for_brief=True, by=now)
        said = _composed(connection, rulebook, channel, rows)
        if said is None:
            return False
        ended = min(now, max(row.until for row in rows))
        delivery = DeliveryId(uuid.uuid5(_BRIEFS, f"{channel}/{ended.isoformat()}").hex)
        if not outbox.enqueue(connection, delivery, channel, said, None, None, now):
            return False  # only after the clock was set back: what came since waits for the next one
        ledger.mark_held(connection, rows, delivery)
        if there is None:  # nobody sends it; `tocsin dead` shows it
            outbox.give_up_channels(connection, rulebook.channels, now)
    log.info(
        "brief enqueued", channel=channel, delivery=delivery, ended=ended.isoformat(), articles=len(rows)
    )
    return True


def waits_for_brief(connection: Connection, channel: str, now: datetime) -> int:
    """How many stories the next brief of this channel has by now."""
    rows = ledger.held_in(connection, channel, for_brief=True, by=now)
    return len({(row.watch, row.now_of) for row in rows})


def _composed(
    connection: Connection, rulebook: Rulebook, channel: str, rows: Sequence[Row[Any]]
) -> Digest | None:
    articles = archive.with_ids(connection, rulebook.sources, {row.article for row in rows})
    held = [
        Held(row.watch, row.rule, row.now_of, row.score, articles[row.article], row.level)
        for row in rows
        if row.article in articles
    ]
    told = {(one.watch, one.story) for one in held}
    sources = {(watch, story): _sources(connection, story, watch) for watch, story in told}
    there = rulebook.channels.get(channel)
    names = {watch.id: watch.name or watch.id for watch in rulebook.watches.values()}
    return compose_brief(held, sources, names, there.quiet if there else None)


def _sources(connection: Connection, story: str, watch: str) -> int:
    """How many have it by now, those who only copied included."""
    thread = ledger.thread(connection, StoryId(story), watch)
    return len({one.source for one in thread.articles}) if thread else 1

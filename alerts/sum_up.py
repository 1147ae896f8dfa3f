"""Door: held matches and the differences of shadows → one digest in the outbox, for one channel.

Lives here: the one transaction of a digest. Its id is made of the channel and the moment it was due, and the
outbox takes an id once; what it contains is marked with it. So a crash before the commit sums up the same
again, and after it nothing is left to sum up. Not here: when (`digests`, the scheduler), the sending
(`dispatch`).
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row

from alerts import ledger, outbox
from alerts.channels import Channel
from alerts.digests import MOST_OF_SHADOW, Held, compose, day_before, last_due
from alerts.notifications import DeliveryId, Kind
from alerts.rulebook import Rulebook
from alerts.shadows import Difference
from alerts.watches import Watch
from crawler import archive
from crawler.articles import Article
from crawler.sources import Source, SourceId

Sources = Mapping[SourceId, Source]
Watches = Mapping[str, Watch]

log = structlog.get_logger(__name__)

LONGEST_HELD = timedelta(
    days=7
)  # what waited longer, for a daemon that was down or a new channel, is no news

_DIGESTS = uuid.UUID(
    "a3f7b1a8-51cf-4a3c-9b27-0a0f4f6f7d7e"
)  # namespace of digest ids; chosen once, never changed


def sum_up(engine: Engine, rulebook: Rulebook, channel: Channel, now: datetime) -> bool:
    """Enqueues the last digest that was due; False: there was nothing to say, or it is in the outbox already.

    It has what was held up to the moment it was due, however late this is called.
    """
    if channel.digest is None:
        return False
    due = last_due(channel.digest, now)
    since = day_before(channel.digest, due)
    delivery = DeliveryId(uuid.uuid5(_DIGESTS, f"{channel.id}/{due.isoformat()}").hex)
    with engine.begin() as connection:
        held = _held(connection, rulebook.sources, rulebook.watches, channel.id, due)
        here = ledger.held_in(connection, channel.id, for_brief=False, by=due)
        digest = compose(
            [*held, *_held_here(connection, rulebook.sources, here)],
            *_differences(connection, rulebook, channel.id, since, due),
            {watch.id: watch.name or watch.id for watch in rulebook.watches.values()},
        )
        if digest is None or not outbox.enqueue(connection, delivery, channel.id, digest, None, None, now):
            return False
        ledger.mark_digested(connection, channel.id, {(one.watch, one.story) for one in held}, delivery)
        ledger.mark_held(connection, here, delivery)
    log.info("digest enqueued", channel=channel.id, delivery=delivery, due=due.isoformat())
    return True


def waits_for_digest(
    connection: Connection, sources: Sources, watches: Watches, channel: str, now: datetime
) -> int:
    """How many stories the next digest of this channel has by now, if none of them is told before."""
    here = ledger.held_in(connection, channel, for_brief=False, by=now)
    waiting = [*_held(connection, sources, watches, channel, now), *_held_here(connection, sources, here)]
    return len({(one.watch, one.story) for one in waiting})


def _held(
    connection: Connection, sources: Sources, watches: Watches, channel: str, due: datetime
) -> list[Held]:
    rows = ledger.held_for_digest(connection, channel, due - LONGEST_HELD, due)
    articles = archive.with_ids(connection, sources, {row.article for row in rows})
    return [
        Held(row.watch, row.rule, row.story, row.score, articles[row.article])
        for row in rows
        if row.watch in watches and row.article in articles
        if channel in watches[row.watch].told(row.rule, row.level, articles[row.article])
        if not _is_told(connection, channel, row)
    ]


def _is_told(connection: Connection, channel: str, row: Row[Any]) -> bool:
    """Whether a thread of its story has begun in this channel meanwhile: that names it."""
    alert = ledger.alert_of(connection, row.story, row.watch)
    told = outbox.records(connection, story=alert.story) if alert else ()
    return any((one.kind, one.watch, one.channel) == (Kind.ROOT, row.watch, channel) for one in told)


def _held_here(connection: Connection, sources: Sources, rows: Sequence[Row[Any]]) -> list[Held]:
    """Articles of told stories which this channel is to have in its digest."""
    articles = archive.with_ids(connection, sources, {row.article for row in rows})
    return [
        Held(row.watch, row.rule, row.now_of, row.score, articles[row.article])
        for row in rows
        if row.article in articles
    ]


def _differences(
    connection: Connection, rulebook: Rulebook, channel: str, since: datetime, due: datetime
) -> tuple[list[Difference], dict[int, Article]]:
    """Of the shadow rules whose watch tells this channel, in the day before this digest."""
    found = [
        one
        for one in ledger.differences(connection, rulebook.watches.values(), since, due)
        if channel in _possible(rulebook.watches[one.watch], one.rule)
    ]
    sides = (side for one in found for side in (one.only_new, one.only_old))
    named = {article for side in sides for article in side[:MOST_OF_SHADOW]}
    return found, archive.with_ids(connection, rulebook.sources, named)


def _possible(watch: Watch, shadow: str) -> tuple[str, ...]:
    return next(watch.may_be_told(rule) for rule in watch.rules if rule.id == shadow)

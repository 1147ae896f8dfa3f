"""Door: what ended silences held, and what came in floods that are over → a message in the outbox.

Lives here: their transaction. The id of a message is made of the silence, or of the flood and its beginning,
and of the channel; the outbox takes an id once, and what is said is marked with it. So a crash before the
commit says the same again, and after it there is nothing left to say. Not here: what the message says
(`digests`), when a flood is over (`floods`), the sending (`dispatch`).
"""

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row

from alerts import ledger, outbox
from alerts.digests import Held, after_flood, after_silence, asked_for
from alerts.floods import Flood
from alerts.hushing import hold_back
from alerts.notifications import Body, DeliveryId, Notice
from alerts.rulebook import Rulebook
from alerts.silences import Silence
from crawler import archive

log = structlog.get_logger(__name__)

_ENDS = uuid.UUID(
    "b7a3f6b2-2a55-4f6e-9d5c-0f5e0f1d8c31"
)  # namespace of these messages; chosen once, never changed


def wind_up(engine: Engine, rulebook: Rulebook, ops: str | None, now: datetime) -> int:
    """Enqueues what is to be said of all that has come to its end. How many messages?"""
    said = 0
    with engine.begin() as connection:
        ledger.take_turns(connection)
        hold_back(connection, rulebook, now)
        for silence in ledger.ended_untold(connection, now):
            said += _end_silence(connection, rulebook, silence, ops, now)
        for flood in ledger.floods_untold(connection):
            more = bool(archive.unscreened_of(connection, rulebook.sources, flood.source, 1))
            if flood.is_over(rulebook.stories.group_wait, now, more=more):
                said += _end_flood(connection, rulebook, flood, now)
    return said


def _end_silence(
    connection: Connection, rulebook: Rulebook, silence: Silence, ops: str | None, now: datetime
) -> int:
    """Where there is nobody to tell of what it held, the ops channel hears that; unless it never began."""
    held = _by_channel(connection, rulebook, ledger.silenced(connection, silence.id))
    what = f"silence/{silence.id}/{silence.starts_at.isoformat()}"
    said = sum(
        _tell(connection, what, channel, after_silence(silence, ones), ones, now)
        for channel, ones in held.items()
    )
    if not held and ops is not None and silence.starts_at < silence.ends_at:
        much = ledger.quieted(connection).get(silence.id, ledger.Quieted())
        said += _tell(connection, what, ops, _nothing_to_tell(silence, much), (), now)
    ledger.mark_ended(connection, silence.id, now)
    log.info("silence ended", silence=silence.id, about=silence.about, channels=list(held))
    return said


def _nothing_to_tell(silence: Silence, held: ledger.Quieted) -> Notice:
    rest = f", of which no channel has to hear: `tocsin silence show {silence.id}`" if held.articles else ""
    return Notice(f"A {silence} has ended: it held {held}{rest}", asked_for(silence))


def _end_flood(connection: Connection, rulebook: Rulebook, flood: Flood, now: datetime) -> int:
    held = _by_channel(connection, rulebook, ledger.flooded(connection, flood.id))
    what = f"flood/{flood.source}/{flood.first_at.isoformat()}"
    said = sum(
        _tell(connection, what, channel, after_flood(flood.source, ones, rulebook.limits.flood), ones, now)
        for channel, ones in held.items()
    )
    ledger.mark_calmed(connection, flood.id, now)
    log.info("flood over", source=flood.source, channels=list(held))
    return said


def _tell(
    connection: Connection, what: str, channel: str, body: Body, held: Sequence[Held], now: datetime
) -> bool:
    """False: it is in the outbox already."""
    delivery = DeliveryId(uuid.uuid5(_ENDS, f"{what}/{channel}").hex)
    told = outbox.enqueue(connection, delivery, channel, body, None, None, now)
    if told:
        ledger.mark_digested(connection, channel, {(one.watch, one.story) for one in held}, delivery)
    return told


def _by_channel(
    connection: Connection, rulebook: Rulebook, rows: Sequence[Row[Any]]
) -> Mapping[str, list[Held]]:
    """What was held, by the channels that are told of it as the rules stand now."""
    articles = archive.with_ids(connection, rulebook.sources, {row.article for row in rows})
    held: dict[str, list[Held]] = defaultdict(list)
    for row in rows:
        if row.watch in rulebook.watches and row.article in articles:
            article = articles[row.article]
            for channel in rulebook.watches[row.watch].told(row.rule, row.level, article):
                held[channel].append(Held(row.watch, row.rule, row.story, row.score, article))
    return held

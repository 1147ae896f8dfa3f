"""What the ops channel is told: sources that fail or are read again, stopped channels, refused settings.

Lives here: which rows make a notice, said once, and its words: what failed, where, what to do next. Not here:
how it is delivered (the outbox, like every alert).
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from alerts import outbox
from alerts.notifications import DeliveryId, Notice
from crawler import archive
from crawler.fetches import Outcome

FAILURES_BEFORE_TELLING = 3  # one failure is weather
AT_MOST_NAMED = 10  # a network that is down takes every source with it; one notice names the first few

_NOTICES = uuid.UUID(
    "0c1f2d43-5d0f-4f0b-8a0e-2b54cbe2a7a5"
)  # namespace of notice ids; chosen once, never changed


def tell(connection: Connection, ops: str, occasion: str, notice: Notice, now: datetime) -> None:
    """Puts a notice into the outbox of the ops channel.

    Of one occasion it is told once, however often this is called.
    """
    outbox.enqueue(connection, DeliveryId(uuid.uuid5(_NOTICES, occasion).hex), ops, notice, None, None, now)


def tell_of_sources(connection: Connection, ops: str, now: datetime) -> None:
    """One notice for all sources that began to fail, one for all that are read again.

    Each source is named once.
    """
    rows = archive.source_rows(connection)
    failing = [r for r in rows if r.told_at is None and _is_down(r)]
    mended = [r for r in rows if r.told_at is not None and r.failures == 0]
    if failing:
        tell(connection, ops, f"down/{now.isoformat()}", failing_notice(failing), now)
        archive.mark_told(connection, [r.id for r in failing], now)
    if mended:
        tell(connection, ops, f"up/{now.isoformat()}", mended_notice(mended), now)
        archive.mark_told(connection, [r.id for r in mended], None)


def tell_of_channels(connection: Connection, ops: str, now: datetime) -> None:
    """A channel that a person has to mend, and deliveries that were given up.

    Both stay as they are until then.
    """
    for state in outbox.channel_states(connection):
        if state.stopped_at and state.id != ops:
            notice = stopped_notice(state.id, state.stopped_reason or "unknown")
            tell(connection, ops, f"stopped/{state.id}/{state.stopped_at.isoformat()}", notice, now)
        if state.unreadable_at and state.id != ops:
            occasion = f"unreadable/{state.id}/{state.unreadable_at.isoformat()}"
            tell(connection, ops, occasion, unreadable_notice(state.id), now)
    for dead in outbox.dead_list(connection):
        if dead.channel != ops:
            tell(
                connection,
                ops,
                f"dead/{dead.id}/{dead.attempts}",
                dead_notice(dead.channel, dead.reason or ""),
                now,
            )


def _is_down(row: Row[Any]) -> bool:
    failures: int = row.failures
    return failures >= FAILURES_BEFORE_TELLING or (failures > 0 and row.outcome == Outcome.GONE.value)


def failing_notice(rows: Sequence[Row[Any]]) -> Notice:
    lines = [_failing_line(row) for row in rows[:AT_MOST_NAMED]]
    title = f"{rows[0].id} cannot be read" if len(rows) == 1 else f"{len(rows)} sources cannot be read"
    return Notice(
        title,
        "\n".join([*lines, *_and_more(len(rows)), "We go on trying. `tocsin sources list` shows them all."]),
    )


def _failing_line(row: Row[Any]) -> str:
    advice = Outcome(row.outcome).advice
    detail = f" ({row.detail})" if row.detail else ""
    return f"{row.id}: {row.outcome}{detail}. {advice[:1].upper()}{advice[1:]}."


def mended_notice(rows: Sequence[Row[Any]]) -> Notice:
    title = f"{rows[0].id} is read again" if len(rows) == 1 else f"{len(rows)} sources are read again"
    return Notice(title, "\n".join([*(row.id for row in rows[:AT_MOST_NAMED]), *_and_more(len(rows))]))


def _and_more(count: int) -> list[str]:
    return [f"… and {count - AT_MOST_NAMED} more."] if count > AT_MOST_NAMED else []


def refused_notice(problems: str) -> Notice:
    return Notice("The new configuration is refused; the last good one stays in force", problems[:1500])


def stopped_notice(channel: str, reason: str) -> Notice:
    return Notice(
        f"Channel {channel} cannot be told: {reason}",
        "Its deliveries wait and none is lost. Mend it (docs/operations.md says how) and they go out: "
        "we try again every 15 minutes, and at once after a reload or a restart.",
    )


def unreadable_notice(channel: str) -> Notice:
    return Notice(
        f"The history of channel {channel} cannot be read",
        "Alerts go out. But one whose answer was lost waits until we can look whether it arrived: "
        "the bot needs the scopes channels:history and groups:history, and must be in the channel.",
    )


def dead_notice(channel: str, reason: str) -> Notice:
    return Notice(
        f"A delivery for {channel} was given up: {reason}",
        "Nobody was told of it. `tocsin dead list` shows it, `tocsin dead retry ID` sends it again.",
    )

"""Channels that a person has to mend, and deliveries that were given up.

Lives here: which of them make a notice, and its words. Both stay as they are until somebody has looked. Of
trouble with the ops channel itself nothing is said: nobody would hear it.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from alerts import outbox
from alerts.notifications import Notice
from scheduler.notices.occasions import listed, tell

CALM = timedelta(minutes=1)
WAIT_AT_MOST = timedelta(minutes=10)


def tell_of_channels(connection: Connection, ops: str, now: datetime) -> None:
    for state in outbox.channel_states(connection):
        if state.stopped_at and state.id != ops:
            notice = stopped_notice(state.id, state.stopped_reason or "unknown")
            tell(connection, ops, f"stopped/{state.id}/{state.stopped_at.isoformat()}", notice, now)
        if state.unreadable_at and state.id != ops:
            occasion = f"unreadable/{state.id}/{state.unreadable_at.isoformat()}"
            tell(connection, ops, occasion, unreadable_notice(state.id), now)
    tell_of_dead(connection, ops, now)


def tell_of_dead(connection: Connection, ops: str, now: datetime) -> None:
    """One notice for all deliveries that are given up one after the other; each is told of once."""
    dead = outbox.untold_dead(connection, ops)
    if dead and _all_have_come([row.changed_at for row in dead], now):
        tell(connection, ops, f"dead/{now.isoformat()}", dead_notice(dead), now)
        outbox.mark_dead_told(connection, [row.id for row in dead], now)


def _all_have_come(times: Sequence[datetime], now: datetime) -> bool:
    """A channel takes one message a second: what dies of one cause dies one by one."""
    return now - max(times) >= CALM or now - min(times) >= WAIT_AT_MOST


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


def dead_notice(dead: Sequence[Row[Any]]) -> Notice:
    advice = "`tocsin dead list` shows it, `tocsin dead retry ID` sends it again."
    if len(dead) == 1:
        (row,) = dead
        return Notice(
            f"A delivery for {row.channel} was given up: {row.reason}", f"Nobody was told of it. {advice}"
        )
    counted = Counter(f"{row.channel}: {row.reason}" for row in dead).most_common()
    lines = listed([f"{count} for {what}." for what, count in counted])
    advice = "`tocsin dead list` shows them, `tocsin dead retry all` sends them again."
    return Notice(
        f"{len(dead)} deliveries were given up", "\n".join([*lines, f"Nobody was told of them. {advice}"])
    )

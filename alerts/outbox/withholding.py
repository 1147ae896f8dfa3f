"""What is withheld in quiet hours, and what a silence takes out of a reply.

Lives here: which waiting messages are not sent before it may be loud again, and which may ring all the same.
Not here: when that is (`alerts.quiet_hours`), which articles a silence concerns (`alerts.hushing`).
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, or_, update

from alerts.notifications import FollowUp, Item, Kind, to_json
from alerts.outbox.enqueuing import Root
from alerts.outbox.schema import State, deliveries
from alerts.outbox.standing import Record


def withhold(connection: Connection, channel: str, until: datetime | None, now: datetime) -> None:
    """What would be heard now waits until then; None: it is not quiet, and what was withheld may go.

    Asked before each claim, so that an edit of the quiet hours holds from the next message on. An edit of a
    message makes no sound.
    """
    waiting = (deliveries.c.channel == channel, deliveries.c.state == State.WAITING)
    if until is None:
        withheld = update(deliveries).where(*waiting, deliveries.c.quiet_until > now)
        connection.execute(withheld.values(quiet_until=now, changed_at=now))
        return
    heard = (deliveries.c.kind != Kind.EDIT, deliveries.c.urgent.is_(False))
    other = or_(deliveries.c.quiet_until.is_(None), deliveries.c.quiet_until != until)
    theirs = update(deliveries).where(*waiting, *heard, other)
    connection.execute(theirs.values(quiet_until=until, changed_at=now))


def hold_back(
    connection: Connection, reply: Record, kept: tuple[Item, ...], silence: str, now: datetime
) -> bool:
    """A reply that waits says no more than this; nothing, and it is not sent. False: it waits no more."""
    mine = update(deliveries).where(deliveries.c.id == reply.id, deliveries.c.state == State.WAITING)
    values = {"state": State.DROPPED, "reason": f"held by {silence}"}
    if kept and isinstance(reply.body, FollowUp):
        values = {"body": to_json(replace(reply.body, items=kept))}
    return connection.execute(mine.values(changed_at=now, **values)).rowcount == 1


def let_pass(connection: Connection, root: Root) -> None:
    """A root that waits rings at any hour from now on: what follows in its thread may, and must not wait."""
    mine = (deliveries.c.id == root.id, deliveries.c.state == State.WAITING)
    connection.execute(update(deliveries).where(*mine).values(urgent=True, quiet_until=None))

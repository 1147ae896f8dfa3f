"""What is withheld in quiet hours.

Lives here: which waiting messages are not sent before it may be loud again, and which may ring all the same.
Not here: when that is (`alerts.quiet_hours`).
"""

from datetime import datetime

from sqlalchemy import Connection, or_, update

from alerts.notifications import Kind
from alerts.outbox.enqueuing import Root
from alerts.outbox.schema import State, deliveries


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


def let_pass(connection: Connection, root: Root) -> None:
    """A root that waits rings at any hour from now on: what follows in its thread may, and must not wait."""
    mine = (deliveries.c.id == root.id, deliveries.c.state == State.WAITING)
    connection.execute(update(deliveries).where(*mine).values(urgent=True, quiet_until=None))

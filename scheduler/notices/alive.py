"""Once a day: how things stand, so that silence means something is wrong.

Lives here: whether the line is due and its words. Not here: the figures (`scheduler.status`), which moment
the time of the day is (`alerts.digests`).
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from alerts.alerting import Action
from alerts.notifications import Notice
from alerts.notifiers.words import counted
from alerts.outbox import UNFINISHED, State
from crawler import archive
from scheduler.notices.occasions import listed, tell
from scheduler.status import Picture

NAMED = ("failing", "silent")  # states of which a person wants to know whose


def tell_alive(
    connection: Connection, ops: str, due: datetime, draw: Callable[[Connection], Picture], now: datetime
) -> None:
    """The line of the moment that was due last, in the outbox once.

    Of days in which nobody was there only the last is made up for, and none from before there was anything
    to tell of.
    """
    first = archive.first_seen(connection)
    if first is not None and first <= due:
        tell(connection, ops, f"alive/{due.isoformat()}", alive_notice(draw(connection)), now)


def alive_notice(picture: Picture) -> Notice:
    """“Alive: 212 sources ok, 3 failing, 5 alerts, 2 held, outbox empty”, and whose trouble it is."""
    states = picture.by_state
    ok = states.pop("ok", 0)
    others = [f"{states[state]} {state.replace('_', ' ')}" for state in sorted(states)]
    told, held = (picture.decided_24h.get(action, 0) for action in (Action.TELL, Action.HOLD))
    figures = [f"{counted(ok, 'source', 'sources')} ok", *others]
    figures += [counted(told, "alert", "alerts"), f"{held} held", _outbox(picture)]
    return Notice(f"Alive: {', '.join(figures)}", "\n".join(_named(picture)))


def _outbox(picture: Picture) -> str:
    waiting = sum(picture.deliveries.get(state, 0) for state in UNFINISHED)
    dead = picture.deliveries.get(State.DEAD, 0)
    shown = [f"{waiting} in the outbox" if waiting else "outbox empty", *([f"{dead} dead"] if dead else [])]
    return ", ".join(shown)


def _named(picture: Picture) -> list[str]:
    troubled = [source for state in NAMED for source in picture.sources if source.state == state]
    return listed([f"{source.id}: {source.trouble}" for source in troubled])

"""The control room: Slack refuses its token, and takes it again.

Lives here: which of both is to be told, and the words. A connection that breaks is made anew and is no
notice; a token that is refused stays refused until somebody has looked. Not here: the connection
(`alerts.control.socket`).
"""

from datetime import datetime

from sqlalchemy import Connection

from alerts import ledger
from alerts.ledger import ControlRoom
from alerts.notifications import Notice
from scheduler.notices.occasions import tell


def tell_of_control(connection: Connection, ops: str, now: datetime) -> None:
    """Each once: until it is taken, a refusal is one, also over restarts."""
    standing = ledger.control_room_standing(connection)
    if standing is None:
        return
    told_at = ledger.refusal_told_at(connection)
    if standing.refused_at and told_at is None:
        tell(connection, ops, f"token refused/{now.isoformat()}", refused_token_notice(standing), now)
        ledger.mark_refusal_told(connection, now)
    elif standing.connected_at and told_at is not None:
        tell(connection, ops, f"token taken/{now.isoformat()}", taken_token_notice(), now)
        ledger.mark_refusal_told(connection, None)


def refused_token_notice(standing: ControlRoom) -> Notice:
    return Notice(
        f"The control room cannot be reached: {standing.reason}",
        "Slack refuses its app-level token: nobody hears what is pressed beneath alerts, nor `/tocsin`. "
        "Alerts go out. Mend `control.app_token` in channels.yaml (docs/operations.md says how) and reload; "
        "we try again every 5 minutes.",
    )


def taken_token_notice() -> Notice:
    return Notice("The control room can be reached again", "Slack takes its app-level token.")

"""One notice for an occasion, however often it is asked for.

Lives here: how a notice gets into the outbox, and how many of a kind it names. Not here: what it says.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from alerts import outbox
from alerts.notifications import DeliveryId, Notice

AT_MOST_NAMED = 10  # a network that is down takes every source with it; one notice names the first few

_NOTICES = uuid.UUID(
    "0c1f2d43-5d0f-4f0b-8a0e-2b54cbe2a7a5"
)  # namespace of notice ids; chosen once, never changed


def tell(connection: Connection, ops: str, occasion: str, notice: Notice, now: datetime) -> None:
    """Puts a notice into the outbox of the ops channel.

    Of one occasion it is told once, however often this is called.
    """
    outbox.enqueue(connection, DeliveryId(uuid.uuid5(_NOTICES, occasion).hex), ops, notice, None, None, now)


def listed(lines: Sequence[str]) -> list[str]:
    """A line for each of the first few, the rest counted."""
    rest = len(lines) - AT_MOST_NAMED
    return [*lines[:AT_MOST_NAMED], f"… and {rest} more."] if rest > 0 else list(lines)

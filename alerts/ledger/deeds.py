"""Deeds: who turned what, when, from where; what came of it, and what it takes to take it back.

Lives here: one row for an envelope, and how the control room stands. Not here: what a deed does
(`alerts.control.acting`).
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from alerts.ledger.schema import control_room, deeds


@dataclass(frozen=True, slots=True)
class Deed:
    """Something a person asked for that changes what Tocsin does; also if it was refused."""

    id: int
    envelope: str
    at: datetime
    actor: str
    actor_name: str
    place: str | None
    what: str
    value: str
    outcome: str
    said: str
    delivery: str | None = None
    note: str | None = None
    undo: Mapping[str, Any] | None = None
    undone_at: datetime | None = None
    undone_by: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As `tocsin status --json` has it."""
        shown = ("id", "at", "actor", "actor_name", "place", "what", "value", "outcome",
                 "undone_at", "undone_by")  # fmt: skip
        return {name: _plain(getattr(self, name)) for name in shown}


@dataclass(frozen=True, slots=True)
class ControlRoom:
    """How the control room stands."""

    connected_at: datetime | None  # None: nobody can reach us
    reason: str = ""  # why not
    heard_at: datetime | None = None
    refused_at: datetime | None = None  # since when Slack refuses its token; None: it does not

    def to_json(self) -> dict[str, Any]:
        return {name: _plain(getattr(self, name)) for name in self.__slots__}


def note_deed(
    connection: Connection,
    envelope: str,
    now: datetime,
    *,
    actor: str,
    what: str,
    value: str,
    said: str,
    outcome: str = "done",
    actor_name: str = "",
    place: str | None = None,
    delivery: str | None = None,
    note: str | None = None,
    undo: Mapping[str, Any] | None = None,
) -> Deed:
    """In the transaction of what it changes."""
    row: dict[str, Any] = {
        "envelope": envelope, "at": now, "actor": actor, "actor_name": actor_name or actor, "place": place,
        "what": what, "value": value, "outcome": outcome, "said": said, "delivery": delivery, "note": note,
        "undo": undo,
    }  # fmt: skip
    key = connection.execute(insert(deeds).values(**row)).inserted_primary_key
    if key is None:
        raise RuntimeError("deeds gave no id")
    return Deed(id=int(key[0]), **row)


def deed_of(connection: Connection, envelope: str) -> Deed | None:
    """What came of an envelope; None: it is new."""
    row = connection.execute(select(deeds).where(deeds.c.envelope == envelope)).one_or_none()
    return _deed(row) if row else None


def deed(connection: Connection, number: int) -> Deed | None:
    row = connection.execute(select(deeds).where(deeds.c.id == number)).one_or_none()
    return _deed(row) if row else None


def standing_deed(connection: Connection, what: str, value: str) -> Deed | None:
    """The last that did this and can be taken back; None: there is none."""
    this = (deeds.c.what == what, deeds.c.value == value, deeds.c.outcome == "done")
    stands = select(deeds).where(*this, deeds.c.undone_at.is_(None)).order_by(deeds.c.id.desc()).limit(1)
    row = connection.execute(stands).one_or_none()
    return _deed(row) if row else None


def recent_deeds(connection: Connection, limit: int) -> list[Deed]:
    """Newest first."""
    return [_deed(row) for row in connection.execute(select(deeds).order_by(deeds.c.id.desc()).limit(limit))]


def _deed(row: Row[Any]) -> Deed:
    return Deed(**row._asdict())


def note_undone(connection: Connection, number: int, by: str, now: datetime) -> None:
    undone = update(deeds).where(deeds.c.id == number, deeds.c.undone_at.is_(None))
    connection.execute(undone.values(undone_at=now, undone_by=by))


def note_beneath(connection: Connection, messages: Collection[str]) -> str:
    """What these messages show of what was done beneath them: the last that stands; empty: nothing."""
    stands = (deeds.c.delivery.in_(messages), deeds.c.note.isnot(None), deeds.c.undone_at.is_(None))
    last = select(deeds.c.note).where(*stands).order_by(deeds.c.id.desc()).limit(1)
    return connection.scalar(last) or ""


# ---- the control room


def control_room_standing(connection: Connection) -> ControlRoom | None:
    """None: there never was one."""
    row = connection.execute(select(control_room)).one_or_none()
    return ControlRoom(row.connected_at, row.reason, row.heard_at, row.refused_at) if row else None


def note_control_room(connection: Connection, standing: ControlRoom) -> None:
    """What it last heard is kept where nothing new is said of that."""
    known = {name: value for name, value in asdict(standing).items() if name != "heard_at" or value}
    if connection.execute(update(control_room).where(control_room.c.id == 1).values(**known)).rowcount == 0:
        connection.execute(insert(control_room).values(id=1, **asdict(standing)))


def close_control_room(connection: Connection, reason: str) -> None:
    """Nobody dials any more: what became of a token that was refused is nobody's matter."""
    note_control_room(connection, ControlRoom(None, reason))
    mark_refusal_told(connection, None)


def refusal_told_at(connection: Connection) -> datetime | None:
    """When the ops channel heard that the token is refused; None: it has not, or also that it is taken."""
    at: datetime | None = connection.scalar(select(control_room.c.refusal_told_at))
    return at


def mark_refusal_told(connection: Connection, at: datetime | None) -> None:
    connection.execute(update(control_room).values(refusal_told_at=at))


def note_heard(connection: Connection, now: datetime) -> None:
    """An envelope came."""
    connection.execute(update(control_room).where(control_room.c.id == 1).values(heard_at=now))


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

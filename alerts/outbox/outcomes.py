"""How the call for a claim went, and what follows for its delivery.

Lives here: from claimed to sent, waiting, unclear or dead. Not here: what the channel has to wait for
(`channels`), whether an unclear one has arrived (`looking`).
"""

import random
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, select, update

from alerts.notifications import DeliveryFailed, Fault, Kind, Plainness, to_json
from alerts.outbox.channels import backoff, hold_channel, hold_edits, learn_watermark, set_channel
from alerts.outbox.claiming import Claim, take_over
from alerts.outbox.moves import TO_UNCLEAR, TO_WAITING, to_sent
from alerts.outbox.schema import State, deliveries


class Consequence(StrEnum):
    """What became of a delivery whose attempt failed."""

    WAITS = "waits"
    STOPPED = "stopped"  # it waits, and so does the whole channel, since just now, for a person
    UNCLEAR = "unclear"
    PLAINER = "plainer"
    DEAD = "dead"
    DROPPED = "dropped"


def sent(connection: Connection, claim: Claim, ts: str | None, now: datetime) -> bool:
    """The vendor took it. False: the lease was lost, and a look into the channel will find the message."""
    delivery = claim.delivery
    if delivery.kind is Kind.EDIT:
        return _edited(connection, claim, now)
    done = _move(connection, claim, now, **to_sent(ts, now))
    set_channel(
        connection,
        delivery.channel,
        now,
        called_at=now,
        failures=0,
        stopped_at=None,
        stopped_reason=None,
    )
    learn_watermark(connection, delivery.channel, ts, now)
    return done


def _edited(connection: Connection, claim: Claim, now: datetime) -> bool:
    """If the root has got a newer wording during the call, the edit is due again."""
    delivery = claim.delivery
    newest = connection.scalar(select(deliveries.c.body).where(deliveries.c.id == delivery.root))
    if newest == to_json(delivery.body):
        done = _move(connection, claim, now, **to_sent(None, now), body=newest)
    else:
        done = _move(connection, claim, now, **TO_WAITING, due_at=now)
    set_channel(connection, delivery.channel, now, edited_at=now)
    return done


def failed(
    connection: Connection,
    claim: Claim,
    failure: DeliveryFailed,
    now: datetime,
    *,
    settle: timedelta,
    readable: bool,
    rng: random.Random,
) -> Consequence:
    """The attempt failed: is it tried again, when, and what does the rest of the channel have to wait for?"""
    channel, reason = claim.delivery.channel, failure.reason
    if claim.delivery.kind is Kind.EDIT:
        return _edit_failed(connection, claim, failure, now, settle=settle, rng=rng)
    if failure.fault in {Fault.CONTENT, Fault.GONE}:
        set_channel(connection, channel, now, called_at=now)
        if failure.fault is Fault.GONE and claim.delivery.kind is Kind.REPLY:
            return _thread_gone(connection, claim, reason, now)
        return _plainer(connection, claim, reason, now)
    stopped = hold_channel(connection, channel, failure, now, rng)
    if failure.fault is not Fault.UNKNOWN:
        _move(connection, claim, now, **TO_WAITING, due_at=now, reason=reason)
        return Consequence.STOPPED if stopped else Consequence.WAITS
    if readable:
        _move(connection, claim, now, **TO_UNCLEAR, due_at=now + settle, reason=reason)
        return Consequence.UNCLEAR
    later = now + backoff(claim.delivery.attempts, rng)
    _move(connection, claim, now, **TO_WAITING, due_at=later, reason=reason, repeat_possible=True)
    return Consequence.WAITS


def _edit_failed(
    connection: Connection,
    claim: Claim,
    failure: DeliveryFailed,
    now: datetime,
    *,
    settle: timedelta,
    rng: random.Random,
) -> Consequence:
    """An edit may be made twice, so it is never unclear; and no edit is worth a person's time."""
    channel, reason, fault = claim.delivery.channel, failure.reason, failure.fault
    set_channel(connection, channel, now, edited_at=now)
    if fault is Fault.GONE:
        _move(connection, claim, now, state=State.DROPPED, lease_until=None, reason=reason)
        return Consequence.DROPPED
    if fault is Fault.CONTENT:
        return _plainer(connection, claim, reason, now)
    later = now
    if fault is Fault.UNKNOWN:  # it may be under way: a newer wording must not be overtaken by it
        later = now + max(settle, backoff(claim.delivery.attempts, rng))
    stopped = False
    if fault is Fault.LIMITED:
        hold_edits(connection, channel, failure, now, rng)
    elif fault is not Fault.UNKNOWN:
        stopped = hold_channel(connection, channel, failure, now, rng)
    _move(connection, claim, now, **TO_WAITING, due_at=later, reason=reason)
    return Consequence.STOPPED if stopped else Consequence.WAITS


def _thread_gone(connection: Connection, claim: Claim, reason: str, now: datetime) -> Consequence:
    """Somebody deleted the root. What was to be seen in the channel is; the rest goes with its thread."""
    if not claim.delivery.broadcast:
        _move(connection, claim, now, state=State.DROPPED, lease_until=None, reason=reason)
        return Consequence.DROPPED
    row = connection.execute(select(deliveries).where(deliveries.c.id == claim.delivery.id)).one()
    if _move(connection, claim, now, **TO_WAITING, due_at=now, reason=reason):
        take_over(connection, row, now)
    return Consequence.WAITS


def _plainer(connection: Connection, claim: Claim, reason: str, now: datetime) -> Consequence:
    plainer = {Plainness.FULL: Plainness.PLAIN, Plainness.PLAIN: Plainness.MINIMAL}.get(
        claim.delivery.plainness
    )
    if plainer is None:
        dropped = claim.delivery.kind is Kind.EDIT
        end = State.DROPPED if dropped else State.DEAD
        _move(connection, claim, now, state=end, lease_until=None, reason=reason)
        return Consequence.DROPPED if dropped else Consequence.DEAD
    _move(connection, claim, now, **TO_WAITING, plainness=plainer, due_at=now, reason=reason)
    return Consequence.PLAINER


def _move(connection: Connection, claim: Claim, now: datetime, **values: Any) -> bool:
    """Move a delivery that is still ours; an attempt that outlived its lease undoes nothing."""
    ours = (deliveries.c.id == claim.delivery.id, deliveries.c.lease_token == claim.token)
    in_hand = deliveries.c.state.in_((State.CLAIMED, State.UNCLEAR))
    done = connection.execute(update(deliveries).where(*ours, in_hand).values(changed_at=now, **values))
    return done.rowcount == 1


def assume_sent(connection: Connection, now: datetime) -> None:
    """In a notebook of a replay, where nobody sends: what would have been sent by now was."""
    due = (deliveries.c.state == State.WAITING, deliveries.c.due_at <= now)
    values = {"state": State.SENT, "sent_at": deliveries.c.due_at, "attempts": 1, "changed_at": now}
    connection.execute(update(deliveries).where(*due).values(values))

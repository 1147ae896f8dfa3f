"""Door: deliver what is due for one channel.

Lives here: the order of commits and calls. Several channels are several calls of this door, so that a slow
one holds up nobody else. Not here: what may follow what (`outbox`), how a vendor is spoken to
(`notifiers`).

Nothing is sent inside a transaction. Before a call its attempt is committed; after it, its outcome. A crash
between the call and its outcome leaves a claimed row, which the next look into the channel clears up.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random

import structlog
from sqlalchemy import Connection, Engine

from alerts import outbox
from alerts.channels import Channel, DeliveryHabits
from alerts.notifications import DeliveryFailed, Fault, Kind
from alerts.notifiers import Notifier
from alerts.outbox import Claim, Consequence, Look
from alerts.quiet_hours import quiet_until

log = structlog.get_logger(__name__)

LEASE_MARGIN = timedelta(seconds=5)  # what a commit may take after a call that used its whole deadline


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What one call of the door did, and what is left."""

    sent: int = 0
    dead: int = 0
    waiting: int = 0  # unfinished of this channel, at the end
    sendable_at: datetime | None = None  # when the next message may go out; None: none is waiting


def _never() -> bool:
    return False


async def dispatch(
    engine: Engine,
    channel: Channel,
    notifier: Notifier,
    habits: DeliveryHabits,
    clock: Callable[[], datetime],
    rng: Random,
    *,
    neighbours: Collection[str] = (),
    stopping: Callable[[], bool] = _never,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Dispatched:
    """Send until nothing is due or the channel has to wait for more than its pace.

    `neighbours`: the channels that are limited together with this one.
    """
    work = _Work(engine, channel.id, notifier, habits, clock, rng, neighbours, partial(quiet_until, channel))
    while not stopping():
        await work.clear_up()
        if await work.send_next():
            continue
        wait = work.wait()
        if wait is None or wait > notifier.pace:
            break
        await sleep(max(wait.total_seconds(), 0.05))  # less: somebody else has just taken what is due
    return work.result()


@dataclass(slots=True)
class _Work:
    """One call of the door."""

    engine: Engine
    channel: str
    notifier: Notifier
    habits: DeliveryHabits
    clock: Callable[[], datetime]
    rng: Random
    neighbours: Collection[str]
    quiet_until: Callable[[datetime], datetime | None]
    done: dict[str, int] = field(default_factory=lambda: {"sent": 0, "dead": 0})

    @property
    def lease(self) -> timedelta:
        return self.habits.deadline + LEASE_MARGIN

    def wait(self) -> timedelta | None:
        with self.engine.begin() as connection:
            now = self.clock()
            at = self._next_at(connection, now)
        return at - now if at else None

    def _next_at(self, connection: Connection, now: datetime) -> datetime | None:
        """When the next message or edit may go out."""
        message = outbox.sendable_at(connection, self.channel, self.notifier.pace, now)
        edit = outbox.editable_at(connection, self.channel, self.notifier.edit_pace, now)
        return min((at for at in (message, edit) if at), default=None)

    def result(self) -> Dispatched:
        with self.engine.begin() as connection:
            left = outbox.counts(connection, self.channel)
            at = self._next_at(connection, self.clock())
        return Dispatched(
            sent=self.done["sent"],
            dead=self.done["dead"],
            waiting=sum(left[state] for state in outbox.UNFINISHED),
            sendable_at=at,
        )

    # ---- sending

    async def send_next(self) -> bool:
        """Send one delivery, messages before edits. False: none may be sent now."""
        if not await self._watermark_is_known():
            return False
        with self.engine.begin() as connection:
            now = self.clock()
            outbox.withhold(connection, self.channel, self.quiet_until(now), now)
            claim = outbox.claim(connection, self.channel, now, self.lease, self.notifier.pace)
            if claim is None:
                pace = self.notifier.edit_pace
                claim = outbox.claim_edit(connection, self.channel, now, self.lease, pace)
        if claim is None:
            return False
        try:
            receipt = await self.notifier.send(claim.delivery)
        except DeliveryFailed as failure:
            self._note_failure(claim, failure)
            return True
        with self.engine.begin() as connection:
            outbox.sent(connection, claim, receipt.ts, self.clock())
        self.done["sent"] += 1
        self._log("delivered", claim, ts=receipt.ts)
        return True

    async def _watermark_is_known(self) -> bool:
        """Before the first message, ask the channel for the vendor's time: later looks begin there."""
        with self.engine.begin() as connection:
            at = outbox.sendable_at(connection, self.channel, self.notifier.pace, self.clock())
            known = outbox.watermark_of(connection, self.channel) is not None
        if known or not self.notifier.reads_back or at is None or at > self.clock():
            return True
        try:
            newest = await self.notifier.newest()
        except DeliveryFailed as failure:
            with self.engine.begin() as connection:
                outbox.hold_channel(connection, self.channel, failure, self.clock(), self.rng)
            log.warning(
                "channel unreadable", channel=self.channel, fault=failure.fault, reason=failure.reason
            )
            return False
        with self.engine.begin() as connection:
            outbox.learn_watermark(connection, self.channel, newest, self.clock())
        return True

    def _note_failure(self, claim: Claim, failure: DeliveryFailed) -> None:
        with self.engine.begin() as connection:
            consequence = outbox.failed(
                connection,
                claim,
                failure,
                self.clock(),
                settle=self.habits.settle,
                readable=self.notifier.reads_back,
                rng=self.rng,
            )
            editing = claim.delivery.kind is Kind.EDIT
            hold: Callable[..., object] = outbox.hold_edits if editing else outbox.hold_channel
            for neighbour in self.neighbours if failure.fault is Fault.LIMITED else ():
                hold(connection, neighbour, failure, self.clock(), self.rng)
        self.done["dead"] += consequence is Consequence.DEAD
        self._log("delivery failed", claim, fault=failure.fault, reason=failure.reason, then=consequence)

    def _log(self, event: str, claim: Claim, **fields: object) -> None:
        delivery = claim.delivery
        write = log.info if event == "delivered" else log.warning
        kind, attempts = delivery.kind.value, delivery.attempts
        write(event, delivery=delivery.id, kind=kind, channel=self.channel, attempts=attempts, **fields)

    # ---- clearing up

    async def clear_up(self) -> None:
        """Find out what became of unclear deliveries; where nobody can look, they are sent again."""
        with self.engine.begin() as connection:
            now = self.clock()
            outbox.lapse(connection, self.channel, now, self.habits.settle)
            shown = {"threads": self.notifier.threads, "edits": self.notifier.edits}
            outbox.forgo(connection, self.channel, now, **shown)
            if not self.notifier.reads_back:
                outbox.repeat_unclear(connection, self.channel, now)
                return
            look = outbox.claim_look(connection, self.channel, now, self.lease)
        if look is not None:
            await self._read(look)

    async def _read(self, look: Look) -> None:
        """Page by page to the end, or as far as we are let; each page is committed before the next."""
        wanted = [one.id for one in look.missed]
        cursor = look.cursor
        while True:
            try:
                page = await self.notifier.read(look.oldest, cursor, wanted, look.thread)
            except DeliveryFailed as failure:
                self._note_unread(look, failure)
                return
            with self.engine.begin() as connection:
                now = self.clock()
                outbox.readable(connection, self.channel, now)
                outbox.learn_watermark(connection, self.channel, page.newest, now)
                found = outbox.found(connection, self.channel, page.found, now)
                if page.cursor is not None:
                    outbox.turn_page(connection, look, page.cursor, now, self.lease)
                    gone = []
                else:
                    gone = outbox.looked(connection, look, now, settle=self.habits.settle, rng=self.rng)
            self.done["sent"] += len(found)
            for delivery in found:
                log.info("found in the channel", delivery=delivery, channel=self.channel)
            for delivery in gone:
                log.warning("not in the channel, sent again", delivery=delivery, channel=self.channel)
            if page.cursor is None:
                return
            cursor = page.cursor

    def _note_unread(self, look: Look, failure: DeliveryFailed) -> None:
        with self.engine.begin() as connection:
            outbox.look_failed(connection, self.channel, look, failure, self.clock(), rng=self.rng)
        log.warning("channel unreadable", channel=self.channel, fault=failure.fault, reason=failure.reason)

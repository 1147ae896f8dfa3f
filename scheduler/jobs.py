"""The jobs APScheduler ticks: crawl, screen, digest, wind up, dispatch, listening, telling the ops channel.

Lives here: job bodies, each a call of a door with the database and the time. Not here: when they tick and
how the process stops (`daemon`), what a door does (`crawler`, `alerts`).
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from random import Random

import structlog
from sqlalchemy import Connection, Engine

from alerts import ledger
from alerts.brief import brief
from alerts.channels import Channel, DeliveryHabits, neighbours
from alerts.digests import last_due
from alerts.dispatch import Dispatched, dispatch
from alerts.judging import Screened
from alerts.notifiers import Notifier
from alerts.rulebook import Rulebook
from alerts.screen import screen
from alerts.sum_up import sum_up
from alerts.wind_up import wind_up
from crawler.crawl import Crawl
from scheduler import notices, status
from scheduler.health import Progress
from scheduler.status import Picture

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


class Jobs:
    """What ticks. All that a reload may exchange lies in attributes, and each job reads them anew."""

    def __init__(
        self,
        engine: Engine,
        crawler: Crawl,
        rulebook: Rulebook,
        channels: Mapping[str, Channel],
        notifiers: Mapping[str, Notifier],
        habits: DeliveryHabits,
        ops: str | None,
        clock: Clock,
        rng: Random,
        progress: Progress,
    ) -> None:
        self.engine, self.crawler, self.rulebook = engine, crawler, rulebook
        self.channels, self.notifiers, self.habits, self.ops = channels, notifiers, habits, ops
        self.clock, self.rng, self.progress = clock, rng, progress
        self._sending: set[asyncio.Task[object]] = set()
        self._stopping = False
        self._summed_up: dict[str, datetime] = {}  # by channel, the digest that was due last
        self._said_alive: datetime | None = None  # the moment of the line that was due last

    async def crawl(self) -> int:
        """Puts what is due into the crawler's queue."""
        taken = await self.crawler.tick()
        self.progress.note("crawl", self.clock())
        return taken

    async def screen(self) -> Screened:
        """Screens all there is. Between two short transactions the loop turns and others may write."""
        total = Screened()
        while (done := screen(self.engine, self.rulebook, self.clock())).articles:
            total += done
            await asyncio.sleep(0)
        self.progress.note("screen", self.clock())
        return total

    def digest(self) -> None:
        """Sums up what was held, for each channel whose time has come since the last tick.

        The first tick makes up for a digest that was due while nobody was there.
        """
        now = self.clock()
        for name, channel in self.channels.items():
            due = last_due(channel.digest, now) if channel.digest else None
            if due is not None and self._summed_up.get(name) != due:
                sum_up(self.engine, self.rulebook, channel, now)
                self._summed_up[name] = due
        self.progress.note("digest", now)

    def wind_up(self) -> None:
        """Says what ended silences held, and what came in floods that are over."""
        wind_up(self.engine, self.rulebook, self.ops, self.clock())
        self.progress.note("wind_up", self.clock())

    def brief(self) -> None:
        """Tells what quiet hours held, where they are over; also of a night that ended while we were away."""
        now = self.clock()
        with self.engine.connect() as connection:
            waiting = ledger.channels_that_hold(connection)
        for channel in waiting:
            brief(self.engine, self.rulebook, channel, now)
        self.progress.note("brief", now)

    async def dispatch(self, channel: str) -> Dispatched:
        """Delivers what is due for one channel.

        Channels tick apart, so that a slow one holds up nobody else.
        """
        task = asyncio.current_task()
        if task:
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        try:
            done = await dispatch(
                self.engine,
                self.channels[channel],
                self.notifiers[channel],
                self.habits,
                self.clock,
                self.rng,
                neighbours=neighbours(self.channels[channel], self.channels.values()),
                stopping=lambda: self._stopping,
            )
        except asyncio.CancelledError:
            if not self._stopping:
                raise
            # stamped before the call: the next start looks whether it arrived
            log.info("sending interrupted", channel=channel)
            return Dispatched()
        self.progress.note(f"dispatch:{channel}", self.clock())
        return done

    async def finish_sending(self, within: timedelta) -> None:
        """Lets the call that is under way come back, begins no other, and then interrupts."""
        self._stopping = True
        sending = set(self._sending)
        if sending:
            await asyncio.wait(sending, timeout=within.total_seconds())
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)

    async def listen(self) -> None:
        """Finds the sources that are silent against their rhythm; the archive is read beside the loop."""
        found = await asyncio.to_thread(notices.find_silent, self.engine)
        if found:
            with self.engine.begin() as connection:
                notices.tell_of_silent(connection, self.ops, found, self.clock())

    def tell_ops(self) -> None:
        """Says in the ops channel what a person has to know, each thing once."""
        if self.ops is None:
            return
        now = self.clock()
        with self.engine.begin() as connection:
            notices.tell_of_sources(connection, self.ops, now)
            notices.tell_of_speaking(connection, self.ops, now)
            notices.tell_of_channels(connection, self.ops, now)
            notices.tell_of_control(connection, self.ops, now)
            self._say_alive(connection, self.ops, now)

    def _say_alive(self, connection: Connection, ops: str, now: datetime) -> None:
        """Once a day, at the time of the ops channel's digest; without one, never."""
        when = self.channels[ops].digest
        due = last_due(when, now) if when else None
        if due is not None and self._said_alive != due:
            notices.tell_alive(connection, ops, due, self._picture, now)
            self._said_alive = due

    def _picture(self, connection: Connection) -> Picture:
        return status.picture(connection, self.rulebook.sources, self.clock())

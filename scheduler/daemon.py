"""Start, tick, drain, stop. The only room that knows APScheduler.

Lives here: the life of the process: one instance per data directory, signals, reload, the clock that turns
the cranks. Not here: what a tick does (`jobs`), what the doors do (`crawler`, `alerts`).
"""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, timedelta
from random import Random
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Engine

from alerts import outbox
from alerts.control.requests import Desk
from alerts.control.socket import Socket
from alerts.rulebook import Rulebook
from config.reading import ConfigError
from crawler import archive
from scheduler import assembly, health, logs, notices, rulebooks, status
from scheduler.clock import utc_now
from scheduler.settings import Settings, load

log = structlog.get_logger(__name__)

TICK = timedelta(seconds=1)
GATHER = timedelta(milliseconds=200)  # what is fetched in this time is screened in one transaction
HEARTBEAT = timedelta(seconds=10)
LISTEN = timedelta(minutes=10)  # it takes a source hours to be silent
DRAIN = timedelta(
    seconds=4
)  # for what is under way; with the rest under the ten seconds Docker grants by default


class Daemon:
    """One life of the process, from the first tick to the last answer."""

    def __init__(self, settings: Settings, engine: Engine, environ: Mapping[str, str]) -> None:
        self.settings, self.engine, self.environ = settings, engine, environ
        self.progress = health.Progress()
        self.jobs = assembly.jobs(settings, engine, utc_now, Random(), self.progress)
        self.control = Socket(self._desk(), utc_now, Random())
        self.ticking = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self.stopping = asyncio.Event()
        self._screening_soon = False
        self._reloading_soon = False
        self._refused: str | None = None  # the mistakes the ops channel was told of; None: none

    async def run(self, duration: timedelta | None = None) -> None:
        """Until SIGTERM, SIGINT or the end of `duration`.

        What was under way is finished or left to the next start.
        """
        listen = self.settings.daemon.http.address if self.settings.daemon.http else None
        with self._signals():
            self._prepare()
            async with health.serving(listen, self._picture, self.progress, utc_now):
                self._start_delivering()
                self.control.start()
                await self._start_collecting()
                health.notify_systemd("READY=1", self.environ)
                log.info("started", sources=len(self.settings.crawled), channels=len(self.jobs.channels))
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(duration.total_seconds() if duration else None):
                        await self.stopping.wait()
                await self._stop()

    def _prepare(self) -> None:
        now = utc_now()
        with self.engine.begin() as connection:
            archive.enrol(connection, self.settings.crawled.values())
            outbox.recover(connection, now, self.settings.daemon.delivery.settle)
            outbox.give_up_channels(connection, self.jobs.channels, now)
            outbox.resume(connection, now)
            rulebooks.take_into_force(connection, self.jobs.rulebook.matcher, now)

    # ---- ticking

    def _start_delivering(self) -> None:
        """First of all: what a kill left in the outbox need not wait until the crawler is up."""
        for channel in self.jobs.channels:
            self._tick_channel(channel)
        self._tick(self._screen, "screen")
        self._tick(self.jobs.digest, "digest", HEARTBEAT)
        self._tick(self.jobs.wind_up, "wind_up", HEARTBEAT)
        self._tick(self.jobs.brief, "brief", HEARTBEAT)
        self.ticking.start()

    async def _start_collecting(self) -> None:
        self.jobs.crawler.on_recorded = self._screen_soon
        await self.jobs.crawler.open()
        self._tick(self.jobs.crawl, "crawl")
        self._tick(self._heartbeat, "heartbeat", HEARTBEAT)
        self._tick(self.jobs.listen, "listen", LISTEN)

    def _tick(
        self, job: Callable[..., Any], name: str, every: timedelta = TICK, of: str | None = None
    ) -> None:
        """The first tick is now."""
        self.ticking.add_job(
            job,
            "interval",
            [of] if of else [],
            seconds=every.total_seconds(),
            id=name,
            next_run_time=utc_now(),
        )

    def _tick_channel(self, channel: str) -> None:
        self._tick(self.jobs.dispatch, f"dispatch:{channel}", of=channel)

    def _screen_soon(self) -> None:
        """A fetch brought something: no need to wait for the next tick, only for what comes along with it."""
        if self._screening_soon or self.stopping.is_set() or not self.ticking.running:
            return
        self._screening_soon = True
        self.ticking.modify_job("screen", next_run_time=utc_now() + GATHER)

    async def _screen(self) -> None:
        self._screening_soon = False
        if (await self.jobs.screen()).deliveries:
            for channel in self.jobs.channels:
                self.ticking.modify_job(f"dispatch:{channel}", next_run_time=utc_now())

    async def _heartbeat(self) -> None:
        """Says that we live, but only after progress; and tells the ops channel what a person has to know."""
        self.jobs.tell_ops()
        self.progress.note("heartbeat", utc_now())
        if self.progress.healthy(utc_now()):
            health.notify_systemd("WATCHDOG=1", self.environ)

    def _picture(self) -> status.Picture:
        with self.engine.connect() as connection:
            watches, channels = self.settings.watches.watches, self.settings.channels.channels
            return status.picture(connection, self.settings.sources, utc_now(), watches, channels)

    def _desk(self) -> Desk:
        return Desk(
            self.engine,
            self.jobs.rulebook,
            self.jobs.channels,
            self.settings.channels.control,
            lambda: self._picture().to_json(),
        )

    # ---- reload

    def _reload_soon(self) -> None:
        """Many SIGHUPs at once are one reload: each blocks the loop, and a SIGTERM may wait behind."""
        if self._reloading_soon or self.stopping.is_set():
            return
        self._reloading_soon = True
        asyncio.get_running_loop().call_soon(self.reload)

    def reload(self) -> None:
        """Reads the configuration anew. With a mistake in it nothing changes, and the ops channel is told."""
        self._reloading_soon = False
        try:
            settings = load(self.settings.directory, self.environ)
            rulebook = rulebooks.rulebook(settings)
        except ConfigError as error:
            log.error("configuration refused", problems=str(error))
            self._tell_refused(str(error))
            return
        logs.hide(settings.secrets)
        for key in ("network", "http"):
            if getattr(settings.daemon, key) != getattr(self.settings.daemon, key):
                log.warning("a restart is needed", key=f"daemon.yaml: {key}")
        self._exchange(settings, rulebook)
        self._refused = None
        log.info("configuration reloaded", sources=len(settings.crawled))

    def _exchange(self, settings: Settings, rulebook: Rulebook) -> None:
        used = assembly.channels(settings)
        for gone in self.jobs.channels.keys() - used.keys():
            self.ticking.remove_job(f"dispatch:{gone}")
            self.progress.forget(f"dispatch:{gone}")
        new = used.keys() - self.jobs.channels.keys()
        self.settings = settings
        self.jobs.rulebook, self.jobs.channels = rulebook, used
        self.jobs.notifiers = assembly.notifiers(used, settings)
        self.jobs.habits, self.jobs.ops = settings.daemon.delivery, settings.channels.ops
        self.jobs.crawler.configure(settings.crawled, rulebook.matcher.might_match)
        self.control.exchange(self._desk())
        for channel in new:
            self._tick_channel(channel)
        now = utc_now()
        with self.engine.begin() as connection:
            archive.enrol(connection, settings.crawled.values())
            outbox.give_up_channels(connection, used, now)
            outbox.resume(connection, now)
            rulebooks.take_into_force(connection, rulebook.matcher, now)

    def _tell_refused(self, problems: str) -> None:
        """Once, however often the same mistakes are read."""
        if self.jobs.ops and problems != self._refused:
            self._refused = problems
            with self.engine.begin() as connection:
                notices.tell_refused(connection, self.jobs.ops, problems, utc_now())

    # ---- stopping

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Answers signals; once all is saved, a second one must not make a clean end look like a violent one.

        Not by `loop.add_signal_handler`: taking such a handler away puts the deadly default in its place.
        """
        loop = asyncio.get_running_loop()
        answers = {
            signal.SIGTERM: self.stopping.set,
            signal.SIGINT: self.stopping.set,
            signal.SIGHUP: self._reload_soon,
        }
        for number, answer in answers.items():
            signal.signal(number, lambda *_, answer=answer: loop.call_soon_threadsafe(answer))
        try:
            yield
        finally:
            for number in answers:
                signal.signal(number, signal.SIG_IGN)

    async def _stop(self) -> None:
        """No new work; what runs may finish for a few seconds.

        The rest is in the database and goes on at the next start.
        """
        health.notify_systemd("STOPPING=1", self.environ)
        log.info("stopping")
        self.stopping.set()
        self.ticking.pause()
        await asyncio.gather(
            self.jobs.crawler.close(DRAIN), self.jobs.finish_sending(DRAIN), self.control.stop(DRAIN)
        )
        await self.jobs.screen()
        self.ticking.shutdown(wait=False)
        log.info("stopped")

"""Start, tick, drain, stop. The only room that knows APScheduler.

Lives here: the life of the process: one instance per data directory, signals, reload, the clock that turns
the cranks. Not here: what a tick does (`jobs`), what the doors do (`crawler`, `alerts`).
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import Engine

from alerts import outbox
from alerts.screen import Rulebook
from config.reading import ConfigError
from crawler import archive
from scheduler import assembly, health, logs, notices, status
from scheduler.settings import Settings, load

log = structlog.get_logger(__name__)

TICK = timedelta(seconds=1)
GATHER = timedelta(milliseconds=200)  # what is fetched in this time is screened in one transaction
HEARTBEAT = timedelta(seconds=10)
DRAIN_CRAWL = timedelta(seconds=4)
DRAIN_SEND = timedelta(seconds=4)  # together under the ten seconds systemd and Docker grant by default


class AlreadyRunning(Exception):
    """Another daemon holds the data directory."""


def utc_now() -> datetime:
    return datetime.now(UTC)


@contextlib.contextmanager
def sole_instance(data: Path) -> Iterator[None]:
    """Holds the data directory as long as the block runs.

    The kernel lets go of it when we die, however we die.
    """
    data.mkdir(parents=True, exist_ok=True)
    with (data / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"another daemon (process {lock.read().strip() or '?'}) holds {data}"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


class Daemon:
    """One life of the process, from the first tick to the last answer."""

    def __init__(self, settings: Settings, engine: Engine, environ: Mapping[str, str]) -> None:
        self.settings, self.engine, self.environ = settings, engine, environ
        self.progress = health.Progress()
        self.jobs = assembly.jobs(settings, engine, utc_now, Random(), self.progress)
        self.ticking = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )
        self.stopping = asyncio.Event()
        self._screening_soon = False

    async def run(self, duration: timedelta | None = None) -> None:
        """Until SIGTERM, SIGINT or the end of `duration`.

        What was under way is finished or left to the next start.
        """
        with self._signals():
            self._prepare()
            await self.jobs.crawler.open()
            self.jobs.crawler.on_recorded = self._screen_soon
            listen = self.settings.daemon.http.address if self.settings.daemon.http else None
            async with health.serving(listen, self._picture, self.progress, utc_now):
                self._start_ticking()
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
            outbox.resume(connection, now)

    # ---- ticking

    def _start_ticking(self) -> None:
        every = {"seconds": TICK.total_seconds()}
        self.ticking.add_job(self.jobs.crawl, "interval", **every, id="crawl", next_run_time=utc_now())
        self.ticking.add_job(self._screen, "interval", **every, id="screen")
        self.ticking.add_job(self._heartbeat, "interval", seconds=HEARTBEAT.total_seconds(), id="heartbeat")
        for channel in self.jobs.channels:
            self._tick_channel(channel)
        self.ticking.start()

    def _tick_channel(self, channel: str) -> None:
        self.ticking.add_job(
            self.jobs.dispatch, "interval", [channel], seconds=TICK.total_seconds(), id=f"dispatch:{channel}"
        )

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
            return status.picture(connection, self.settings.sources, utc_now())

    # ---- reload

    def reload(self) -> None:
        """Reads the configuration anew. With a mistake in it nothing changes, and the ops channel is told."""
        try:
            settings = load(self.settings.directory, self.environ)
            rulebook = assembly.rulebook(settings)
        except ConfigError as error:
            log.error("configuration refused", problems=str(error))
            self._tell_refused(str(error))
            return
        logs.hide(settings.secrets)
        self._exchange(settings, rulebook)
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
        for channel in new:
            self._tick_channel(channel)
        with self.engine.begin() as connection:
            archive.enrol(connection, settings.crawled.values())
            outbox.resume(connection, utc_now())

    def _tell_refused(self, problems: str) -> None:
        if self.jobs.ops:
            now = utc_now()
            with self.engine.begin() as connection:
                notices.tell(
                    connection,
                    self.jobs.ops,
                    f"refused/{now.isoformat()}",
                    notices.refused_notice(problems),
                    now,
                )

    # ---- stopping

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        answers = {
            signal.SIGTERM: self.stopping.set,
            signal.SIGINT: self.stopping.set,
            signal.SIGHUP: self.reload,
        }
        for number, answer in answers.items():
            loop.add_signal_handler(number, answer)
        try:
            yield
        finally:
            for number in answers:
                loop.remove_signal_handler(number)

    async def _stop(self) -> None:
        """No new work; what runs may finish for a few seconds.

        The rest is in the database and goes on at the next start.
        """
        health.notify_systemd("STOPPING=1", self.environ)
        log.info("stopping")
        self.stopping.set()
        self.ticking.pause()
        await self.jobs.crawler.close(DRAIN_CRAWL)
        await self.jobs.screen()
        await self._let_sends_finish()
        self.ticking.shutdown(wait=False)
        log.info("stopped")

    async def _let_sends_finish(self) -> None:
        running = self.jobs.sending
        if running:
            await asyncio.wait(running, timeout=DRAIN_SEND.total_seconds())
        for task in list(running):
            task.cancel()  # stamped before the call: the next start looks whether it arrived

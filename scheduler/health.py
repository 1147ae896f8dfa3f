"""Is the daemon well, and whom does that concern: a supervisor, a monitor, a person with a browser.

Lives here: the progress book of the jobs, the judgement, the small web server, the words to systemd. Not
here: the figures themselves (`status`), how they look (`status_page`).
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from aiohttp import web

from scheduler import status_page
from scheduler.status import Picture

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

TICK_OVERDUE = timedelta(minutes=2)
DISPATCH_OVERDUE = timedelta(minutes=10)  # one Slack call alone may be allowed five
DELIVERY_OVERDUE = timedelta(minutes=15)  # as long as the longest backoff
DRAWN_FOR = timedelta(seconds=2)  # however often it is asked for, a picture is drawn this rarely
DRAWING_TAKES_AT_MOST = 5.0  # seconds

EXPECTED = ("crawl", "screen")  # to tick even if nobody ever heard of them


class Progress:
    """Which job finished a tick when. A process whose jobs stand still is dead, however alive it looks."""

    def __init__(self, expected: tuple[str, ...] = EXPECTED) -> None:
        self._expected = expected
        self._began: datetime | None = None
        self._ticks: dict[str, datetime] = {}

    def note(self, job: str, now: datetime) -> None:
        """A job has finished a tick."""
        self._began = self._began or now
        self._ticks[job] = now

    def forget(self, job: str) -> None:
        """A job that is no more, such as the deliveries of a channel taken out of the configuration."""
        self._ticks.pop(job, None)

    def ticks(self) -> dict[str, datetime]:
        return dict(self._ticks)

    def late(self, now: datetime) -> dict[str, timedelta]:
        """The jobs that stand still, and for how long."""
        if self._began is None:
            return {}
        # a clock that was set back must not hide a standstill until it has caught up
        self._began = min(self._began, now)
        self._ticks = {job: min(at, now) for job, at in self._ticks.items()}
        last = {**dict.fromkeys(self._expected, self._began), **self._ticks}
        return {job: now - at for job, at in last.items() if now - at > _overdue(job)}

    def healthy(self, now: datetime) -> bool:
        """Has everything that ticks ticked lately? What systemd's watchdog is told."""
        return self._began is not None and not self.late(now)


def _overdue(job: str) -> timedelta:
    return DISPATCH_OVERDUE if job.startswith("dispatch") else TICK_OVERDUE


# --- the judgement


@dataclass(frozen=True, slots=True)
class Health:
    """The judgement and what speaks against it; without a picture the database did not answer."""

    reasons: tuple[str, ...]
    ticks: Mapping[str, datetime]
    picture: Picture | None

    @property
    def ok(self) -> bool:
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "status": "ok" if self.ok else "failing",
            "reasons": list(self.reasons),
            "last_ticks": {job: at.isoformat() for job, at in sorted(self.ticks.items())},
        }
        if self.picture is not None:
            waiting = self.picture.oldest_waiting
            found |= {
                "oldest_waiting_s": (self.picture.at - waiting).total_seconds() if waiting else None,
                "stopped_channels": [c.id for c in self.picture.channels if c.stopped_at],
                "sources": {"total": len(self.picture.sources), **self.picture.by_state},
            }
        return found


def judge(progress: Progress, picture: Picture | None, now: datetime) -> Health:
    """A failing source is weather and only counted; all of them failing is our own trouble."""
    reasons = [
        f"{job} has not finished a tick for {_rounded(age)}" for job, age in progress.late(now).items()
    ]
    if picture is None:
        reasons.append("the database does not answer")
    else:
        reasons += _reasons(picture, now)
    return Health(tuple(reasons), progress.ticks(), picture)


def _reasons(picture: Picture, now: datetime) -> list[str]:
    reasons = [f"channel {c.id} is stopped: {c.stopped_reason}" for c in picture.channels if c.stopped_at]
    if picture.oldest_waiting and now - picture.oldest_waiting > DELIVERY_OVERDUE:
        reasons.append(f"a delivery has been waiting for {_rounded(now - picture.oldest_waiting)}")
    if picture.sources and all(source.state == "failing" for source in picture.sources):
        reasons.append("no source can be read")
    return reasons


def _rounded(age: timedelta) -> str:
    return str(timedelta(seconds=int(age.total_seconds())))


# --- the web server


@contextlib.asynccontextmanager
async def serving(
    listen: tuple[str, int] | None, picture: Callable[[], Picture], progress: Progress, clock: Clock
) -> AsyncIterator[tuple[str, int] | None]:
    """Serves /healthz, /metrics and / as long as the block runs; gives the address that came of `listen`.

    A port that is taken is said once and costs the page, not the alarms.
    """
    if listen is None:
        yield None
        return
    runner = web.AppRunner(
        _application(listen[0], picture, progress, clock), access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    try:
        yield await _listening(runner, listen)
    finally:
        await runner.cleanup()


async def _listening(runner: web.AppRunner, listen: tuple[str, int]) -> tuple[str, int] | None:
    try:
        await web.TCPSite(runner, *listen).start()
    except OSError as error:
        log.error("status page not served", listen=f"{listen[0]}:{listen[1]}", reason=error.strerror)
        return None
    host, port = runner.addresses[0][:2]
    return str(host), int(port)


_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def _application(
    host: str, picture: Callable[[], Picture], progress: Progress, clock: Clock
) -> web.Application:
    drawing = _Drawing(picture, clock)

    async def healthz(request: web.Request) -> web.Response:
        health = judge(progress, await drawing.latest(), clock())
        return web.json_response(health.to_json(), status=200 if health.ok else 503, headers=_HEADERS)

    async def metrics(request: web.Request) -> web.Response:
        health = judge(progress, await drawing.latest(), clock())
        text = status_page.metrics(health.ok, health.ticks, health.picture)
        return web.Response(
            text=text, headers=_HEADERS | {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    async def page(request: web.Request) -> web.Response:
        health = judge(progress, await drawing.latest(), clock())
        text = status_page.page(health.reasons, health.ticks, health.picture, clock())
        return web.Response(text=text, content_type="text/html", charset="utf-8", headers=_HEADERS)

    application = web.Application(
        middlewares=[_only_for_us] if _is_loopback(host) else [], client_max_size=1024
    )
    application.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics), web.get("/", page)])
    return application


@web.middleware
async def _only_for_us(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A page in somebody's browser may give its own name our address; it shall not read us by that."""
    if not _is_loopback(request.url.host or ""):
        raise web.HTTPMisdirectedRequest(text="This address answers on loopback only.\n")
    return await handler(request)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Drawing:
    """The latest picture, drawn beside the event loop, by one at a time and not on every request."""

    def __init__(self, picture: Callable[[], Picture], clock: Clock) -> None:
        self._draw = picture
        self._clock = clock
        self._drawn: tuple[datetime, Picture | None] | None = None
        self._lock = asyncio.Lock()

    async def latest(self) -> Picture | None:
        """None: the database did not answer, or not in time."""
        async with self._lock:
            now = self._clock()
            if self._drawn is None or not timedelta(0) <= now - self._drawn[0] < DRAWN_FOR:
                self._drawn = (now, await self._drawn_now())
            return self._drawn[1]

    async def _drawn_now(self) -> Picture | None:
        try:
            return await asyncio.wait_for(asyncio.to_thread(self._draw), DRAWING_TAKES_AT_MOST)
        except Exception as error:  # whatever is wrong with it, /healthz is there to say so
            log.warning("status unknown", error=str(error) or type(error).__name__)
            return None


# --- systemd


def notify_systemd(message: str, environ: Mapping[str, str]) -> bool:
    """Tells the service manager READY=1, WATCHDOG=1 or STOPPING=1; False where nobody listens."""
    path = environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return False
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
        try:
            out.sendto(os.fsencode(message), address)
        except OSError as error:
            log.warning("service manager not told", message=message, reason=error.strerror)
            return False
    return True

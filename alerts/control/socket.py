"""The socket: what people ask arrives here, is acknowledged, and waits its turn.

Lives here: one connection to Slack, kept for ever; the acknowledgement before anything else; the workers that
answer. Not here: what is answered (`attending`), the calls (`speaking`), Slack's JSON (`slack_forms`).

Slack gives three seconds. So this is a thread with an event loop of its own: however long a transaction or a
reload holds the rest of the process, and however long we work on an answer, the acknowledgement goes out at
once. It is sent before the database is touched; a kill between the two loses a press, and the person who
pressed sees no answer and presses again. The other way round is safe: what Slack delivers again is known by
its envelope, here for as long as we live, and in the ledger (`acting`) for ever.

The SDK's own client is not used: after a failure it tries the used ticket again for ever, and it writes the
address, which is a secret, into the log (slack-sdk 3.47).
"""

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from threading import Thread
from typing import Any

import aiohttp
import structlog
from sqlalchemy.exc import DBAPIError

from alerts import ledger
from alerts.control import slack_forms
from alerts.control.attending import asks_for_membership, at_once, attend
from alerts.control.permission import Membership
from alerts.control.requests import Answer, Desk, Request, Submission
from alerts.control.speaking import Speaker
from alerts.ledger import ControlRoom
from alerts.notifications import DeliveryFailed, Fault

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]

WORKERS = 4  # answers at a time: a search of some seconds must not hold up a press
MOST_WAITING = 100
REMEMBERED = 1000  # envelopes; Slack delivers again within a minute or so
HEARTBEAT = 10.0  # seconds between our pings; without a pong for half of it the connection is dead
CONNECTING = timedelta(seconds=10)
FADING = timedelta(seconds=10)  # a connection that Slack is about to close is still listened to
FIRST_BACKOFF = timedelta(seconds=1)  # doubles with each failure in a row
LONGEST_BACKOFF = timedelta(minutes=1)
RETRY_REFUSED = timedelta(minutes=5)  # a token that a person has to mend
MOST_BYTES = 1024 * 1024  # of a frame; a message with its blocks has some tens of kilobytes

UNSET = "control.app_token is not set"
WENT_WRONG = Answer("That went wrong, and nothing was changed. The log says why.")


class Socket:
    """Hears what people ask, from `start` to `stop`."""

    def __init__(self, desk: Desk, clock: Clock, rng: Random) -> None:
        self._desk, self._clock, self._rng = desk, clock, rng
        self._life: _Life | None = None

    def start(self) -> None:
        """Nothing happens without an app-level token; a reload may bring one."""
        if not self._desk.control.in_force:
            log.info("no buttons", reason=UNSET)
            _write_down(self._desk, ControlRoom(None, UNSET))
            return
        loop, listening = asyncio.new_event_loop(), _Listening(self._desk, self._clock, self._rng)
        thread = Thread(target=_run, args=(loop, listening), name="control room", daemon=True)
        self._life = _Life(thread, loop, listening)
        thread.start()

    def exchange(self, desk: Desk) -> None:
        """Answers from another desk from now on."""
        self._desk = desk
        if self._life is None or not self._life.thread.is_alive():
            self.start()
        else:
            self._life.loop.call_soon_threadsafe(self._life.listening.exchange, desk)

    async def stop(self, within: timedelta) -> None:
        """What is under way may be answered, for a while."""
        if self._life is None or not self._life.thread.is_alive():
            return
        self._life.loop.call_soon_threadsafe(self._life.listening.stop, within)
        await asyncio.to_thread(self._life.thread.join, within.total_seconds() + 1)


@dataclass(frozen=True, slots=True)
class _Life:
    """From one start to its stop."""

    thread: Thread
    loop: asyncio.AbstractEventLoop
    listening: "_Listening"


def _run(loop: asyncio.AbstractEventLoop, listening: "_Listening") -> None:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(listening.live())
        except Exception:  # the alarm bell goes on without its buttons
            log.exception("control room failed")


class _Listening:
    """All that lives in the thread of the socket."""

    def __init__(self, desk: Desk, clock: Clock, rng: Random) -> None:
        self._desk, self._clock, self._rng = desk, clock, rng
        self._speaker = Speaker(desk.control, desk.channels)
        self._waiting: asyncio.Queue[Request] = asyncio.Queue(MOST_WAITING)
        self._known: OrderedDict[str, None] = OrderedDict()
        self._exchanged, self._leave, self._stopping = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._within = timedelta(0)
        self._refused_at: datetime | None = None  # since when Slack refuses the token
        self._aside: set[asyncio.Task[None]] = set()

    # ---- its life

    async def live(self) -> None:
        async with aiohttp.ClientSession() as session:
            workers = [self._spawn(self._work()) for _ in range(WORKERS)]
            connecting = self._spawn(self._stay_connected(session))
            await self._stopping.wait()
            connecting.cancel()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._within.total_seconds()):
                    await self._waiting.join()
            for task in (*workers, *self._aside):
                task.cancel()
            await asyncio.gather(*self._aside, return_exceptions=True)
        await self._note(ControlRoom(None, "stopped"))

    def exchange(self, desk: Desk) -> None:
        """With another token, or for another Slack, the connection is made anew."""
        anew = desk.control != self._desk.control
        self._desk, self._speaker = desk, Speaker(desk.control, desk.channels)
        if anew:
            self._exchanged.set()
            self._leave.set()

    def stop(self, within: timedelta) -> None:
        self._within = within
        self._stopping.set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._aside.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("control room failed", exc_info=error)

    # ---- the connection

    async def _stay_connected(self, session: aiohttp.ClientSession) -> None:
        """For ever: one connection after the other."""
        failures = 0
        while True:
            self._exchanged.clear()
            if not self._desk.control.in_force:
                self._refused_at = None
                await self._note(ControlRoom(None, UNSET))
                await self._exchanged.wait()
                continue
            try:
                await self._connect(session)
                failures, wait = 0, FIRST_BACKOFF
            except (DeliveryFailed, aiohttp.ClientError, OSError, ValueError) as error:
                failures += 1
                wait = self._backoff(error, failures)
                await self._not_connected(error, first=failures == 1)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait.total_seconds()):
                    await self._exchanged.wait()

    async def _connect(self, session: aiohttp.ClientSession) -> None:
        """One connection, until it ends or Slack asks for another. An error if it never greeted us."""
        address = await self._speaker.ticket()
        async with asyncio.timeout(CONNECTING.total_seconds()):
            socket = await session.ws_connect(
                address, heartbeat=HEARTBEAT, max_msg_size=MOST_BYTES, proxy=self._speaker.proxy
            )
        self._leave = leave = asyncio.Event()
        if self._exchanged.is_set():  # meanwhile
            leave.set()
        try:
            await _greeted(socket)
            log.info("control room connected")
            self._spawn(self._listen(socket, leave))
            self._refused_at = None
            await self._note(ControlRoom(self._clock(), ""))
            await leave.wait()
        except BaseException:
            await socket.close()
            raise
        # Slack asks for the next one before it closes this: what it still sends here is heard
        self._spawn(_close(socket, timedelta(0) if self._exchanged.is_set() else FADING))

    def _backoff(self, error: Exception, failures: int) -> timedelta:
        if _is_refused(error):
            return RETRY_REFUSED
        if isinstance(error, DeliveryFailed) and error.retry_after is not None:
            return max(error.retry_after, FIRST_BACKOFF)
        longest: timedelta = min(FIRST_BACKOFF * 2 ** min(failures - 1, 20), LONGEST_BACKOFF)
        return longest * self._rng.uniform(0.5, 1.0)

    async def _not_connected(self, error: Exception, *, first: bool) -> None:
        """Named by its kind only: errors quote the address, and that is a ticket."""
        reason = error.reason if isinstance(error, DeliveryFailed) else type(error).__name__
        if first:
            log.warning("control room not connected", reason=reason)
        if _is_refused(error):
            self._refused_at = self._refused_at or self._clock()
        await self._note(ControlRoom(None, reason))

    async def _note(self, standing: ControlRoom) -> None:
        """For `tocsin status`, which is another process; not worth an error if it cannot be written down."""
        try:
            await asyncio.to_thread(_write_down, self._desk, replace(standing, refused_at=self._refused_at))
        except DBAPIError as error:
            log.warning("standing of the control room not noted", reason=type(error).__name__)

    # ---- what arrives

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse, leave: asyncio.Event) -> None:
        try:
            async for frame in socket:
                said = _said(frame)
                if said.get("type") == "disconnect":
                    leave.set()
                elif isinstance(said.get("envelope_id"), str):
                    await self._take(socket, said)
        finally:
            leave.set()
            await socket.close()

    async def _take(self, socket: aiohttp.ClientWebSocketResponse, envelope: Mapping[str, Any]) -> None:
        """Acknowledged first. What was acknowledged on a connection that broke is delivered once more."""
        request, first = self._read(envelope)
        payload = {}
        if isinstance(request, Submission):
            payload = {"payload": slack_forms.acknowledgement(first, request.place)}
        with contextlib.suppress(ConnectionError):
            await socket.send_str(json.dumps({"envelope_id": envelope["envelope_id"], **payload}))
        if request is None or self._is_known(request.envelope):
            return
        if first is None or (isinstance(request, Submission) and not first.errors):
            self._queue(request)
        elif not isinstance(request, Submission):
            self._spawn(self._speaker.say(request, first))

    def _read(self, envelope: Mapping[str, Any]) -> tuple[Request | None, Answer | None]:
        """The request, and what can be answered to it without looking anything up."""
        try:
            request = slack_forms.request(envelope)
            return request, at_once(self._desk, request)
        except slack_forms.Unreadable as odd:
            log.info("envelope let be", reason=odd.reason)
        except Exception:  # whatever is wrong with us, Slack shall not send it again
            log.exception("envelope not understood")
        return None, None

    def _is_known(self, envelope: str) -> bool:
        """Was it delivered before? Only so many are remembered; the ledger knows what they changed."""
        known = envelope in self._known
        self._known[envelope] = None
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _queue(self, request: Request) -> None:
        try:
            self._waiting.put_nowait(request)
        except asyncio.QueueFull:
            log.warning("request refused", reason="too many wait", envelope=request.envelope)
            self._spawn(self._show(request, Answer("Too much is asked at once. Try again in a minute.")))

    # ---- what is answered

    async def _work(self) -> None:
        while True:
            request = await self._waiting.get()
            try:
                await self._answer(request)
            except Exception:  # the next one is answered all the same
                log.exception("request not answered", envelope=request.envelope)
                await self._show(request, WENT_WRONG)
            finally:
                self._waiting.task_done()

    async def _answer(self, request: Request) -> None:
        desk, speaker, now = self._desk, self._speaker, self._clock()
        membership = Membership.STRANGER
        if asks_for_membership(desk, request):
            membership = await speaker.membership(request.actor.id, request.place, now)
        answer = await asyncio.to_thread(attend, desk, request, membership, now)
        await self._show(request, answer)

    async def _show(self, request: Request, answer: Answer) -> None:
        if not isinstance(request, Submission):
            await self._speaker.say(request, answer)
        elif answer.modal is not None:
            await self._speaker.fill(request.place, request.view, answer.modal)


def _write_down(desk: Desk, standing: ControlRoom) -> None:
    with desk.engine.begin() as connection:
        if desk.control.in_force:
            ledger.note_control_room(connection, standing)
        else:
            ledger.close_control_room(connection, standing.reason)


def _is_refused(error: Exception) -> bool:
    """Not before a person has mended the token."""
    return isinstance(error, DeliveryFailed) and error.fault is Fault.STOPPED


async def _greeted(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Slack says hello first; to one whose ticket it does not know it says goodbye."""
    async with asyncio.timeout(CONNECTING.total_seconds()):
        hello = _said(await socket.receive())
    if hello.get("type") != "hello":
        raise DeliveryFailed(Fault.UNREACHABLE, "the socket did not greet us")


async def _close(socket: aiohttp.ClientWebSocketResponse, patience: timedelta) -> None:
    try:
        await asyncio.sleep(0 if socket.closed else patience.total_seconds())
    finally:
        await socket.close()


def _said(frame: aiohttp.WSMessage) -> Mapping[str, Any]:
    """What a frame says; nothing if it is no JSON object."""
    if frame.type is not aiohttp.WSMsgType.TEXT:
        return {}
    try:
        said = json.loads(frame.data)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        log.info("frame let be", size=len(frame.data))
        return {}
    return said

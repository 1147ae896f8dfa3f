"""The parsing child: foreign bytes are read in a process that may be killed.

Lives here: spawned children without secrets, their limits, and the frames between them and us; both ends of
the pipe, so that they cannot drift apart. Not here: the parsing (`feeds`, `sitemaps`, `listings`,
`endpoints`, `pages`), which only a child loads.

A child inherits three pipes and five environment variables, nothing else. It has a limit of memory, one of
processor time and one of wall-clock time per job; at the last it is killed and another takes its place. It
dies with us: the kernel kills it when its parent ends, and it stops by itself when its stdin does. What it
answers is a length and JSON; every field is checked before anybody uses it, as if it came from the net.
"""

import asyncio
import contextlib
import json
import os
import resource
import signal
import struct
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from functools import cache
from math import ceil
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from crawler.documents import FeedDocument, Page, Unreadable
from crawler.entries import Entry
from crawler.fetches import Outcome
from crawler.plain import clip, line
from crawler.sources import ApiKeys, PageKeys, Source, SourceId
from crawler.urls import absolute

_LENGTH = struct.Struct(">I")
_MOST_BYTES = 48 * 1024 * 1024  # of a frame, either way
_OK, _NO, _BYE = b"ok\n", b"no\n", b"by\n"  # how an answer begins: a value; a failure; a failure, and it ends
_PACKAGES = Path(__file__).resolve().parents[1]

T = TypeVar("T", FeedDocument, Page)


class ParseFailed(Exception):
    """The document gave nothing. `outcome` says what kind of nothing; `detail` is one line for a person."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{outcome}: {detail}")
        self.outcome = outcome
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may take."""

    memory: int = 1024 * 1024 * 1024  # bytes of address space
    cpu: int = 15  # seconds of processor time for one job
    wall: float = 30.0  # seconds for one job; then SIGKILL. A feed may take two jobs: a minute in all
    jobs: int = 1_000  # then it makes room for a fresh one: extractors remember much
    files: int = 64


# ---- our side


class ParsingChild:
    """Reads foreign documents in child processes, at most `workers` at a time; more of them wait."""

    def __init__(self, workers: int = 2, limits: Limits | None = None) -> None:
        self._limits = limits or Limits()
        self._idle: asyncio.LifoQueue[_Worker] = asyncio.LifoQueue()
        self._workers = [_Worker(self._limits) for _ in range(workers)]
        for worker in self._workers:
            self._idle.put_nowait(worker)
        self._closed = False

    async def feed(
        self,
        body: bytes,
        content_type: str | None,
        base: str,
        source: SourceId,
        known: frozenset[str] = frozenset(),
    ) -> FeedDocument:
        """The entries of a feed that are not `known`. Raises ParseFailed.

        If the child dies of it, the document is read once more, entry by entry and without the very long
        ones, so that one hostile entry does not silence its whole source.
        """
        job = {
            "job": "feed",
            "content_type": content_type,
            "base": base,
            "source": source,
            "known": list(known),
        }
        try:
            document = await self._ask(job, body, FeedDocument)
        except _ChildDied as first:
            try:
                document = await self._ask(job | {"careful": True}, body, FeedDocument)
            except _ChildDied:
                raise ParseFailed(Outcome.UNPARSABLE, str(first)) from None
            document = replace(document, problems=(*document.problems, f"read entry by entry: {first}"))
        return _of(source, document)

    async def sitemap(
        self, body: bytes, content_type: str | None, base: str, source: Source, known: frozenset[str]
    ) -> FeedDocument:
        """The entries of a sitemap that are not `known`, or what an index names. Raises ParseFailed."""
        return await self._listed("sitemap", body, content_type, base, source, known)

    async def listing(
        self, body: bytes, content_type: str | None, base: str, source: Source, known: frozenset[str]
    ) -> FeedDocument:
        """The entries of a page that are not `known`. Raises ParseFailed."""
        return await self._listed("listing", body, content_type, base, source, known, keys=source.page)

    async def endpoint(
        self, body: bytes, content_type: str | None, base: str, source: Source, known: frozenset[str]
    ) -> FeedDocument:
        """The entries of a JSON listing that are not `known`. Raises ParseFailed."""
        if source.api is None:
            raise ParseFailed(Outcome.MALFORMED, "nothing says where its entries are; see `api:`")
        return await self._listed("endpoint", body, content_type, base, source, known, keys=source.api)

    async def _listed(
        self,
        name: str,
        body: bytes,
        content_type: str | None,
        base: str,
        source: Source,
        known: frozenset[str],
        *,
        keys: PageKeys | ApiKeys | None = None,
    ) -> FeedDocument:
        job = {
            "job": name,
            "content_type": content_type,
            "base": base,
            "source": source.id,
            "known": list(known),
            "language": source.language,
            "keys": keys.model_dump(exclude_unset=True) if keys is not None else None,
        }
        try:
            document = await self._ask(job, body, FeedDocument)
        except _ChildDied as death:
            raise ParseFailed(Outcome.UNPARSABLE, str(death)) from None
        return _of(SourceId(source.id), document)

    async def page(self, body: bytes, content_type: str | None, url: str) -> Page:
        """The article of a page. Raises ParseFailed."""
        try:
            return await self._ask({"job": "page", "content_type": content_type, "url": url}, body, Page)
        except _ChildDied as death:
            raise ParseFailed(Outcome.UNPARSABLE, str(death)) from None

    async def close(self) -> None:
        """Ends the children at once; what they are reading fails."""
        self._closed = True
        await asyncio.gather(*(worker.close() for worker in self._workers))

    async def _ask(self, job: dict[str, Any], body: bytes, kind: type[T]) -> T:
        if len(body) > _MOST_BYTES:
            raise ParseFailed(Outcome.TOO_LARGE, "more bytes than a parsing child takes")
        async with self._worker() as worker:
            answer = await worker.ask(job, body)
        return _checked(answer, kind)

    @contextlib.asynccontextmanager
    async def _worker(self) -> AsyncIterator["_Worker"]:
        worker = await self._idle.get()
        try:
            if self._closed:
                raise ParseFailed(Outcome.UNPARSABLE, "the parsing children are closed")
            yield worker
        finally:
            self._idle.put_nowait(worker)


_DYING = 0.5  # seconds between the end of a child's pipe and its own


class _ChildDied(Exception):
    """It was killed, or ended by itself, in the middle of a job."""


class _Worker:
    """One child process at a time."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._process: asyncio.subprocess.Process | None = None
        self._jobs = 0
        self._closed = False

    async def ask(self, job: dict[str, Any], body: bytes) -> bytes:
        """The answer's frame. Whatever goes wrong on the way, no half-used child is left behind."""
        process = await self._running()
        self._jobs += 1
        try:
            async with asyncio.timeout(self._limits.wall):
                frame = await _exchange(process, job, body)
        except TimeoutError:
            await self.kill()
            raise _ChildDied(f"not read within {self._limits.wall:g} seconds") from None
        except (OSError, EOFError, ValueError):
            # Its pipe has ended and so, most likely, has it. `Popen.kill` asks first whether it lives, and
            # whoever asks learns how it died; asyncio then never does.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _DYING)
            await self.kill()
            raise _ChildDied(_obituary(process.returncode)) from None
        except BaseException:  # cancelled: its answer would be taken for that of the next job
            await self.kill()
            raise
        if frame.startswith(_BYE):
            await self.kill()  # it is on its way out and must not be given the next job
        return frame

    async def close(self) -> None:
        self._closed = True
        await self.kill()

    async def kill(self) -> None:
        process, self._process, self._jobs = self._process, None, 0
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def _running(self) -> asyncio.subprocess.Process:
        worn = self._jobs >= self._limits.jobs
        if self._process is not None and (worn or self._process.returncode is not None):
            await self.kill()
        if self._process is None:
            self._process = await _spawn(self._limits)
            if self._closed:  # while it was being born
                await self.kill()
        if self._process is None:
            raise _ChildDied("the parsing children are closed")
        return self._process


async def _spawn(limits: Limits) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-P", "-B", "-W", "ignore", "-m", "crawler.child", json.dumps(asdict(limits))),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={
            "PYTHONPATH": str(_PACKAGES),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PATH": "",
            "HOME": "/nonexistent",
        },
        cwd="/",
        start_new_session=True,  # Ctrl-C at the terminal is ours to answer
    )


async def _exchange(process: asyncio.subprocess.Process, job: dict[str, Any], body: bytes) -> bytes:
    if process.stdin is None or process.stdout is None:
        raise EOFError
    for part in (json.dumps(job).encode(), body):
        process.stdin.write(_LENGTH.pack(len(part)))
        process.stdin.write(part)
    await process.stdin.drain()
    (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
    if length > _MOST_BYTES:
        raise ValueError("an answer too long")
    return await process.stdout.readexactly(length)


def _obituary(returncode: int | None) -> str:
    if returncode == -signal.SIGXCPU:
        return "it took too much processor time"
    if returncode is not None and returncode < 0:
        return f"the parsing child ended with {signal.Signals(-returncode).name}"
    return "the parsing child ended without an answer"


@cache
def _answers() -> dict[type, TypeAdapter[Any]]:
    return {FeedDocument: TypeAdapter(FeedDocument), Page: TypeAdapter(Page)}


def _checked(frame: bytes, kind: type[T]) -> T:
    """The answer as a value, or ParseFailed. The child may have been taken over: nothing is believed."""
    status, answer = frame[:3], frame[3:]
    if status != _OK:
        outcome, _, detail = answer.decode("utf-8", "replace").partition(" ")
        raise ParseFailed(_outcome(outcome), clip(line(detail), 200) or "no reason given")
    try:
        value: T = _answers()[kind].validate_json(answer, strict=False)
    except ValidationError as error:
        raise ParseFailed(Outcome.UNPARSABLE, "the parsing child answered nonsense") from error
    if not _plausible(value):
        raise ParseFailed(Outcome.UNPARSABLE, "the parsing child answered nonsense")
    return value


def _of(source: SourceId, document: FeedDocument) -> FeedDocument:
    if any(entry.source != source for entry in document.entries):
        raise ParseFailed(Outcome.UNPARSABLE, "the parsing child answered for another source")
    return document


_FAILURES = {
    Outcome.EMPTY, Outcome.NOT_A_FEED, Outcome.MALFORMED, Outcome.TOO_LARGE, Outcome.UNPARSABLE,
}  # fmt: skip


def _outcome(name: str) -> Outcome:
    return Outcome(name) if name in _FAILURES else Outcome.UNPARSABLE


def _plausible(value: FeedDocument | Page) -> bool:
    entries = value.entries if isinstance(value, FeedDocument) else ()
    follow = value.follow if isinstance(value, FeedDocument) else ()
    if len(follow) > _MOST_TO_FOLLOW or any(absolute(url) != url for url in follow):
        return False
    return _within_limits(value) and all(_within_limits(entry) for entry in entries)


_MOST_TO_FOLLOW = 100
# Longest text of each field, in characters; generous, for the exact limits are the child's.
_LONGEST = {
    "url": 2_083,
    "follow": 2_083,
    "guid": 2_000,
    "title": 300,
    "summary": 5_000,
    "content": 60_000,
    "text": 200_000,
}
_LONGEST_OTHER = 300
_MOST_ITEMS = 100_000


def _within_limits(value: FeedDocument | Page | Entry) -> bool:
    for each in fields(value):
        content = getattr(value, each.name)
        longest = _LONGEST.get(each.name, _LONGEST_OTHER)
        if isinstance(content, str) and len(content) > longest:
            return False
        if isinstance(content, tuple) and len(content) > _MOST_ITEMS:
            return False
        if isinstance(content, tuple) and any(
            len(text) > longest for text in content if isinstance(text, str)
        ):
            return False
        if isinstance(content, datetime) and content.tzinfo is None:
            return False
        if each.name == "url" and content is not None and absolute(content) != content:
            return False
    return True


# ---- the child's side


def main() -> None:
    """Reads jobs from stdin and answers on stdout until one of them ends."""
    limits = Limits(**json.loads(sys.argv[1]))
    jobs, answers = _lock_up(limits)
    while (job := _read_frame(jobs)) is not None and (body := _read_frame(jobs)) is not None:
        used = resource.getrusage(resource.RUSAGE_SELF)
        seconds = ceil(used.ru_utime + used.ru_stime) + limits.cpu
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, resource.RLIM_INFINITY))
        frame = _answer(json.loads(job), body)
        answers.write(_LENGTH.pack(len(frame)) + frame)
        answers.flush()
        if frame.startswith(_BYE):
            return


def _lock_up(limits: Limits) -> tuple[IO[bytes], IO[bytes]]:
    """Takes from this process what parsing does not need; the pipes to the parent come back."""
    _die_with_parent()
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)  # a library that prints must not print into our frames
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits.files, limits.files))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))
    return jobs, answers


def _die_with_parent() -> None:
    """Linux: SIGKILL when the thread that made us ends, and no new privileges. Elsewhere stdin's end does."""
    parent = os.getppid()
    with contextlib.suppress(OSError, AttributeError):
        import ctypes  # noqa: PLC0415  # the child's business alone

        libc = ctypes.CDLL(None)
        libc.prctl(1, signal.SIGKILL, 0, 0, 0)
        libc.prctl(38, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _read_frame(stream: IO[bytes]) -> bytes | None:
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = stream.read(length)
    return body if len(body) == length else None


def _answer(job: dict[str, Any], body: bytes) -> bytes:
    """The frame of the answer."""
    try:
        value = _READERS[job["job"]](job, body)
        return _OK + _answers()[type(value)].dump_json(value)
    except Unreadable as error:
        return _NO + f"{error.outcome} {error}".encode()
    except Exception as error:  # the outermost loop of this process; a fresh one takes over
        return _BYE + f"{Outcome.UNPARSABLE} {type(error).__name__}: {error}".encode("utf-8", "replace")


def _read_feed(job: dict[str, Any], body: bytes) -> FeedDocument:
    # Imported here, by the child alone: a daemon that loads this module must not load what parses.
    from crawler.feeds import read_feed  # noqa: PLC0415

    return read_feed(
        body,
        job["content_type"],
        job["base"],
        SourceId(job["source"]),
        frozenset(job["known"]),
        careful=job.get("careful", False),
        patience=_patience,
    )


def _read_page(job: dict[str, Any], body: bytes) -> Page:
    from crawler.pages import read_page  # noqa: PLC0415

    return read_page(body, job["content_type"], job["url"])


def _read_sitemap(job: dict[str, Any], body: bytes) -> FeedDocument:
    from crawler.sitemaps import read_sitemap  # noqa: PLC0415

    return read_sitemap(body, *_asked(job))


def _read_listing(job: dict[str, Any], body: bytes) -> FeedDocument:
    from crawler.listings import read_listing  # noqa: PLC0415

    keys = PageKeys(**job["keys"]) if job["keys"] is not None else None
    return read_listing(body, *_asked(job), keys)


def _read_endpoint(job: dict[str, Any], body: bytes) -> FeedDocument:
    from crawler.endpoints import read_endpoint  # noqa: PLC0415

    return read_endpoint(body, *_asked(job), ApiKeys(**job["keys"]))


def _asked(job: dict[str, Any]) -> tuple[str | None, str, SourceId, frozenset[str], str | None]:
    return (
        job["content_type"], job["base"], SourceId(job["source"]), frozenset(job["known"]), job["language"],
    )  # fmt: skip


_READERS: dict[str, Callable[[dict[str, Any], bytes], FeedDocument | Page]] = {
    "feed": _read_feed,
    "page": _read_page,
    "sitemap": _read_sitemap,
    "listing": _read_listing,
    "endpoint": _read_endpoint,
}


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """At most so many seconds of processor time, then Stalled; regular expressions look up for signals."""
    from crawler.feeds import Stalled  # noqa: PLC0415

    def over(*_: object) -> None:
        raise Stalled

    if seconds <= 0:
        raise Stalled
    signal.signal(signal.SIGPROF, over)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()

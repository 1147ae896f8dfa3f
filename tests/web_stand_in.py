"""A small web on loopback for tests: sites that answer as a function says, and sockets without manners."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from aiohttp import web
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import StaticPool

from crawler import archive

Answering = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Site:
    """What a site saw."""

    url: str = ""
    asked: list[web.Request] = field(default_factory=list)
    under_way: int = 0
    most: int = 0

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.asked]


@contextlib.asynccontextmanager
async def serving(
    answer: Answering, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[Site]:
    site = Site()

    async def noting(request: web.Request) -> web.StreamResponse:
        site.asked.append(request)
        site.under_way += 1
        site.most = max(site.most, site.under_way)
        try:
            return await answer(request)
        finally:
            site.under_way -= 1

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", noting)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    listening = web.TCPSite(runner, host, port, ssl_context=tls, reuse_address=True)
    await listening.start()
    site.url = f"{'https' if tls else 'http'}://{host}:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def raw(
    behave: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]], host: str = "127.0.0.1"
) -> AsyncIterator[str]:
    """A server without manners: reads the head of a request, then does what it likes."""
    running: set[asyncio.Task[None]] = set()

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            running.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await behave(reader, writer)
        writer.close()

    server = await asyncio.start_server(met, host, 0)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def saying(*pieces: bytes, pause: float = 0.0) -> Callable[..., Awaitable[None]]:
    """Reads the head, says the pieces, hangs up."""

    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return behave


async def hanging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(60)


def empty_archive() -> Engine:
    """The crawler's tables in memory."""
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    archive.tables.create_all(engine)
    return engine

"""The guarded HTTP download: address guard, limits, unpacking, abort.

Lives here: one retrieval without redirects, from address to unpacked bytes, and the adapter that makes it
Scrapy's download handler. Everything we dial is dialled here: feeds, pages, robots.txt and every hop of a
redirect. Not here: redirects and robots.txt (`spiders`, `robots`), what an answer means (`revalidation`).

What can go wrong leaves as `FetchFailed`, whose outcome says what it was.
"""

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

import aiohttp
import brotli
import scrapy
import zstandard
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http_exceptions import LineTooLong
from scrapy.http import Response
from yarl import URL

from crawler import pacing
from crawler.answers import Answer
from crawler.fetches import FetchFailed, Outcome
from crawler.hosts import Hosts, origin
from crawler.network import AllowedNetwork

MAX_BODY = 5 * 1024 * 1024  # unpacked; the largest of the shipped feeds is under 2 MiB
PIECE = 64 * 1024  # of unpacked bytes at a time: what a bomb gets before it is stopped
LOOKUPS = 32  # name look-ups at a time
LOOKUP_LIFE = 30  # seconds; a host that moves is followed within this time
ACCEPT_ENCODING = "gzip, deflate, br, zstd"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]


# ---- the address guard


class BlockedAddress(OSError):
    """The guard refused an address. All say the same words: aiohttp then passes one on as it is."""

    def __init__(self, address: str) -> None:
        super().__init__("the address is private or special")
        self.address = address


def allowed(address: Address, networks: Sequence[AllowedNetwork] = ()) -> bool:
    """Whether we may dial it: a public unicast address, or one in a network that is let through."""
    address = _unwrapped(address)
    if any(address in network for network in networks if network.version == address.version):
        return True
    if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that is reached in the end, where an IPv6 address only wraps one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _plain_socket(info: AddressInfo) -> socket.socket:
    return socket.socket(info[0], info[1], info[2])


class AddressGuard:
    """aiohttp's socket factory. It is asked after the look-up and before the connect, for literals and
    redirects too, so there is no gap between the address that is checked and the address that is dialled.
    """

    def __init__(
        self,
        networks: Sequence[AllowedNetwork],
        open_socket: Callable[[AddressInfo], socket.socket] = _plain_socket,
    ) -> None:
        self._networks = tuple(networks)
        self._open_socket = open_socket
        self._exempt: tuple[str, int] | None = None

    def __call__(self, info: AddressInfo) -> socket.socket:
        host, port = info[4][0], info[4][1]
        if (host, port) != self._exempt and not self._lets_through(host):
            raise BlockedAddress(host)
        return self._open_socket(info)

    def _lets_through(self, host: str) -> bool:
        try:
            return allowed(ipaddress.ip_address(host), self._networks)
        except ValueError:  # a spelling only the kernel understands is not one we can judge
            return False

    @contextlib.contextmanager
    def exempting(self, host: str, port: int) -> Iterator[None]:
        """Lets one listening socket of our own through: the self-test of `crawl` at start-up."""
        self._exempt = (host, port)
        try:
            yield
        finally:
            self._exempt = None


class Lookup(AbstractResolver):
    """Name look-up in threads of its own. They are daemons: a name server that never answers must not hold
    up the end of the process, as a thread pool would (it is joined at exit).
    """

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(LOOKUPS)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        async with self._room:
            infos = await _in_a_daemon_thread(
                lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=int(address[1]),
                family=family,
                proto=protocol,
                flags=socket.AI_NUMERICHOST,
            )
            for family, _, protocol, _, address in infos
        ]

    async def close(self) -> None:
        """Nothing to give back."""


async def _in_a_daemon_thread(work: Callable[[], Any]) -> Any:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: Exception | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work()
        except (OSError, UnicodeError) as failure:
            error = failure if isinstance(failure, OSError) else OSError(str(failure))
        with contextlib.suppress(RuntimeError):  # the loop is closed: the answer came too late
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="lookup", daemon=True).start()
    return await done


# ---- unpacking


class BadEncoding(Exception):
    """The body is not what Content-Encoding says, ends early, or is packed in a way we do not undo."""


def unpacked(coding: str, body: bytes) -> Iterator[bytes]:
    """The body as it was before Content-Encoding, piece by piece; whoever takes the pieces counts them.

    One layer: nobody needs two, and a bomb in a bomb does.
    """
    codings = [c for c in (part.strip().lower() for part in coding.split(",")) if c not in ("", "identity")]
    if not codings or not body:
        return iter((body,) if body else ())
    if len(codings) > 1 or codings[0] not in _UNPACKERS:
        raise BadEncoding(f"Content-Encoding {coding[:60]!r} is not one we undo")
    return _UNPACKERS[codings[0]](body)


def _gunzipped(body: bytes) -> Iterator[bytes]:
    """All members, one after the other; bytes behind the last are ignored, as browsers do."""
    while body.startswith(b"\x1f\x8b") or not body:
        unpacker = zlib.decompressobj(31)
        yield from _inflated(unpacker, body)
        body = unpacker.unused_data
        if not body.startswith(b"\x1f\x8b"):
            return
    raise BadEncoding("said to be gzip, and is not")


def _undeflated(body: bytes) -> Iterator[bytes]:
    """With the zlib wrapper the standard asks for, or without it, as some servers send it."""
    wrapped = (body[0] & 0x0F) == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    yield from _inflated(zlib.decompressobj(15 if wrapped else -15), body)


def _inflated(unpacker: "zlib._Decompress", body: bytes) -> Iterator[bytes]:
    while not unpacker.eof:
        try:
            piece = unpacker.decompress(body, PIECE)
        except zlib.error as error:
            raise BadEncoding(f"cannot be unpacked: {error}") from error
        body = unpacker.unconsumed_tail
        if not piece and not body and not unpacker.eof:
            raise BadEncoding("ends before the packed body does")
        yield piece


def _unbrotlied(body: bytes) -> Iterator[bytes]:
    unpacker = brotli.Decompressor()
    try:
        piece = unpacker.process(body, output_buffer_limit=PIECE)
        while not unpacker.is_finished():
            yield piece
            if not piece and unpacker.can_accept_more_data():
                raise BadEncoding("ends before the packed body does")
            piece = unpacker.process(b"", output_buffer_limit=PIECE)
    except brotli.error as error:
        raise BadEncoding(f"cannot be unpacked: {error}") from error
    yield piece


# 256 packed bytes hold at most 64 blocks of 128 KiB each, so that a step gives 8 MiB at the very most.
_ZSTD_STEP = 256
_ZSTD_WINDOW = 8 * 1024 * 1024  # RFC 9659: what a sender may count on


def _unzstded(body: bytes) -> Iterator[bytes]:
    frames = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    view = memoryview(body)
    unpacker = frames.decompressobj()
    try:
        while view:
            piece = unpacker.decompress(view[:_ZSTD_STEP])
            yield piece
            rest = len(unpacker.unused_data) if unpacker.eof else 0
            view = view[min(_ZSTD_STEP, len(view)) - rest :]
            if unpacker.eof and view:
                unpacker = frames.decompressobj()
    except zstandard.ZstdError as error:
        raise BadEncoding(f"cannot be unpacked: {error}") from error
    if not unpacker.eof:
        raise BadEncoding("ends before the packed body does")


_UNPACKERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _gunzipped,
    "x-gzip": _gunzipped,
    "deflate": _undeflated,
    "br": _unbrotlied,
    "zstd": _unzstded,
}


# ---- the download


@dataclass(frozen=True, slots=True)
class Limit:
    """How much of a body we take, packed and unpacked alike."""

    size: int = MAX_BODY
    prefix: bool = False  # the first `size` bytes will do (robots.txt); otherwise more is an error

    def fill(self, pieces: Iterator[bytes]) -> bytes:
        taken = bytearray()
        for piece in pieces:
            taken += piece
            if len(taken) > self.size:
                if self.prefix:
                    return bytes(taken[: self.size])
                raise FetchFailed(Outcome.TOO_LARGE, f"more than {self.size >> 20} MiB unpacked")
        return bytes(taken)


class Held(FetchFailed):
    """Nothing was sent: the host asked us to wait, and the time is not over."""

    def __init__(self, host: str, until: datetime, now: datetime) -> None:
        super().__init__(
            Outcome.RATE_LIMITED, f"{host} asked us to wait until {until:%H:%M:%S}", retry_after=until - now
        )
        self.until = until


class Aborted(Exception):
    """We are stopping; this says nothing about the server."""


class Downloads:
    """All retrievals of the process. Opened inside the event loop, closed once."""

    def __init__(
        self,
        guard: AddressGuard,
        hosts: Hosts,
        clock: Callable[[], datetime],
        tls: ssl.SSLContext | None = None,
        lookup: AbstractResolver | None = None,
    ) -> None:
        self.guard = guard
        self._hosts = hosts
        self._clock = clock
        self._aborted = False
        self._deadlines: set[asyncio.Timeout] = set()
        connector = aiohttp.TCPConnector(
            socket_factory=guard,
            resolver=lookup or Lookup(),
            ssl=tls or ssl.create_default_context(),
            force_close=True,  # polling gains nothing from keep-alive; 1,000 idle TLS hosts cost 280 MB
            limit=0,  # `crawl` bounds what is under way, Scrapy's slots what is under way per host
            ttl_dns_cache=LOOKUP_LIFE,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
            trust_env=False,  # through a proxy the guard would see only the proxy
            max_line_size=32 * 1024,
            max_field_size=64 * 1024,  # real sites send policies of this size
            max_headers=2500,
        )

    async def fetch(
        self, url: str, headers: Mapping[str, str], within: timedelta, limit: Limit | None = None
    ) -> Answer:
        """One request and its answer, whatever the status. `within` is for all of it, look-up to last byte.

        Only a 2xx has a body here. Raises FetchFailed; Aborted when we are stopping.
        """
        try:
            place = origin(url)
        except ValueError as error:
            raise _unusable() from error
        now = self._clock()
        if held := self._hosts.held_until(place, now):
            raise Held(place, held, now)
        if self._aborted:
            raise Aborted
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(within.total_seconds()) as deadline:
                self._deadlines.add(deadline)
                try:
                    status, heads, body = await self._exchange(url, place, headers, limit or Limit())
                finally:
                    self._deadlines.discard(deadline)
        except TimeoutError as error:
            if self._aborted:
                raise Aborted from error
            raise FetchFailed(
                Outcome.TIMEOUT, f"no complete answer within {within.total_seconds():g} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _failure(error) from error
        return Answer(url, status, heads, body, elapsed=timedelta(seconds=loop.time() - began))

    async def _exchange(
        self, url: str, place: str, headers: Mapping[str, str], limit: Limit
    ) -> tuple[int, Mapping[str, str], bytes]:
        async with self._session.get(_target(url), headers=headers, allow_redirects=False) as response:
            try:
                self._hold_if_asked(place, response)
                if not 200 <= response.status < 300:  # nobody reads the words of a redirect or an error
                    return response.status, response.headers, b""
                packed = await _read(response, limit)
            finally:
                response.close()
        coding = ",".join(response.headers.getall("Content-Encoding", ()))
        try:
            return response.status, response.headers, limit.fill(unpacked(coding, packed))
        except BadEncoding as error:
            raise FetchFailed(Outcome.BAD_ENCODING, str(error), status=response.status) from error

    def _hold_if_asked(self, place: str, response: aiohttp.ClientResponse) -> None:
        """Before the next request to this host can start, and into the archive: a restart keeps it too."""
        if response.status not in (429, 503):
            return
        now = self._clock()
        wait = pacing.retry_after(response.headers.get("Retry-After"), response.headers.get("Date"), now)
        if wait is None and response.status == 429:
            wait = pacing.UNSAID
        if wait:
            self._hosts.hold(place, now + wait)

    def abort(self) -> None:
        """Ends every retrieval under way, and every later one, at once."""
        self._aborted = True
        now = asyncio.get_running_loop().time()
        for deadline in tuple(self._deadlines):
            deadline.reschedule(now)

    async def close(self) -> None:
        await self._session.close()


def _target(url: str) -> URL:
    try:
        return URL(url, encoded=url.isascii() and " " not in url)
    except ValueError as error:
        raise _unusable() from error


def _unusable() -> FetchFailed:
    return FetchFailed(Outcome.BAD_REDIRECT, "not a usable address")


async def _read(response: aiohttp.ClientResponse, limit: Limit) -> bytes:
    """The packed body. A body that ends before its Content-Length or its last chunk is an error, never a
    document.
    """
    declared = response.content_length
    if declared is not None and declared > limit.size and not limit.prefix:
        raise FetchFailed(Outcome.TOO_LARGE, f"says it has {declared} bytes", status=response.status)
    taken = bytearray()
    async for chunk in response.content.iter_any():
        taken += chunk
        if len(taken) > limit.size:
            if limit.prefix:
                break
            raise FetchFailed(Outcome.TOO_LARGE, f"more than {limit.size >> 20} MiB", status=response.status)
    return bytes(taken[: limit.size])


def _failure(error: Exception) -> FetchFailed:
    """What an error of aiohttp, ssl or the sockets means."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return FetchFailed(Outcome.DNS, f"no address for {error.host}: {_reason(error.os_error)}")
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError | ssl.CertificateError):
        return FetchFailed(Outcome.TLS, _tls_reason(error))
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_connected(error.os_error)
    if isinstance(error, aiohttp.ClientResponseError):
        return _not_http(error)
    if isinstance(error, aiohttp.InvalidURL):
        return _unusable()
    return FetchFailed(Outcome.RESET, f"the connection ended early: {_reason(error)}")


def _not_http(error: aiohttp.ClientResponseError) -> FetchFailed:
    if any(isinstance(cause, LineTooLong) for cause in _causes(error)):
        return FetchFailed(Outcome.TOO_LARGE, "a header of more than 64 KiB")
    return FetchFailed(Outcome.HTTP_ERROR, f"not an HTTP answer we take: {_short(error.message)}")


def _not_connected(error: OSError) -> FetchFailed:
    if isinstance(error, BlockedAddress):
        return FetchFailed(Outcome.BLOCKED_ADDRESS, f"{error.address} is private or special")
    if isinstance(error, ConnectionResetError):
        return FetchFailed(Outcome.RESET, "the connection was reset while it was being set up")
    return FetchFailed(Outcome.REFUSED, f"no connection: {_reason(error)}")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _tls_reason(error: Exception) -> str:
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return _short(getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or _reason(cause))


def _reason(error: BaseException) -> str:
    return _short(getattr(error, "strerror", None) or str(error) or type(error).__name__)


def _short(text: str) -> str:
    return " ".join(text.split())[:160]


# ---- Scrapy's view of it


class Arrived(Response):
    """A Scrapy response that carries the answer it was made of."""

    def __init__(self, answer: Answer, request: scrapy.Request) -> None:
        super().__init__(url=request.url, status=answer.status, body=answer.body, request=request)
        self.answer = answer


class GuardedHandler:
    """Scrapy's download handler for http and https; both share the spider's `Downloads`."""

    lazy: ClassVar[bool] = False

    def __init__(self, downloads: Downloads) -> None:
        self._downloads = downloads

    @classmethod
    def from_crawler(cls, crawler: Any) -> "GuardedHandler":
        return cls(crawler.spider.downloads)

    async def download_request(self, request: scrapy.Request) -> Response:
        headers = {
            name.decode("latin-1"): values[-1].decode("latin-1")
            for name, values in request.headers.items()
            if values
        }
        answer = await self._downloads.fetch(
            request.url, headers, request.meta["timeout"], request.meta.get("limit")
        )
        return Arrived(answer, request)

    async def close(self) -> None:
        """`crawl` closes the downloads: they outlive the crawler by the time it takes to stop."""

"""The guarded download against servers without manners; H01 to H29 where one retrieval shows them."""

import asyncio
import gzip
import ipaddress
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import brotli
import pytest
import trustme
import zstandard
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from crawler.answers import Answer
from crawler.download import (
    MAX_BODY,
    PIECE,
    Aborted,
    AddressGuard,
    AddressInfo,
    BadEncoding,
    BlockedAddress,
    Downloads,
    Held,
    Limit,
    allowed,
    unpacked,
)
from crawler.fetches import FetchFailed, Outcome
from crawler.hosts import Hosts
from tests.web_stand_in import empty_archive, hanging, raw, saying, serving

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LOOPBACK = (ipaddress.IPv4Network("127.0.0.1/32"),)
SECONDS = timedelta(seconds=5)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/rss+xml\r\n"


class Recorder:
    """Stands where sockets are opened, and opens none outside 127.0.0.1."""

    def __init__(self) -> None:
        self.opened: list[str] = []

    def __call__(self, info: AddressInfo) -> socket.socket:
        self.opened.append(info[4][0])
        assert info[4][0] == "127.0.0.1"
        return socket.socket(info[0], info[1], info[2])


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


Open = Callable[..., Downloads]


@pytest.fixture
async def downloads(recorder: Recorder) -> AsyncIterator[Open]:
    opened = []

    def open_(**kwargs: Any) -> Downloads:
        hosts = Hosts(kwargs.pop("engine", None) or empty_archive())
        guard = AddressGuard(kwargs.pop("networks", LOOPBACK), recorder)
        opened.append(Downloads(guard, hosts, kwargs.pop("clock", lambda: NOW), **kwargs))
        return opened[-1]

    yield open_
    for each in opened:
        await each.close()


async def outcome(
    of: Downloads, url: str, within: timedelta = SECONDS, limit: Limit | None = None
) -> FetchFailed:
    with pytest.raises(FetchFailed) as caught:
        await of.fetch(url, {}, within, limit)
    return caught.value


# ---- the address guard, without a socket

REFUSED = """
    10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.1.1 127.0.0.2 127.9.9.9 0.0.0.0 0.1.2.3
    169.254.169.254 100.64.0.1 100.127.255.255 192.0.0.1 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.2 ::10.0.0.1 ::ffff:127.0.0.2 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:10.0.0.1
    fc00::1 fd12:3456::1 fe80::1 fe80::1%1 fec0::1 ff02::1 ff0e::1 2001:db8::1 100::1
    64:ff9b::10.0.0.1 64:ff9b::7f00:2 64:ff9b:1::1 2002:0a00:0001::1 2002:7f00:0002::1
    2001:0:4136:e378:8000:63bf:f5ff:fffe 4000::1
""".split()  # noqa: SIM905

ALLOWED = """
    1.1.1.1 8.8.8.8 93.184.216.34 172.32.0.1 100.128.0.1 192.167.255.255
    2606:4700::1111 2a00:1450:4001::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1 2002:0101:0101::1
""".split()  # noqa: SIM905


@pytest.mark.parametrize("address", REFUSED)
def test_the_guard_refuses_what_is_private_or_special(address: str) -> None:
    assert not allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ALLOWED)
def test_the_guard_lets_public_addresses_through(address: str) -> None:
    assert allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.1.2.3", True),
        ("::ffff:127.1.2.3", True),
        ("127.9.9.9", False),
        ("::ffff:127.9.9.9", False),
        ("fd00::1", True),
        ("fd01::1", False),
    ],
)
def test_a_configured_range_is_let_through_and_nothing_beside_it(address: str, expected: bool) -> None:
    networks = (ipaddress.IPv4Network("127.1.0.0/16"), ipaddress.IPv6Network("fd00::/16"))
    assert allowed(ipaddress.ip_address(address), networks) is expected


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "224.0.0.1", "0.0.0.0"]
)
def test_h15_no_socket_is_opened_for_a_refused_address(address: str, recorder: Recorder) -> None:
    guard = AddressGuard((), recorder)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(BlockedAddress):
        guard((family, socket.SOCK_STREAM, 6, "", (address, 80)))
    assert recorder.opened == []


def test_the_exemption_of_the_self_test_is_one_port_and_ends(recorder: Recorder) -> None:
    guard = AddressGuard((), recorder)

    def ask(port: int) -> None:
        guard((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))).close()

    with guard.exempting("127.0.0.1", 4000):
        ask(4000)
        with pytest.raises(BlockedAddress):
            ask(4001)
    with pytest.raises(BlockedAddress):
        ask(4000)


@pytest.mark.parametrize(
    "host",
    [
        "2130706434",
        "0x7f000002",
        "0177.0.0.2",
        "127.2",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::ffff:127.0.0.2]",
        "[::127.0.0.2]",
        "127.0.0.2.",
        "user:password@127.0.0.2",
        "10.0.0.1",
        "[fe80::1]",
    ],
)
async def test_h18_odd_spellings_of_private_hosts_reach_nobody(
    host: str, downloads: Open, recorder: Recorder
) -> None:
    failure = await outcome(downloads(), f"http://{host}:4000/")
    assert failure.outcome in (Outcome.BLOCKED_ADDRESS, Outcome.DNS, Outcome.BAD_REDIRECT)
    assert recorder.opened == []


class Names(AbstractResolver):
    """A name server of our own."""

    def __init__(self, **names: list[str]) -> None:
        self.names = names

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=a, port=port, family=socket.AF_INET, proto=0, flags=0)
            for a in self.names[host.partition(".")[0]]
        ]

    async def close(self) -> None:
        pass


async def test_h17_a_name_that_turns_private_is_refused_when_it_is_dialled(
    downloads: Open, recorder: Recorder
) -> None:
    async with serving(lambda _: asyncio.sleep(0, web.Response(text="hello"))) as site:
        port = site.url.rpartition(":")[2]
        of = downloads(lookup=Names(before=["127.0.0.1"], after=["127.0.0.2"], many=["10.0.0.1", "10.0.0.2"]))
        assert (await of.fetch(f"http://before.example:{port}/", {}, SECONDS)).status == 200
        failure = await outcome(of, f"http://after.example:{port}/")
        assert failure.outcome is Outcome.BLOCKED_ADDRESS
        assert "127.0.0.2" in failure.detail
        assert (await outcome(of, f"http://many.example:{port}/")).outcome is Outcome.BLOCKED_ADDRESS
    assert recorder.opened == ["127.0.0.1"]


# ---- unpacking

TEXT = b"<rss>" + b"A headline, and another one. " * 5000 + b"</rss>"


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


def streamed_zstd(data: bytes) -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()  # does not say in its head how much there is
    return packer.compress(data) + packer.flush()


PACKED = [
    ("gzip", gzip.compress(TEXT)),
    ("x-gzip", gzip.compress(TEXT)),
    ("GZIP", gzip.compress(TEXT)),
    ("identity, gzip", gzip.compress(TEXT)),
    ("gzip", gzip.compress(TEXT[:100]) + gzip.compress(TEXT[100:])),
    ("deflate", zlib.compress(TEXT)),
    ("deflate", raw_deflate(TEXT)),
    ("br", brotli.compress(TEXT)),
    ("zstd", zstd(TEXT)),
    ("zstd", streamed_zstd(TEXT)),
    ("zstd", zstd(TEXT[:100]) + zstd(TEXT[100:])),
]


@pytest.mark.parametrize(("coding", "body"), PACKED)
def test_a_packed_body_is_unpacked(coding: str, body: bytes) -> None:
    assert b"".join(unpacked(coding, body)) == TEXT


@pytest.mark.parametrize(("coding", "body"), PACKED)
def test_h12_a_packed_body_that_ends_early_is_no_document(coding: str, body: bytes) -> None:
    with pytest.raises(BadEncoding):
        list(unpacked(coding, body[: len(body) // 2]))
    with pytest.raises(BadEncoding):
        list(unpacked(coding, body[:-1]))


@pytest.mark.parametrize(
    "coding", ["gzip", "deflate", "br", "zstd", "compress", "aes128gcm", "gzip, gzip", "br, gzip"]
)
def test_h29_a_body_that_is_not_what_it_says_is_an_error(coding: str) -> None:
    with pytest.raises(BadEncoding):
        list(unpacked(coding, b"<rss>plain words</rss>"))


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_an_unpacked_body_stays_as_it_is(coding: str) -> None:
    assert b"".join(unpacked(coding, TEXT)) == TEXT


def test_an_empty_body_is_empty_whatever_it_says() -> None:
    assert list(unpacked("gzip", b"")) == []


def test_bytes_behind_a_gzip_body_are_ignored() -> None:
    assert b"".join(unpacked("gzip", gzip.compress(TEXT) + b"\0\0\0 padding")) == TEXT


MIB = 1024 * 1024


def gzip_bomb(mebibytes: int) -> bytes:
    """One block of zeros, packed once and repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    return b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + block * mebibytes + b"\x03\0" + bytes(8)


def brotli_bomb(mebibytes: int) -> bytes:
    return bytes(brotli.compress(bytes(mebibytes * MIB), quality=9, lgwin=22))


def zstd_bomb(mebibytes: int) -> bytes:
    return zstandard.ZstdCompressor().compress(bytes(mebibytes * MIB))


BOMBS = {
    "H01 gzip-bomb": ("gzip", gzip_bomb(300), Outcome.TOO_LARGE),
    "H02 brotli-bomb": ("br", brotli_bomb(64), Outcome.TOO_LARGE),
    "H03 nested-gzip": ("gzip, gzip", gzip.compress(gzip_bomb(300)), Outcome.BAD_ENCODING),
    "H04 zstd-bomb": ("zstd", zstd_bomb(64), Outcome.TOO_LARGE),
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_h01_to_h04_a_bomb_is_stopped_while_it_grows(bomb: str, downloads: Open) -> None:
    coding, body, expected = BOMBS[bomb]
    head = HEAD + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (coding.encode(), len(body))
    async with raw(saying(head, body)) as url:
        assert (await outcome(downloads(), url)).outcome is expected


@pytest.mark.parametrize("bomb", ["H01 gzip-bomb", "H02 brotli-bomb", "H04 zstd-bomb"])
def test_h01_to_h04_no_step_of_a_bomb_is_large(bomb: str) -> None:
    coding, body, _ = BOMBS[bomb]
    pieces = unpacked(coding, body)
    sizes = [len(piece) for piece in islice(pieces, 10)]
    assert max(sizes) <= (8 * MIB if coding == "zstd" else 16 * PIECE)


# ---- size and time


async def forever(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    piece = b"10000\r\n" + b"x" * 65536 + b"\r\n"
    while True:
        writer.write(piece)
        await writer.drain()


async def test_h05_a_body_without_length_is_stopped_at_the_limit(downloads: Open) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"\r\n")
        while True:
            writer.write(bytes(65536))
            await writer.drain()

    async with raw(behave) as url:
        assert (await outcome(downloads(), url)).outcome is Outcome.TOO_LARGE


async def test_h06_a_length_above_the_limit_is_refused_before_the_body(downloads: Open) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(HEAD + b"Content-Length: 1000000000000\r\n\r\n")
        await asyncio.sleep(60)

    async with raw(behave) as url:
        assert (await outcome(downloads(), url)).outcome is Outcome.TOO_LARGE


async def test_h07_an_endless_body_is_stopped(downloads: Open) -> None:
    async with raw(forever) as url:
        assert (await outcome(downloads(), url)).outcome is Outcome.TOO_LARGE


async def test_h08_a_dripping_body_ends_with_the_time_for_all_of_it(downloads: Open) -> None:
    async with raw(saying(HEAD + b"Content-Length: 1000\r\n\r\n", *[b"x"] * 100, pause=0.05)) as url:
        assert (await outcome(downloads(), url, timedelta(seconds=0.3))).outcome is Outcome.TIMEOUT


async def test_h09_a_server_that_says_nothing_ends_with_the_time(downloads: Open) -> None:
    async with raw(hanging) as url:
        assert (await outcome(downloads(), url, timedelta(seconds=0.2))).outcome is Outcome.TIMEOUT


async def test_h10_a_handshake_that_hangs_ends_with_the_time(downloads: Open) -> None:
    async with raw(hanging) as url:
        secure = url.replace("http:", "https:")
        assert (await outcome(downloads(), secure, timedelta(seconds=0.2))).outcome is Outcome.TIMEOUT


async def test_the_first_bytes_of_a_long_body_will_do_where_that_is_asked(downloads: Open) -> None:
    first = Limit(1000, prefix=True)
    async with raw(forever) as url:
        assert (await downloads().fetch(url, {}, SECONDS, first)).body == b"x" * 1000
    body = gzip_bomb(300)
    async with raw(
        saying(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    ) as url:
        answer = await downloads().fetch(url, {}, SECONDS, Limit(PIECE * 8, prefix=True))
    assert len(answer.body) == PIECE * 8


async def test_a_body_just_within_the_limit_is_whole(downloads: Open) -> None:
    body = bytes(MAX_BODY)
    async with raw(saying(HEAD + b"Content-Length: %d\r\n\r\n" % MAX_BODY, body)) as url:
        assert len((await downloads().fetch(url, {}, SECONDS)).body) == MAX_BODY


@pytest.mark.parametrize(
    "pieces",
    [
        (HEAD + b"Content-Length: 100\r\n\r\n<rss>",),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\n",),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n64\r\n<rss>",),
        (HEAD,),
        (b"",),
        (b"HTTP/1.1 200",),
    ],
)
async def test_h12_an_answer_that_ends_early_is_no_document(
    pieces: tuple[bytes, ...], downloads: Open
) -> None:
    async with raw(saying(*pieces)) as url:
        assert (await outcome(downloads(), url)).outcome is Outcome.RESET


@pytest.mark.parametrize(
    "said", [b"SSH-2.0-OpenSSH_9.6\r\n\r\n", b"HTTP/1.1 abc OK\r\n\r\n", HEAD + b"X: a\x00b\r\n\r\n"]
)
async def test_an_answer_that_is_not_http_is_said_to_be_none(said: bytes, downloads: Open) -> None:
    async with raw(saying(said)) as url:
        assert (await outcome(downloads(), url)).outcome is Outcome.HTTP_ERROR


async def test_a_closed_port_is_refused(downloads: Open) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
    assert (await outcome(downloads(), f"http://127.0.0.1:{port}/")).outcome is Outcome.REFUSED


async def test_a_name_that_does_not_exist_is_said_to(downloads: Open) -> None:
    assert (await outcome(downloads(), "http://no-such-host.invalid/")).outcome is Outcome.DNS


# ---- TLS

AUTHORITY = trustme.CA()
STRANGER = trustme.CA()
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

CERTIFICATES = {
    "expired": lambda: AUTHORITY.issue_cert(
        "127.0.0.1", not_before=LONG_AGO, not_after=LONG_AGO + timedelta(days=1)
    ),
    "of a stranger": lambda: STRANGER.issue_cert("127.0.0.1"),
    "for another host": lambda: AUTHORITY.issue_cert("elsewhere.example"),
    "good": lambda: AUTHORITY.issue_cert("127.0.0.1"),
}


def server_side(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def client_side() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


@pytest.mark.parametrize("which", ["expired", "of a stranger", "for another host"])
async def test_h11_a_bad_certificate_is_refused(which: str, downloads: Open) -> None:
    tls = server_side(CERTIFICATES[which]())
    async with serving(lambda _: asyncio.sleep(0, web.Response(text="hello")), tls=tls) as site:
        failure = await outcome(downloads(tls=client_side()), site.url)
        assert failure.outcome is Outcome.TLS
        assert (
            "certificate" in failure.detail.lower()
            or "self-signed" in failure.detail.lower()
            or failure.detail
        )
        assert site.asked == []


async def test_a_good_certificate_is_taken(downloads: Open) -> None:
    tls = server_side(CERTIFICATES["good"]())
    async with serving(lambda _: asyncio.sleep(0, web.Response(text="hello")), tls=tls) as site:
        assert (await downloads(tls=client_side()).fetch(site.url, {}, SECONDS)).body == b"hello"


async def test_plain_http_on_a_tls_port_is_a_tls_failure(downloads: Open) -> None:
    async def behave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with raw(behave) as url:
        assert (await outcome(downloads(), url.replace("http:", "https:"))).outcome is Outcome.TLS


# ---- headers


async def test_h22_many_headers_are_taken_and_an_enormous_one_is_not(downloads: Open) -> None:
    many = b"".join(b"X-%d: %s\r\n" % (n, b"v" * 1000) for n in range(2000))
    async with raw(saying(HEAD + many + b"Content-Length: 2\r\n\r\nok")) as url:
        assert (await downloads().fetch(url, {}, SECONDS)).body == b"ok"
    async with raw(saying(HEAD + b"X: " + b"v" * MIB + b"\r\nContent-Length: 2\r\n\r\nok")) as url:
        assert (await outcome(downloads(), url)).outcome is Outcome.TOO_LARGE


async def test_h24_a_cookie_is_never_sent_back(downloads: Open) -> None:
    async def answer(request: web.Request) -> web.Response:
        response = web.Response(text="hello")
        response.set_cookie("track", "me")
        return response

    async with serving(answer) as site:
        of = downloads()
        for _ in range(2):
            await of.fetch(site.url, {"User-Agent": "us"}, SECONDS)
    assert [r.headers.get("Cookie") for r in site.asked] == [None, None]
    assert site.asked[0].headers["User-Agent"] == "us"


async def test_the_environment_cannot_put_a_proxy_in_between(
    downloads: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.2:9")
    async with serving(lambda _: asyncio.sleep(0, web.Response(text="hello"))) as site:
        assert (await downloads().fetch(site.url, {}, SECONDS)).body == b"hello"


async def test_nobody_reads_the_words_of_an_error(downloads: Open) -> None:
    async with raw(
        saying(b"HTTP/1.1 404 Not Found\r\nContent-Encoding: gzip\r\nContent-Length: 99999999\r\n\r\n")
    ) as url:
        answer = await downloads().fetch(url, {}, SECONDS)
    assert (answer.status, answer.body) == (404, b"")


# ---- Retry-After


async def held(downloads: Open, status: int, clock: Callable[[], datetime], **headers: str) -> Answer:
    """Asks twice; the second time is what matters."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with serving(lambda _: asyncio.sleep(0, web.Response(status=status, headers=named))) as site:
        of = downloads(clock=clock)
        await of.fetch(f"{site.url}/feed", {}, SECONDS)
        return await of.fetch(f"{site.url}/another", {}, SECONDS)


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "30"}, 30),
        (503, {"Retry_After": "30"}, 30),
        (429, {"Retry_After": "999999"}, 86400),
        (429, {"Retry_After": "soon"}, 60),
        (429, {}, 60),
        (429, {"Retry_After": "Tue, 24 Nov 2026 12:00:30 GMT", "Date": "Tue, 24 Nov 2026 12:00:00 GMT"}, 30),
    ],
)
async def test_h26_nothing_more_is_asked_of_a_host_until_its_retry_after_is_over(
    status: int, headers: dict[str, str], seconds: int, downloads: Open
) -> None:
    with pytest.raises(Held) as caught:
        await held(downloads, status, lambda: NOW, **headers)
    assert caught.value.until == NOW + timedelta(seconds=seconds)


async def test_a_hold_ends(downloads: Open) -> None:
    times = iter([NOW, NOW, NOW + timedelta(seconds=30)])
    assert (
        await held(downloads, 503, lambda: next(times, NOW + timedelta(seconds=30)), Retry_After="30")
    ).status == 503


@pytest.mark.parametrize(
    ("status", "headers"), [(503, {}), (500, {"Retry_After": "30"}), (200, {"Retry_After": "30"})]
)
async def test_other_answers_hold_nobody(status: int, headers: dict[str, str], downloads: Open) -> None:
    assert (await held(downloads, status, lambda: NOW, **headers)).status == status


# ---- abort


async def test_abort_ends_all_that_hangs_at_once(downloads: Open) -> None:
    async with raw(hanging) as url:
        of = downloads()
        running = [asyncio.create_task(of.fetch(url, {}, SECONDS)) for _ in range(40)]
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        of.abort()
        ended = await asyncio.gather(*running, return_exceptions=True)
        assert asyncio.get_running_loop().time() - began < 0.5
        with pytest.raises(Aborted):
            await of.fetch(url, {}, SECONDS)
    assert all(isinstance(each, Aborted) for each in ended)


def test_h25_nothing_a_header_names_is_imported() -> None:
    """Scrapy's Referrer-Policy middleware once did; `crawl` loads no spider middleware at all."""
    text = Path("crawler/crawl.py").read_text(encoding="utf-8")
    assert '"SPIDER_MIDDLEWARES_BASE": {}' in text

"""What sites say: feeds, honest answers, and all the ways to answer badly.

Lives here: bytes. Not here: who says them when (`stages`), what must come of it (the tests).
"""

import asyncio
import functools
import gzip
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import format_datetime
from html import escape

import brotli
import zstandard

from tests.hostile.world import Answer, Asked

MIB = 1024 * 1024
BOMB = 300  # MiB, unpacked

# ---- feeds


def rss(*items: str, prolog: str = '<?xml version="1.0" encoding="UTF-8"?>') -> str:
    return (
        f'{prolog}<rss version="2.0"><channel><title>A paper</title><language>en</language>'
        f"{''.join(items)}</channel></rss>"
    )


def item(title: str, link: str, published: datetime, more: str = "") -> str:
    """`title` is markup already: what is said is what is sent."""
    return (
        f"<item><title>{title}</title><link>{escape(link)}</link><guid>{escape(link)}</guid>"
        f"<pubDate>{format_datetime(published)}</pubDate>{more}</item>"
    )


# ---- answers


def head(status: str, *headers: str | bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Connection: close", *headers]
    raw = [line.encode("latin-1") if isinstance(line, str) else line for line in lines]
    return b"\r\n".join(raw) + b"\r\n\r\n"


FEED = "Content-Type: application/rss+xml"
PAGE = "Content-Type: text/html; charset=utf-8"


def say(*pieces: bytes, pause: float = 0.0) -> Answer:
    """These bytes and no others."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            if pause:
                await asyncio.sleep(pause)

    return answer


def reply(body: str | bytes = b"", *headers: str | bytes, status: str = "200 OK", kind: str = FEED) -> Answer:
    """A well-formed answer, whatever its words."""
    said = body.encode() if isinstance(body, str) else body
    return say(head(status, kind, f"Content-Length: {len(said)}", *headers) + said)


def redirect(to: str | bytes, status: str = "302 Found") -> Answer:
    where = to.encode() if isinstance(to, str) else to
    return say(head(status, b"Location: " + where, "Content-Length: 0"))


def chain(length: int, end: Answer) -> Answer:
    """So many redirects, then the answer."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        done = int(asked.path.rpartition("/")[2]) if asked.path[-1].isdigit() else 0
        step = redirect(f"/hop/{done + 1}") if done < length else end
        await step(asked, writer)

    return answer


def flood(*headers: str, piece: bytes = bytes(64 * 1024), begin: bytes = b"", pieces: int = 16_384) -> Answer:
    """A gigabyte, unless somebody hangs up."""

    async def answer(_: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(head("200 OK", *headers) + begin)
        for _ in range(pieces):
            writer.write(piece)
            await writer.drain()

    return answer


def packed(coding: str, body: Callable[[], bytes], kind: str = FEED) -> Answer:
    """The body is made when it is asked for: a bomb takes its time."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await reply(body(), f"Content-Encoding: {coding}", kind=kind)(asked, writer)

    return answer


# ---- bombs: a feed whose title never ends


def _endless() -> Iterator[bytes]:
    yield b"<rss><channel><item><title>".ljust(MIB)
    yield from [bytes(MIB)] * (BOMB - 1)


@functools.cache
def gzip_bomb() -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    return b"".join(packer.compress(piece) for piece in _endless()) + packer.flush()


@functools.cache
def nested_bomb() -> bytes:
    return gzip.compress(gzip_bomb())


@functools.cache
def brotli_bomb() -> bytes:
    packer = brotli.Compressor(quality=5, lgwin=22)
    return b"".join(packer.process(piece) for piece in _endless()) + bytes(packer.finish())


@functools.cache
def zstd_bomb() -> bytes:
    packer = zstandard.ZstdCompressor().compressobj()
    return b"".join(packer.compress(piece) for piece in _endless()) + packer.flush()

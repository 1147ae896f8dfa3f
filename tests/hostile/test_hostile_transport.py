"""H01-H30: whatever a server does on the wire costs itself alone, through the whole product.

Every row is a source that was honest, is at its worst, and does better. What must hold of all of them (E0) is
in `stages`; a row adds what the table of hostile inputs says of it alone.
"""

import asyncio
import gzip
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from crawler.fetches import Outcome
from crawler.hosts import origin
from tests.hostile.answers import (
    FEED,
    brotli_bomb,
    chain,
    flood,
    gzip_bomb,
    head,
    nested_bomb,
    packed,
    redirect,
    reply,
    say,
    zstd_bomb,
)
from tests.hostile.stages import Case, Check, Played, Saying, Stage, news, play
from tests.hostile.world import Answer, Asked

Packing = Callable[[bytes], bytes]

# ---- how they answer


def calm(*headers: str | bytes, status: str = "200 OK") -> Saying:
    """A good feed with something odd in its head."""
    return lambda stage: reply(stage.feed(), *headers, status=status)


def status(line: str, *headers: str) -> Saying:
    return lambda stage: reply("<html>Sorry.</html>", *headers, status=line, kind="Content-Type: text/html")


def to(target: str) -> Saying:
    """A redirect; {port} is the canary's."""
    return lambda stage: redirect(target.format(port=stage.web.canary.port))


def cut(*headers: str, body: Packing = bytes, keep: float = 0.9) -> Saying:
    """A good feed that ends early, although its news is all there."""

    def saying(stage: Stage) -> Answer:
        feed = body((stage.feed() + " " * 4000).encode())
        return say(
            head("200 OK", FEED, 'ETag: "half"', f"Content-Length: {len(feed)}", *headers)
            + feed[: int(len(feed) * keep)]
        )

    return saying


def chunked(*chunks: bytes, end: bool) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + (b"0\r\n\r\n" if end else b"")


def chunked_and_cut(stage: Stage) -> Answer:
    return say(head("200 OK", FEED, "Transfer-Encoding: chunked"), chunked(stage.feed().encode(), end=False))


def endless_chunks(_: Stage) -> Answer:
    piece = chunked(b"<item><title>More</title></item>" * 2000, end=False)
    return flood(FEED, "Transfer-Encoding: chunked", piece=piece)


def gzip_cut_inside(stage: Stage) -> Answer:
    """The length is right, what it packs is not all there."""
    return reply(gzip.compress(stage.feed().encode())[:-40], "Content-Encoding: gzip")


def circle(_: Stage) -> Answer:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await redirect("/feed" if asked.path == "/there" else "/there")(asked, writer)

    return answer


def sent_astray(stage: Stage) -> Answer:
    """A redirect that would become a header, if somebody decoded it; everything else is the feed."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        bad = "/on%0d%0aX-Injected:%20yes\u560d\u560aX-Injected:%20yes"
        await (redirect(bad) if asked.path == "/feed" else reply(stage.feed()))(asked, writer)

    return answer


def with_cookie(stage: Stage) -> Answer:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        cookie = "Set-Cookie: who=you; Path=/; Max-Age=999999"
        step = reply(stage.feed(), cookie) if asked.path == "/on" else say(
            head("302 Found", "Location: /on", cookie, "Content-Length: 0")
        )  # fmt: skip
        await step(asked, writer)

    return answer


# ---- what must come of it beyond E0


def nothing_of_it_is_remembered(played: Played) -> None:
    """Neither its entries nor its validators: the next question is a whole one."""
    assert played.product.titles(played.source.id).count(played.stage.news) == 0
    assert [asked.header("If-None-Match") for asked in played.asked_again if asked.path == "/feed"] == [None]


def asked_at_most(times: int) -> Check:
    def check(played: Played) -> None:
        assert len([path for path in played.paths if path != "/robots.txt"]) <= times

    return check


def never_asked_for_the_feed(played: Played) -> None:
    assert set(played.paths) <= {"/robots.txt"}


def heads(played: Played) -> bytes:
    return b"\n".join(asked.head for asked in [*played.asked, *played.asked_again]).lower()


def no_header_of_theirs(played: Played) -> None:
    assert b"\nx-injected" not in heads(played).replace(b"\r", b"\n")
    assert b"\0" not in heads(played)


def no_validator_goes_back(played: Played) -> None:
    no_header_of_theirs(played)
    assert b"if-none-match" not in heads(played)
    assert b"if-modified-since" not in heads(played)


def no_cookie_comes_back(played: Played) -> None:
    assert "/on" in played.paths
    assert [a.header("Cookie") for a in [*played.asked, *played.asked_again] if a.header("Cookie")] == []


def nothing_is_imported(played: Played) -> None:
    assert "antigravity" not in sys.modules  # of the standard library, and nobody's errand
    assert [a.header("Referer") for a in played.asked if a.header("Referer")] == []


def held_for(expected: timedelta) -> Check:
    """The host is left alone for so long; never for more than a day."""

    def check(played: Played) -> None:
        (row,) = played.product.rows(
            "SELECT held_until FROM hosts WHERE host = :host", host=origin(played.site.url)
        )
        wait = played.source.next_due_at - played.source.fetched_at
        assert expected <= wait <= expected * 1.02 + timedelta(seconds=1)
        assert row.held_until is not None

    return check


def due_within(longest: timedelta) -> Check:
    def check(played: Played) -> None:
        assert timedelta(0) < played.source.next_due_at - played.source.fetched_at <= longest

    return check


def the_ops_channel_hears(played: Played) -> None:
    said = played.product.rows("SELECT body FROM deliveries WHERE channel = 'ops'")
    assert any(played.source.id in str(row.body) for row in said)


def no_buttons(played: Played) -> None:
    kinds = [block["type"] for told in played.told for block in told.request["blocks"]]
    assert "actions" not in kinds
    assert [path for path in played.paths if path != "/robots.txt"] == ["/feed"]


def the_page_was_read(played: Played) -> None:
    assert played.paths == ["/robots.txt", "/feed", "/news"]


BLOCKED = frozenset({Outcome.BLOCKED_ADDRESS, Outcome.BAD_REDIRECT, Outcome.DNS})
REFRESH = '<meta http-equiv="refresh" content="0; url={}"><title>x</title><p>{}</p>'
RULES = b"User-agent: *\nDisallow: /private\n"
HOUR = timedelta(hours=1)

ODD_HOSTS = {
    "decimal": "2130706434", "hexadecimal": "0x7f000002", "octal": "0177.0.0.2", "short": "127.2",
    "zero": "0.0.0.0", "IPv6 loopback": "[::1]", "mapped": "[::ffff:127.0.0.2]",
    "mapped in hexadecimal": "[::ffff:7f00:2]", "trailing dot": "127.0.0.2.", "userinfo": "user@127.0.0.2",
    "userinfo like an allowed host": "127.0.1.1@127.0.0.2", "localhost": "localhost",
    "localhost and a dot": "localhost.", "ideographic dots": "127。0。0。2", "circled digits": "①②⑦.0.0.2",
}  # fmt: skip

BOMBS = [
    Case("H01 gzip-bomb", lambda _: packed("gzip", gzip_bomb), Outcome.TOO_LARGE),
    Case("H02 brotli-bomb", lambda _: packed("br", brotli_bomb), Outcome.TOO_LARGE),
    Case("H03 nested-gzip", lambda _: packed("gzip, gzip", nested_bomb), Outcome.BAD_ENCODING),
    Case("H04 zstd-bomb", lambda _: packed("zstd", zstd_bomb), Outcome.TOO_LARGE),
    Case("H05 big-body", lambda _: flood(FEED, begin=b"<rss>"), Outcome.TOO_LARGE),
    Case(
        "H06 big-length",
        lambda _: flood(FEED, f"Content-Length: {10**12}", begin=b"<rss>", pieces=1),
        Outcome.TOO_LARGE,
    ),
    Case("H07 endless", endless_chunks, Outcome.TOO_LARGE),
    Case(
        "H21 robots-bomb",
        calm(),
        told=news,
        robots=lambda _: flood(
            "Content-Type: text/plain", begin=RULES, piece=b"# padding\n" * 6400, pieces=800
        ),
    ),
    Case("H21 robots-gzip-bomb", calm(), told=news, robots=lambda _: packed("gzip", gzip_bomb)),
]

CASES = [
    Case("H08 drip", lambda _: say(head("200 OK", FEED), *[b"<"] * 100, pause=0.3), Outcome.TIMEOUT),
    Case("H09 hang-headers", lambda _: say(b"HTTP/1.1 200 OK\r\n", pause=60), Outcome.TIMEOUT),
    Case("H09 hang-at-once", calm(), Outcome.TIMEOUT, mute=True),
    Case("H10 hang-handshake", calm(), Outcome.TIMEOUT, tls="good", mute=True),
    Case("H11 expired", calm(), Outcome.TLS, tls="expired"),
    Case("H11 self-signed", calm(), Outcome.TLS, tls="self-signed"),
    Case("H11 wrong-host", calm(), Outcome.TLS, tls="wrong-host"),
    Case("H11 good certificate", calm(), told=news, tls="good"),
    Case("H12 truncated", cut(), Outcome.RESET, check=nothing_of_it_is_remembered),
    Case("H12 truncated chunks", chunked_and_cut, Outcome.RESET, check=nothing_of_it_is_remembered),
    Case(
        "H12 truncated gzip",
        cut("Content-Encoding: gzip", body=gzip.compress),
        Outcome.RESET,
        check=nothing_of_it_is_remembered,
    ),
    Case(
        "H12 truncated inside gzip", gzip_cut_inside, Outcome.BAD_ENCODING, check=nothing_of_it_is_remembered
    ),
    Case("H13 redirect-loop", to("/feed"), Outcome.BAD_REDIRECT, check=asked_at_most(6)),
    Case("H13 redirect-circle", circle, Outcome.BAD_REDIRECT, check=asked_at_most(6)),
    Case("H14 five redirects", lambda s: chain(5, reply(s.feed())), told=news),
    Case(
        "H14 six redirects", lambda s: chain(6, reply(s.feed())), Outcome.BAD_REDIRECT, check=asked_at_most(6)
    ),
    Case("H15 redirect-private", to("http://127.0.0.2:{port}/"), Outcome.BLOCKED_ADDRESS),
    Case(
        "H15 robots-redirect-private",
        calm(),
        Outcome.BLOCKED_ADDRESS,
        robots=to("http://127.0.0.2:{port}/robots.txt"),
        check=never_asked_for_the_feed,
    ),
    *(
        Case(f"H16 redirect-{target.partition(':')[0]}", to(target), Outcome.BAD_REDIRECT)
        for target in (
            "file:///etc/passwd",
            "data:text/xml,x",
            "ftp://127.0.0.2:{port}/x",
            "javascript:alert(1)",
        )
    ),
    Case("H17 rebind", calm(), Outcome.BLOCKED_ADDRESS, named=True, check=never_asked_for_the_feed),
    *(
        Case(f"H18 odd-host {name}", to(f"http://{host}:{{port}}/"), BLOCKED)
        for name, host in ODD_HOSTS.items()
    ),
    Case(
        "H19 article-link-private",
        lambda s: reply(s.feed(s.item().replace(f"{s.site.url}/news", s.forbidden))),
        told=news,
        check=no_buttons,
    ),
    Case(
        "H20 meta-refresh",
        calm(),
        told=news,
        pages={"/news": lambda s: reply(REFRESH.format(s.forbidden, s.news), kind="Content-Type: text/html")},
        check=the_page_was_read,
    ),
    Case(
        "H20 meta-refresh of a feed",
        lambda s: reply(REFRESH.format(s.forbidden, s.news), kind="Content-Type: text/html"),
        Outcome.NOT_A_FEED,
    ),
    Case(
        "H21 robots-deny",
        calm(),
        Outcome.ROBOTS,
        robots=lambda _: reply("User-agent: *\nDisallow: /\n"),
        check=never_asked_for_the_feed,
    ),
    Case("H21 robots-hang", calm(), Outcome.TIMEOUT, robots=lambda _: say(b"HTTP/1.1 200", pause=60)),
    Case("H22 header-flood", calm(*(f"X-{n}: {'v' * 1000}" for n in range(2000))), told=news),
    Case("H22 enormous header", calm("X-Policy: " + "v" * 2**20), Outcome.TOO_LARGE),
    Case("H23 etag with NUL", calm(b'ETag: "a\0b"'), Outcome.HTTP_ERROR, check=no_validator_goes_back),
    Case(
        "H23 etag with line ends",
        calm('ETag: "a\r\nX-Injected: yes"'),
        told=news,
        check=no_header_of_theirs,
    ),
    Case(
        "H23 etag folded",
        calm('ETag: "a\r\n X-Injected: yes"', "Last-Modified: \r\n\tX-Injected: yes"),
        told=news,
        check=no_header_of_theirs,
    ),
    Case(
        "H23 etag with a lone CR",
        calm('ETag: "a\rX-Injected: yes"'),
        Outcome.HTTP_ERROR,
        check=no_validator_goes_back,
    ),
    Case("H23 etag of 60 kB", calm(f'ETag: "{"e" * 60_000}"'), told=news, check=no_validator_goes_back),
    Case(
        "H23 last-modified in bytes",
        calm(b"Last-Modified: \xff\xfe\x80"),
        told=news,
        check=no_validator_goes_back,
    ),
    Case(
        "H23 location with line ends",
        sent_astray,
        told=news,
        check=no_header_of_theirs,
    ),
    Case("H24 cookie-track", with_cookie, told=news, check=no_cookie_comes_back),
    Case(
        "H25 referrer-policy-exec",
        calm("Referrer-Policy: antigravity.fly"),
        told=news,
        check=nothing_is_imported,
    ),
    Case("H26 200 with a page", status("200 OK"), Outcome.NOT_A_FEED),
    Case("H26 403", status("403 Forbidden"), Outcome.FORBIDDEN, check=due_within(HOUR)),
    Case("H26 404", status("404 Not Found"), Outcome.NOT_FOUND, check=due_within(HOUR)),
    Case("H26 410", status("410 Gone"), Outcome.GONE, check=the_ops_channel_hears),
    Case("H26 418", status("418 I'm a teapot"), Outcome.HTTP_ERROR, check=due_within(HOUR)),
    Case("H26 500", status("500 Oops"), Outcome.SERVER_ERROR, check=due_within(HOUR)),
    Case("H26 503", status("503 Busy"), Outcome.SERVER_ERROR, check=due_within(HOUR)),
    Case(
        "H26 503 and a while",
        status("503 Busy", "Retry-After: 1800"),
        Outcome.RATE_LIMITED,
        check=held_for(timedelta(minutes=30)),
    ),
    Case(
        "H26 429 a day",
        status("429 Slow", "Retry-After: 86400"),
        Outcome.RATE_LIMITED,
        check=held_for(24 * HOUR),
    ),
    Case(
        "H26 429 a century",
        status("429 Slow", "Retry-After: 3153600000"),
        Outcome.RATE_LIMITED,
        check=held_for(24 * HOUR),
    ),
    Case(
        "H26 429 soon", status("429 Slow", "Retry-After: soon"), Outcome.RATE_LIMITED, check=due_within(HOUR)
    ),
    Case("H29 decoy gzip", calm("Content-Encoding: gzip"), Outcome.BAD_ENCODING),
    Case("H29 decoy brotli", calm("Content-Encoding: br"), Outcome.BAD_ENCODING),
    Case("H29 unknown encoding", calm("Content-Encoding: rot13"), Outcome.BAD_ENCODING),
    Case(
        "H30 html", lambda _: reply("<!doctype html><title>OpenAI and Microsoft</title>"), Outcome.NOT_A_FEED
    ),
    Case("H30 png", lambda _: reply(b"\x89PNG\r\n\x1a\n" + bytes(500)), Outcome.NOT_A_FEED),
    Case("H30 json", lambda s: reply(f'{{"items": [{{"title": "{s.news}"}}]}}'), Outcome.NOT_A_FEED),
    Case("H30 pdf", lambda _: reply(b"%PDF-1.7\n" + bytes(500)), Outcome.NOT_A_FEED),
    Case("H30 nothing", lambda _: reply(b""), Outcome.EMPTY),
]


async def test_h01_to_h07_bombs_and_floods_are_stopped_while_they_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    for bomb in (gzip_bomb, nested_bomb, brotli_bomb, zstd_bomb):
        bomb()  # made here, they do not hold up the sites
    await play(BOMBS, tmp_path, monkeypatch, subtests)


async def test_h08_to_h30_what_a_server_does_on_the_wire_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.setattr("crawler.download.LOOKUP_LIFE", 0)  # H17: the name server is asked every time
    await play(CASES, tmp_path, monkeypatch, subtests)

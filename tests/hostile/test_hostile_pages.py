"""What the page behind an entry does: the entry's own words are told all the same, once.

Rows as in `stages`; each site shows a good feed whose news has a hostile page.
"""

import gzip
from pathlib import Path

import pytest

from crawler.fetches import Outcome
from tests.hostile.answers import PAGE, flood, gzip_bomb, head, packed, redirect, reply, say
from tests.hostile.stages import Case, Check, Played, Saying, Stage, news, play
from tests.hostile.world import Answer

SENTENCE = "OpenAI said on Monday that its partnership with Microsoft is under strain, and both are in talks."


def html(body: str, start: str = "") -> str:
    text = f"<p>{SENTENCE}</p><p>{'Nobody knows how it ends, and everybody asks. ' * 8}</p>"
    return f"<html><head><title>News</title>{start}</head><body><article>{text}{body}</article></body></html>"


def page(id_: str, behind: Saying, outcome: Outcome, check: Check | None = None) -> Case:
    """`outcome`: of the page in the end, when the site does better and those that may be are tried again."""

    def checked(played: Played) -> None:
        (row,) = played.product.rows(
            "SELECT page, page_outcome FROM articles WHERE link = :link", link=f"{played.site.url}/news"
        )
        assert row.page_outcome == outcome
        if check is not None:
            check(played)

    return Case(id_, lambda stage: reply(stage.feed()), told=news, pages={"/news": behind}, check=checked)


def with_the_sentence(played: Played) -> None:
    """The page was read: its best sentence is in the message."""
    said = "".join(element["text"] for element in played.told[0].sentence)
    assert "partnership with Microsoft is under strain" in said


def told_without_it(played: Played) -> None:
    """Nobody waited for it. (It was tried again when the site did better.)"""
    assert played.told[0].sentence == []


def say_page(body: str | bytes, *headers: str) -> Saying:
    return lambda _: reply(body, *headers, kind=PAGE)


def private(stage: Stage) -> Answer:
    return redirect(stage.forbidden)


def with_references_to_the_canary(stage: Stage) -> Answer:
    at = stage.forbidden
    return reply(
        html(
            f'<img src="{at}"><iframe src="{at}"></iframe><script src="{at}"></script>'
            f'<object data="{at}"></object>',
            f'<base href="{at}"><link rel="stylesheet" href="{at}"><link rel="amphtml" href="{at}">'
            f'<meta http-equiv="refresh" content="0; url={at}"><link rel="canonical" href="{at}">',
        ),
        kind=PAGE,
    )


CASES = [
    page("H01 page of a gzip-bomb", lambda _: packed("gzip", gzip_bomb, PAGE), Outcome.TOO_LARGE),
    page("H05 big page", lambda _: flood(PAGE, begin=b"<html>"), Outcome.TOO_LARGE),
    page(
        "H08 dripping page",
        lambda _: say(head("200 OK", PAGE), *[b"<"] * 100, pause=0.3),
        Outcome.OK,
        told_without_it,
    ),
    page("H09 page that hangs", lambda _: say(b"HTTP/1.1 200 OK\r\n", pause=60), Outcome.OK, told_without_it),
    page(
        "H12 truncated page",
        lambda _: say(head("200 OK", PAGE, "Content-Length: 9000"), html("").encode()),
        Outcome.OK,
        told_without_it,
    ),
    page("H13 page in a circle", lambda _: redirect("/news"), Outcome.BAD_REDIRECT),
    page("H15 page redirected to a private address", private, Outcome.BLOCKED_ADDRESS),
    page("H16 page redirected to a file", lambda _: redirect("file:///etc/passwd"), Outcome.BAD_REDIRECT),
    page("H20 page full of references", with_references_to_the_canary, Outcome.OK, with_the_sentence),
    page("H24 page with a cookie", say_page(html(""), "Set-Cookie: who=you"), Outcome.OK, with_the_sentence),
    page("H26 page that is gone", lambda _: reply(status="410 Gone"), Outcome.GONE),
    page("H29 page said to be gzip", say_page(html(""), "Content-Encoding: gzip"), Outcome.BAD_ENCODING),
    page(
        "H29 page in gzip",
        say_page(gzip.compress(html("").encode()), "Content-Encoding: gzip"),
        Outcome.OK,
        with_the_sentence,
    ),
    page("H30 page that is a picture", say_page(b"\x89PNG\r\n\x1a\n" + bytes(900)), Outcome.MALFORMED),
    page("H36 page of comments", say_page(html("<!--" * 50_000)), Outcome.OK),
    page("H37 deep page", say_page(html("<div>" * 100_000)), Outcome.OK),
    page("H38 page of one word", say_page(html(f"<p>{'x' * (4 << 20)}</p>")), Outcome.OK),
    page(
        "H41 page in latin-1 said to be UTF-8",
        say_page(html("<p>déjà vu</p>").encode("cp1252")),
        Outcome.OK,
        with_the_sentence,
    ),
    page(
        "H42 page with NUL", say_page(html("\0").replace("Monday", "Mon\0day")), Outcome.OK, with_the_sentence
    ),
    page("H48 page of nothing", say_page("<html>"), Outcome.MALFORMED),
]


async def test_a_hostile_page_costs_only_its_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    gzip_bomb()
    await play(CASES, tmp_path, monkeypatch, subtests)

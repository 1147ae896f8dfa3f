"""H31-H50: whatever a document says costs itself alone, and what people get to see is plain words.

Rows as in `stages`. Beside the hostile entry of a feed stands one that must be told all the same.
"""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from tests.hostile.answers import item, reply, rss
from tests.hostile.stages import Case, Check, Played, Saying, Stage, news, play
from tests.hostile.world import Answer

SECRET = "what-only-this-machine-knows"
BY = "OpenAI and Microsoft strain their partnership"  # how most headlines here begin


def feed(*items: Callable[[Stage], str], prolog: str | None = None) -> Saying:
    """These entries, and the row's own news."""

    def saying(stage: Stage) -> Answer:
        said = [one(stage) for one in items]
        return reply(rss(*said, stage.item(), **({} if prolog is None else {"prolog": prolog})))

    return saying


def odd(title: str, more: str = "") -> Callable[[Stage], str]:
    """An entry beside the news."""
    return lambda stage: stage.item(title, "/odd", more)


def titled(markup: str, prolog: str | None = None) -> Saying:
    """A feed of one entry, whose headline is {} and the row's id."""

    def saying(stage: Stage) -> Answer:
        one = stage.item(markup.replace("{id}", stage.id))
        return reply(rss(one, **({} if prolog is None else {"prolog": prolog})))

    return saying


def shown(words: str) -> Callable[[Stage], str]:
    return lambda stage: words.replace("{id}", stage.id)


def in_bytes(charset: str, title: str, declared: str | None = None, header: str | None = None) -> Saying:
    """The document in one charset; it and the header say another."""

    def saying(stage: Stage) -> Answer:
        prolog = f'<?xml version="1.0"{f" encoding={declared!r}" if declared else ""}?>'
        body = rss(stage.item(title.replace("{id}", stage.id)), prolog=prolog).encode(charset)
        kind = "Content-Type: application/rss+xml" + (f"; charset={header}" if header else "")
        return reply(body, kind=kind)

    return saying


def with_bytes(title: bytes) -> Saying:
    """Bytes that are no UTF-8, inside the headline."""

    def saying(stage: Stage) -> Answer:
        return reply(rss(stage.item("TITLE")).encode().replace(b"TITLE", title + stage.id.encode()))

    return saying


def linking(link: str) -> Saying:
    return lambda stage: reply(rss(item(stage.news, link, stage.now)))


def atom(link: str, base: str) -> Saying:
    def saying(stage: Stage) -> Answer:
        at = base.replace("{site}", stage.site.url)
        return reply(
            f'<feed xmlns="http://www.w3.org/2005/Atom" {at}><title>A paper</title>'
            f'<entry><id>urn:{stage.id}</id><title>{stage.news}</title><link href="{escape(link)}"/>'
            f"<updated>{stage.now.isoformat()}</updated></entry></feed>",
            kind="Content-Type: application/atom+xml",
        )

    return saying


# ---- documents that are attacks

ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
LAUGHS = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a0 "lol">{ENTITIES}]>'
BLOWUP = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "{"x" * 100_000}">]>'


def file_of_ours(stage: Stage) -> Answer:
    secret = stage.directory / "secret.txt"
    secret.write_text(SECRET)
    prolog = f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY f SYSTEM "{secret.as_uri()}">]>'
    return feed(odd("&f; OpenAI and Microsoft sign a deal", "<description>&f;</description>"), prolog=prolog)(
        stage
    )


def definitions_elsewhere(stage: Stage) -> Answer:
    at = stage.forbidden
    prolog = (
        f'<?xml version="1.0"?><?xml-stylesheet href="{at}"?>'
        f'<!DOCTYPE rss SYSTEM "{at}" [<!ENTITY % p SYSTEM "{at}"> %p; <!ENTITY f SYSTEM "{at}">]>'
    )
    return feed(odd("&f;"), prolog=prolog)(stage)


def ten_thousand(stage: Stage) -> Answer:
    said = "<description>Says enough that nobody has to look at the page behind it to tell.</description>"
    small = [stage.item(f"Report number {n}", f"/{n}", said) for n in range(9_997)]
    for n, place in enumerate((10, 5_000, 9_900)):
        small.insert(place, stage.item(f"{BY}, case {stage.id} part {n}", f"/part{n}"))
    return reply(rss(*small))


def parts(stage: Stage) -> tuple[str, ...]:
    return tuple(f"{BY}, case {stage.id} part {n}" for n in range(3))


def clipped(stage: Stage) -> str:
    return f"{BY}, case {stage.id} ".ljust(299, "x") + "…"


# ---- what must come of it beyond E0


def the_secret_is_nowhere(played: Played) -> None:
    assert SECRET not in played.product.dump()
    assert not any(SECRET in str(message) for message in played.product.slack.messages)


def titles_are_short(played: Played) -> None:
    assert max(len(title) for title in played.product.titles(played.source.id)) <= 300


def entries(count: int) -> Check:
    def check(played: Played) -> None:
        assert len(played.product.titles(played.source.id)) == count

    return check


def flagged_as_look_alike(played: Played) -> None:
    assert "look-alike" in played.told[0].small_print


def linked_to(*paths: str) -> Check:
    """Whole addresses, or paths on the site."""

    def check(played: Played) -> None:
        assert played.told[0].links == [path if "://" in path else played.site.url + path for path in paths]

    return check


def words_act_nowhere(played: Played) -> None:
    said = played.told[0].request["text"]
    assert "<!" not in said
    assert "<@" not in said
    assert "<http://evil" not in said


def fullwidth(words: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in words)


FRENCH = "OpenAI et Microsoft : un partenariat déchiré à l’été, {id}"
ACCENTS = "OpenAI et Microsoft : un partenariat déchiré à l’été, après près d’une décennie ? de durée, "
CONTROLS = "OpenAI \x1b[31mand\x07 Microsoft strain their\r\n partnership\u2028, {id}"
SHOWN_CONTROLS = "OpenAI and Microsoft strain their partnership , {id}"

CASES = [
    Case("H31 billion-laughs", feed(odd("&a9;"), prolog=LAUGHS), told=news),
    Case("H32 quadratic-blowup", feed(odd("&a;" * 5_000), prolog=BLOWUP), told=news, check=titles_are_short),
    Case(
        "H33 xxe-file",
        file_of_ours,
        told=lambda s: ("&f; OpenAI and Microsoft sign a deal", s.news),
        check=the_secret_is_nowhere,
    ),
    Case("H34 xxe-http", definitions_elsewhere, told=news),
    Case("H35 author-redos", feed(odd("x", f"<author>a@{'a.' * 64_000}!</author>")), told=news),
    Case("H36 comment-redos", feed(odd("x", f"<description>{'&lt;!--' * 50_000}</description>")), told=news),
    Case(
        "H37 deep-nesting of HTML",
        feed(odd("x", f"<description>{'&lt;div>' * 100_000}</description>")),
        told=news,
    ),
    Case("H37 deep-nesting of XML", feed(odd("x", "<a>" * 20_000 + "</a>" * 20_000)), told=news),
    Case(
        "H38 huge-text", titled(f"{BY}, case {{id}} {'x' * (4 << 20)}"), told=clipped, check=titles_are_short
    ),
    Case("H39 10k-entries", ten_thousand, told=parts, check=entries(10_002)),
    Case("H40 no-entries", lambda _: reply(rss())),
    Case(
        "H41 windows-1252 said to be UTF-8", in_bytes("cp1252", FRENCH, "utf-8", "utf-8"), told=shown(FRENCH)
    ),
    Case(
        "H41 UTF-8 said to be latin-1",
        in_bytes("utf-8", FRENCH, "iso-8859-1", "iso-8859-1"),
        told=shown(FRENCH),
    ),
    Case("H41 UTF-16 little, no BOM", in_bytes("utf-16-le", FRENCH), told=shown(FRENCH)),
    Case("H41 UTF-16 big, no BOM", in_bytes("utf-16-be", FRENCH, header="utf-8"), told=shown(FRENCH)),
    Case(
        "H41 UTF-7",
        in_bytes("ascii", f"{BY} +ADw-b+AD4-, {{id}}", "utf-7", "utf-7"),
        told=shown(f"{BY} +ADw-b+AD4-, {{id}}"),
    ),
    Case(
        "H42 bad-utf8",
        with_bytes(ACCENTS.replace("?", "\udcff\udcfe").encode("utf-8", "surrogateescape")),
        told=lambda s: ACCENTS.replace("?", "\ufffd\ufffd") + s.id,
    ),
    Case("H42 nul", with_bytes(f"{BY}, ".replace("nA", "n\0A").encode()), told=shown(f"{BY}, {{id}}")),
    Case("H43 surrogate", titled(f"&#xD800;{BY}&#xDFFF;, {{id}}"), told=shown(f"{BY}, {{id}}")),
    Case("H44 control", titled(CONTROLS), told=shown(SHOWN_CONTROLS)),
    Case(
        "H44 control by number",
        titled(f"{BY}&#27;[0m&#7;&#x2028;, {{id}}"),
        told=shown(f"{BY} , {{id}}"),
    ),
    Case(
        "H45 bidi and zero-width",
        titled("\u202eOpen\u200bAI\u202c and Micro\u200d\u2060soft strain their partnership\ufeff, {id}"),
        told=shown(f"{BY}, {{id}}"),
    ),
    Case(
        "H46 homoglyph Cyrillic",
        titled("ОpenАI and Мicrosoft strain their partnership, {id}"),
        told=shown("ОpenАI and Мicrosoft strain their partnership, {id}"),
        check=flagged_as_look_alike,
    ),
    Case(
        "H46 homoglyph fullwidth",
        titled(f"{fullwidth('OpenAI')} and {fullwidth('Microsoft')} strain their partnership, {{id}}"),
        told=shown(f"{fullwidth('OpenAI')} and {fullwidth('Microsoft')} strain their partnership, {{id}}"),
    ),
    Case(
        "H46 homoglyph NFD",
        titled(f"OpenAI et Microsoft : un {unicodedata.normalize('NFD', 'désaccord')}, {{id}}"),
        told=lambda s: unicodedata.normalize("NFD", f"OpenAI et Microsoft : un désaccord, {s.id}"),
    ),
    Case(
        "H46 homoglyph soft hyphen",
        titled("Open\u00adAI and Micro\u00adsoft strain their part\u00adnership, {id}"),
        told=shown(f"{BY}, {{id}}"),
    ),
    Case("H47 tags in a title", titled(f"<b>{BY}</b>, <i>{{id}}</i>"), told=shown(f"{BY}, {{id}}")),
    Case(
        "H47 escaped twice",
        titled(f"&amp;lt;b&amp;gt;{BY}&amp;lt;/b&amp;gt;, {{id}}"),
        told=shown(f"{BY}, {{id}}"),
    ),
    Case(
        "H47 a script",
        titled(f"<![CDATA[<script>alert(1)</script>{BY}, {{id}}<img src=x onerror=alert(2)>]]>"),
        told=shown(f"{BY}, {{id}}"),
    ),
    Case(
        "H47 references", titled(f"{BY} &amp;amp; more &#8211; {{id}}"), told=shown(f"{BY} & more – {{id}}")
    ),
    Case(
        "H48 unclosed tags",
        lambda s: reply(s.feed(s.item(more="<description>Not <b>closed<category>Deals"))),
        told=news,
    ),
    Case(
        "H48 junk after the root", lambda s: reply(s.feed() + "<!-- served by --></html>junk & <"), told=news
    ),
    Case("H48 a leading blank", lambda s: reply("\n \ufeff" + s.feed()), told=news),
    Case("H48 two roots", lambda s: reply(s.feed() + rss(odd("x")(s))), told=news),
    Case("H48 a lone ampersand", titled(f"{BY} R&D & more, {{id}}"), told=shown(f"{BY} R&D & more, {{id}}")),
    Case("H48 an unknown entity", titled(f"{BY}&nbsp;&foo;, {{id}}"), told=shown(f"{BY} &foo;, {{id}}")),
    Case("H49 relative", atom("/news", ""), told=news, check=linked_to("/news")),
    Case("H49 xml:base", atom("news", 'xml:base="{site}/deep/"'), told=news, check=linked_to("/deep/news")),
    Case(
        "H49 xml:base elsewhere",
        atom("news", 'xml:base="javascript:alert(1)//"'),
        told=news,
    ),
    Case(
        "H49 protocol-relative",
        atom("//127.0.1.250:9/a", ""),
        told=news,
        check=linked_to("http://127.0.1.250:9/a"),
    ),
    *(
        Case(f"H50 {link.partition(':')[0]}", linking(link), told=news, check=linked_to())
        for link in (
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "mailto:a@b.example",
            "vbscript:x",
        )
    ),
    Case(
        "H50 9,000 characters", linking("http://127.0.1.250:9/" + "a" * 9_000), told=news, check=linked_to()
    ),
    Case(
        "H50 odd characters",
        linking("http://127.0.1.250:9/a b|c>d<e\"f'g"),
        told=news,
        check=linked_to("http://127.0.1.250:9/a%20b%7Cc%3Ed%3Ce%22f%27g"),
    ),
    Case(
        "H65 mention",
        titled(f"&amp;lt;!channel> &lt;@U0HUMAN> @here {BY} &amp;lt;!subteam^S1&amp;gt;, {{id}}"),
        told=shown(f"<!channel> <@U0HUMAN> @here {BY} <!subteam^S1>, {{id}}"),
        check=words_act_nowhere,
    ),
    Case(
        "H66 markup",
        titled(f"*{BY}* _x_ ~y~ `z` &amp;lt;http://evil.example|openai.com&amp;gt; a|b, {{id}}"),
        told=lambda s: f"{s.site.host}: *{BY}* _x_ ~y~ `z` <http://evil.example|openai.com> a|b, {s.id}",
        check=words_act_nowhere,
    ),
]


async def test_what_a_document_says_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    await play(CASES, tmp_path, monkeypatch, subtests)

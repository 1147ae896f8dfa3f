"""From bytes to Slack through all three doors: one article walks the whole way, and is told once.

Lives here: the case this project began with, every kind of feed, the same news again in other clothes
(H51-H61), and what `tocsin why` says of each. Not here: hostile inputs (`tests/hostile`, whose web and
product these tests borrow), the rules of identity and stories themselves (their own tests).
"""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from alerts.alerting import Limits
from alerts.stories import StoryHabits
from scheduler.cli import app
from scheduler.database import FILE, open_database
from scheduler.once import one_pass
from scheduler.settings import load
from tests.hostile.answers import item, reply, rss
from tests.hostile.stages import PLAIN
from tests.hostile.world import (
    ALLOWED,
    TOKEN,
    Answer,
    Asked,
    Product,
    Site,
    Told,
    configuration,
    product,
    slack_stand_in,
    web,
)
from tests.slack_stand_in import complaints

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus" / "dev.jsonl"


def serving(document: str | bytes, kind: str = "Content-Type: application/rss+xml") -> Answer:
    """A feed, and plain pages behind its entries."""
    feed = reply(document, kind=kind)

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await (feed if asked.path == "/feed" else PLAIN)(asked, writer)

    return answer


def why(directory: Path, url: str, *options: str) -> str:
    """What `tocsin why` prints."""
    options = ("--config", str(directory / "config"), "--data", str(directory), *options)
    result = CliRunner().invoke(app, ["why", url, *options], env={"SLACK_BOT_TOKEN": TOKEN})
    assert result.exit_code == 0, result.output
    return result.output


# ---- the article this project began with: French, no headline, both names in its first sentence

STRAINED = (
    "Entre OpenAI et Microsoft, la lune de miel semble finie. Le partenariat, longtemps cité en exemple, "
    "traverse depuis le début de l'été une crise que plus personne ne cherche à nier.\n\n"
    "Selon trois personnes proches du dossier, les équipes juridiques se réunissent chaque semaine. "
    "L'éditeur de Redmond voudrait garder l'accès aux modèles à venir; le laboratoire, lui, entend choisir "
    "librement ses hébergeurs.\n\n"
    "Aucun des deux n'a souhaité répondre à nos questions. Un accord, dit-on, reste possible à la rentrée."
)


def seed() -> str:
    """The text of the corpus item that is the seed; read where it lies, never copied."""
    if not CORPUS.is_file():
        pytest.skip("no corpus lies beside this checkout")
    with CORPUS.open(encoding="utf-8") as lines:
        items = (json.loads(line) for line in lines)
        return next(str(one["text"]) for one in items if "the project seed" in str(one.get("why")))


def latin(text: str) -> bytes:
    """As a content system of the nineties writes it: what the charset lacks becomes a reference."""
    return text.replace("UTF-8", "ISO-8859-1").encode("iso-8859-1", "xmlcharrefreplace")


@pytest.mark.parametrize("written", [str.encode, latin], ids=["utf-8", "iso-8859-1"])
@pytest.mark.parametrize("text", [lambda: STRAINED, seed], ids=["a text like it", "the seed itself"])
async def test_the_article_this_project_began_with_is_told_once_with_its_evidence(
    text: Callable[[], str], written: Callable[[str], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in text().split("\n\n"))
    async with web(monkeypatch) as there, slack_stand_in() as slack:
        site = await there.site()
        link = f"{site.url}/crise"
        entry = item("", link, datetime.now(UTC), f"<description><![CDATA[{paragraphs}]]></description>")
        feed = written(rss(entry).replace("<language>en", "<language>fr"))
        site.answer = serving(feed)
        source = {"id": "gazette", "name": "La Gazette", "kind": "feed", "url": site.feed, "language": "fr"}
        settings = load(
            configuration(tmp_path / "config", [source], slack, ALLOWED), {"SLACK_BOT_TOKEN": TOKEN}
        )
        engine = open_database(f"sqlite:///{tmp_path / FILE}")
        try:
            first = await one_pass(settings, engine)
            second = await one_pass(settings, engine)
        finally:
            engine.dispose()

    assert first.to_json()["deliveries"] == {"sent": 1, "waiting": 0, "dead": 0}
    assert second.to_json()["alerts"] == 0
    (message,) = [Told(m["request"]) for m in slack.messages]
    assert message.complaints == []
    assert message.links == [link]
    assert message.provenance.startswith("La Gazette · ")
    assert message.provenance.endswith(" · fr")
    sentence = "".join(element["text"] for element in message.sentence)
    assert sentence in " ".join(text().split())
    assert {"OpenAI", "Microsoft"} <= {e["text"] for e in message.sentence if e.get("style", {}).get("bold")}

    said = why(tmp_path, link)
    assert said.startswith("told: ")
    assert "holds" in said
    assert "'OpenAI'" in said
    assert "'Microsoft'" in said
    told = json.loads(why(tmp_path, link, "--json"))
    assert told["explanation"]["rule"] in message.small_print
    held = next(rule for rule in told["explanation"]["rules"] if rule["holds"])
    assert {e["text"] for e in evidence(held["tree"])} >= {"OpenAI", "Microsoft"}


def evidence(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from tree["evidence"]
    for step in tree["steps"]:
        yield from evidence(step)


# ---- the three kinds of XML, and JSON


def headline(of: str) -> str:
    return f"OpenAI and Microsoft renegotiate their partnership, says the {of}"


def in_rss(site: Site, now: datetime) -> Answer:
    return serving(rss(item(headline("rss"), f"{site.url}/1", now)))


def in_atom(site: Site, now: datetime) -> Answer:
    return serving(
        f'<feed xmlns="http://www.w3.org/2005/Atom"><title>A paper</title><entry><id>urn:1</id>'
        f'<title type="text">{headline("atom")}</title><link href="{site.url}/1"/>'
        f"<updated>{now.isoformat()}</updated></entry></feed>",
        "Content-Type: application/atom+xml",
    )


def in_rdf(site: Site, now: datetime) -> Answer:
    return serving(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="{site.url}"><title>A paper</title>'
        f'</channel><item rdf:about="{site.url}/1"><title>{headline("rdf")}</title>'
        f"<link>{site.url}/1</link><dc:date>{now.isoformat()}</dc:date></item></rdf:RDF>",
        "Content-Type: application/rdf+xml",
    )


def in_json(site: Site, now: datetime) -> Answer:
    one = {"id": "1", "url": f"{site.url}/1", "title": headline("json"), "date_published": now.isoformat()}
    feed = {"version": "https://jsonfeed.org/version/1.1", "title": "A paper", "items": [one]}
    return serving(json.dumps(feed), "Content-Type: application/feed+json")


async def test_every_kind_of_feed_is_told_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kinds = {"rss": in_rss, "atom": in_atom, "rdf": in_rdf, "json": in_json}
    async with web(monkeypatch) as there:
        sites = {kind: await there.site() for kind in kinds}
        sources = [{"id": k, "name": k, "kind": "feed", "url": site.feed} for k, site in sites.items()]
        for kind, site in sites.items():
            site.answer = kinds[kind](site, datetime.now(UTC) - HOUR)
        async with product(tmp_path, sources) as tocsin:
            await tocsin.run()
            assert sorted(m.headline for m in tocsin.told()) == sorted(headline(kind) for kind in kinds)
            assert [m.links for m in tocsin.told("json")] == [[f"{sites['json'].url}/1"]]
            assert [m.complaints for m in tocsin.told() if m.complaints] == []
            assert all("published" in m.small_print for m in tocsin.told())


# ---- the same news again, in other clothes


@dataclass(frozen=True, slots=True)
class Paper:
    """A site and the time, from which documents are made."""

    site: Site
    now: datetime
    id: str

    def news(self, what: str = "", path: str = "/news", guid: str | None = None, days: float = 0.1) -> str:
        one = item(f"{self.title}{what}", self.site.url + path, self.now - days * DAY)
        link = escape(self.site.url + path)
        return one if guid is None else one.replace(f"<guid>{link}</guid>", f"<guid>{guid}</guid>")

    @property
    def title(self) -> str:
        return f"OpenAI and Microsoft renegotiate their partnership, {self.id}"


Document = Callable[[Paper], str]


@dataclass(frozen=True, slots=True)
class Again:
    """What a source shows, one document after the other, and how many alerts that is."""

    id: str
    documents: tuple[Document, ...]
    alerts: int = 1


def edited(n: int) -> Document:
    return lambda paper: paper.news(f" (update {n})", guid="g")


def tracked(path: str) -> Document:
    return lambda paper: paper.news(path=path, guid=path)


def other_news(paper: Paper) -> str:
    return item("The weather", f"{paper.site.url}/weather", paper.now - 2 * DAY)


def same_guid(paper: Paper) -> str:
    return (
        paper.news(" of grain", "/a", "all")
        + paper.news(" of barley", "/b", "all")
        + paper.news(" of oats", "/c", "all")
    )


def without_guid_or_link(paper: Paper) -> str:
    date = paper.now.replace(hour=6)
    whole = item(paper.title, "x", date)
    return whole.replace("<link>x</link><guid>x</guid>", "")


AGAIN = [
    Again("H51 same guid", (same_guid, same_guid), alerts=3),
    Again("H52 no guid", (without_guid_or_link, without_guid_or_link)),
    Again("H53 guid churn", tuple(lambda p, n=n: p.news(guid=f"g-{n}") for n in range(4))),
    Again(
        "H54 guid from http to https",
        tuple(
            lambda p, s=s: p.news(path=f"/{s}", guid=f"{s}://paper.example/2026/the-news")
            for s in ("http", "https")
        ),
    ),
    Again(
        "H55 tracking",
        tuple(
            map(
                tracked,
                ("/n", "/n?utm_source=rss&utm_medium=feed", "/n?fbclid=x1", "/n#top", "/n/", "/n/amp/"),
            )
        ),
    ),
    Again("H56 re-dated", tuple(lambda p, n=n: p.news(days=0.1 / (n + 1)) for n in range(4))),
    Again("H57 two versions in turn", (edited(1), edited(2)) * 3),
    Again("H58 edited", tuple(edited(n) for n in range(8))),
    Again("H60 old news", (lambda p: p.news(days=2500),), alerts=0),
    Again(
        "H61 shuffled, gone and back",
        (
            lambda p: p.news() + other_news(p),
            lambda p: other_news(p) + p.news(),
            other_news,
            lambda p: p.news() + other_news(p),
        ),
    ),
    Again(
        "the same address under another headline",
        (lambda p: p.news(), lambda p: p.news(" now", guid="other")),
    ),
    Again(
        "the same headline at another address",
        (lambda p: p.news(), lambda p: p.news(path="/elsewhere", guid="2")),
    ),
]


async def test_the_same_news_in_other_clothes_is_one_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    async with web(monkeypatch) as there:
        sites = {f"s{n}": await there.site() for n in range(len(AGAIN))}
        sources = [{"id": key, "name": key, "kind": "feed", "url": site.feed} for key, site in sites.items()]
        async with product(tmp_path, sources) as tocsin:
            for n in range(max(len(again.documents) for again in AGAIN) + 1):
                tocsin.clock.ahead += HOUR
                for again, site in zip(AGAIN, sites.values(), strict=True):
                    show(site, again, n, tocsin)
                await tocsin.run()
            for again, key in zip(AGAIN, sites, strict=True):
                with subtests.test(again.id):
                    assert len(tocsin.told(key)) == again.alerts


def show(site: Site, again: Again, act: int, tocsin: Product) -> None:
    """First an empty morning, then the documents; after the last, the last again."""
    began = datetime.now(UTC) + 2 * HOUR
    paper = Paper(site, began, again.id)
    news = again.documents[min(act, len(again.documents)) - 1](paper) if act else ""
    site.answer = serving(rss(news, item("An old story", f"{site.url}/old", tocsin.clock() - 30 * DAY)))


async def test_one_article_of_two_sources_is_one_alert_and_why_says_what_ties_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with web(monkeypatch) as there:
        one, two = await there.site(), await there.site()
        now = datetime.now(UTC) - HOUR
        title = "OpenAI and Microsoft renegotiate their partnership"
        one.answer = serving(rss(item(title, f"{one.url}/news?utm_source=rss", now)))
        two.answer = serving(rss(item(f"{title} - The Herald", f"{two.url}/taken-over", now)))
        sources = [
            {"id": key, "name": key, "kind": "feed", "url": site.feed}
            for key, site in (("one", one), ("two", two))
        ]
        async with product(tmp_path, sources) as tocsin:
            await tocsin.run()
            (message,) = tocsin.told()
            later = two if message.provenance.startswith("one") else one
            said = json.loads(
                why(tmp_path, f"{later.url}/{'taken-over' if later is two else 'news'}", "--json")
            )
            assert (said["answer"], said["tie"]) == ("duplicate_of", "same_headline")


# ---- too much at once


async def test_h63_five_hundred_matches_at_once_are_on_record_and_at_most_three_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with web(monkeypatch) as there:
        site = await there.site()
        source = {"id": "one", "kind": "feed", "url": site.feed, "articles": "never"}
        async with product(tmp_path, [source]) as tocsin:
            limits, habits = Limits(flood=20), StoryHabits()
            tocsin.jobs.rulebook = replace(tocsin.jobs.rulebook, limits=limits, stories=habits)
            site.answer = serving(rss(item("An old story", f"{site.url}/old", tocsin.clock() - DAY)))
            await tocsin.run()
            news = [many(n, site, tocsin.clock()) for n in range(500)]
            site.answer = serving(rss(*news))
            tocsin.clock.ahead += HOUR
            await tocsin.run()
            async with asyncio.timeout(60):
                while len(tocsin.titles("one")) <= 500:  # a long document is written step by step
                    await asyncio.sleep(0.05)
            for _ in range(15):
                tocsin.clock.ahead += timedelta(minutes=1)
                await tocsin.tell()
            assert 1 <= len(tocsin.slack.messages) <= 3
            first = Told(tocsin.slack.messages[0]["request"])
            assert first.headline == "one brought 500 matching articles at once"
            assert [m.complaints for m in tocsin.told() if m.complaints] == []
            (held,) = tocsin.rows("SELECT count(DISTINCT article) FROM matches WHERE reason = 'flood'")
            assert held[0] == 500
            said = json.loads(why(tmp_path, f"{site.url}/499", "--json"))
            assert (said["answer"], said["deliveries"][0]["state"]) == ("held_by_flood", "sent")


def many(number: int, site: Site, now: datetime) -> str:
    title = f"OpenAI and Microsoft renegotiate clause {number} of their partnership"
    return item(title, f"{site.url}/{number}", now - HOUR)


# ---- one story, one message (N1)

PAPERS = ("herald", "bugle", "ledger", "courrier", "gazette-fr", "tagblatt", "kurier", "mirror")
COVERAGE = (  # source, language, headline: twelve articles on one event
    ("herald", "en", "Microsoft and OpenAI sign new agreement: 27% stake, $250bn for Azure"),
    ("courrier", "fr", "Microsoft et OpenAI signent un accord : 27 % du capital, 250 milliards de dollars"),
    ("tagblatt", "de", "Microsoft und OpenAI unterzeichnen Abkommen: 27 Prozent, 250 Milliarden Dollar"),
    ("bugle", "en", "OpenAI agrees to buy $250bn of Azure as Microsoft keeps 27% stake in new agreement"),
    ("mirror", "en", "Microsoft and OpenAI sign new agreement: 27% stake, $250bn for Azure - Mirror"),
    ("kurier", "de", "OpenAI kauft für 250 Milliarden Dollar bei Microsoft, Abkommen lässt 27 Prozent"),
    ("gazette-fr", "fr", "Ce que change l’accord à 250 milliards de dollars d’OpenAI et Microsoft : 27 %"),
    ("ledger", "en", "What the new agreement of Microsoft and OpenAI means: 27% stake, $250bn of Azure"),
    ("herald", "en", "Analysts on the new agreement of OpenAI and Microsoft: $250bn is a lot, 27% is less"),
    ("courrier", "fr", "L’accord de Microsoft et OpenAI expliqué : 27 %, 250 milliards de dollars"),
    ("tagblatt", "de", "Abkommen von OpenAI und Microsoft: Was 27 Prozent und 250 Milliarden Dollar sind"),
    ("mirror", "en", "Microsoft, OpenAI: new agreement, 27% stake and $250bn for Azure"),
)


async def test_twelve_articles_on_one_event_in_three_languages_are_one_message_and_its_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with web(monkeypatch) as there:
        sites = {paper: await there.site() for paper in PAPERS}
        sources = [{"id": key, "name": key, "kind": "feed", "url": site.feed} for key, site in sites.items()]
        async with product(tmp_path, sources) as tocsin:
            tocsin.jobs.rulebook = replace(tocsin.jobs.rulebook, stories=StoryHabits(alike=True).at_once())
            shown: dict[str, str] = dict.fromkeys(PAPERS, "")
            for site in sites.values():
                site.answer = serving(rss(item("The weather", f"{site.url}/old", tocsin.clock() - DAY)))
            await tocsin.run()
            for number, (paper, language, title) in enumerate(COVERAGE):
                tocsin.clock.ahead += HOUR / 6
                link, at = f"{sites[paper].url}/{number}", tocsin.clock() - HOUR / 60
                shown[paper] += item(escape(title), link, at)
                document = rss(shown[paper]).replace("<language>en", f"<language>{language}")
                sites[paper].answer = serving(document)
                if number % 3 == 2:
                    await tocsin.run()
            slack = tocsin.slack

    (root,) = [one for one in slack.messages if "thread_ts" not in one["request"]]
    replies = slack.thread(root["ts"])
    assert len(slack.messages) == 1 + len(replies)
    linked = set(re.findall(r'"url": "([^"]+)"', json.dumps([one["blocks"] for one in (root, *replies)])))
    copy = f"{sites['mirror'].url}/4"
    assert linked == {f"{sites[p].url}/{n}" for n, (p, _, _) in enumerate(COVERAGE)} - {copy}
    assert slack.updates
    newest = " ".join(e["text"] for block in root["blocks"][1:] for e in block["elements"])
    assert "8 sources, 3 languages" in newest
    assert "1 copy" in newest
    assert [one for one in slack.messages if complaints(one["request"])] == []


# ---- and what did not match


@pytest.mark.parametrize(
    ("title", "lacks"),
    [
        ("OpenAI opens an office in a town nobody knows", "@ms"),
        ("Microsoft mends its roof after a long winter", "@oai"),
        ("A baker wins a prize for his bread", "@oai"),
    ],
)
async def test_of_an_entry_that_did_not_match_why_names_the_part_that_failed(
    title: str, lacks: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with web(monkeypatch) as there:
        site = await there.site()
        site.answer = serving(rss(item(title, f"{site.url}/1", datetime.now(UTC))))
        async with product(tmp_path, [{"id": "one", "kind": "feed", "url": site.feed}]) as tocsin:
            await tocsin.run()
            assert tocsin.told() == []
            said = why(tmp_path, f"{site.url}/1")
            first, *_ = said.splitlines()
            assert first.startswith("no_match: No rule holds: ")
            assert lacks in first
            assert "does not hold: " in said
            assert why(tmp_path, f"{site.url}/never-seen").startswith("not_fetched: ")

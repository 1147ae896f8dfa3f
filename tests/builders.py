"""Values for tests, with defaults that say nothing: a test names only what it is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.evidence import Evidence
from alerts.matching import Match
from alerts.stories import StoryHabits
from crawler.articles import Article
from crawler.entries import Entry
from crawler.fetches import Fetch, Outcome
from crawler.sources import Source, SourceId

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AT_ONCE = StoryHabits(alike=False).at_once()  # whoever tests likeness asks for it


def source(id: str = "herald", **changes: Any) -> Source:  # noqa: A002  the name of the key
    given = {
        "id": id,
        "name": id.title(),
        "kind": "feed",
        "url": f"https://{id}.example/feed.xml",
        "language": "en",
    }
    return Source(**{**given, **changes})


def entry(title: str = "A headline", **changes: Any) -> Entry:
    slug = title.lower().replace(" ", "-")
    given = {
        "source": SourceId("herald"),
        "guid": f"tag:{slug}",
        "url": f"https://herald.example/{slug}",
        "title": title,
        "summary": "",
        "published": NOW,
    }
    return Entry(**{**given, **changes})


def article(title: str = "A headline", **changes: Any) -> Article:
    given = {
        "id": 1,
        "revision": 1,
        "number": 1,
        "url": "https://herald.example/a",
        "link": "https://herald.example/a",
        "title": title,
        "text": "",
        "language": "en",
        "author": None,
        "tags": (),
        "source": SourceId("herald"),
        "source_name": "Herald",
        "publisher": "press",
        "tier": 2,
        "published": NOW,
        "seen": NOW,
        "baseline": False,
        "addresses": frozenset({"https://herald.example/a"}),
    }
    return Article(**{**given, **changes})


def match(**changes: Any) -> Match:
    given = {
        "watch": "pact",
        "rule": "core",
        "level": "alert",
        "evidence": (Evidence("@openai", "title", 0, 6, "OpenAI"),),
        "score": 1.0,
        "sentence": None,
        "title_spans": ((0, 6),),
        "look_alike": False,
        "version": "0badcafe",
    }
    return Match(**{**given, **changes})


def fetch(outcome: Outcome = Outcome.OK, **changes: Any) -> Fetch:
    return Fetch(**{"outcome": outcome, "at": NOW, "status": 200, **changes})

"""Search: a query of the moment against what the archive has, the newest first.

Lives here: the going back, and where it ends. Not here: the query language (`query`), what a query would
have told (`trial`), one article and all rules (`explanation`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from alerts.matching import Match, Matcher
from alerts.rulebook import Rulebook
from alerts.watches import trial
from crawler import archive
from crawler.articles import Article


@dataclass(frozen=True, slots=True)
class Hit:
    """An article for which the query holds, in its last wording."""

    article: Article
    match: Match

    def to_json(self) -> dict[str, Any]:
        """A line of `tocsin search --json`."""
        article, match = self.article, self.match
        return {
            "article": article.id,
            "title": article.title,
            "url": article.url,
            "link": article.link,
            "source": article.source,
            "language": article.language,
            "published": article.published,
            "seen": article.seen,
            "score": match.score,
            "sentence": match.sentence.text if match.sentence else None,
            "evidence": [one.to_json() for one in match.evidence],
        }


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, and how far back that is true."""

    hits: tuple[Hit, ...]  # the newest first
    articles: int  # looked at
    since: datetime  # everything seen since then was looked at
    more: bool  # it ended before its time: enough was found, or there was no more patience


def search(
    engine: Engine,
    rulebook: Rulebook,
    query: str,
    since: datetime,
    most: int,
    still: Callable[[], bool] = lambda: True,
) -> Search:
    """Looks at every article seen since then, until `most` are found or it is `still` no more wanted.

    Raises QueryError.
    """
    matcher = Matcher([trial(query, rulebook.sets)], rulebook.sets)
    hits: list[Hit] = []
    looked_at = 0
    for article in archive.newest_since(engine, rulebook.sources, since):
        if not still():
            return Search(tuple(hits), looked_at, article.seen, more=True)
        found = matcher.match(article)
        if found and len(hits) == most:
            return Search(tuple(hits), looked_at, article.seen, more=True)
        hits += [Hit(article, match) for match in found]
        looked_at += 1
    return Search(tuple(hits), looked_at, since, more=False)

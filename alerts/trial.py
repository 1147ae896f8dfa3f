"""Trial: what a query would have told in the last days, had it been a rule.

Lives here: the question, kept small enough for somebody who waits for the answer. Not here: the search
(`search`), the going over again (`backtest`, which takes its time, begins before the period and has the rules
of a whole file).
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine

from alerts.alerting import Action
from alerts.backtest import Met, rehearse
from alerts.forecast import Judged
from alerts.matching import Matcher
from alerts.rulebook import Rulebook
from alerts.search import search
from alerts.watches import trial

MOST = 1000  # matching articles that are gone over again, at 20 to 40 ms each (measured)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it."""

    query: str
    since: datetime
    until: datetime
    articles: int  # looked at
    more: bool  # it did not come back as far as was asked: too much matched, or it took too long
    matches: Mapping[date, int]  # matching articles by the day (UTC) they were seen
    stories: tuple[Judged, ...]  # the first match of each, the newest first
    messages: int  # to each channel

    @property
    def days(self) -> float:
        """At least one: an hour of news is not taken for a twenty-fourth of a day's messages."""
        return max(1.0, (self.until - self.since).total_seconds() / 86_400)

    @property
    def summary(self) -> str:
        """One sentence for a person."""
        matched, stories = sum(self.matches.values()), len(self.stories)
        told = f"{stories} {'story' if stories == 1 else 'stories'}"
        back = "the newest " if self.more else ""
        return (
            f"{matched} of {back}{self.articles} articles of {self.days:.1f} days match, "
            f"in {told}: about {self.messages / self.days:.1f} messages a day for each channel"
        )

    def to_json(self) -> dict[str, Any]:
        """The document of `tocsin try --since --json`."""
        return {
            "query": self.query,
            "since": self.since,
            "until": self.until,
            "articles": self.articles,
            "more": self.more,
            "matches": sum(self.matches.values()),
            "by_day": {str(day): count for day, count in sorted(self.matches.items())},
            "messages": self.messages,
            "messages_per_day": round(self.messages / self.days, 2),
            "stories": [
                {
                    "title": one.article.title,
                    "link": one.article.link,
                    "article": one.article.id,
                    "source": one.article.source,
                    "at": one.at,
                    "told": one.action is Action.TELL,
                }
                for one in self.stories
            ],
        }


def try_out(
    engine: Engine,
    rulebook: Rulebook,
    query: str,
    since: datetime,
    now: datetime,
    most: int = MOST,
    still: Callable[[], bool] = lambda: True,
) -> Trial:
    """Goes back until then, or as far as so many matches and `still` allow. Raises QueryError.

    A story that began earlier counts as new, and limits and silences do not count: it is an estimate.
    """
    found = search(engine, rulebook, query, since, most, still)
    watch = trial(query, rulebook.sets)
    book = replace(rulebook, watches={watch.id: watch}, matcher=Matcher([watch], rulebook.sets))
    met = [Met(hit.article, [hit.match], hit.article.seen) for hit in reversed(found.hits)]
    replay = rehearse(book, met)
    stories = {one.story: one for one in reversed(replay.judged)}  # the first of each
    return Trial(
        query=query,
        since=found.since,
        until=now,
        articles=found.articles,
        more=found.more,
        matches=Counter(one.at.date() for one in replay.judged),
        stories=tuple(sorted(stories.values(), key=lambda one: one.at, reverse=True)),
        messages=len(replay.sent),
    )

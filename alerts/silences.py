"""Silence: what shall stay quiet, and until when.

Lives here: the value, and whether one applies. Not here: where silences are kept (`ledger`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerts.matching import Match
from alerts.stories import StoryId
from crawler.articles import Article
from crawler.urls import site


class Aim(StrEnum):
    """What a silence looks at."""

    WATCH = "watch"
    RULE = "rule"  # watch/rule, or the rule's id alone
    STORY = "story"
    SOURCE = "source"
    SITE = "site"  # registrable domain of the article
    AUTHOR = "author"
    TERM = "term"  # a word among the evidence


@dataclass(frozen=True, slots=True)
class Silence:
    """Asked for by a person; it ends by itself."""

    id: int
    aim: Aim
    value: str
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str = ""
    held: int = 0  # alerts it kept quiet so far

    def applies(self, article: Article, match: Match, story: StoryId | None, now: datetime) -> bool:
        return self.starts_at <= now < self.ends_at and self.value.casefold() in _values(
            self.aim, article, match, story
        )


def silencing(
    silences: Iterable[Silence], article: Article, match: Match, story: StoryId | None, now: datetime
) -> Silence | None:
    """The silence that keeps this match quiet, the longest-lived if there are several."""
    found = [s for s in silences if s.applies(article, match, story, now)]
    return max(found, key=lambda s: s.ends_at, default=None)


def _values(aim: Aim, article: Article, match: Match, story: StoryId | None) -> set[str]:
    """What the article offers to a silence of this aim, case folded."""
    offered: dict[Aim, set[str]] = {
        Aim.WATCH: {match.watch},
        Aim.RULE: {match.rule, f"{match.watch}/{match.rule}"},
        Aim.STORY: {story} if story else set(),
        Aim.SOURCE: {article.source},
        Aim.SITE: {site(article.link)} if article.link else set(),
        Aim.AUTHOR: {article.author} if article.author else set(),
        Aim.TERM: {e.text for e in match.evidence},
    }
    return {value.casefold() for value in offered[aim]}

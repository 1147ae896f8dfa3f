"""Silence: what shall stay quiet, and until when.

Lives here: the value, and whether one applies. Not here: where silences are kept, and what they held
(`ledger`), what is said when one has ended (`digests`, `wind_up`).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from alerts.matching import Match
from alerts.stories import StoryId
from alerts.tokens import closest
from alerts.watches import Watch
from crawler.articles import Article
from crawler.urls import site


class Aim(StrEnum):
    """What a condition looks at."""

    WATCH = "watch"
    RULE = "rule"  # watch/rule, or the rule's id alone
    STORY = "story"
    SOURCE = "source"
    SITE = "site"  # registrable domain of the article
    AUTHOR = "author"
    TERM = "term"  # a word among the evidence


class Condition(NamedTuple):
    """What has to be of what is silenced; how it is spelled does not matter."""

    aim: Aim
    value: str

    def __str__(self) -> str:
        return f"{self.aim} {self.value}"


@dataclass(frozen=True, slots=True)
class Silence:
    """Asked for by a person; it ends by itself, and then says what it held."""

    id: int
    conditions: tuple[Condition, ...]  # all must hold
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str = ""
    told_at: datetime | None = None  # when its end was said; None: not yet

    def __str__(self) -> str:
        return f"silence {self.id} on {self.about}"

    @property
    def about(self) -> str:
        return ", ".join(map(str, self.conditions))

    def applies(self, offered: "Offered", now: datetime) -> bool:
        in_force = self.starts_at <= now < self.ends_at
        return in_force and all(value.casefold() in offered[aim] for aim, value in self.conditions)


Offered = dict[Aim, set[str]]  # what a silence may look at, case folded


def silencing(
    silences: Iterable[Silence],
    article: Article,
    watch: str,
    match: Match | None,
    story: StoryId | None,
    now: datetime,
) -> Silence | None:
    """The silence that keeps quiet what this article would tell, the longest-lived if there are several.

    `match`: None where no rule holds for it any more, and the thread it is in tells of it.
    """
    offered = _offered(article, watch, match, story)
    found = [s for s in silences if s.applies(offered, now)]
    return max(found, key=lambda s: s.ends_at, default=None)


def misnamed(
    conditions: Iterable[Condition], watches: Iterable[Watch], sources: Collection[str]
) -> str | None:
    """What of these names nothing in the configuration, and what was probably meant; None: all is known."""
    rules = [(watch.id, rule.id) for watch in watches for rule in watch.rules]
    known: dict[Aim, Collection[str]] = {
        Aim.WATCH: {watch for watch, _ in rules},
        Aim.RULE: {rule for _, rule in rules} | {f"{watch}/{rule}" for watch, rule in rules},
        Aim.SOURCE: sources,
    }
    for aim, value in conditions:
        if aim in known and value.casefold() not in known[aim]:
            near = closest(value, known[aim])
            return f"{value}: no such {aim}" + (f"; did you mean {near}?" if near else "")
    return None


def _offered(article: Article, watch: str, match: Match | None, story: StoryId | None) -> Offered:
    offered: dict[Aim, set[str]] = {
        Aim.WATCH: {watch},
        Aim.RULE: {match.rule, f"{watch}/{match.rule}"} if match else set(),
        Aim.STORY: {story} if story else set(),
        Aim.SOURCE: {article.source},
        Aim.SITE: {site(article.link)} if article.link else set(),
        Aim.AUTHOR: {article.author} if article.author else set(),
        Aim.TERM: {e.text for e in match.evidence} if match else set(),
    }
    return {aim: {value.casefold() for value in values} for aim, values in offered.items()}

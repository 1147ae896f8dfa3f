"""Thread: what a watch has told of a story; who leads it, who else has it, what an article adds to it.

Lives here: the values, which of two sources is the better one, and when a changed headline is news. Pure. Not
here: what is shown in the channel too (`promotion`), where threads are kept (`ledger`), their messages
(`outbox`).
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import SequenceMatcher

from alerts.facts import Facts, facts
from alerts.stories import headlines
from crawler.articles import Article
from crawler.sources import Publisher

PRIMARY: frozenset[Publisher] = frozenset({"filing", "regulator", "company"})  # who was there speaks itself

SAME_WORD = 0.75  # how alike two words are of which one is a slip of the pen


@dataclass(frozen=True, slots=True)
class Told:
    """An article of a thread: its root was made of it, a reply names it, or it was only counted."""

    article: int
    source: str
    source_name: str
    publisher: Publisher
    tier: int
    title: str
    seen: datetime
    facts: Facts
    copy: bool = False  # it says nothing of its own
    leads: bool = False  # the root shows it
    retitled: bool = False  # the thread has told that its headline was changed

    @property
    def authority(self) -> tuple[bool, int]:
        """The smaller the better."""
        return self.publisher not in PRIMARY, self.tier


@dataclass(frozen=True, slots=True)
class Thread:
    """In the order in which the articles joined; one of them leads."""

    story: str
    watch: str
    articles: tuple[Told, ...]

    @property
    def lead(self) -> Told:
        """Where somebody split off the one that led, the first."""
        return next((one for one in self.articles if one.leads), self.articles[0])

    @property
    def first(self) -> Told:
        return min(self.articles, key=lambda one: (one.seen, one.article))

    @property
    def copies(self) -> int:
        return sum(one.copy for one in self.articles)

    @property
    def origins(self) -> int:
        """Texts of their own: what agencies send to many papers is one."""
        return len(self.articles) - self.copies

    def also(self, besides: str) -> tuple[str, ...]:
        """The other sources that have it in words of their own, the best first."""
        others = [one for one in self.articles if not one.copy and one.source_name != besides]
        ranked = sorted(others, key=lambda one: one.authority)
        return tuple({one.source: one.source_name for one in ranked}.values())

    def of(self, article: int) -> Told | None:
        return next((one for one in self.articles if one.article == article), None)

    def joined_by(self, told: Told) -> "Thread":
        """With one more article; if that leads, nobody else does."""
        before = self.articles
        if told.leads:
            before = tuple(replace(one, leads=False) for one in before)
        return replace(self, articles=(*before, told))

    def without(self, articles: Collection[int]) -> "Thread":
        """Without these; if they led, the best of the others does. Some must be left."""
        left = [one for one in self.articles if one.article not in articles]
        if not any(one.leads for one in left):
            lead = min(left, key=lambda one: (one.copy, one.authority))
            left = [replace(one, leads=one is lead, copy=one.copy and one is not lead) for one in left]
        return replace(self, articles=tuple(left))


def told_of(article: Article, *, copy: bool = False, leads: bool = False) -> Told:
    return Told(
        article=article.id,
        source=article.source,
        source_name=article.source_name,
        publisher=article.publisher,
        tier=article.tier,
        title=article.title,
        seen=article.seen,
        facts=facts(article),
        copy=copy,
        leads=leads,
    )


def better(one: Told, lead: Told) -> bool:
    """Shall it lead instead? Only by authority: among equals who came first stays."""
    return one.authority < lead.authority


def hurries(article: Article) -> bool:
    """Is there no better source to wait for?"""
    return article.publisher in PRIMARY or article.tier == 1


# ---- changed headlines


def is_retitled(was: str, now: str) -> bool:
    """Would a reader notice? Not what hangs on a headline, not a slip of the pen, but every number."""
    if not was or not now or headlines(was) & headlines(now):
        return False
    before, after = _words(was), _words(now)
    changes = [
        change for change in SequenceMatcher(None, before, after).get_opcodes() if change[0] != "equal"
    ]
    return any(not _is_slip(before[a:b], after[c:d]) for _, a, b, c, d in changes)


def _words(title: str) -> list[str]:
    return re.findall(r"\w+", title.casefold())


def _is_slip(before: Sequence[str], after: Sequence[str]) -> bool:
    """Words in their place, nearly the same. A script without spaces has no words to compare like this."""
    return len(before) == len(after) and all(
        one == other or (_is_spelled(one) and _is_spelled(other) and _alike(one, other))
        for one, other in zip(before, after, strict=True)
    )


def _is_spelled(word: str) -> bool:
    return len(word) > 3 and not any(c.isdigit() or c >= "\u2e80" for c in word)


def _alike(one: str, other: str) -> bool:
    return SequenceMatcher(None, one, other).ratio() >= SAME_WORD

"""Mark: what a person says of an article for a watch; all of them are the golden set of whoever runs us.

Lives here: the value, and what a change of the rules does to what is marked. A mark keeps a copy of the
article: it outlives the archive's retention. Not here: where marks are kept (`ledger`), counting over a
whole corpus (`evaluation`).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from alerts.evaluation import Label, LabelledItem, Verdict, heard, verdict_of
from alerts.matching import Matcher
from crawler.articles import Article
from crawler.sources import SourceId

UNANNOUNCED = SourceId("unannounced")  # stands for the source of a page that none announced


class Judgement(StrEnum):
    """What is said of an article."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not_relevant"
    SHOULD_HAVE_ALERTED = "should_have_alerted"  # it was not told, or not at once

    @property
    def label(self) -> Label:
        """As a labelled corpus calls it."""
        return "negative" if self is Judgement.NOT_RELEVANT else "positive"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules make of an article: the verdict of the first that holds, and which one it was."""

    verdict: Verdict
    rule: str | None = None  # None: quiet
    version: str | None = None  # of that rule; None: quiet

    def __str__(self) -> str:
        return f"{self.verdict} by rule {self.rule}" if self.rule else self.verdict


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person says of an article for a watch; one for each of these pairs."""

    id: int
    watch: str
    judgement: Judgement
    author: str  # who marked it
    comment: str
    at: datetime
    article: int | None  # None: no source announced it
    item: LabelledItem  # the article as it was then
    published: datetime | None
    rule: str | None  # which had told it, or held it for the digest
    version: str | None  # of that rule
    ruling: Ruling  # under the rules that were last in force

    def to_json(self) -> dict[str, Any]:
        """As `tocsin mark list --json` prints it."""
        return {
            "id": self.id, "watch": self.watch, "judgement": self.judgement, "article": self.article,
            "url": self.item.url, "title": self.item.title, "language": self.item.language,
            "source": self.item.source if self.article else None, "published": self.published,
            "author": self.author, "comment": self.comment, "at": self.at,
            "rule": self.rule, "version": self.version, "verdict": self.ruling.verdict,
        }  # fmt: skip

    def to_corpus(self) -> dict[str, Any]:
        """A line of a labelled corpus."""
        item = self.item
        return {
            "id": item.id, "url": item.url, "language": item.language,
            "title": item.title, "lead": item.lead, "text": item.text, "label": item.label,
            "published": self.published, "source": item.source, "source_name": item.source_name,
            "kind": item.kind, "tier": item.tier, "author": item.author, "tags": list(item.tags),
        }  # fmt: skip


def ruled(article: Article, matcher: Matcher, watch: str) -> Ruling:
    """What these rules make of an article."""
    match = heard(article, matcher, watch)
    rule, version = (match.rule, match.version) if match else (None, None)
    return Ruling(verdict_of(match), rule, version)


def rulings(kept: Iterable[Mark], matcher: Matcher) -> dict[int, Ruling]:
    """Mark → what these rules make of it. A mark of a watch that is not among them has no ruling."""
    watches = {watch for watch, _ in matcher.versions()}
    return {
        mark.id: ruled(mark.item.article(), matcher, mark.watch) for mark in kept if mark.watch in watches
    }


# ---- what a change of the rules does


class Effect(StrEnum):
    """What other rules do to a mark."""

    STILL_RIGHT = "still right"
    STILL_WRONG = "still wrong"
    MENDED = "mended"
    BROKEN = "broken"


def effect(judgement: Judgement, was: Verdict, now: Verdict) -> Effect:
    """Only `alert` counts as told, as in `evaluation`; but what was wanted and leaves the digest is lost."""
    wanted = judgement is not Judgement.NOT_RELEVANT
    if wanted and (was, now) == ("digest", "quiet"):
        return Effect.BROKEN
    right_before, right_now = (was == "alert") is wanted, (now == "alert") is wanted
    if right_before == right_now:
        return Effect.STILL_RIGHT if right_now else Effect.STILL_WRONG
    return Effect.MENDED if right_now else Effect.BROKEN


# ---- what was right how often


@dataclass(frozen=True, slots=True)
class Tally:
    """What was said of the articles that one version of a rule brought."""

    watch: str
    rule: str | None  # None: no rule had brought them
    version: str | None
    relevant: int = 0
    not_relevant: int = 0
    should_have_alerted: int = 0

    @property
    def precision(self) -> float | None:
        """None: nobody has said yet, or no rule is to blame."""
        said = self.relevant + self.not_relevant
        return round(self.relevant / said, 4) if said and self.rule else None

    def to_json(self) -> dict[str, Any]:
        """As `tocsin mark list --by-rule --json` prints it."""
        return {
            "watch": self.watch, "rule": self.rule, "version": self.version, "relevant": self.relevant,
            "not_relevant": self.not_relevant, "precision": self.precision,
            "should_have_alerted": self.should_have_alerted,
        }  # fmt: skip


def tallied(counted: Iterable[tuple[str, str | None, str | None, str, int]]) -> list[Tally]:
    """From (watch, rule, version, judgement, how many) to one tally for each version of a rule."""
    tallies: dict[tuple[str, str | None, str | None], Counter[str]] = {}
    for watch, rule, version, judgement, number in counted:
        tallies.setdefault((watch, rule, version), Counter())[judgement] += number
    return [Tally(*key, *(said[one.value] for one in Judgement)) for key, said in tallies.items()]

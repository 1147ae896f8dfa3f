"""Story: articles on one event. Which story does an article belong to?

Lives here: the features by which two articles are one story, and the decision. For now a story is one
article told by several sources: the same address, or the same headline within two days. Not here: where
stories are kept (`ledger`), whether to tell of one (`alerting`).
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import Field

from alerts.matching import Match
from config.reading import Duration, Keys
from crawler.articles import Article
from crawler.entries import normalised_title

StoryId = NewType("StoryId", str)

HEADLINE_LIFE = timedelta(
    hours=48
)  # the same headline later than this is a new event: "Microsoft earnings: five takeaways"

PASSAGE = 80  # letters that two texts share: a sentence, not a turn of phrase
DENSE_PASSAGE = 40

SHORTEST_HEADLINE = 12  # letters; "Breaking news" twice a day says nothing


class StoryHabits(Keys):
    """The `stories:` part of daemon.yaml."""

    group_wait: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(minutes=2)
    follow_ups: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(minutes=3)
    quiet: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(hours=48)

    def at_once(self) -> "StoryHabits":
        """The same without any waiting."""
        return self.model_copy(update={"group_wait": timedelta(0), "follow_ups": timedelta(0)})


class Tie(StrEnum):
    """What ties an article to its story."""

    FOUNDER = "founder"  # the story was opened for it
    SAME_ARTICLE = "same_article"  # a later revision
    SAME_ADDRESS = "same_address"
    SAME_HEADLINE = "same_headline"
    SAME_PASSAGE = "same_passage"


@dataclass(frozen=True, slots=True)
class Known:
    """A feature some story already has."""

    story: StoryId
    feature: str
    at: datetime  # when an article of the story last had it


@dataclass(frozen=True, slots=True)
class Joined:
    story: StoryId
    tie: Tie


def features(article: Article, found: Sequence[Match]) -> frozenset[str]:
    """What another article must share to be the same story.

    A headline counts only where it carries part of the match itself: "The day in technology" heads a new
    article every day. So does a passage: it is the sentence in which the match begins.
    """
    evidence = [one for match in found for one in match.evidence]
    shared = {f"address:{address}" for address in article.addresses | {article.url} if address}
    if any(one.field == "title" for one in evidence):
        shared |= {f"headline:{h}" for h in headlines(article.title) if _is_long_enough(h)}
    places = [one.start for one in evidence if one.field == "body"]
    passage = _passage(article.text, min(places)) if places else ""
    if passage:
        shared.add(f"passage:{passage}")
    return frozenset(shared)


def _is_long_enough(headline: str) -> bool:
    return len(headline) >= SHORTEST_HEADLINE or not headline.isascii()


def _passage(text: str, at: int) -> str:
    """The letters from where the sentence around `at` begins, however they are spaced and punctuated.

    Too short a rest has none. Aggregators cut a lead at 150 characters or so, and pages put headline and
    date before it; the sentence with the names in it stays.
    """
    begin = max((found.end() for found in _SENTENCE_END.finditer(text, max(0, at - 400), at)), default=0)
    letters: list[str] = []
    for character in text[begin : begin + 400]:
        letters += [c for c in unicodedata.normalize("NFKC", character).casefold() if c.isalnum()]
        dense = sum(c >= "\u2e80" for c in letters) * 2 > len(letters)  # Han, Kana, Hangul say more
        if len(letters) >= (DENSE_PASSAGE if dense else PASSAGE):
            return "".join(letters)
    return ""


_SENTENCE_END = re.compile(r"[.!?]\s|[。！？\n]")

# What papers and aggregators hang on a headline: "… - The Herald", "Update: …", "… [corrected]".
_HANGINGS = (
    re.compile(r"\s[-–—|·]\s[^-–—|·]{2,40}$"),
    re.compile(r"^[^\s:：]{2,20}(?:\s\d{1,2})?\s?[:：]\s*"),
    re.compile(r"\s?[\[(（【][^\[\]()（）【】]{2,20}[\])）】]$"),
)


def headlines(title: str) -> frozenset[str]:
    """A headline in normal form: whole, and without what was hung on it as long as enough of it is left."""
    forms = [title]
    for hanging in _HANGINGS:
        forms += [hanging.sub("", form) for form in forms]
    whole, *bare = (normalised_title(form) for form in forms)
    return frozenset({whole, *(form for form in bare if _says_enough(form))} - {""})


def _says_enough(headline: str) -> bool:
    """Two names and a verb; a script without spaces says as much in fewer characters."""
    return len(headline.split()) >= 4 or sum(not character.isascii() for character in headline) >= 8


def join(known: Iterable[Known], now: datetime) -> Joined | None:
    """The story to which an article with these known features belongs; None: it opens a new one.

    `now` is when the article came. An address outweighs a headline, and of several the story told of first
    wins, so that the order of arrival matters little.
    """
    standing = [k for k in known if _tie(k) is Tie.SAME_ADDRESS or abs(now - k.at) <= HEADLINE_LIFE]
    if not standing:
        return None
    best = min(standing, key=lambda k: (_tie(k) is not Tie.SAME_ADDRESS, k.at, k.story))
    return Joined(best.story, _tie(best))


def _tie(known: Known) -> Tie:
    return _TIES[known.feature.partition(":")[0]]


_TIES = {"address": Tie.SAME_ADDRESS, "headline": Tie.SAME_HEADLINE, "passage": Tie.SAME_PASSAGE}


def opened_by(article: Article) -> StoryId:
    """The id of the story an article opens. It holds the moment the article was seen.

    A new database repeats no id.
    """
    made_of = f"{article.seen.isoformat()} {article.source} {article.id}"
    return StoryId("s" + hashlib.blake2b(made_of.encode(), digest_size=8).hexdigest())

"""Story: articles on one event. Which story does an article belong to?

Lives here: the decision, and a story's life. First the certain ties: the same address, or within two days
the same headline or passage. Then likeness: of the stories open at the time of the article the one it is most
like, if it is like enough; that holds across languages. Not here: what articles are compared by (`features`,
`likeness`), where stories are kept (`ledger`), whether to tell of one (`alerting`).
"""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NewType

from pydantic import Field

from alerts.features import Traits
from alerts.likeness import COPY, ENOUGH, Likeness, copy_share, in_common, like_stories, like_story
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

MOST_COMPARED = 24  # articles of a story, the newest: the cost of an article does not grow with a story
MOST_CLOSED = 40  # stories of which one may go on; the last
SHOWN = 3  # stories an article nearly joined
THIN = 0.8  # points: with no more an article could be another event
CLOSE = 0.3  # points: so near to another story it could as well be of that
UNITES = 0.85  # points of two stories against each other: at as many they are one
UNITES_UNHEARD = 0.4  # the same, as long as nobody has heard of one of them: it only moves into a thread
GOES_ON = 1.5  # points: at as many a new story goes on with a closed one

SHORTEST_HEADLINE = 12  # letters; "Breaking news" twice a day says nothing


class StoryHabits(Keys):
    """The `stories:` part of daemon.yaml."""

    group_wait: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(minutes=2)
    follow_ups: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(minutes=3)
    quiet: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(hours=48)
    longest: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(days=14)
    alike: bool = True  # likeness makes two articles one story too; false: only what is certain does

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
    SAME_TEXT = "same_text"  # nearly all of it: what an agency sent to many papers
    ALIKE = "alike"  # like enough to the articles of the story
    BY_HAND = "by_hand"  # somebody merged or split


@dataclass(frozen=True, slots=True)
class Known:
    """A feature some story already has."""

    story: StoryId
    feature: str
    at: datetime  # when an article of the story last had it


@dataclass(frozen=True, slots=True)
class Near:
    """A story an article was compared with."""

    story: StoryId
    likeness: Likeness


@dataclass(frozen=True, slots=True)
class Joined:
    """Where an article belongs, and how that was found."""

    story: StoryId
    tie: Tie
    likeness: Likeness | None = None  # None: the tie is a certain one
    nearly: tuple[Near, ...] = ()  # other open stories, the likest first
    follows: StoryId | None = None  # of a story that is opened: the closed one it goes on with
    origin: int | None = None  # the article it is a copy of
    unites: Near | None = None  # a story that is the same one, as this article shows: it moves into this

    @property
    def doubtful(self) -> bool:
        """Could it as well be another event? By likeness alone, and by little; or nearly of another story."""
        if self.tie not in {Tie.ALIKE, Tie.SAME_TEXT} or self.likeness is None:
            return False
        rival = self.nearly[0].likeness.score if self.nearly else ENOUGH - CLOSE
        return self.likeness.score <= ENOUGH + THIN or self.likeness.score - rival < CLOSE


@dataclass(frozen=True, slots=True)
class When:
    """The time of an article; of one that is only known by its month, all of the month."""

    first: datetime
    last: datetime

    @classmethod
    def at(cls, moment: datetime) -> "When":
        return cls(moment, moment)

    @property
    def is_exact(self) -> bool:
        return self.first == self.last


@dataclass(frozen=True, slots=True)
class Member:
    """An article of a story, as others are compared with it."""

    article: int
    traits: Traits


@dataclass(frozen=True, slots=True)
class Standing:
    """A story as it stands when an article comes: its first and last time, its articles without copies."""

    id: StoryId
    first: datetime
    last: datetime
    members: tuple[Member, ...] = field(repr=False)  # the newest last
    vague: bool = False  # none of its articles is known by more than its month

    def is_open(self, at: When, habits: StoryHabits) -> bool:
        """Whether an article of this time may still join: not after days of quiet, and never after two weeks.

        It may be older than the story: feeds bring things late.
        """
        quiet = timedelta(0) if self.vague or not at.is_exact else habits.quiet
        if at.first > self.last + quiet or at.last < self.first - quiet:
            return False
        whole = max(at.last, self.last) - min(at.first, self.first)
        return self.vague or not at.is_exact or whole <= habits.longest

    def with_one_more(self, member: Member | None, at: When) -> "Standing":
        """The story with another article; None: a copy, which is not compared with."""
        members = self.members if member is None else (*self.members, member)[-MOST_COMPARED:]
        if self.vague and not at.is_exact:
            return replace(
                self, members=members, first=max(self.first, at.first), last=min(self.last, at.last)
            )
        if not at.is_exact:
            return replace(self, members=members)
        if self.vague:
            return replace(self, members=members, first=at.first, last=at.last, vague=False)
        return replace(self, members=members, first=min(self.first, at.first), last=max(self.last, at.last))


def united(one: Standing, other: Standing) -> Standing:
    """Two stories as one, under the name of the first."""
    members = (*one.members, *other.members)[-MOST_COMPARED:]
    if one.vague != other.vague:
        exact = other if one.vague else one
        return replace(exact, id=one.id, members=members)
    return replace(one, first=min(one.first, other.first), last=max(one.last, other.last), members=members)


def opened_with(story: StoryId, member: Member, at: When) -> Standing:
    """A story of one article."""
    return Standing(story, at.first, at.last, (member,), vague=not at.is_exact)


def place(
    traits: Traits,
    at: When,
    known: Iterable[Known],
    stories: Sequence[Standing],
    opened: StoryId,
    now: datetime,
    habits: StoryHabits,
    apart: Collection[frozenset[StoryId]] = (),
    unheard: Collection[StoryId] = (),
) -> Joined:
    """Where an article belongs: `opened`, if no story of these times is its own.

    A certain tie outweighs likeness. Of stories equally like the older wins. `apart`: pairs somebody split;
    `unheard`: stories that are to be told, and nobody has heard of yet.
    """
    standing = {story.id: story for story in stories if story.is_open(at, habits)}
    near = _ranked(traits, list(standing.values()))
    certain = join(known, now)
    if certain is None and (not near or near[0].likeness.score <= ENOUGH):
        return Joined(opened, Tie.FOUNDER, nearly=near[:SHOWN])
    mine = certain.story if certain else near[0].story
    origin = _origin(traits, standing[mine].members if mine in standing else ())
    story, united = _united(mine, near, standing, apart, unheard)
    return Joined(
        story,
        certain.tie if certain else Tie.ALIKE if origin is None else Tie.SAME_TEXT,
        next((one.likeness for one in near if one.story == mine), None),
        tuple(one for one in near if one.story not in {story, united and united.story})[:SHOWN],
        origin=origin,
        unites=united,
    )


def _united(
    mine: StoryId,
    near: Sequence[Near],
    standing: Mapping[StoryId, Standing],
    apart: Collection[frozenset[StoryId]],
    unheard: Collection[StoryId],
) -> tuple[StoryId, Near | None]:
    """The story an article joins, and another it shows to be the same: the later ends in the earlier.

    Which of a story's articles come first is chance; two that began apart may turn out to be one. If nobody
    has heard of one of them yet, less will do, and the article need not be like the other: no message has to
    be taken for two.
    """

    def may_be_one(story: StoryId) -> bool:
        return mine in unheard or story in unheard

    others = (one for one in near if one.story != mine)
    other = next((one for one in others if one.likeness.score > ENOUGH or may_be_one(one.story)), None)
    if other is None or mine not in standing or frozenset({mine, other.story}) in apart:
        return mine, None
    two = sorted((standing[mine], standing[other.story]), key=lambda story: (story.first, story.id))
    earlier, later = ([member.traits for member in story.members] for story in two)
    likeness = like_stories(earlier, later, len(near))
    enough = UNITES_UNHEARD if may_be_one(other.story) else UNITES
    return (two[0].id, Near(two[1].id, likeness)) if likeness.score >= enough else (mine, None)


def _ranked(traits: Traits, stories: Sequence[Standing]) -> tuple[Near, ...]:
    rivals = sum(_may_share_a_watch(traits, story) for story in stories)
    members = [[member.traits for member in story.members] for story in stories]
    common = in_common(traits, members)
    compared = [
        Near(story.id, like_story(traits, theirs, rivals, elsewhere))
        for story, theirs, elsewhere in zip(stories, members, common, strict=True)
    ]
    since = {one.id: (one.first, one.id) for one in stories}
    return tuple(sorted(compared, key=lambda one: (-one.likeness.score, since[one.story])))


def _may_share_a_watch(traits: Traits, story: Standing) -> bool:
    return not traits.watches or any(traits.watches & member.traits.watches for member in story.members)


def before(traits: Traits, closed: Sequence[Standing]) -> StoryId | None:
    """Which of these closed stories a new one goes on with. After such a time much must be shared."""
    near = _ranked(traits, closed)
    return near[0].story if near and near[0].likeness.score >= GOES_ON else None


def _origin(traits: Traits, members: Sequence[Member]) -> int | None:
    """The article of which this is a copy: half of the text is the same, word for word."""
    copied = [(copy_share(traits, member.traits), -member.article) for member in members]
    share, article = max(copied, default=(0.0, 0))
    return -article if share >= COPY else None


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

"""Likeness: what speaks for and against two articles telling of one event, in points that can be read.

Lives here: the points and their weights, one article against another and against the articles of a story.
Not here: what an article offers (`features`), what follows from the points (`stories`). How the weights were
found, and what they are worth: docs/decisions/0011-likeness.md. They are round numbers; a change of one by a
fifth moves little.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log, sqrt
from typing import Any, NamedTuple

from alerts.features import Traits

ENOUGH = 0.0  # points: at more of them an article is of the story
COPY = 0.5  # share of equal hashes from which one text is a copy of the other

# Of articles that a watch would tell within two days many are of one event; of any others few.
_APART, _SAME_WATCH = -1.2, 1.7
_CROWD = 0.3  # times the logarithm of the open stories: the busier a watch, the less says "the same watch"
_IN_COMMON = 0.3  # points that the shared traits must bring, else nothing but the watch ties two articles
_WORDS, _COPY = 3.5, 2.0
_TOP_PARTY, _OTHER_TOP_PARTY, _PARTY = 1.5, -0.9, 0.5
_PAPER, _OTHER_PAPER = 1.5, -2.0
_ACT, _OTHER_ACT = 1.5, -1.2
_THEMES = 1.0
_AMOUNT, _OTHER_AMOUNT = 0.8, -0.8
_NAME = 0.8

# What other open stories have too ties to none of them: the phrases of a house, a notice under every page.
_COMMON = 3.0  # at so many times the number of other stories that have it, a word counts for less
_BUSY = 5  # open stories; beyond them that counts, and an article has to be like more than half of a story's
_MORE, _MOST = 0.1, 0.8


class Point(NamedTuple):
    """One reason for or against, with its weight."""

    weight: float
    what: str


@dataclass(frozen=True, slots=True)
class Likeness:
    """How like an article is to a story, and why."""

    score: float
    points: tuple[Point, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it and `tocsin stories show --json` prints it."""
        return {
            "score": self.score,
            "points": [{"weight": weight, "what": what} for weight, what in self.points],
        }

    @classmethod
    def from_json(cls, kept: Any) -> "Likeness":
        return cls(kept["score"], tuple(Point(one["weight"], one["what"]) for one in kept["points"]))

    def __str__(self) -> str:
        return ", ".join(f"{what} {weight:+.1f}" for weight, what in self.points)


class Common(NamedTuple):
    """What of an article the other open stories have as well."""

    spread: Mapping[str, float] = {}  # word or name → in how many of them, by the share of their articles
    copied: frozenset[int] = frozenset()  # which of its hashes

    def rarity(self, shared: Iterable[str]) -> float:
        """How many these are, each the less the more stories have it."""
        return sum(1 / (1 + _COMMON * self.spread.get(one, 0.0)) for one in shared)


NOTHING = Common()


def in_common(article: Traits, stories: Sequence[Sequence[Traits]]) -> list[Common]:
    """For each of these stories: what of an article the others have. A few may share it by chance."""
    if len(stories) <= _BUSY:
        return [NOTHING] * len(stories)
    mine = article.words | article.names
    spread: list[dict[str, float]] = [defaultdict(float) for _ in stories]
    copied = [set[int]() for _ in stories]
    for number, members in enumerate(stories):
        for member in members:
            for shared in mine & (member.words | member.names):
                spread[number][shared] += 1 / len(members)
            copied[number].update(_same(article, member))
    everywhere: dict[str, float] = defaultdict(float)
    for one in spread:
        for word, share in one.items():
            everywhere[word] += share
    hashes = Counter(n for one in copied for n in one)
    return [
        Common(
            {word: everywhere[word] - share for word, share in spread[number].items()},
            frozenset(n for n in copied[number] if hashes[n] > 1),
        )
        for number in range(len(stories))
    ]


def like(one: Traits, other: Traits, common: Common = NOTHING) -> list[Point]:
    """The points of one article against another. It makes no difference which comes first."""
    shared = [*_words(one, other, common), *_shared(one, other, common)]
    against = list(_against(one, other))
    if sum(point.weight for point in shared) < _IN_COMMON:
        return [*shared, Point(2 * _APART, "next to nothing in common"), *against]
    watched = one.watches & other.watches
    tied = [Point(_SAME_WATCH, _named("the same watch", watched))] if watched else []
    return [Point(_APART, "two articles"), *tied, *shared, *against]


def _words(one: Traits, other: Traits, common: Common) -> Iterable[Point]:
    if both := one.words & other.words:
        yield Point(_WORDS * common.rarity(both) / sqrt(len(one.words) * len(other.words)), "words")
    if copied := copy_share(one, other, common.copied):
        yield Point(_COPY * copied, "text")


def _shared(one: Traits, other: Traits, common: Common) -> Iterable[Point]:
    for weight, most, word, both in (
        (_TOP_PARTY, 2, "headline", one.top_parties & other.top_parties),
        (_PARTY, 2, "named", one.parties & other.parties),
        (_PAPER, 1, "goes back to", one.papers & other.papers),
        (_AMOUNT, 2, "amount", one.amounts & other.amounts),
    ):
        if both:
            yield Point(weight * min(most, len(both)), _named(word, both))
    if names := one.names & other.names:
        yield Point(_NAME * min(2, common.rarity(names)), _named("name", names))
    both = one.top_acts & other.top_acts
    half = (one.top_acts & other.acts | other.top_acts & one.acts) - both
    if both or half:
        yield Point(_ACT * min(2, len(both) + len(half) / 2), _named("act", both | half))
    if themes := cosine(one.themes, other.themes):
        yield Point(_THEMES * themes, _named("theme", one.themes & other.themes))


def _against(one: Traits, other: Traits) -> Iterable[Point]:
    """What a headline says and the other article does not at all, of each of the two; and other papers."""
    for weight, word, tops, alls in (
        (_OTHER_TOP_PARTY, "other party", (one.top_parties, other.top_parties), (one.parties, other.parties)),
        (_OTHER_ACT, "other act", (one.top_acts, other.top_acts), (one.acts, other.acts)),
    ):
        for top, there in ((tops[0], alls[1]), (tops[1], alls[0])):
            if top and not top & there:
                yield Point(weight, _named(word, top))
    for top, there in ((one.top_amounts, other.amounts), (other.top_amounts, one.amounts)):
        if top and there and not top & there:
            yield Point(_OTHER_AMOUNT, _named("other amount", top))
    if one.papers and other.papers and not one.papers & other.papers:
        yield Point(_OTHER_PAPER, _named("other paper", one.papers ^ other.papers))


def _named(word: str, which: Iterable[str]) -> str:
    return f"{word} ({', '.join(sorted(which)[:4])})"


def cosine(one: frozenset[str], other: frozenset[str]) -> float:
    """Share of what two sets have in common: 0 none, 1 all."""
    return len(one & other) / sqrt(len(one) * len(other)) if one and other else 0.0


def copy_share(one: Traits, other: Traits, without: Collection[int] = ()) -> float:
    """About how much of the text is the same, word for word."""
    if not one.copy or not other.copy:
        return 0.0
    return sum(n not in without for n in _same(one, other)) / len(one.copy)


def _same(one: Traits, other: Traits) -> Iterable[int]:
    """Which hashes are equal; a text of a few words has none."""
    return (n for n, (a, b) in enumerate(zip(one.copy, other.copy, strict=False)) if a == b)


def like_story(
    article: Traits, members: Sequence[Traits], open_stories: int, common: Common = NOTHING
) -> Likeness:
    """An article against those of a story: the mean of the nearer ones, less for a crowd of open stories."""
    return _of_the_nearer([like(article, member, common) for member in members], open_stories)


def like_stories(one: Sequence[Traits], other: Sequence[Traits], open_stories: int) -> Likeness:
    """All articles of one story against all of another, in the same way."""
    return _of_the_nearer([like(a, b) for a in one for b in other], open_stories)


def _of_the_nearer(compared: list[list[Point]], open_stories: int) -> Likeness:
    """The nearer half; the more of them the busier it is, for one wrong article attracts others."""
    if not compared:
        return Likeness(2 * _APART)
    compared.sort(key=lambda points: -sum(point.weight for point in points))
    share = min(_MOST, 0.5 + _MORE * log(max(1.0, open_stories / _BUSY)))
    points = _mean(compared[: ceil(len(compared) * share)])
    if open_stories > 1:
        points.append(Point(round(-_CROWD * log(open_stories), 2), f"{open_stories} open stories"))
    return Likeness(round(sum(point.weight for point in points), 2), tuple(points))


def _mean(compared: Sequence[Sequence[Point]]) -> list[Point]:
    """The points of several comparisons in one, the heaviest first; names of those that come up most."""
    sums: dict[str, float] = {}
    names: dict[str, dict[str, int]] = {}
    for points in compared:
        for weight, what in points:
            word = what.partition(" (")[0]
            sums[word] = sums.get(word, 0.0) + weight
            seen = names.setdefault(word, {})
            seen[what] = seen.get(what, 0) + 1
    said = {word: min(seen, key=lambda what: (-seen[what], what)) for word, seen in names.items()}
    mean = [Point(round(total / len(compared), 2), said[word]) for word, total in sums.items()]
    return sorted(
        (point for point in mean if abs(point.weight) >= 0.05),
        key=lambda point: (-abs(point.weight), point.what),
    )

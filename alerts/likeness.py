"""Likeness: what speaks for and against two articles telling of one event, in points that can be read.

Lives here: the points and their weights, one article against another and against the articles of a story.
Not here: what an article offers (`features`), what follows from the points (`stories`). How the weights were
found, and what they are worth: docs/decisions/0011-likeness.md. They are round numbers; a change of one by a
fifth moves little.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log, sqrt
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


def like(one: Traits, other: Traits) -> list[Point]:
    """The points of one article against another. It makes no difference which comes first."""
    shared = [*_words(one, other), *_shared(one, other)]
    against = list(_against(one, other))
    if sum(point.weight for point in shared) < _IN_COMMON:
        return [*shared, Point(2 * _APART, "next to nothing in common"), *against]
    watched = one.watches & other.watches
    tied = [Point(_SAME_WATCH, _named("the same watch", watched))] if watched else []
    return [Point(_APART, "two articles"), *tied, *shared, *against]


def _words(one: Traits, other: Traits) -> Iterable[Point]:
    if like_words := cosine(one.words, other.words):
        yield Point(_WORDS * like_words, "words")
    if copied := copy_share(one, other):
        yield Point(_COPY * copied, "text")


def _shared(one: Traits, other: Traits) -> Iterable[Point]:
    for weight, most, word, both in (
        (_TOP_PARTY, 2, "headline", one.top_parties & other.top_parties),
        (_PARTY, 2, "named", one.parties & other.parties),
        (_PAPER, 1, "goes back to", one.papers & other.papers),
        (_AMOUNT, 2, "amount", one.amounts & other.amounts),
        (_NAME, 2, "name", one.names & other.names),
    ):
        if both:
            yield Point(weight * min(most, len(both)), _named(word, both))
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


def copy_share(one: Traits, other: Traits) -> float:
    """About how much of the text is the same, word for word."""
    if not one.copy or not other.copy:
        return 0.0
    return sum(a == b for a, b in zip(one.copy, other.copy, strict=True)) / len(one.copy)


def like_story(article: Traits, members: Sequence[Traits], open_stories: int) -> Likeness:
    """An article against those of a story: the mean of the nearer half, less for a crowd of open stories."""
    return _nearer_half([like(article, member) for member in members], open_stories)


def like_stories(one: Sequence[Traits], other: Sequence[Traits], open_stories: int) -> Likeness:
    """All articles of one story against all of another, in the same way."""
    return _nearer_half([like(a, b) for a in one for b in other], open_stories)


def _nearer_half(compared: list[list[Point]], open_stories: int) -> Likeness:
    if not compared:
        return Likeness(2 * _APART)
    compared.sort(key=lambda points: -sum(point.weight for point in points))
    points = _mean(compared[: (len(compared) + 1) // 2])
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

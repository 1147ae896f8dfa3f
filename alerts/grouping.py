"""Grouping: how well articles are grouped into stories, by a corpus that says which belong together.

Lives here: going over the items in the order of their time, in memory, with the decision that runs live;
B-cubed figures, and those across languages. Not here: the decision (`stories`, `likeness`),
reading the corpus (`evaluation`).
"""

import calendar
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from itertools import combinations
from typing import Any

from alerts.evaluation import LabelledItem
from alerts.features import Reader, Traits
from alerts.matching import Matcher
from alerts.stories import (
    MOST_CLOSED,
    Member,
    Standing,
    StoryHabits,
    StoryId,
    Tie,
    When,
    before,
    opened_with,
    place,
    united,
)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A labelled item as it would come in."""

    item: LabelledItem
    traits: Traits
    at: When


@dataclass(frozen=True, slots=True)
class Grouped:
    """What became of the items: their stories, and which story goes on with which."""

    stories: Mapping[str, StoryId]  # by item
    follows: Mapping[StoryId, StoryId]

    def linked(self) -> dict[str, StoryId]:
        """The items by the first of the stories that go on with each other."""
        return {item: self._first(story) for item, story in self.stories.items()}

    def _first(self, story: StoryId) -> StoryId:
        seen: set[StoryId] = set()
        while story in self.follows and story not in seen:
            seen.add(story)
            story = self.follows[story]
        return story


def arrivals(items: Iterable[LabelledItem], reader: Reader, matcher: Matcher) -> list[Arrival]:
    """The items that carry a story and a time, in the order of arrival.

    One known by its month alone comes on some day of it: always the same, but no matter which.
    """
    found = []
    for item in items:
        at = when(item.published) if item.story and item.published else None
        if at is not None:
            article = item.article()
            found.append(Arrival(item, reader.traits(article, matcher.match(article)), at))
    return sorted(found, key=lambda one: (_turn(one), one.item.id))


def when(written: str) -> When | None:
    """2027-03-02T14:10:00Z, 2027-03-02, 2027-03 or 2027; None: none of these."""
    parts = written.split("-")
    try:
        if len(parts) > 2:
            moment = datetime.fromisoformat(written)
            return When.at(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        year, months = int(parts[0]), [int(part) for part in parts[1:]] or [1, 12]
        last = calendar.monthrange(year, months[-1])[1]
        return When(
            datetime(year, months[0], 1, tzinfo=UTC), datetime(year, months[-1], last, 23, 59, tzinfo=UTC)
        )
    except ValueError:
        return None


def _turn(one: Arrival) -> datetime:
    chance = int.from_bytes(blake2b(one.item.id.encode(), digest_size=4).digest(), "big") / 2**32
    return one.at.first + (one.at.last - one.at.first) * chance


def group(order: Sequence[Arrival], habits: StoryHabits) -> Grouped:
    """The items in stories, one after the other."""
    standing: dict[StoryId, Standing] = {}
    stories: dict[str, StoryId] = {}
    follows: dict[StoryId, StoryId] = {}
    for number, one in enumerate(order):
        open_ = [story for story in standing.values() if story.is_open(one.at, habits)]
        opened = StoryId(f"s{number}")
        joined = place(one.traits, one.at, (), open_, opened, one.at.last, habits)
        member = Member(number, one.traits)
        if joined.tie is Tie.FOUNDER:
            closed = sorted((s for s in standing.values() if s.last < one.at.first), key=lambda s: s.last)
            earlier = before(one.traits, [s for s in closed[-MOST_CLOSED:] if s not in open_])
            if earlier is not None:
                follows[opened] = earlier
            standing[opened] = opened_with(opened, member, one.at)
        else:
            if joined.unites:
                gone = joined.unites.story
                standing[joined.story] = united(standing[joined.story], standing.pop(gone))
                stories = {i: joined.story if s == gone else s for i, s in stories.items()}
                follows = _renamed(follows, gone, joined.story)
            new = None if joined.origin is not None else member
            standing[joined.story] = standing[joined.story].with_one_more(new, one.at)
        stories[one.item.id] = joined.story
    return Grouped(stories, follows)


def _renamed(follows: Mapping[StoryId, StoryId], old: StoryId, new: StoryId) -> dict[StoryId, StoryId]:
    renamed = {(new if a == old else a): (new if b == old else b) for a, b in follows.items()}
    return {a: b for a, b in renamed.items() if a != b}


# ---- figures


def figures(order: Sequence[Arrival], habits: StoryHabits) -> dict[str, Any]:
    """The part `stories` of `tocsin evaluate --json`; shares of nothing are null."""
    grouped = group(order, habits)
    wanted = {one.item.id: one.item.story or "" for one in order}
    languages = {one.item.id: one.item.language for one in order}
    return {
        "items": len(order),
        "stories": len(set(wanted.values())),
        **_named(b_cubed(grouped.stories, wanted)),
        "across_languages": _named(pairs(grouped.stories, wanted, languages)),
        "linked": _named(b_cubed(grouped.linked(), wanted)),
    }


def b_cubed(given: Mapping[str, str], wanted: Mapping[str, str]) -> tuple[float, float] | None:
    """Precision and recall: how many of those beside an article belong there, and how many that do are."""
    ours, theirs = _groups(given), _groups(wanted)
    if not wanted:
        return None
    shares = [
        (len(ours[given[i]] & theirs[wanted[i]]), len(ours[given[i]]), len(theirs[wanted[i]])) for i in wanted
    ]
    return sum(a / b for a, b, _ in shares) / len(wanted), sum(a / c for a, _, c in shares) / len(wanted)


def pairs(
    given: Mapping[str, str], wanted: Mapping[str, str], languages: Mapping[str, str]
) -> tuple[float, float] | None:
    """Precision and recall of two articles in different languages being put into one story."""
    both = ours = theirs = 0
    for a, b in combinations(sorted(wanted), 2):
        if languages[a] != languages[b]:
            together, belong = given[a] == given[b], wanted[a] == wanted[b]
            both, ours, theirs = both + (together and belong), ours + together, theirs + belong
    return (both / ours, both / theirs) if ours and theirs else None


def _groups(of: Mapping[str, str]) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = defaultdict(set)
    for item, story in of.items():
        groups[story].add(item)
    return groups


def _named(found: tuple[float, float] | None) -> dict[str, float | None]:
    if found is None or not sum(found):
        return dict.fromkeys(("precision", "recall", "f1"))
    precision, recall = found
    f1 = 2 * precision * recall / (precision + recall)
    return {name: round(v, 4) for name, v in (("precision", precision), ("recall", recall), ("f1", f1))}


def described(found: Mapping[str, Any]) -> Iterator[str]:
    """The figures in a terminal."""
    for name, part in (
        ("stories", found),
        ("  across languages", found["across_languages"]),
        ("  with the stories they go on with", found["linked"]),
    ):
        if part["f1"] is not None:
            shares = ", ".join(f"{which} {part[which]:.3f}" for which in ("f1", "precision", "recall"))
            yield f"{name}: {shares}"

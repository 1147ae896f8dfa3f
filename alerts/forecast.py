"""Forecast: how much rules would tell, counted out of a replay; what one version tells that another does not.

Lives here: values and counting. Not here: the replay itself (`backtest`), how a forecast looks in a terminal
(`scheduler.commands.backtests`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from alerts.alerting import Action, Reason
from alerts.watches import Rule
from crawler.articles import Article

MOST_WORDS = 3  # of those that stand behind a rule's alerts; more than a person needs to mend it


@dataclass(frozen=True, slots=True)
class Judged:
    """One match of a replay, and what became of it."""

    article: Article
    at: datetime  # when it was screened
    watch: str
    rule: str
    level: str
    story: str  # empty: in none, only shadow rules held
    action: Action
    reason: Reason
    detail: str
    words: frozenset[tuple[str, str]]  # part of the query, and the word found for it in small letters


@dataclass(frozen=True, slots=True)
class Sent:
    """A message a channel would have had."""

    channel: str
    watch: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Replay:
    """What rules made of the past, oldest first."""

    judged: tuple[Judged, ...]
    sent: tuple[Sent, ...]

    def only(self, watch: str | None, since: datetime) -> "Replay":
        """What counts: of this watch (None: of all), and not of the run-in before the period."""
        judged = tuple(j for j in self.judged if watch in {None, j.watch} and j.at >= since)
        return Replay(judged, tuple(s for s in self.sent if watch in {None, s.watch} and s.at >= since))

    def members(self) -> dict[str | None, frozenset[int]]:
        """The articles of each story."""
        found: dict[str | None, set[int]] = {}
        for one in self.judged:
            found.setdefault(one.story, set()).add(one.article.id)
        return {story: frozenset(articles) for story, articles in found.items()}


@dataclass(frozen=True, slots=True)
class Period:
    """The stretch of the archive that was gone over."""

    since: datetime
    until: datetime
    articles: int
    revisions: int

    @property
    def days(self) -> float:
        """At least one, so that an hour of news is not taken for a twenty-fourth of a day's alerts."""
        return max(1.0, (self.until - self.since) / timedelta(days=1))

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "days": round(self.days, 2)}


class Standing(StrEnum):
    """How a rule stands to the noise budget: `roots_per_day` alerts."""

    WITHIN = "within"
    PEAKS = "peaks"  # over it on some day
    OVER = "over"  # on the average of all days


@dataclass(frozen=True, slots=True)
class Volume:
    """How much there is of something, and on which days (UTC)."""

    matches: Mapping[date, int]
    alerts: Mapping[date, int]
    digest: Mapping[date, int]  # stories held for it
    days: float

    def to_json(self) -> dict[str, Any]:
        figures: dict[str, Any] = {}
        for name in ("matches", "alerts", "digest"):
            total = sum(getattr(self, name).values())
            figures |= {name: total, f"{name}_per_day": round(total / self.days, 2)}
        every = sorted({*self.matches, *self.alerts, *self.digest})
        by_day = {str(day): {name: getattr(self, name).get(day, 0) for name in _COUNTED} for day in every}
        return {**figures, "by_day": by_day}


_COUNTED = ("matches", "alerts", "digest")


@dataclass(frozen=True, slots=True)
class RuleVolume:
    """One rule: how much it brings, and by which words."""

    watch: str
    rule: str
    level: str
    shadow: bool
    volume: Volume
    standing: Standing
    words: tuple[tuple[str, str, int], ...]  # part, word, alerts it is behind; the most frequent first

    def to_json(self) -> dict[str, Any]:
        words = [{"part": part, "text": text, "alerts": count} for part, text, count in self.words]
        named = {"watch": self.watch, "rule": self.rule, "level": self.level, "shadow": self.shadow}
        return {**named, **self.volume.to_json(), "budget": self.standing.value, "words": words}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What rules would have told in a period."""

    rules: tuple[RuleVolume, ...]
    total: Volume
    messages: Mapping[str, Mapping[date, int]]  # by channel, the digest's included
    budget: int | None  # alerts a rule may bring a day; None: any number

    @property
    def noisy(self) -> tuple[RuleVolume, ...]:
        """The rules that would ring more often than the budget allows, day for day."""
        return tuple(rule for rule in self.rules if rule.standing is Standing.OVER)

    def to_json(self) -> dict[str, Any]:
        channels = {channel: sum(days.values()) for channel, days in sorted(self.messages.items())}
        total = sum(channels.values())
        per_day = round(total / self.total.days, 2)
        return {
            "total": self.total.to_json(),
            "messages": {"total": total, "per_day": per_day, "by_channel": channels},
            "budget": {"roots_per_day": self.budget, "over": [f"{r.watch}/{r.rule}" for r in self.noisy]},
            "rules": [rule.to_json() for rule in self.rules],
        }


def forecast(
    replay: Replay,
    rules: Iterable[tuple[str, Rule]],
    told: Callable[[Judged], Iterable[str]],
    days: float,
    budget: int | None,
) -> Forecast:
    """`rules`: each with the id of its watch; `told`: the channels that a match goes to."""
    counted = []
    for watch, rule in rules:
        mine = [j for j in replay.judged if (j.watch, j.rule) == (watch, rule.id)]
        volume = _volume(mine, days)
        standing = _standing(volume, budget)
        counted.append(RuleVolume(watch, rule.id, rule.level, rule.shadow, volume, standing, _words(mine)))
    return Forecast(tuple(counted), _volume(replay.judged, days), _messages(replay, told), budget)


def _volume(judged: Sequence[Judged], days: float) -> Volume:
    held: dict[tuple[str, str | None], date] = {}  # a story is once in the digest
    for one in judged:
        if one.action is Action.HOLD:
            held.setdefault((one.watch, one.story), one.at.date())
    told = Counter(one.at.date() for one in judged if one.action is Action.TELL)
    return Volume(Counter(one.at.date() for one in judged), told, Counter(held.values()), days)


def _standing(volume: Volume, budget: int | None) -> Standing:
    if budget is None or not volume.alerts:
        return Standing.WITHIN
    if sum(volume.alerts.values()) / volume.days > budget:
        return Standing.OVER
    return Standing.PEAKS if max(volume.alerts.values()) > budget else Standing.WITHIN


def _words(judged: Iterable[Judged]) -> tuple[tuple[str, str, int], ...]:
    found = Counter(word for one in judged if one.action is Action.TELL for word in one.words)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple((part, text, count) for (part, text), count in ranked[:MOST_WORDS])


def _messages(replay: Replay, told: Callable[[Judged], Iterable[str]]) -> dict[str, dict[date, int]]:
    """Alerts one by one, and one digest a day for a channel with something held."""
    messages: dict[str, Counter[date]] = {}
    for one in replay.sent:
        messages.setdefault(one.channel, Counter())[one.at.date()] += 1
    digests = {
        (channel, held.at.date())
        for held in replay.judged
        if held.action is Action.HOLD
        for channel in told(held)
    }
    for channel, day in digests:
        messages.setdefault(channel, Counter())[day] += 1
    return {channel: dict(days) for channel, days in messages.items()}


# ---- two versions of the rules


@dataclass(frozen=True, slots=True)
class OneSided:
    """A story that only one of two versions tells."""

    told: Judged
    because: str | None  # why the other version does not; None: too many to look into each

    def to_json(self) -> dict[str, Any]:
        told = self.told
        return {
            "watch": told.watch,
            "rule": told.rule,
            "title": told.article.title,
            "url": told.article.link,
            "article": told.article.id,
            "at": told.at,
            "because": self.because,
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """One version of the rules against the running one, story for story."""

    running: Forecast
    new: tuple[OneSided, ...]
    lost: tuple[OneSided, ...]
    both: int  # stories that either tells

    @property
    def overlap(self) -> float | None:
        """Stories that both tell, of those that one of them tells."""
        told = self.both + len(self.new) + len(self.lost)
        return round(self.both / told, 4) if told else None

    def to_json(self) -> dict[str, Any]:
        return {
            **self.running.to_json(),
            "both": self.both,
            "overlap": self.overlap,
            "new": [one.to_json() for one in self.new],
            "lost": [one.to_json() for one in self.lost],
        }


def told_only_by(replay: Replay, other: Replay) -> tuple[Judged, ...]:
    """The alerts whose story the other replay does not tell to the same watch.

    A story is known by its articles: its name is that of the article that opened it, which may be another one
    under other rules.
    """
    elsewhere = _told_articles(other)
    members = replay.members()
    return tuple(
        one
        for one in replay.judged
        if one.action is Action.TELL
        if not elsewhere & {(one.watch, article) for article in members[one.story]}
    )


def _told_articles(replay: Replay) -> frozenset[tuple[str, int]]:
    """Every article of every story that was told, with the watch that was told of it."""
    members = replay.members()
    told = {(one.watch, one.story) for one in replay.judged if one.action is Action.TELL}
    return frozenset((watch, article) for watch, story in told for article in members[story])

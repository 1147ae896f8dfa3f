"""Verdict: tell now, add to the thread, hold for the digest, stay quiet; always with a reason.

Lives here: pure decisions on values, the time included. Not here: looking up what was told before (`ledger`),
the words of a message (`notifiers`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from alerts.matching import Match
from alerts.promotion import Addition
from alerts.silences import Silence
from config.reading import Duration, Keys
from crawler.articles import Article

TOO_OLD_AFTER = timedelta(
    days=7
)  # a feed that shows an article of 2019 again is no news, a daemon back after a week's holiday is


class Backlog(Keys):
    """The `backlog:` part of daemon.yaml: what the first reading of a source may alert."""

    age: Annotated[Duration, Field(ge=timedelta(0))] = timedelta(hours=24)
    at_most: Annotated[int, Field(ge=0)] = 3  # per source


class Limits(Keys):
    """The `limits:` part of daemon.yaml. null: none."""

    roots_per_day: Annotated[int, Field(ge=1)] | None = 6
    posts_per_hour: Annotated[int, Field(ge=1)] | None = 12
    flood: Annotated[int, Field(ge=1)] | None = 20


UNLIMITED = Limits(roots_per_day=None, posts_per_hour=None, flood=None)


class Action(StrEnum):
    TELL = "tell"
    ADD = "add"  # to the thread of its story
    HOLD = "hold"  # for the digest
    QUIET = "quiet"


class Reason(StrEnum):
    """The closed list of answers to "why was I told?" and "why was I not?"."""

    FIRST_OF_STORY = "first_of_story"
    DIGEST_LEVEL = "digest_level"
    FLOOD = "flood"  # its source brought too much at once
    BUDGET = "budget"  # its rule or a channel has had enough for now
    QUIET_HOURS = "quiet_hours"  # wherever it goes it is quiet: it is in the brief at the end
    FOLLOW_UP = "follow_up"  # it stays in the thread
    PROMOTED = "promoted"  # the channel sees it too
    RETITLED = "retitled"  # it was told under another headline
    REMOVED = "removed"  # its page is gone, or there again
    NEW_IN_CHANNEL = "new_in_channel"  # its story was told, but not where it goes too
    ALREADY_TOLD = "already_told"
    SILENCED = "silenced"
    BASELINE = "baseline"
    TOO_OLD = "too_old"
    SHADOW = "shadow"


@dataclass(frozen=True, slots=True)
class Verdict:
    action: Action
    reason: Reason
    detail: str = ""  # for a person: which silence, how old

    @property
    def begins(self) -> bool:
        """Does its story begin somewhere, at once or in a brief?"""
        return self.reason in {Reason.FIRST_OF_STORY, Reason.NEW_IN_CHANNEL, Reason.QUIET_HOURS}


@dataclass(frozen=True, slots=True)
class Circumstances:
    """All a verdict depends on."""

    article: Article
    match: Match
    now: datetime
    told: bool  # this watch has told of this story
    silence: Silence | None
    backlog_told: int  # alerts from the first reading of this source so far
    backlog: Backlog
    addition: Addition | None = None  # to what was told; None: nothing
    new_in: tuple[str, ...] = ()  # the channels it goes to that have not been told of its story
    flood: str = ""  # how much its source brought at once; empty: not too much
    quiet: str = ""  # where it would ring, until when that is quiet; empty: somebody hears of it now
    over_budget: str = ""  # which limit is reached, and by what; empty: none


def decide(given: Circumstances) -> Verdict:
    """The first rule with an opinion decides."""
    for rule in RULES:
        verdict = rule(given)
        if verdict:
            return verdict
    return Verdict(Action.TELL, Reason.FIRST_OF_STORY)


def _already_told(given: Circumstances) -> Verdict | None:
    """In every channel it goes to, and it adds nothing."""
    nothing_new = given.told and given.addition is None and not given.new_in
    return Verdict(Action.QUIET, Reason.ALREADY_TOLD) if nothing_new else None


def _retitled(given: Circumstances) -> Verdict | None:
    if given.addition is None or given.addition.was is None:
        return None
    return Verdict(Action.ADD, Reason.RETITLED, f"it was told as “{given.addition.was}”")


def _removed(given: Circumstances) -> Verdict | None:
    """Its thread hears of it; nobody else is sent to a page that is not there."""
    removal = given.article.removal
    if given.addition is not None and given.addition.removal is not None:
        return Verdict(Action.ADD, Reason.REMOVED, given.addition.note)
    if removal is not None and not removal.over:
        return Verdict(Action.QUIET, Reason.REMOVED, f"its page answers {removal.status}")
    return None


def _counted(given: Circumstances) -> Verdict | None:
    """Its source brings more than a thread should name one by one."""
    if not given.flood or given.addition is None:
        return None
    return Verdict(Action.ADD, Reason.FLOOD, given.flood)


def _follow_up(given: Circumstances) -> Verdict | None:
    """What the story's thread has not yet; also of a digest's rule, since nobody is called for it."""
    if given.addition is None:
        return None
    promoted = bool(given.addition.promoted)
    return Verdict(Action.ADD, Reason.PROMOTED if promoted else Reason.FOLLOW_UP, given.addition.note)


def _shadow(given: Circumstances) -> Verdict | None:
    return (
        Verdict(Action.QUIET, Reason.SHADOW, f"rule {given.match.rule} runs in the shadow")
        if given.match.shadow
        else None
    )


def _silenced(given: Circumstances) -> Verdict | None:
    return silenced_by(given.silence) if given.silence else None


def silenced_by(s: Silence) -> Verdict:
    said = f"{s} by {s.author}, until {s.ends_at:%Y-%m-%d %H:%M} UTC"
    return Verdict(Action.QUIET, Reason.SILENCED, said + (f" ({s.comment})" if s.comment else ""))


def _old_news(given: Circumstances) -> Verdict | None:
    """However old it is: what people were told is news once it reads otherwise, or is not there any more."""
    if given.addition is not None and (given.addition.was is not None or given.addition.removal is not None):
        return None
    return _baseline(given) or _too_old(given)


def _baseline(given: Circumstances) -> Verdict | None:
    """Of what was there before us, only fresh news is told, and little of it but in threads.

    Without a date nobody knows how fresh.
    """
    article = given.article
    if not article.baseline:
        return None
    if article.published is None or article.seen - article.published > given.backlog.age:
        return Verdict(Action.QUIET, Reason.BASELINE, "it was there when its source was first read")
    if given.backlog_told >= given.backlog.at_most and given.addition is None:
        return Verdict(
            Action.QUIET, Reason.BASELINE, f"{given.backlog_told} of the first reading were told already"
        )
    return None


def _too_old(given: Circumstances) -> Verdict | None:
    published = given.article.published
    if published is None or given.article.seen - published <= TOO_OLD_AFTER:
        return None
    return Verdict(Action.QUIET, Reason.TOO_OLD, f"published {published:%Y-%m-%d}")


def _quiet_hours(given: Circumstances) -> Verdict | None:
    """Before the limits: a brief is one message, however much is in it."""
    return Verdict(Action.HOLD, Reason.QUIET_HOURS, given.quiet) if given.quiet else None


def _digest_level(given: Circumstances) -> Verdict | None:
    return Verdict(Action.HOLD, Reason.DIGEST_LEVEL) if given.match.level == "digest" else None


def _flood(given: Circumstances) -> Verdict | None:
    return Verdict(Action.HOLD, Reason.FLOOD, given.flood) if given.flood else None


def _budget(given: Circumstances) -> Verdict | None:
    return Verdict(Action.HOLD, Reason.BUDGET, given.over_budget) if given.over_budget else None


def _new_in_channel(given: Circumstances) -> Verdict | None:
    """A copy, or what another rule held for: there is nothing to add, but who was not told of it is now."""
    if not given.told:
        return None
    return Verdict(Action.ADD, Reason.NEW_IN_CHANNEL, f"its story is new in {', '.join(given.new_in)}")


# In this order: a shadow tells nobody, whatever else holds; what was told is told; old news is none for a
# thread either; a person's word comes before ours, and holds only what would else be told, for at its end
# that is said; a thread knows no limits, but is not flooded.
RULES: Sequence[Callable[[Circumstances], Verdict | None]] = (
    _shadow,
    _already_told,
    _old_news,
    _silenced,
    _retitled,
    _removed,
    _quiet_hours,
    _counted,
    _follow_up,
    _digest_level,
    _flood,
    _budget,
    _new_in_channel,
)

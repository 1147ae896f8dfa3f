"""Rhythm: how often, and at which hours of the week, a source announces something; is it silent?

Lives here: learning it from when something was heard, and the judgement, as functions of values. Not here:
what was heard (`archive`), who is told of a source that is silent (`scheduler.notices`).

A paper says nothing at night, an authority nothing at weekends. So time is counted in average hours: an
hour in which the source usually announces much is long, one in which it never does is short. Gaps counted
like this are alike at all times of the week, and one limit serves for all of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, pairwise

LOOK_BACK = timedelta(weeks=12)  # a source that changed its ways is known by the new ones after a season
ENOUGH = 10  # times something was heard: a weekly column is known after ten weeks, a monthly blog never
LONG_ENOUGH = timedelta(weeks=2)  # two weekends
# Twice the gap that 99 of 100 stay under is common with many sources: one of them has it every other day.
# Three times it happens once in a million gaps.
PATIENCE = 3
SHORTEST = timedelta(hours=3)  # a wire that has a report every minute may have its lunch
NEIGHBOURS = 2  # hours on either side that speak for an hour too: minutes, and summer time, shift
PRIOR = 0.5  # what every hour of the week is credited with before anything was heard in it

HOUR = timedelta(hours=1)
WEEK = 168  # hours
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)

Heard = tuple[datetime, int]  # when, and how many entries


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What is usual for a source."""

    reached: tuple[float, ...]  # by the beginning of each hour of the week, and by its end: average hours
    patience: float  # average hours it may say nothing
    per_day: float  # entries

    def silent(self, since: datetime, until: datetime) -> bool:
        """Nothing was heard between these times: is that longer than is usual?"""
        return until - since >= SHORTEST and self.passed(since, until) > self.patience

    def passed(self, since: datetime, until: datetime) -> float:
        """Average hours between two times."""
        return self._at(until) - self._at(since)

    def _at(self, moment: datetime) -> float:
        weeks, hours = divmod((moment - _MONDAY) / HOUR, WEEK)
        begun = int(hours)
        before, after = self.reached[begun], self.reached[begun + 1]
        return weeks * WEEK + before + (after - before) * (hours - begun)


def learn(heard: Sequence[Heard]) -> Rhythm | None:
    """The rhythm of what was heard, oldest first; None: that was too little to say."""
    if len(heard) < ENOUGH or heard[-1][0] - heard[0][0] < LONG_ENOUGH:
        return None
    times = [at for at, _ in heard]
    days = (times[-1] - times[0]) / timedelta(days=1)
    per_day = sum(entries for _, entries in heard) / days
    measure = Rhythm(_reached(times), math.inf, per_day)
    gaps = sorted(measure.passed(one, next_) for one, next_ in pairwise(times))
    usual = gaps[math.ceil(0.99 * len(gaps)) - 1]
    return Rhythm(measure.reached, PATIENCE * usual, per_day)


def _reached(times: Sequence[datetime]) -> tuple[float, ...]:
    counts = [0] * WEEK
    for at in times:
        counts[int((at - _MONDAY) / HOUR) % WEEK] += 1
    near = range(-NEIGHBOURS, NEIGHBOURS + 1)
    lengths = [PRIOR + sum(counts[(hour + away) % WEEK] for away in near) / len(near) for hour in range(WEEK)]
    average = sum(lengths) / WEEK
    return tuple(accumulate((length / average for length in lengths), initial=0.0))


def usually(per_day: float) -> str:
    """How much that is, for a person."""
    for days, period in ((1, "a day"), (7, "a week")):
        if per_day * days >= 1:
            return f"usually {per_day * days:.0f} {period}"
    return f"usually {per_day * 30:.0f} a month"

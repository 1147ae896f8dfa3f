"""Digest: held matches and what the shadows would change, in one message at a set time; what a silence or a
flood held, at its end; what quiet hours held, in the brief at theirs.

Lives here: which moment the digest's time of the day is, and what the messages say, cut to what a reader
takes in. Pure. Not here: what was held (`ledger`), when it goes into the outbox (`sum_up`, `wind_up`,
`brief`), how a vendor draws it (`notifiers`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from alerts.channels import DigestTime, QuietHours, moment_of
from alerts.notifications import Digest, DigestLine, DigestPart
from alerts.shadows import Difference
from alerts.silences import Silence
from alerts.threads import PRIMARY
from crawler.articles import Article

MOST_STORIES = 30  # in one digest, of all watches; the weakest are left out and counted
MOST_OF_SHADOW = 5  # articles named for each side of a difference
MOST_OF_SILENCE = 5  # stories named at its end
MOST_OF_FLOOD = 10


@dataclass(frozen=True, slots=True)
class Held:
    """One match that waits for the digest."""

    watch: str
    rule: str
    story: str
    score: float
    article: Article
    level: str = "alert"  # of the rule


# ---- when


def last_due(when: DigestTime, now: datetime) -> datetime:
    """The latest moment, up to now, at which it was this time of the day there.

    Once each day, also in a night in which the clock is changed: a time that is left out counts by the clock
    of before, a time that comes twice counts the first time.
    """
    return max(moment for moment in _around(when, now) if moment <= now)


def next_due(when: DigestTime, now: datetime) -> datetime:
    """The first moment after now at which it is this time of the day there."""
    return min(moment for moment in _around(when, now) if moment > now)


def _around(when: DigestTime, now: datetime) -> list[datetime]:
    """Its moments of the days about now: a zone may be most of a day away."""
    today = now.astimezone(ZoneInfo(when.timezone)).date()
    days = (today + timedelta(days=away) for away in range(-2, 3))
    return [moment_of(when.at, when.timezone, day) for day in days]


def day_before(when: DigestTime, due: datetime) -> datetime:
    """The moment of the digest before this one."""
    return last_due(when, due - timedelta(microseconds=1))


# ---- what


def compose(
    held: Sequence[Held],
    differences: Sequence[Difference],
    articles: Mapping[int, Article],
    names: Mapping[str, str],
) -> Digest | None:
    """The digest; None: there is nothing to say. `names`: of the watches; `articles`: of the differences."""
    stories = _by_story(held)
    kept = sorted(stories, key=_rank)[:MOST_STORIES]
    parts = [
        part
        for watch in names
        if (part := _of_watch(names[watch], _only(watch, stories), _only(watch, kept)))
    ]
    shadows = [_of_shadow(one, articles) for one in differences if one]
    if not parts and not shadows:
        return None
    count = len(stories)
    title = f"{_counted(count)} held for the digest" if count else "Rules in the shadow"
    return Digest(title, (*parts, *shadows))


def after_silence(silence: Silence, held: Sequence[Held]) -> Digest:
    """At the end of a silence, what it held for a channel."""
    part = _best(asked_for(silence), held, MOST_OF_SILENCE)
    count = len(part.lines) + part.more
    return Digest(f"A {silence} has ended: it held {_counted(count)}", (part,))


def asked_for(silence: Silence) -> str:
    """By whom, why, from when to when."""
    why = f" ({silence.comment})" if silence.comment else ""
    span = f"{silence.starts_at:%Y-%m-%d %H:%M} to {silence.ends_at:%Y-%m-%d %H:%M} UTC"
    return f"By {silence.author}{why}, {span}"


def after_flood(source: str, held: Sequence[Held], most: int | None) -> Digest:
    """When a source has calmed, what it brought for a channel. `most`: that is not yet much at once."""
    count = len({one.article.id for one in held})
    articles = f"matching article{'' if count == 1 else 's'}"
    again = most is not None and count <= most  # there was another message of it shortly before
    title = (
        f"{source} brought {count} more {articles}"
        if again
        else f"{source} brought {count} {articles} at once"
    )
    return Digest(title, (_best("The best of them", held, MOST_OF_FLOOD),))


def _best(heading: str, held: Sequence[Held], most: int) -> DigestPart:
    """The best stories, of whatever watch; a story of two watches is one."""
    stories = sorted(_by_story(replace(one, watch="") for one in held), key=_rank)
    return DigestPart(heading, tuple(map(_line, stories[:most])), more=max(0, len(stories) - most))


def _counted(stories: int) -> str:
    return "1 story" if stories == 1 else f"{stories} stories"


_Story = Sequence[Held]  # the matches of one story and watch, the best first


def _by_story(held: Iterable[Held]) -> list[_Story]:
    stories: dict[tuple[str, str], list[Held]] = {}
    for one in held:
        stories.setdefault((one.watch, one.story), []).append(one)
    return [sorted(matches, key=_strength) for matches in stories.values()]


def _strength(one: Held) -> tuple[float, int, datetime, int]:
    """By this the best comes first: the score, the rank of its source, who came first."""
    return -one.score, one.article.tier, one.article.seen, one.article.id


def _rank(story: _Story) -> tuple[float, int, datetime, int]:
    return _strength(story[0])


def _only(watch: str, stories: Iterable[_Story]) -> list[_Story]:
    return [story for story in stories if story[0].watch == watch]


def _of_watch(name: str, stories: Sequence[_Story], kept: Sequence[_Story]) -> DigestPart | None:
    if not stories:
        return None
    return DigestPart(name, tuple(map(_line, kept)), more=len(stories) - len(kept))


def _line(story: _Story) -> DigestLine:
    best = story[0]
    others = len({one.article.id for one in story}) - 1
    also = f", {others} more article{'' if others == 1 else 's'}" if others else ""
    return _named(best.article, f"{best.rule}{also}")


def _named(article: Article, note: str) -> DigestLine:
    return DigestLine(article.title, article.link, article.source_name, note)


def _of_shadow(found: Difference, articles: Mapping[int, Article]) -> DigestPart:
    against = f" instead of {found.instead_of}" if found.instead_of else ""
    heading = (
        f"In the shadow: {found.watch}/{found.rule}{against}: {len(found.both)} alike, "
        f"{len(found.only_new)} only new, {len(found.only_old)} only old"
    )
    lines = [
        _named(articles[one], note)
        for side, note in ((found.only_new, "only new"), (found.only_old, "only old"))
        for one in side[:MOST_OF_SHADOW]
        if one in articles
    ]
    return DigestPart(heading, tuple(lines), more=len(found.only_new) + len(found.only_old) - len(lines))


# ---- what a brief says


def compose_brief(
    held: Iterable[Held],
    sources: Mapping[tuple[str, str], int],
    names: Mapping[str, str],
    hours: QuietHours | None,
) -> Digest | None:
    """What quiet hours held, in one list, the weightiest first; None: nothing.

    `sources`: how many have a story, by (watch, story); `hours`: those it was quiet in, as far as known.
    """
    stories = [
        (min(story, key=_weight), sources.get((story[0].watch, story[0].story), 1))
        for story in _by_story(held)
    ]
    if not stories:
        return None
    ranked = sorted(stories, key=lambda story: (*_weight(story[0]), -story[1], *_strength(story[0])))
    watches = dict.fromkeys(names.get(best.watch, best.watch) for best, _ in ranked)
    lines = [_of_brief(best, count, names if len(watches) > 1 else {}) for best, count in ranked]
    heading = "The weightiest first" if len(watches) > 1 else next(iter(watches))
    part = DigestPart(heading, tuple(lines[:MOST_STORIES]), more=max(0, len(lines) - MOST_STORIES))
    when = f" ({hours.start:%H:%M}–{hours.end:%H:%M})" if hours else ""
    return Digest(f"While it was quiet{when}: {_counted(len(lines))}", (part,))


def _weight(one: Held) -> tuple[bool, bool, int, float]:
    """By this the weightiest comes first: the level of its rule, who speaks, the score."""
    return one.level != "alert", one.article.publisher not in PRIMARY, one.article.tier, -one.score


def _of_brief(best: Held, sources: int, names: Mapping[str, str]) -> DigestLine:
    """`names`: of the watches, where there are several."""
    has = f"{sources} sources" if sources > 1 else ""
    return _named(best.article, ", ".join(filter(None, (names.get(best.watch), best.rule, has))))

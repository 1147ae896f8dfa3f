"""Judging: what follows from the matches of one article: its story, verdicts, alerts, deliveries.

Lives here: the order of these steps, all written down in the caller's transaction; articles judged anew, and
two stories that turn out to be one. So articles are judged when they come (`screen`), and when the past is
gone over again (`catch_up`, `backtest`, `regrouping`). Not here: the decisions themselves (`matching`,
`stories`, `alerting`, `promotion`), the messages (`telling`).
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy import Connection

from alerts import ledger, outbox
from alerts.alerting import Action, Circumstances, Reason, Verdict, decide
from alerts.features import Traits
from alerts.matching import Match
from alerts.promotion import Addition, addition
from alerts.rulebook import Rulebook
from alerts.silences import Silence, silencing
from alerts.stories import UNITES, Joined, StoryHabits, StoryId, Tie, When, before, features, opened_by, place
from alerts.telling import Reach, Teller
from alerts.threads import Thread
from crawler import archive
from crawler.articles import Article

log = structlog.get_logger(__name__)


class Screened(NamedTuple):
    articles: int = 0
    matches: int = 0
    alerts: int = 0
    deliveries: int = 0

    def __add__(self, other: object) -> "Screened":
        if not isinstance(other, Screened):
            return NotImplemented
        return Screened(*(a + b for a, b in zip(self, other, strict=True)))


def judge(
    connection: Connection,
    rulebook: Rulebook,
    article: Article,
    found: Sequence[Match],
    silences: Sequence[Silence],
    now: datetime,
    came: datetime | None = None,
    flood: str = "",
    doubtful: bool = False,
) -> Screened:
    """What follows from the matches of an article: story, verdicts, alerts, deliveries; all written down.

    `came`: the day by which its story is looked up, where that is not today. `flood`: what is said of its
    source where that brings too much at once. `doubtful`: its story could as well be another event.
    """
    joined = _story(connection, rulebook, article, found, came or now)
    story = joined.story if joined else None
    done = Screened(matches=len(found))
    for match in found:
        silence = silencing(silences, article, match.watch, match, story, now)
        thread = ledger.thread(connection, story, match.watch, article.id) if story else None
        doubt = doubtful or (joined is not None and joined.doubtful)
        added = _added(connection, article, thread, doubtful=doubt) if thread else None
        teller = teller_of(connection, rulebook, match.watch, now)
        told = story is not None and ledger.told(connection, story, match.watch)
        reach = teller.reach(article, match, thread) if thread or not told else Reach()
        rings = match.rings and not (added and reach.begun)  # else it is said in a thread that has begun
        verdict = decide(
            Circumstances(
                article=article,
                match=match,
                now=now,
                told=told,
                new_in=reach.new,
                silence=silence,
                backlog_told=ledger.backlog_told(connection, article.source) if article.baseline else 0,
                backlog=rulebook.backlog,
                addition=added,
                flood=flood,
                quiet=teller.quiet(article, reach.beginning(added)) if rings else "",
                over_budget=teller.over_budget(match.rule, reach.new) if rings and not added else "",
            )
        )
        _write_match(connection, article, match, story, verdict, silence, now)
        if verdict.reason is Reason.BUDGET:
            done += Screened(deliveries=teller.tell_of_budget(match.rule, reach.new))
        if verdict.begins and story is not None and not told:
            done += Screened(alerts=1, deliveries=teller.begin(article, match, story))
        elif thread is not None:
            done += _go_on(teller, article, match, thread, added, verdict)
    return done


def _write_match(
    connection: Connection,
    article: Article,
    match: Match,
    story: StoryId | None,
    verdict: Verdict,
    silence: Silence | None,
    now: datetime,
) -> None:
    """With what holds it, so that this can tell of it once it is over."""
    flood = verdict.action is Action.HOLD and verdict.reason is Reason.FLOOD
    ledger.write_match(
        connection,
        article,
        match,
        story,
        verdict,
        now,
        silence=silence.id if silence and verdict.reason is Reason.SILENCED else None,
        flood=ledger.flood_of(connection, article.source, now) if flood else None,
    )


def teller_of(connection: Connection, rulebook: Rulebook, watch: str, now: datetime) -> Teller:
    habits, limits, told = rulebook.stories, rulebook.limits, rulebook.watches[watch]
    return Teller(connection, habits, limits, told, now, rulebook.channels)


def _added(connection: Connection, article: Article, thread: Thread, *, doubtful: bool) -> Addition | None:
    """What it adds to the thread; nothing if that names it already, for certain, in another paper."""
    named = [one.article for one in thread.articles if not one.copy]
    repeated = ledger.repeated(connection, article.id, named)
    return addition(thread, article, repeated, doubtful=doubtful)


def name_held(connection: Connection, rulebook: Rulebook, now: datetime) -> Screened:
    """What was held of stories that are told since this very moment: no digest has it, their threads do."""
    queued = 0
    for alert in ledger.alerts_at(connection, now):
        held = ledger.held_of(connection, alert.story, alert.watch)
        for article in archive.with_ids(connection, rulebook.sources, held).values():
            thread = ledger.thread(connection, alert.story, alert.watch)
            if thread and thread.of(article.id) is None:
                queued += teller_of(connection, rulebook, alert.watch, now).name(article, thread)
    return Screened(deliveries=queued)


def _go_on(
    teller: Teller, article: Article, match: Match, thread: Thread, added: Addition | None, verdict: Verdict
) -> Screened:
    """What an article of a told story does to its thread."""
    queued = 0
    if added and verdict.reason is Reason.RETITLED:
        queued = teller.retitle(article, thread, added)
    elif added and verdict.reason is Reason.REMOVED:
        queued = teller.remark(article, thread, added)
    elif verdict.reason in _COUNTED or (verdict.begins and added is None):
        grown = teller.count(article, thread)
        queued = teller.begin_elsewhere(article, match, grown, None) if verdict.begins else 0
    elif added and (verdict.action is Action.ADD or verdict.begins):
        queued = teller.add(article, match, thread, added)
    return Screened(deliveries=queued)


_COUNTED = frozenset({Reason.ALREADY_TOLD, Reason.FLOOD})


def note_changed(
    connection: Connection,
    rulebook: Rulebook,
    article: Article,
    silences: Sequence[Silence],
    now: datetime,
) -> Screened:
    """No rule holds of it any more: the threads it is in hear of its headline and its page all the same."""
    done = Screened()
    story = ledger.story_of(connection, article.id)
    for thread in ledger.threads_with(connection, article.id):
        added = addition(thread, article)
        quiet = silencing(silences, article, thread.watch, None, story, now)
        if thread.watch in rulebook.watches and added is not None and quiet is None:
            teller = teller_of(connection, rulebook, thread.watch, now)
            note = teller.remark if added.removal else teller.retitle
            done += Screened(deliveries=note(article, thread, added))
    return done


def _story(
    connection: Connection, rulebook: Rulebook, article: Article, found: Sequence[Match], now: datetime
) -> Joined | None:
    """The story of a matched article: the one it is in, is tied to, is like, or a new one.

    What only shadow rules found opens none and ties nothing: a trial changes nothing that is told.
    """
    already = ledger.story_of(connection, article.id)
    telling = [match for match in found if not match.shadow]
    if not telling:
        return Joined(already, Tie.SAME_ARTICLE) if already else None
    mine = features(article, telling)
    traits = rulebook.reader.traits(article, telling)
    moment = min(article.published or now, now)
    if already:
        joined = Joined(already, Tie.SAME_ARTICLE)
    else:
        joined = _placed(connection, rulebook.stories, article, mine, traits, moment, now)
    if joined.tie is Tie.FOUNDER:
        ledger.open_story(connection, joined, article, moment, now)
    if joined.unites:
        little = joined.unites.likeness.score < UNITES
        make_one(connection, rulebook, joined.story, joined.unites.story, now, doubtful=little)
    ledger.add_to_story(connection, joined, article, mine, now, moment, traits)
    return joined


def _placed(
    connection: Connection,
    habits: StoryHabits,
    article: Article,
    mine: frozenset[str],
    traits: Traits,
    moment: datetime,
    now: datetime,
) -> Joined:
    open_ = ledger.standing(connection, moment, habits.quiet) if habits.alike else []
    joined = place(
        traits,
        When.at(moment),
        ledger.known_features(connection, mine),
        open_,
        opened_by(article),
        now,
        habits,
        ledger.split_apart(connection),
        ledger.standing_of(connection, outbox.unheard(connection)) if open_ else (),
    )
    if joined.tie is not Tie.FOUNDER or not habits.alike:
        return joined
    return replace(joined, follows=before(traits, ledger.closed_before(connection, moment, habits.quiet)))


def make_one(
    connection: Connection,
    rulebook: Rulebook,
    story: StoryId,
    other: StoryId,
    now: datetime,
    *,
    doubtful: bool = False,
) -> None:
    """Two stories are one from now on.

    Where a watch told of both, what nobody has heard of yet is told in the thread of the other; if both were
    heard, the later thread says where it goes on. `doubtful`: they could as well be two events.
    """
    told = {
        watch: [ledger.thread(connection, one, watch) for one in (story, other)] for watch in rulebook.watches
    }
    ledger.merge_stories(connection, story, other)
    for watch, threads in told.items():
        ahead = ledger.thread(connection, story, watch)
        for ending in threads:
            if ending and ahead and ending.story != ahead.story:
                _end(connection, rulebook, ending, ahead, now, doubtful=doubtful)


def _end(
    connection: Connection,
    rulebook: Rulebook,
    ending: Thread,
    ahead: Thread,
    now: datetime,
    *,
    doubtful: bool,
) -> None:
    """Two threads of one story: one is told in the other as long as it can be, or else points to it."""
    for one, other in ((ending, ahead), (ahead, ending)):
        if _take_back(connection, one, now):
            _move(connection, rulebook, one, other, now, doubtful=doubtful)
            return
    teller_of(connection, rulebook, ending.watch, now).point(ending, ahead)


def _move(
    connection: Connection, rulebook: Rulebook, gone: Thread, into: Thread, now: datetime, *, doubtful: bool
) -> None:
    """What a thread told that was taken back is told in another; also what no rule finds any more."""
    articles = [one.article for one in gone.articles]
    judge_anew(connection, rulebook, articles, now, {gone.watch}, doubtful=doubtful)
    named = [one.article for one in gone.articles if not one.copy]
    for article in archive.with_ids(connection, rulebook.sources, named).values():
        rows = ledger.matches_of(connection, article.id)
        if not any((row.revision, row.watch) == (article.revision, gone.watch) for row in rows):
            thread = ledger.thread(connection, StoryId(into.story), gone.watch) or into
            teller_of(connection, rulebook, gone.watch, now).name(article, thread)


def _take_back(connection: Connection, thread: Thread, now: datetime) -> bool:
    """Nobody has heard of this thread, and nobody will; False: somebody has, or it waits for a brief."""
    if ledger.is_summed_up(connection, thread.story, thread.watch):
        return False
    if not outbox.take_back(connection, thread.story, thread.watch, now):
        return False
    ledger.withdraw_alert(connection, thread.story, thread.watch)
    everybody = [one.article for one in thread.articles]
    ledger.leave_thread(connection, replace(thread, articles=()), everybody)
    log.info("taken back", watch=thread.watch, story=thread.story, articles=len(everybody))
    return True


def judge_anew(
    connection: Connection,
    rulebook: Rulebook,
    articles: Collection[int],
    now: datetime,
    watches: Collection[str],
    *,
    doubtful: bool = False,
) -> Screened:
    """Decides anew, as if they had come just now; whose last wording has not had its turn is left to that."""
    done = Screened()
    silences = ledger.list_silences(connection, now)
    known = archive.with_ids(connection, rulebook.sources, articles)
    for number in _in_order(connection, articles):
        article = known.get(number)
        if article is None:
            continue
        found = [one for one in rulebook.matcher.match(article) if one.watch in watches and not one.shadow]
        rules = {(one.watch, one.rule) for one in found}
        rows = ledger.matches_of(connection, article.id)
        decided = [row for row in rows if row.revision == article.revision and (row.watch, row.rule) in rules]
        if not decided and archive.screened_at(connection, number) is None:
            continue
        for row in decided:
            ledger.withdraw_match(connection, row.id)
        if found:
            done += judge(connection, rulebook, article, found, silences, now, doubtful=doubtful)
    return done


def _in_order(connection: Connection, articles: Collection[int]) -> Sequence[int]:
    """By their time in their story."""
    ties = [tie for one in articles if (tie := ledger.tie_of(connection, one))]
    return [tie.article for tie in sorted(ties, key=lambda tie: (tie.moment, tie.article))]

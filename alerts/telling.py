"""What a verdict puts into the outbox: the root of a story, what its thread says, the root as it grows.

Lives here: which deliveries follow from an article, written down in the ledger's threads and the outbox,
within the caller's transaction. Not here: whether (`alerting`, `promotion`, `beginnings`), the moves of a
delivery (`outbox`).
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection

from alerts import ledger, outbox
from alerts.alerting import Limits
from alerts.beginnings import Beginning, beginning
from alerts.budget import Spent, notice, spent
from alerts.channels import Channel
from alerts.matching import Match
from alerts.notifications import Alarm, Body, DeliveryId, FollowUp, Item
from alerts.outbox import Root
from alerts.promotion import Addition
from alerts.quiet_hours import kept_until, passes
from alerts.stories import StoryHabits, StoryId
from alerts.threads import Thread, hurries, told_of
from alerts.watches import Watch
from crawler.articles import Article

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
USUAL = timedelta(days=14)  # with what a rule told in this time its day is compared

log = structlog.get_logger(__name__)

_DELIVERIES = uuid.UUID(
    "6f0a5b0e-6f43-4d1a-9e0b-7a1d9d1f4c55"
)  # namespace of delivery ids; chosen once, never changed
_BUDGETS = uuid.UUID(
    "2d1c7f0e-93a4-4b58-8b0f-51c3f7c4a0d9"
)  # namespace of what is said of a budget; chosen once, never changed


@dataclass(frozen=True, slots=True)
class Reach:
    """Where an article of a story goes, by what is known of the story there."""

    begun: tuple[str, ...] = ()  # the channels that have its root, also such as this article does not go to
    heard: tuple[str, ...] = ()  # told of it in a brief or a digest
    new: tuple[str, ...] = ()

    def beginning(self, added: Addition | None) -> tuple[str, ...]:
        """The channels whose root it would be: a copy only where its story is new."""
        return (*self.heard, *self.new) if added else self.new


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells for one watch at one moment."""

    connection: Connection
    habits: StoryHabits
    limits: Limits
    watch: Watch
    now: datetime
    channels: Mapping[str, Channel]

    # ---- how much

    def over_budget(self, rule: str, channels: Iterable[str]) -> str:
        """Which limit a further root of this rule in these channels would break, and by what; empty: none."""
        spent = self._spent(rule)
        return str(spent) if spent else self._channel_over_budget(channels)

    def tell_of_budget(self, rule: str, channels: Iterable[str]) -> int:
        """Once a day these channels hear that a rule has told enough, and which word made it so much."""
        spent = self._spent(rule)
        if spent is None:
            return 0
        told = f"{self.watch.id}/{rule}/{self.now:%Y-%m-%d}"
        return sum(
            outbox.enqueue(
                self.connection,
                DeliveryId(uuid.uuid5(_BUDGETS, f"{told}/{channel}").hex),
                channel,
                notice(spent, self.channels[channel].digest),
                story=None,
                watch=None,
                now=self.now,
            )
            for channel in channels
            if channel in self.channels
        )

    def _spent(self, rule: str) -> Spent | None:
        """What the rule has told in a day, if that is enough."""
        most, today = self.limits.roots_per_day, self.now - DAY
        told = self._words(rule, today, self.now) if most else []
        if most is None or len(told) < most:
            return None
        return spent(self.watch.id, rule, told, self._words(rule, today - USUAL, today))

    def _words(self, rule: str, after: datetime, until: datetime) -> list[frozenset[str]]:
        return ledger.words_told(self.connection, self.watch.id, rule, after, until)

    def _channel_over_budget(self, channels: Iterable[str]) -> str:
        most = self.limits.posts_per_hour
        for channel in channels if most else ():
            posts = outbox.posts(self.connection, channel, self.now - HOUR)
            if most is not None and posts >= most:
                return f"channel {channel} has had {posts} messages in an hour"
        return ""

    # ---- where

    def reach(self, article: Article, match: Match, thread: Thread | None) -> Reach:
        told = self._told(article, match)
        if thread is None:
            return Reach(new=told)
        begun = [root.channel for root in self._roots(thread)]
        rest = [channel for channel in told if channel not in begun]
        heard = [channel for channel in rest if self._heard(channel, thread)]
        return Reach(tuple(begun), tuple(heard), tuple(one for one in rest if one not in heard))

    def _heard(self, channel: str, thread: Thread) -> bool:
        return ledger.heard_of(self.connection, channel, thread.story, self.watch.id)

    def quiet(self, article: Article, channels: Iterable[str]) -> str:
        """Until when it is quiet in all of these, for a root of this article; empty: somebody hears it."""
        ends = {channel: self._kept_until(channel, article) for channel in channels}
        if not all(ends.values()):
            return ""
        return ", ".join(
            f"{channel} is quiet until {end:%Y-%m-%d %H:%M} UTC" for channel, end in ends.items()
        )

    def _kept_until(self, channel: str, article: Article) -> datetime | None:
        """Asked of the moment at which a root would ring."""
        there = self.channels.get(channel)
        return kept_until(there, article, self._root_due(article)) if there else None

    def _rings_always(self, channel: str, article: Article) -> bool:
        there = self.channels.get(channel)
        return there is not None and there.quiet is not None and passes(there, article)

    def _told(self, article: Article, match: Match) -> tuple[str, ...]:
        return self.watch.told(match.rule, match.level, article)

    # ---- the root

    def begin(self, article: Article, match: Match, story: StoryId) -> int:
        """A story is told of, at once if there is no better source to wait for. How many deliveries?"""
        ledger.write_alert(self.connection, article, match, story, self.now)
        ledger.join_thread(self.connection, story, self.watch.id, told_of(article, leads=True), self.now)
        alarm = _alarm(self.watch, article, match)
        queued = sum(
            self._begin(channel, article, match, alarm, story) for channel in self._told(article, match)
        )
        log.info(
            "alerted",
            watch=self.watch.id,
            rule=match.rule,
            story=story,
            source=article.source,
            title=article.title[:120],
        )
        return queued

    def begin_elsewhere(self, article: Article, match: Match, thread: Thread, added: Addition | None) -> int:
        """A told story has no root in some channels that this article goes to."""
        reach = self.reach(article, match, thread)
        alarm = _grown(_alarm(self.watch, article, match), thread)
        known = reach.heard if added and not added.promoted else ()
        return sum(
            self._begin(channel, article, match, alarm, thread.story, known=channel in known)
            for channel in reach.beginning(added)
        )

    def _begin(
        self,
        channel: str,
        article: Article,
        match: Match,
        alarm: Body,
        story: str,
        *,
        known: bool = False,
    ) -> bool:
        """Its root goes into the outbox, or it is held for the brief or the digest. Is there a root?"""
        there, until = self.channels.get(channel), self._kept_until(channel, article)
        how = beginning(
            rings=match.rings,
            quiet=until is not None,
            known=known,
            over_budget=bool(self._channel_over_budget((channel,))),
            digest=there is None or there.digest is not None,
        )
        if how is not Beginning.ROOT:
            until = until if how is Beginning.BRIEF else None
            ledger.hold(self.connection, channel, story, article, match, until, self.now)
            log.info("held", channel=channel, watch=self.watch.id, story=story, how=how.value, until=until)
            return False
        return outbox.enqueue(
            self.connection,
            DeliveryId(uuid.uuid5(_DELIVERIES, f"{story}/{self.watch.id}/{channel}").hex),
            channel,
            alarm,
            story=story,
            watch=self.watch.id,
            now=self.now,
            due_at=self._root_due(article),
            urgent=self._rings_always(channel, article),
        )

    def _root_due(self, article: Article) -> datetime:
        return self.now if hurries(article) else self.now + self.habits.group_wait

    # ---- its thread

    def add(self, article: Article, match: Match, thread: Thread, added: Addition) -> int:
        """An article joins the thread: the root counts it or is led by it, a reply names it and what it adds.

        A root that still waits shows its new lead by itself; what it showed before goes into the thread, for
        no link is taken away. Whoever has the root hears of the whole story, but leads, or is shown in the
        channel too, only what is told there.
        """
        roots = list(self._roots(thread))
        ledger.join_thread(self.connection, StoryId(thread.story), self.watch.id, added.told, self.now)
        later = self.now + self.habits.follow_ups
        grown = thread.joined_by(added.told)
        told = self._told(article, match)
        queued = self.begin_elsewhere(article, match, grown, added)
        for root in roots:
            leads = added.told.leads and root.channel in told
            edit_at = self.now if leads else later
            body = _with_language(root.body, article)
            items = [_item(article, added)]
            if leads and isinstance(body, Alarm):
                instead = added.instead and body.title == thread.lead.title  # another may lead in a channel
                own = items if root.begun and (added.primary or not instead) else []
                first = _told_first(body, thread.lead.article, known=root.begun)
                items = own if instead else [*own, first]
                body = _led_by(body, self.watch, article, match)
            self._revise(root, _grown(body, grown), edit_at, self._root_due(article))
            if self._rings_always(root.channel, article):
                outbox.let_pass(self.connection, root)
            due_at = self.now if added.promoted and not added.doubtful else later
            shown = root.channel in told and (added.doubtful or (root.begun and bool(added.promoted)))
            aloud = shown and not self._channel_over_budget((root.channel,))
            if items:
                queued += self._reply(root, article, grown, items, due_at, aloud=aloud)
        return queued

    def name(self, article: Article, thread: Thread) -> int:
        """An article that was held before its story was told: no digest has it any more, the thread does."""
        added = Addition(told_of(article))
        ledger.join_thread(self.connection, StoryId(thread.story), self.watch.id, added.told, self.now)
        later, items = self.now + self.habits.follow_ups, (_item(article, added),)
        return sum(self._reply(root, article, thread, items, later) for root in self._roots(thread))

    def point(self, ending: Thread, ahead: Thread) -> int:
        """Two told stories turned out to be one: the thread that ends says where it goes on."""
        lead, later = ahead.lead, self.now + self.habits.follow_ups
        where = Item(
            title=lead.title,
            link=None,  # the channel has it
            source_name=lead.source_name,
            language=None,
            published=None,
            seen=lead.seen,
            note="the same story goes on in the thread of",
            article=lead.article,
            known=True,
        )
        said, queued = self._said(ending, (where,)), 0
        for root in self._roots(ending):
            delivery = DeliveryId(uuid.uuid5(_DELIVERIES, f"{root.id}/{ahead.story}").hex)
            queued += outbox.reply(self.connection, root, delivery, said, self.now, due_at=later)
        return queued

    def count(self, article: Article, thread: Thread) -> Thread:
        """A copy: the root counts it, and nobody speaks of it. The thread with it."""
        if thread.of(article.id) is not None:
            return thread
        told = told_of(article, copy=True)
        ledger.join_thread(self.connection, StoryId(thread.story), self.watch.id, told, self.now)
        grown = thread.joined_by(told)
        for root in self._roots(thread):
            edit_at = self.now + self.habits.follow_ups
            self._revise(root, _grown(root.body, grown), edit_at, self.now + self.habits.group_wait)
        return grown

    def retitle(self, article: Article, thread: Thread, added: Addition) -> int:
        """A told headline was changed: the thread says from what, and a root that shows it the new one."""
        ledger.retitle(self.connection, self.watch.id, article.id, article.title)
        queued = 0
        for root in self._roots(thread):
            if isinstance(root.body, Alarm) and root.body.title == added.was:
                body = replace(root.body, title=article.title, title_spans=())
                self._revise(root, body, self.now, self.now + self.habits.group_wait)
            if root.begun:
                queued += self._reply(root, article, thread, (_item(article, added),), self.now)
        return queued

    def remark(self, article: Article, thread: Thread, added: Addition) -> int:
        """Its thread says what became of the page people were sent to."""
        items = (_item(article, added),)
        return sum(self._reply(root, article, thread, items, self.now) for root in self._roots(thread))

    def part(self, before: Thread, after: Thread, lead: Article | None, match: Match | None) -> None:
        """Articles have left the thread: no root counts them. `lead`: who leads now, if they did."""
        for root in self._roots(after):
            body = root.body
            if lead is not None and isinstance(body, Alarm) and body.title == before.lead.title:
                body = _led_by(body, self.watch, lead, match)
            self._revise(root, _grown(body, after), self.now, self.now + self.habits.group_wait)

    def _roots(self, thread: Thread) -> Iterable[Root]:
        return outbox.roots(self.connection, thread.story, self.watch.id)

    def _revise(self, root: Root, body: Body, edit_at: datetime, due_at: datetime) -> None:
        outbox.revise(self.connection, root, body, self.now, edit_at=edit_at, due_at=due_at)

    def _reply(
        self,
        root: Root,
        article: Article,
        thread: Thread,
        items: Sequence[Item],
        due_at: datetime,
        *,
        aloud: bool = False,
    ) -> bool:
        said = self._said(thread, items)
        delivery = DeliveryId(uuid.uuid5(_DELIVERIES, f"{root.id}/{article.revision}").hex)
        urgent = self._rings_always(root.channel, article)
        log.info(
            "followed up",
            watch=self.watch.id,
            story=thread.story,
            source=article.source,
            adds=items[0].note,
            broadcast=aloud,
        )
        how = {"broadcast": aloud, "urgent": urgent}
        return outbox.reply(self.connection, root, delivery, said, self.now, due_at=due_at, **how)

    def _said(self, thread: Thread, items: Sequence[Item]) -> FollowUp:
        name = self.watch.name or self.watch.id
        return FollowUp(of=thread.lead.title, watch=self.watch.id, watch_name=name, items=tuple(items))


# ---- bodies


def _grown(body: Body, thread: Thread) -> Body:
    """The root with what is known of its story by now; it may be led by another article in its channel."""
    if not isinstance(body, Alarm):
        return body
    lead, first, told_first = thread.lead, thread.first, thread.articles[0]
    leads = body.source_name == lead.source_name
    earlier = first.article != lead.article if leads else first.source_name != body.source_name
    status = f"Led by {lead.source_name} ({lead.publisher}); first told by {told_first.source_name}"
    return replace(
        body,
        also=thread.also(besides=body.source_name),
        origins=thread.origins,
        copies=thread.copies,
        first_seen=first.seen if earlier else None,
        first_source=first.source_name if earlier else "",
        status=status if leads and told_first.article != lead.article else "",
    )


def _with_language(body: Body, article: Article) -> Body:
    """The root of a story that is also told in the language of this article."""
    if not isinstance(body, Alarm) or not article.language:
        return body
    return replace(body, languages=tuple(dict.fromkeys((*body.languages, article.language))))


def _told_first(alarm: Alarm, article: int, *, known: bool) -> Item:
    """What a root showed, for its thread."""
    same = {name: getattr(alarm, name) for name in ("title", "link", "source_name", "language", "published")}
    return Item(**same, seen=alarm.seen, note="told first", article=article, known=known)


def _led_by(body: Alarm, watch: Watch, lead: Article, match: Match | None) -> Alarm:
    """The root of another article; without a match, since rules change, it quotes no sentence."""
    if match is not None:
        shown = _alarm(watch, lead, match)
        return replace(shown, languages=body.languages, noted=body.noted)
    return replace(
        body,
        title=lead.title or "(no headline)",
        title_spans=(),
        link=lead.link,
        source_name=lead.source_name,
        language=lead.language,
        published=lead.published,
        seen=lead.seen,
        sentence=None,
    )


def _item(article: Article, added: Addition) -> Item:
    gone = added.removal is not None and not added.removal.over
    return Item(
        title=article.title or "(no headline)",
        link=None if gone else article.link,
        source_name=article.source_name,
        language=article.language,
        published=article.published,
        seen=article.seen,
        note=added.note,
        was=added.was,
        article=article.id,
        known=added.was is not None or added.removal is not None,
    )


def _alarm(watch: Watch, article: Article, match: Match) -> Alarm:
    return Alarm(
        title=article.title or (match.sentence.text if match.sentence else "") or "(no headline)",
        title_spans=match.title_spans if article.title else (),
        link=article.link,
        source_name=article.source_name,
        language=article.language,
        published=article.published,
        seen=article.seen,
        sentence=match.sentence,
        watch=watch.id,
        watch_name=watch.name or watch.id,
        rule=match.rule,
        look_alike=match.look_alike,
        version=match.version,
        languages=(article.language,) if article.language else (),
    )

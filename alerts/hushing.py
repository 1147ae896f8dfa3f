"""What waits in the outbox when a silence begins: a reply that nobody has seen is held like what comes later.

Lives here: which articles of which waiting replies a silence in force concerns, and that they are held by
it: the reply goes without them, their matches name the silence, their thread and its root count them no
more. So the silence says at its end what they were. A root that waits is sent, and edits make no sound. Not
here: whether a silence applies (`silences`), the rows (`ledger`, `outbox`), what is said at its end
(`wind_up`).
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime

import structlog
from sqlalchemy import Connection

from alerts import ledger, outbox
from alerts.judging import teller_of
from alerts.notifications import FollowUp, Item
from alerts.outbox import Record
from alerts.rulebook import Rulebook
from alerts.silences import Silence, silencing
from alerts.stories import StoryId
from crawler import archive
from crawler.articles import Article

log = structlog.get_logger(__name__)


def hold_back(connection: Connection, rulebook: Rulebook, now: datetime) -> int:
    """Asked when somebody silences something, and from time to time, since a silence may begin later.

    Within the caller's transaction. Of how many replies something is held?
    """
    silences = [one for one in ledger.list_silences(connection, now) if one.starts_at <= now]
    if not silences:
        return 0
    replies = [one for one in outbox.unseen_replies(connection) if one.watch in rulebook.watches]
    return sum(_hold(connection, rulebook, reply, silences, now) for reply in replies)


def _hold(
    connection: Connection, rulebook: Rulebook, reply: Record, silences: Sequence[Silence], now: datetime
) -> bool:
    body, watch = reply.body, reply.watch
    if not isinstance(body, FollowUp) or watch is None or reply.story is None:
        return False
    ids = {item.article for item in body.items if item.article is not None}
    articles = archive.with_ids(connection, rulebook.sources, ids)
    found = [
        (item, _silence(connection, rulebook, item, articles, watch, silences, now)) for item in body.items
    ]
    held = [(item, silence) for item, silence in found if silence is not None]
    kept = tuple(item for item, silence in found if silence is None)
    if not held or not outbox.hold_back(connection, reply, kept, str(held[0][1]), now):
        return False
    seen = outbox.named(connection, reply.story, watch)
    for item, silence in held:
        if item.article is not None:
            ledger.hold_match(
                connection, item.article, watch, silence, reply.created_at,
                anew=not item.known, seen=item.article in seen,
            )  # fmt: skip
    anew = [item.article for item, _ in held if item.article is not None and not item.known]
    _leave(connection, rulebook, reply.story, watch, set(anew) - seen, now)
    log.info("reply held", watch=watch, story=reply.story, channel=reply.channel, articles=len(held))
    return True


def _silence(
    connection: Connection,
    rulebook: Rulebook,
    item: Item,
    articles: Mapping[int, Article],
    watch: str,
    silences: Iterable[Silence],
    now: datetime,
) -> Silence | None:
    article = articles.get(item.article) if item.article is not None else None
    if article is None:
        return None
    match = next((m for m in rulebook.matcher.match(article) if m.watch == watch and not m.shadow), None)
    return silencing(silences, article, watch, match, ledger.story_of(connection, article.id), now)


def _leave(
    connection: Connection,
    rulebook: Rulebook,
    story: str,
    watch: str,
    articles: Set[int],
    now: datetime,
) -> None:
    """Nobody was told of them: what comes later is no copy of them. Who leads, or led, the root has shown."""
    alert = ledger.alert_of(connection, story, watch)
    for article in articles - {alert.article if alert else None}:
        thread = ledger.thread(connection, StoryId(story), watch, article)
        if thread is None or thread.of(article) is None or thread.lead.article == article:
            continue
        parted = thread.without([article])
        ledger.leave_thread(connection, parted, [article])
        teller_of(connection, rulebook, watch, now).part(thread, parted, None, None)

"""What a person corrects of the stories, with what follows for what was told.

Lives here: splitting and merging within the caller's transaction; what is split off rings if it would have,
had it come alone. Not here: the rows (`ledger`), who may ask for it.
"""

from collections.abc import Collection
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import Connection

from alerts import ledger
from alerts.judging import judge_anew, make_one, name_held, teller_of
from alerts.rulebook import Rulebook
from alerts.stories import StoryId
from alerts.threads import Thread
from crawler import archive


class Impossible(Exception):
    """The correction makes no sense; the message says why."""


def standing_story(connection: Connection, story: str) -> StoryId:
    """The story of this id, or the one it was merged into."""
    row = ledger.standing_row(connection, story)
    if row is None:
        raise Impossible(f"there is no story {story}")
    return StoryId(row.id)


def merge(
    connection: Connection, rulebook: Rulebook, story: str, other: str, author: str, now: datetime
) -> StoryId:
    """Two stories are one event. What was told of either counts as told; what nobody has heard of yet is told
    in the thread of the other, or else the later thread says where it goes on."""
    kept, gone = standing_story(connection, story), standing_story(connection, other)
    if kept == gone:
        raise Impossible(f"{story} and {other} are one story already")
    make_one(connection, rulebook, kept, gone, now)
    ledger.note_correction(connection, "merge", kept, gone, author, now)
    return kept


def split(
    connection: Connection,
    rulebook: Rulebook,
    story: str,
    articles: Collection[int],
    author: str,
    now: datetime,
) -> StoryId:
    """These articles are another event: a story of their own, told as if they had come alone.

    The story keeps its root: where the article that was told is among these, all others leave instead. Where
    the root shows one that leaves, by now, it shows the best of those that stay.
    """
    old = standing_story(connection, story)
    there = {one.article for one in ledger.articles_of(connection, old)}
    if strangers := set(articles) - there:
        raise Impossible(f"not in {old}: {', '.join(map(str, sorted(strangers)))}")
    if not there - set(articles):
        raise Impossible("all articles of a story cannot be split from it")
    threads = [thread for watch in rulebook.watches if (thread := ledger.thread(connection, old, watch))]
    new = _made_of(old, articles, now)
    leaving = ledger.split_story(connection, old, articles, new, now)
    ledger.note_correction(connection, "split", old, new, author, now)
    # a watch that told only of what leaves: its thread goes on under the old name, and nothing is told twice
    kept = {thread.watch for thread in threads if all(one.article in leaving for one in thread.articles)}
    for thread in threads:
        if thread.watch not in kept:
            _part(connection, rulebook, thread, leaving, now)
    done = judge_anew(connection, rulebook, leaving, now, set(rulebook.watches) - kept)
    if done.alerts:
        name_held(connection, rulebook, now)
    return new


def _part(
    connection: Connection, rulebook: Rulebook, thread: Thread, leaving: Collection[int], now: datetime
) -> None:
    """The thread without them: the root counts them no more, nor shows one of them."""
    if not any(one.article in leaving for one in thread.articles):
        return
    parted = thread.without(leaving)
    ledger.leave_thread(connection, parted, leaving)
    lead = None
    if parted.lead.article != thread.lead.article:
        lead = archive.with_ids(connection, rulebook.sources, [parted.lead.article]).get(parted.lead.article)
    found = rulebook.matcher.match(lead) if lead else []
    match = next((one for one in found if one.watch == thread.watch), None)
    teller_of(connection, rulebook, thread.watch, now).part(thread, parted, lead, match)


def _made_of(story: str, articles: Collection[int], now: datetime) -> StoryId:
    made_of = f"{now.isoformat()} {story} {sorted(articles)}"
    return StoryId("s" + blake2b(made_of.encode(), digest_size=8).hexdigest())

"""From a request to its answer: may they, and is something changed or only said?

Lives here: the order of these steps. Not here: the steps (`permission`, `acting`, `answering`), how requests
come (`socket`).
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from alerts import ledger, outbox
from alerts.buttons import Button
from alerts.control import answering, slash
from alerts.control.acting import GONE, act, refuse
from alerts.control.permission import Membership, may_change, may_read
from alerts.control.requests import (
    Answer,
    Change,
    Choice,
    Command,
    Desk,
    Judge,
    Mute,
    Press,
    Request,
    Snooze,
    Split,
    Submission,
    Undo,
)
from alerts.marks import Judgement
from alerts.notifications import DeliveryId
from alerts.regrouping import Impossible, standing_story
from crawler import archive


def at_once(desk: Desk, request: Request) -> Answer | None:
    """What can be answered without looking anything up; None: it has to wait for its turn.

    Of a submission: its mistakes, or what is shown while it waits.
    """
    if may_read(request.actor.id, request.place, desk.control.allow, desk.places):
        return None  # it is refused in its turn, and written down
    return answering.at_once(desk, request)


def asks_for_membership(desk: Desk, request: Request) -> bool:
    """Does it depend on who is a member of our channels?"""
    return _changes(request) and not desk.control.allow and request.place in desk.places


def attend(desk: Desk, request: Request, membership: Membership, now: datetime) -> Answer:
    """The answer to a request; what it changes is changed."""
    with desk.engine.begin() as connection:
        ledger.note_heard(connection, now)
    actor, place, allow, ours = request.actor.id, request.place, desk.control.allow, desk.places
    if _changes(request):
        refusal = may_change(actor, place, allow, ours, membership)
    else:
        refusal = may_read(actor, place, allow, ours)
    if refusal is not None:
        return refuse(desk, request, _named(request), refusal, now)
    if (change := _change(request)) is not None:
        return act(desk, request, change, now)
    if isinstance(request, Press) and request.button is Button.WRONG_STORY:
        return _which(desk, request.value)
    return answering.answer(desk, request, now)


def _changes(request: Request) -> bool:
    """To ask which article is meant is the beginning of a change: whoever may not, need not choose."""
    asked = isinstance(request, Press) and request.button is Button.WRONG_STORY
    return asked or _change(request) is not None


def _named(request: Request) -> str:
    """What was tried, for the record."""
    match request:
        case Press():
            return request.button.value
        case Command():
            return "command"
        case Submission():
            return request.form[:20]


def _change(request: Request) -> Change | None:
    """What it would change; None: nothing, it asks."""
    match request:
        case Press():
            return _pressed(request.button, request.value)
        case Command():
            asked = slash.read(request.text)
            return asked if isinstance(asked, Change) else None
        case Submission():
            return None


def _pressed(button: Button, value: str) -> Change | None:
    change = _PRESSES.get(button)
    return change(value) if change else None


def _split(value: str) -> Change | None:
    story, _, article = value.partition("/")
    return Split(story, int(article)) if slash.is_number(article) else None


def _undo(value: str) -> Change | None:
    return Undo(int(value)) if slash.is_number(value) else None


_PRESSES: Mapping[Button, Callable[[str], Change | None]] = {
    Button.RELEVANT: lambda delivery: Judge(delivery, Judgement.RELEVANT),
    Button.NOT_RELEVANT: lambda delivery: Judge(delivery, Judgement.NOT_RELEVANT),
    Button.MUTE_STORY: Mute,
    Button.SNOOZE_RULE: Snooze,
    Button.SPLIT: _split,
    Button.UNDO: _undo,
}


def _which(desk: Desk, delivery: str) -> Answer:
    """Asks which article of a story is another event."""
    with desk.engine.begin() as connection:
        told = outbox.record_of(connection, DeliveryId(delivery))
        try:
            story = standing_story(connection, told.story) if told and told.story else None
        except Impossible:
            story = None
        if story is None:
            return Answer(GONE)
        tied = [one.article for one in ledger.articles_of(connection, story)]
        known = archive.with_ids(connection, desk.rulebook.sources, tied)
    if len(tied) < 2:
        return Answer("This story has one article: there is nothing to split from it.")
    labels = {one: f"{article.source_name}: {article.title}" for one, article in known.items()}
    options = tuple((labels.get(one, f"article {one}"), f"{story}/{one}") for one in tied)
    return Answer(
        "Which of these articles is another event? It becomes a story of its own.",
        choice=Choice(Button.SPLIT, "Choose an article", options),
    )

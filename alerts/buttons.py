"""Button: what a person may press beneath a message.

Lives here: which buttons there are, what they are called, which stand beneath what. Not here: how Slack wants
them (`notifiers.slack_buttons`), what a press does (`control`).
"""

from enum import StrEnum

from alerts.notifications import Alarm, Body, FollowUp


class Button(StrEnum):
    """What a press asks for. Messages outlive versions: a word that was used stays."""

    RELEVANT = "relevant"
    NOT_RELEVANT = "not_relevant"
    MUTE_STORY = "mute_story"
    SNOOZE_RULE = "snooze_rule"
    WRONG_STORY = "wrong_story"  # asks which article is meant
    SPLIT = "split"  # the article was chosen
    WHY = "why"
    UNDO = "undo"
    TRY = "try"  # opens the modal to try a query


LABELS = {
    Button.RELEVANT: "Relevant",
    Button.NOT_RELEVANT: "Not relevant",
    Button.MUTE_STORY: "Mute",  # with its noun the six take three rows of a phone instead of two
    Button.SNOOZE_RULE: "Snooze rule",
    Button.WRONG_STORY: "Wrong story",
    Button.SPLIT: "Split it off",
    Button.WHY: "Why?",
    Button.UNDO: "Undo",
    Button.TRY: "Try a query",
}

# What a screen reader says instead, where the label has lost a word.
ALOUD = {Button.MUTE_STORY: "Mute story"}

_BENEATH_A_ROOT = (  # the three that decide at once fill the first row of a phone
    Button.RELEVANT,
    Button.NOT_RELEVANT,
    Button.MUTE_STORY,
    Button.SNOOZE_RULE,
    Button.WRONG_STORY,
    Button.WHY,
)
_BENEATH_A_REPLY = (Button.WRONG_STORY, Button.WHY)


def beneath(body: Body) -> tuple[Button, ...]:
    """What may be pressed beneath a message; nothing beneath digests and notices."""
    if isinstance(body, Alarm):
        return _BENEATH_A_ROOT
    return _BENEATH_A_REPLY if isinstance(body, FollowUp) else ()

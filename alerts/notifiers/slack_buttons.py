"""The buttons beneath a message as Block Kit, and a pressed one known again.

Lives here: their JSON. Pure. Not here: which stand beneath what (`alerts.buttons`), the message above them
(`slack_blocks`).
"""

from collections.abc import Iterable
from typing import Any

from alerts.buttons import ALOUD, LABELS, Button, beneath
from alerts.notifications import Delivery
from alerts.notifiers.words import clean, clip

Json = dict[str, Any]

LABEL_UNITS = 75  # of a button; Slack refuses the message beyond
VALUE_UNITS = 2000

_OURS = "tocsin:"


def row(delivery: Delivery) -> list[Json]:
    """One block of buttons, or none; each carries the delivery's id."""
    return actions(button(one, delivery.message) for one in beneath(delivery.body))


def actions(elements: Iterable[Json]) -> list[Json]:
    shown = list(elements)
    return [{"type": "actions", "elements": shown}] if shown else []


def button(what: Button, value: str, label: str = "") -> Json:
    text = clip(clean(label), LABEL_UNITS) or LABELS[what]
    drawn: Json = {"type": "button", "action_id": action(what), "text": plain(text)}
    aloud = {"accessibility_label": ALOUD[what]} if what in ALOUD and not label else {}
    return {**drawn, **aloud, **({"value": value} if value else {})}


def action(what: Button) -> str:
    """By this a press comes back."""
    return f"{_OURS}{what}"


def pressed(action_id: object) -> Button | None:
    """None: no button of ours, or of another version."""
    if not isinstance(action_id, str) or not action_id.startswith(_OURS):
        return None
    named = action_id.removeprefix(_OURS)
    return next((one for one in Button if one.value == named), None)


def plain(words: str) -> Json:
    return {"type": "plain_text", "text": words, "emoji": False}

"""What Slack sends as a Request, and an Answer as Slack wants it.

Lives here: Slack's JSON, both ways. Pure: values in, values out. Whatever is odd in a payload has a named
reason and never more consequence than that. Words from outside stand only in `rich_text` and `plain_text`,
which Slack never parses. Not here: the socket and the calls (`socket`, `speaking`).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from alerts.control.requests import (
    Actor,
    Answer,
    Choice,
    Command,
    Field,
    Line,
    Modal,
    Press,
    Request,
    Submission,
)
from alerts.notifiers import slack_buttons
from alerts.notifiers.slack_blocks import escape
from alerts.notifiers.slack_buttons import plain
from alerts.notifiers.words import address_of, clean, clip, looks_like_address, shown_host, units

Json = dict[str, Any]

# What Slack refuses beyond (docs.slack.dev/reference/block-kit, 2026-10).
TITLE_UNITS = 24  # of a modal and of its buttons
OPTION_UNITS = 75
OPTION_VALUE_UNITS = 150
MOST_OPTIONS = 100
LABEL_UNITS = 2000  # of a field
EXAMPLE_UNITS = 150
FIELD_UNITS = 3000

NAME_UNITS = 80
LINE_UNITS = 600
ANSWER_UNITS = 10_000  # of all lines; Slack refuses a message at about 13,000
MOST_LINES = 80
INPUT_UNITS = 4000  # of what a person may have written; a query of more is none

_FIELD = "tocsin:field"
_FORM = "tocsin:"


class Unreadable(Exception):
    """A payload we make nothing of; `reason` is one line for the log."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# --- what Slack sends -----------------------------------------------------------------------------


def request(envelope: Mapping[str, Any]) -> Request:
    """Unreadable says what is odd."""
    payload = _mapping(envelope.get("payload"), "payload")
    name = _word(envelope.get("envelope_id"), "envelope_id")
    match envelope.get("type"):
        case "slash_commands":
            return _command(name, payload)
        case "interactive":
            match payload.get("type"):
                case "block_actions":
                    return _press(name, payload)
                case "view_submission":
                    return _submission(name, payload)
    raise Unreadable(f"nothing we asked for: {clip(clean(str(envelope.get('type'))), NAME_UNITS)}")


def _command(envelope: str, payload: Mapping[str, Any]) -> Command:
    user = _word(payload.get("user_id"), "user_id")
    text = payload.get("text")
    return Command(
        envelope=envelope,
        actor=Actor(user, _named(payload.get("user_name"), user)),
        place=_word(payload.get("channel_id"), "channel_id"),
        response_url=_word(payload.get("response_url"), "response_url", FIELD_UNITS),
        trigger=_word(payload.get("trigger_id"), "trigger_id"),
        text=_input(text),
    )


def _press(envelope: str, payload: Mapping[str, Any]) -> Press:
    actions = payload.get("actions")
    done = _mapping(actions[0] if isinstance(actions, list) and actions else None, "actions")
    what = slack_buttons.pressed(done.get("action_id"))
    if what is None:
        raise Unreadable(f"no button of ours: {clip(clean(str(done.get('action_id'))), NAME_UNITS)}")
    chosen = done.get("selected_option")
    value = chosen.get("value") if isinstance(chosen, Mapping) else done.get("value")
    around = payload.get("container")
    around = around if isinstance(around, Mapping) else {}
    channel = payload.get("channel")
    place = channel.get("id") if isinstance(channel, Mapping) else around.get("channel_id")
    thread = around.get("thread_ts")
    return Press(
        envelope=envelope,
        actor=_actor(payload),
        place=_word(place, "channel"),
        response_url=_word(payload.get("response_url"), "response_url", FIELD_UNITS),
        trigger=_word(payload.get("trigger_id"), "trigger_id"),
        button=what,
        value=_input(value),
        thread=_word(thread, "thread_ts") if thread else None,
        in_answer=around.get("is_ephemeral") is True,
    )


def _submission(envelope: str, payload: Mapping[str, Any]) -> Submission:
    view = _mapping(payload.get("view"), "view")
    form = _word(view.get("callback_id"), "callback_id")
    if not form.startswith(_FORM):
        raise Unreadable("no modal of ours")
    state = view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    return Submission(
        envelope=envelope,
        actor=_actor(payload),
        place=_place_of(view.get("private_metadata")),
        view=_word(view.get("id"), "view id"),
        form=form.removeprefix(_FORM),
        fields=dict(_fields(values)) if isinstance(values, Mapping) else {},
    )


def _fields(values: Mapping[Any, Any]) -> Iterator[tuple[str, str]]:
    for name, of in values.items():
        given = of.get(_FIELD) if isinstance(of, Mapping) else None
        said = given.get("value") if isinstance(given, Mapping) else None
        if isinstance(name, str):
            yield name, _input(said)


def _place_of(kept: object) -> str:
    """Where a modal was opened: Slack does not say, so we had it carry that along."""
    try:
        known = json.loads(kept) if isinstance(kept, str) else None
    except (ValueError, RecursionError):
        known = None
    return _word(known.get("place") if isinstance(known, dict) else None, "private_metadata")


def _actor(payload: Mapping[str, Any]) -> Actor:
    user = _mapping(payload.get("user"), "user")
    known = _word(user.get("id"), "user id")
    return Actor(known, _named(user.get("username") or user.get("name"), known))


def _named(name: object, user: str) -> str:
    return (clip(clean(name), NAME_UNITS) if isinstance(name, str) else "") or user


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Unreadable(f"no {what}")
    return value


def _word(value: object, what: str, most: int = 200) -> str:
    """An id or an address: never shown, but compared, kept, sent back."""
    if not isinstance(value, str) or not value or len(value) > most or not value.isprintable():
        raise Unreadable(f"no {what}")
    return value


def _input(value: object) -> str:
    """What a person wrote, or we did; without what no database takes."""
    kept = value[:INPUT_UNITS] if isinstance(value, str) else ""
    return kept.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


# --- what we answer -------------------------------------------------------------------------------


def message(answer: Answer, to: Press | Command) -> Json:
    """An answer that only the person who asked is shown; in the place of the answer they pressed in."""
    title = clip(clean(answer.title), LINE_UNITS) or "(nothing to say)"
    said = Line(title, bold=bool(answer.lines))
    pressed = to if isinstance(to, Press) else None
    return {
        "response_type": "ephemeral",
        "replace_original": bool(pressed and pressed.in_answer),
        "text": escape(title),
        "blocks": [*_lines((said, *answer.lines)), *_controls(answer)],
        **({"thread_ts": pressed.thread} if pressed and pressed.thread else {}),
    }


def _controls(answer: Answer) -> list[Json]:
    chosen = [_select(answer.choice)] if answer.choice and answer.choice.options else []
    buttons = [slack_buttons.button(one.button, one.value, one.label) for one in answer.buttons]
    return slack_buttons.actions([*chosen, *buttons])


def _select(choice: Choice) -> Json:
    fitting = [one for one in choice.options if 0 < units(one[1]) <= OPTION_VALUE_UNITS][:MOST_OPTIONS]
    options = [{"text": plain(clip(clean(label), OPTION_UNITS) or "(no headline)"), "value": value}
               for label, value in fitting]  # fmt: skip
    return {
        "type": "static_select",
        "action_id": slack_buttons.action(choice.button),
        "placeholder": plain(clip(clean(choice.prompt), EXAMPLE_UNITS)),
        "options": options,
    }


def view(modal: Modal, place: str) -> Json:
    """A modal; `place` comes back with what is sent from it."""
    fields = [_field(one) for one in modal.fields]
    drawn = {
        "type": "modal",
        "callback_id": f"{_FORM}{modal.form}",
        "title": plain(clip(modal.title, TITLE_UNITS)),
        "close": plain("Close"),
        "private_metadata": json.dumps({"place": place}),
        "blocks": [*_lines(modal.lines), *fields],
    }
    return {**drawn, "submit": plain(clip(modal.submit or "Send", TITLE_UNITS))} if fields else drawn


def _field(field: Field) -> Json:
    box: Json = {"type": "plain_text_input", "action_id": _FIELD, "multiline": field.long}
    if field.initial:
        box["initial_value"] = field.initial[:FIELD_UNITS]
    if field.example:
        box["placeholder"] = plain(clip(field.example, EXAMPLE_UNITS))
    label = plain(clip(field.label, LABEL_UNITS))
    return {"type": "input", "block_id": field.id, "label": label, "element": box}


def acknowledgement(answer: Answer | None, place: str) -> Json:
    """What goes back with the acknowledgement of a submission: its mistakes, or what is shown instead."""
    if answer is None:
        return {}
    if answer.errors:
        return {"response_action": "errors", "errors": dict(answer.errors)}
    return {"response_action": "update", "view": view(answer.modal, place)} if answer.modal else {}


# --- lines


def _lines(lines: tuple[Line, ...]) -> list[Json]:
    """As many as fit; the rest is counted."""
    shown: list[Json] = []
    room = ANSWER_UNITS
    for number, line in enumerate(lines):
        part = _fixed(line) if line.fixed else _flowing(line)
        room -= sum(units(one["text"]) + units(one.get("url", "")) for one in part["elements"])
        if room < 0 or number == MOST_LINES:
            shown.append(_section([_text(f"… and {len(lines) - number} more lines")]))
            break
        shown.append(part)
    return [{"type": "rich_text", "elements": shown}] if shown else []


def _flowing(line: Line) -> Json:
    words = clip(clean(line.text), LINE_UNITS) or " "
    address = address_of(line.link)
    if address is None:
        elements = [_text(words, bold=line.bold)]
    elif looks_like_address(words):  # it would seem to lead there
        elements = [_link(address, shown_host(address)), _text(f": {words}", bold=line.bold)]
    else:
        elements = [_link(address, words)]
    aside = clip(clean(line.aside), LINE_UNITS)
    return _section([*elements, *([_text(f" {aside}")] if aside else [])])


def _fixed(line: Line) -> Json:
    """With all its blanks: a caret stands below what it means."""
    rows = (" ".join(clean(word) for word in row.split(" ")) for row in line.text.splitlines())
    words = clip("\n".join(rows), LINE_UNITS)
    return {"type": "rich_text_preformatted", "elements": [_text(words or " ")]}


def _section(elements: list[Json]) -> Json:
    return {"type": "rich_text_section", "elements": elements}


def _text(words: str, *, bold: bool = False) -> Json:
    return {"type": "text", "text": words, **({"style": {"bold": True}} if bold else {})}


def _link(address: str, label: str) -> Json:
    return {"type": "link", "url": address, "text": label}

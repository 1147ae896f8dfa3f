"""Messages as a page: what `slack_blocks` made, as Slack would draw it on a phone and on a desk.

Lives here: Block Kit as HTML, near enough to judge a layout by. Pure. Everything in a block may come from
outside, so all of it is escaped, and the page needs no script and loads nothing. Not here: the blocks
(`slack_blocks`), which messages (`tocsin preview`, the pictures of the manual).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from html import escape, unescape
from typing import Any

from alerts.notifiers.words import lasting

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """A message, and how it stands in the channel."""

    said: Json  # what chat.postMessage takes
    at: datetime
    edited: bool = False
    in_thread: bool = False
    only_to_you: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """When and where somebody looks at it."""

    now: datetime
    zone: tzinfo = UTC


_STYLE = """
body { margin: 0; padding: 20px; background: #f4f4f4; color: #1d1c1d }
body { font: 15px/1.47 Lato, 'Noto Sans', system-ui, sans-serif }
.both { display: grid; grid-template-columns: 375px minmax(375px, 720px); gap: 24px; align-items: start }
.screen { background: #fff; border: 1px solid #ddd; border-radius: 10px; padding: 14px 16px }
.message { display: flex; gap: 9px; margin: 12px 0; overflow-wrap: anywhere }
.message > :last-child { min-width: 0 }
.thread { margin-left: 24px }
.face { width: 36px; height: 36px; border-radius: 6px; background: #c0392b; color: #fff; flex: none }
.face { font: 700 21px/36px 'Noto Sans', sans-serif; text-align: center }
.who { font-weight: 900 }
.app { background: #e8e8e8; color: #616061; font-size: 10px; font-weight: 700; padding: 1px 3px }
.app { border-radius: 2px; margin: 0 6px; vertical-align: 1px }
.small { color: #616061; font-size: 12px }
.said, blockquote, li { white-space: pre-wrap }
a { color: #1264a3; text-decoration: none }
blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid #ddd }
ul { margin: 2px 0; padding-left: 22px }
.context { color: #616061; font-size: 13px; margin-top: 4px }
.context span { margin-right: 8px }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin-top: 8px }
.actions span { border: 1px solid #bbb; border-radius: 4px; padding: 3px 11px; font-weight: 700 }
.actions .primary { background: #007a5a; border-color: #007a5a; color: #fff }
.actions .danger { color: #b41e4c; border-color: #b41e4c }
@media (max-width: 800px) { body { padding: 0 } .both { display: block } .screen + .screen { display: none } }
""".strip()


def page(title: str, messages: Iterable[Shown], reader: Reader) -> str:
    """A page of its own; each message once as wide as a phone and once as wide as a desk.

    On a phone it is as wide as that.
    """
    drawn = "\n".join(drawn_message(one, reader) for one in messages)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n"
        f'<body><div class="both"><div class="screen">{drawn}</div><div class="screen">{drawn}</div></div>'
        "</body></html>\n"
    )


def drawn_message(shown: Shown, reader: Reader) -> str:
    """A message with whoever sent it; one without blocks by its text."""
    blocks = shown.said.get("blocks") or [{**shown.said, "type": "text"}]
    inside = "".join(_block(block, reader) for block in blocks)
    edited = '<div class="small">(edited)</div>' if shown.edited else ""
    only = '<div class="small">Only visible to you</div>' if shown.only_to_you else ""
    aloud = '<div class="small">replied to a thread</div>' if shown.said.get("reply_broadcast") else ""
    return (
        f'<div class="message{" thread" if shown.in_thread else ""}"><div class="face">t</div><div>{only}'
        '<div><span class="who">tocsin</span><span class="app">APP</span>'
        f'<span class="small">{shown.at.astimezone(reader.zone):%H:%M}</span></div>'
        f"{aloud}{inside}{edited}</div></div>"
    )


def _block(block: Json, reader: Reader) -> str:
    drawn = _BLOCKS.get(str(block.get("type")))
    return drawn(block, reader) if drawn else f'<div class="small">({escape(str(block.get("type")))})</div>'


def _rich_text(block: Json, _: Reader) -> str:
    return "".join(map(_part, block["elements"]))


def _part(part: Json) -> str:
    if part["type"] == "rich_text_list":
        items = "".join(f"<li>{_inline(item['elements'])}</li>" for item in part["elements"])
        return f"<ul>{items}</ul>"
    tag = {"rich_text_quote": "blockquote", "rich_text_preformatted": "pre"}.get(part["type"])
    said = _inline(part["elements"])
    return f"<{tag}>{said}</{tag}>" if tag else f'<div class="said">{said}</div>'


def _inline(elements: Sequence[Json]) -> str:
    return "".join(map(_words, elements))


_TAGS = {"bold": "b", "italic": "i", "strike": "s", "code": "code"}


def _words(element: Json) -> str:
    said = escape(element.get("text") or element.get("url", ""))
    for style, tag in _TAGS.items():
        if element.get("style", {}).get(style):
            said = f"<{tag}>{said}</{tag}>"
    return f'<a href="{escape(element["url"])}">{said}</a>' if element["type"] == "link" else said


def _context(block: Json, reader: Reader) -> str:
    return (
        f'<div class="context">{"".join(f"<span>{_text(e, reader)}</span>" for e in block["elements"])}</div>'
    )


def _section(block: Json, reader: Reader) -> str:
    return f'<div class="said">{_text(block["text"], reader)}</div>'


def _actions(block: Json, reader: Reader) -> str:
    return f'<div class="actions">{"".join(_pressable(e, reader) for e in block["elements"])}</div>'


def _pressable(element: Json, reader: Reader) -> str:
    label = element.get("text") or element.get("placeholder") or {"type": "plain_text", "text": "…"}
    more = " ▾" if element["type"] != "button" else ""
    return f'<span class="{escape(element.get("style", ""))}">{_text(label, reader)}{more}</span>'


_BLOCKS: Mapping[str, Callable[[Json, Reader], str]] = {
    "rich_text": _rich_text,
    "context": _context,
    "section": _section,
    "header": lambda block, reader: f"<b>{_text(block['text'], reader)}</b>",
    "divider": lambda _, __: "<hr>",
    "actions": _actions,
    "text": lambda block, reader: f'<div class="said">{_alone(block, reader)}</div>',
}


# --- what Slack parses


def _alone(said: Json, reader: Reader) -> str:
    """A message without blocks. Where its markup is switched off, Slack still makes links and times."""
    text = str(said.get("text", ""))
    return _marked(text, reader, bold=said.get("mrkdwn", True))


def _text(element: Json, reader: Reader) -> str:
    said = str(element["text"])
    return _marked(said, reader) if element["type"] == "mrkdwn" else escape(said)


_LINKED = re.compile(
    r"<!date\^(?P<at>\d+)\^(?P<form>[^|>^]*)\|[^>]*>|<(?P<url>https?://[^|>]*)(?:\|(?P<label>[^>]*))?>"
)
_MARKED = re.compile(rf"{_LINKED.pattern}|\*(?P<bold>[^*\n]+)\*")


def _marked(said: str, reader: Reader, *, bold: bool = True) -> str:
    """Times, links and, if wanted, bold; the rest as it is."""
    drawn, at = "", 0
    for found in (_MARKED if bold else _LINKED).finditer(said):
        drawn += escape(unescape(said[at : found.start()])) + _mark(found, reader)
        at = found.end()
    return drawn + escape(unescape(said[at:]))


def _mark(found: re.Match[str], reader: Reader) -> str:
    if found["at"]:
        return escape(_moment(datetime.fromtimestamp(int(found["at"]), UTC), found["form"], reader))
    if found["url"]:
        address = escape(unescape(found["url"]))
        return f'<a href="{address}">{escape(unescape(found["label"] or found["url"]))}</a>'
    return f"<b>{escape(unescape(found['bold']))}</b>"


def _moment(at: datetime, form: str, reader: Reader) -> str:
    """A form with its tokens filled in, as that reader has it."""
    there, today = at.astimezone(reader.zone), reader.now.astimezone(reader.zone)
    ago = max(reader.now - at, timedelta(0))
    day = "Today" if there.date() == today.date() else f"{there:%b %d}"
    tokens = {"{ago}": f"{lasting(ago)} ago", "{date_short_pretty}": day, "{time}": f"{there:%H:%M}"}
    for token, filled in tokens.items():
        form = form.replace(token, filled)
    return form

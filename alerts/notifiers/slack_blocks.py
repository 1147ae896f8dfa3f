"""A notification as Slack wants it: Block Kit, a text beside it, metadata; and our messages recognised again.

Lives here: the shape and its limits. Pure: values in, JSON out. Not here: the call (`slack`, `webhook`),
what of a hostile text may be seen at all (`words`).

Words from outside stand only in `rich_text` and `plain_text`, which Slack never parses, so that a headline
cannot call people or hide a link. Where Slack does parse (`text`) they are escaped, and markup is switched
off.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts.notifications import (
    Alarm,
    Delivery,
    DeliveryId,
    Digest,
    DigestLine,
    DigestPart,
    FollowUp,
    Item,
    Kind,
    Notice,
    Plainness,
)
from alerts.notifiers import slack_buttons
from alerts.notifiers.slack_buttons import plain
from alerts.notifiers.words import (
    ELLIPSIS,
    NAME_UNITS,
    SENTENCE_UNITS,
    TITLE_UNITS,
    Piece,
    address_of,
    and_more,
    aside,
    because,
    clean,
    clip,
    emphasised,
    follow_up_of,
    headline,
    left_out,
    looks_like_address,
    provenance,
    seen_after,
    shown_host,
    spread,
    standing,
    take_units,
    units,
)

EVENT_TYPE = "tocsin_delivery"

NOTICE_UNITS = 2000
NOTE_UNITS = 300
TEXT_UNITS = 3000  # at about 4,000 Slack splits a text into several messages, and one alert becomes two

DIGEST_UNITS = 10_000  # of a digest's blocks, addresses included; Slack refuses a message at about 13,000
LINE_ROOM = 40  # "… and 12 more" and the signs around a heading

Json = dict[str, Any]


def message(delivery: Delivery, *, buttons: bool = False) -> Json:
    """The arguments of chat.postMessage, or of chat.update for an edit, but for the channel.

    The plainest form goes without metadata too, in case these are refused; it is found by its reference.
    """
    said: Json = {"text": text(delivery), **_where(delivery)}
    if delivery.plainness is not Plainness.MINIMAL:
        said["metadata"] = {"event_type": EVENT_TYPE, "event_payload": _payload(delivery)}
    if delivery.plainness is Plainness.FULL:
        said["blocks"] = [*blocks(delivery), *(slack_buttons.row(delivery) if buttons else ())]
    elif delivery.kind is Kind.EDIT:
        said["blocks"] = []  # else those that are there stay
    return said


def _where(delivery: Delivery) -> Json:
    if delivery.kind is Kind.EDIT:
        return {"ts": delivery.thread, "parse": "none"}
    said: Json = {
        "mrkdwn": False,  # `text` only: the asterisks of a headline stay asterisks
        "unfurl_links": False,  # else a feed chooses what is shown
        "unfurl_media": False,
    }
    if in_thread(delivery):
        said["thread_ts"] = delivery.thread
        if delivery.broadcast:
            said["reply_broadcast"] = True
    return said


def in_thread(delivery: Delivery) -> bool:
    """Is it a reply that will stand in its thread?"""
    return delivery.kind is Kind.REPLY and delivery.thread is not None


def _payload(delivery: Delivery) -> dict[str, str]:
    """Slack refuses a null in here, so a notice has only its delivery."""
    known = {"delivery": delivery.message, "story": delivery.story, "watch": delivery.watch}
    return {name: value for name, value in known.items() if value is not None}


def blocks(delivery: Delivery) -> list[Json]:
    """What it is about, then small print by the line. The first block carries the delivery's id."""
    first = {"type": "rich_text", "block_id": f"a-{delivery.message}", "elements": _parts(delivery)}
    return [first, *({"type": "context", "elements": line} for line in _small_print(delivery))]


def text(delivery: Delivery) -> str:
    """What notifications and screen readers get, and the whole message once its blocks were refused."""
    body, last = delivery.body, _reference_line(delivery)
    minimal = delivery.plainness is Plainness.MINIMAL
    if isinstance(body, FollowUp):
        return _follow_up_text(body, last, in_thread(delivery), minimal=minimal)
    head = _escaped(clean(body.title), TITLE_UNITS) or "(no headline)"
    if isinstance(body, Notice):
        said = _escaped(clean(body.text, keep_lines=True), NOTICE_UNITS)
        return _lines(head, "" if minimal else said, last)
    if isinstance(body, Digest):
        return _lines(head, *([] if minimal else _digest_lines(body)), last)
    address = address_of(body.link)
    link = f"<{escape(address)}>" if address else ""
    return _lines(head, link, last) if minimal else _alarm_text(body, head, link, last)


def _alarm_text(alarm: Alarm, head: str, link: str, last: str) -> str:
    """A lock screen shows the first lines. An address too long is left out: cut, it would lead nowhere."""
    sentence = _escaped("".join(piece.text for piece in _sentence(alarm)), SENTENCE_UNITS)
    by, known = _escaped(provenance(alarm), TITLE_UNITS), _escaped(spread(alarm), TITLE_UNITS)
    status = _escaped(standing(alarm), NOTE_UNITS)
    whole = (head, sentence, by, known, status, link, last)
    shorter = (head, by, known, status, link, last)
    fitting = (lines for lines in (whole, shorter) if units(_lines(*lines)) <= TEXT_UNITS)
    return _lines(*next(fitting, (head, by, known, status, last)))


def _follow_up_text(follow_up: FollowUp, last: str, in_thread: bool, *, minimal: bool) -> str:
    """As many articles as there is room for."""
    above = "" if in_thread else _escaped(follow_up_of(follow_up), TITLE_UNITS)
    lines = [_item_line(item, minimal=minimal) for item in follow_up.items]
    rest = _escaped(left_out(follow_up), NOTE_UNITS)
    while len(lines) > 1 and units(_lines(above, *lines, rest, last)) > TEXT_UNITS:
        lines.pop()
        rest = "and more"
    return _lines(above, *lines, rest, last)


def _item_line(item: Item, *, minimal: bool) -> str:
    note = f"{_escaped(clean(item.note), NOTE_UNITS)}: " if item.note and not minimal else ""
    by = "" if minimal else f" ({_escaped(provenance(item), TITLE_UNITS)})"
    address = address_of(item.link)
    link = f" <{escape(address)}>" if address and units(escape(address)) <= TITLE_UNITS else ""
    return f"{note}{_escaped(headline(item), TITLE_UNITS)}{by}{link}"


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)


def escape(words: str) -> str:
    """For places that Slack parses: these three characters, and no others."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped(words: str, most: int) -> str:
    """Escaped, and at most so long afterwards; no escape is cut in two, its rest would be read as markup."""
    escaped = escape(words)
    if units(escaped) <= most:
        return escaped
    return re.sub(r"&[a-z]{0,3}$", "", take_units(escaped, most - 1)).rstrip() + ELLIPSIS


# --- parts ----------------------------------------------------------------------------------------


def _parts(delivery: Delivery) -> list[Json]:
    match delivery.body:
        case Notice() as notice:
            return _notice_parts(notice)
        case Digest() as digest:
            return _digest_parts(digest)
        case FollowUp() as follow_up:
            return _follow_up_parts(follow_up, in_thread(delivery))
        case Alarm() as alarm:
            return _alarm_parts(alarm)


def _notice_parts(notice: Notice) -> list[Json]:
    title = clip(clean(notice.title), TITLE_UNITS) or "(no title)"
    said = clip(clean(notice.text, keep_lines=True), NOTICE_UNITS)
    return [_section(_text(title, bold=True)), *([_section(_text(said))] if said else [])]


def _alarm_parts(alarm: Alarm) -> list[Json]:
    shown = _sentence(alarm)
    quote = {"type": "rich_text_quote", "elements": [_text(words, bold=bold) for words, bold in shown]}
    status = [_section(_text(clip(standing(alarm), NOTE_UNITS)))] if standing(alarm) else []
    return [_section(*_headline(alarm)), *([quote] if shown else []), *status]


def _sentence(alarm: Alarm) -> list[Piece]:
    return emphasised(alarm.sentence.text, alarm.sentence.spans) if alarm.sentence else []


def _follow_up_parts(follow_up: FollowUp, in_thread: bool) -> list[Json]:
    above = [] if in_thread else [_section(_text(follow_up_of(follow_up)))]
    rest = left_out(follow_up)
    return [*above, *map(_item_part, follow_up.items), *([_section(_text(rest))] if rest else [])]


def _item_part(item: Item) -> Json:
    """What it adds, the headline (the former one struck out), where from."""
    note = [_text(f"{clip(clean(item.note), NOTE_UNITS)}: ")] if clean(item.note) else []
    was = clip(clean(item.was), TITLE_UNITS) if item.was else ""
    struck = [{"type": "text", "text": was, "style": {"strike": True}}, _text(" → ")] if was else []
    return _section(*note, *struck, *_headline(item), _text(f"\n{provenance(item)}"))


def _headline(alarm: Alarm | Item) -> list[Json]:
    return _linked(headline(alarm), address_of(alarm.link), bold=True)


def _linked(title: str, address: str | None, *, bold: bool) -> list[Json]:
    """A title, linked. One that looks like an address gets no link: it would seem to lead there."""
    if address is None:
        return [_text(title, bold=bold)]
    if not looks_like_address(title):
        return [_link(address, title, bold=bold)]
    return [_link(address, shown_host(address), bold=bold), _text(": "), _text(title, bold=bold)]


# --- a digest


def _digest_parts(digest: Digest) -> list[Json]:
    said = [_section(_text(clip(clean(digest.title), TITLE_UNITS) or "(no title)", bold=True))]
    for part in _fitting(digest.parts, DIGEST_UNITS):
        said.append(_section(_text(clip(clean(part.heading), NAME_UNITS) or "(no name)", bold=True)))
        if part.lines:
            items = [_item(line) for line in part.lines]
            said.append({"type": "rich_text_list", "style": "bullet", "elements": items})
        if part.more:
            said.append(_section(_text(and_more(part))))
    return said


def _item(line: DigestLine) -> Json:
    title = clip(clean(line.title), NAME_UNITS) or "(no headline)"
    return _section(*_linked(title, address_of(line.link), bold=False), _text(f" · {aside(line)}"))


def _digest_lines(digest: Digest) -> list[str]:
    """The same in text alone."""
    said = []
    for part in _fitting(digest.parts, TEXT_UNITS - 2 * TITLE_UNITS):
        lines = [_digest_line(line) for line in part.lines]
        said += [_escaped(clean(part.heading), NAME_UNITS), *lines, and_more(part)]
    return said


def _digest_line(line: DigestLine) -> str:
    title = _escaped(clean(line.title), NAME_UNITS) or "(no headline)"
    address = address_of(line.link)
    return f"• {title} · {_escaped(aside(line), NAME_UNITS)}" + (f" <{escape(address)}>" if address else "")


def _fitting(parts: Sequence[DigestPart], most: int) -> list[DigestPart]:
    """As many parts, and of each as many lines, as fit; the rest is counted."""
    fitting: list[DigestPart] = []
    for part in parts:
        most -= NAME_UNITS + LINE_ROOM
        if most < 0:
            left = parts[len(fitting) :]
            rest = sum(len(one.lines) + one.more for one in left)
            return [*fitting, DigestPart(f"{len(left)} more parts", (), more=rest)]
        kept = []
        for line in part.lines:
            most -= units(_digest_line(line)) + 1
            if most < 0:
                break
            kept.append(line)
        fitting.append(replace(part, lines=tuple(kept), more=part.more + len(part.lines) - len(kept)))
    return fitting


def _small_print(delivery: Delivery) -> list[list[Json]]:
    """Line by line: where from and when; who else; why, and the reference that finds the delivery again."""
    body = delivery.body
    if isinstance(body, Notice | Digest):
        return [[plain(_reference_line(delivery))]]
    if isinstance(body, FollowUp):
        watch = clip(clean(body.watch_name), NAME_UNITS) or body.watch
        return [[plain(f"{watch} · {_reference_line(delivery)}")]]
    why = plain(f"{because(body)} · {_reference_line(delivery)}")
    lines = [[plain(provenance(body)), *_when(body)], _who_else(body), [why]]
    return [line for line in lines if line]


def _when(alarm: Alarm) -> list[Json]:
    if alarm.published is None:
        return [_moment("seen", alarm.seen)]
    return [_moment("published", alarm.published), plain(seen_after(alarm))]


def _who_else(alarm: Alarm) -> list[Json]:
    """The others, and when the story was first seen, and where, if that was not what is shown."""
    known = spread(alarm)
    others = [plain(known)] if known else []
    if alarm.first_seen is None:
        return others
    by = clip(clean(alarm.first_source), NAME_UNITS)
    return [*others, _moment("first seen", alarm.first_seen), *([plain(f"by {by}")] if by else [])]


def _reference_line(delivery: Delivery) -> str:
    repeat = "possible repeat · " if delivery.repeat_possible else ""
    return f"{repeat}ref {reference(delivery.message)}"


def _moment(word: str, at: datetime) -> Json:
    """How long ago it is for whoever reads it. Every character of this is ours, so it may be markup."""
    fallback = at.strftime("%Y-%m-%d %H:%M UTC")
    if not 0 < at.timestamp() < 2**32:
        return {"type": "mrkdwn", "text": f"{word} {fallback}"}
    date = f"<!date^{int(at.timestamp())}^{{ago}}|{fallback}>"
    return {"type": "mrkdwn", "text": f"{word} {date}"}


def _section(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def _text(words: str, *, bold: bool = False) -> Json:
    return {"type": "text", "text": words, **({"style": {"bold": True}} if bold else {})}


def _link(address: str, label: str, *, bold: bool) -> Json:
    return {"type": "link", "url": address, "text": label, **({"style": {"bold": True}} if bold else {})}


# --- recognised again -----------------------------------------------------------------------------

_REFERENCE = re.compile(r"\bref ([^\s<>&]+)\s*$")


def reference(delivery: DeliveryId) -> str:
    """The visible part of the id."""
    return delivery[:12]


def recognised(said: Mapping[str, Any], wanted: Collection[DeliveryId]) -> DeliveryId | None:
    """Which delivery is this message from the channel's history? None: none of ours, or none we look for.

    Metadata decides, then the first block's id. Only a message without either is known by its reference, and
    only if an app wrote it and the reference ends its text: a headline could quote one.
    """
    named = _named_in_metadata(said.get("metadata"))
    if named or not said.get("bot_id"):
        return named
    first = next(iter(said.get("blocks") or ()), None)
    block = first.get("block_id") if isinstance(first, Mapping) else None
    if isinstance(block, str) and block.startswith("a-"):
        return DeliveryId(block.removeprefix("a-"))
    shown = _REFERENCE.search(said["text"]) if isinstance(said.get("text"), str) else None
    return next((one for one in wanted if shown and reference(one) == shown[1]), None)


def _named_in_metadata(metadata: object) -> DeliveryId | None:
    if not isinstance(metadata, Mapping) or metadata.get("event_type") != EVENT_TYPE:
        return None
    payload = metadata.get("event_payload")
    named = payload.get("delivery") if isinstance(payload, Mapping) else None
    return DeliveryId(named) if isinstance(named, str) else None

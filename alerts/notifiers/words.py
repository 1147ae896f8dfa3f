"""Words from outside, made fit to be shown to a person.

Lives here: which characters may be seen, how a text is shortened with its emphasis, which addresses may be
followed and which labels would lie. Pure. Not here: how Slack wants to have them escaped (`slack_blocks`).
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import NamedTuple

from alerts.notifications import Alarm, DigestLine, DigestPart, FollowUp, Item
from crawler import urls

TITLE_UNITS = 300
SENTENCE_UNITS = 600
NAME_UNITS = 150
MOST_BOLD = 25  # matched words emphasised in a sentence; each makes two elements of a Slack message
MOST_NAMES = 5  # of other sources
ELLIPSIS = "…"

Spans = Sequence[tuple[int, int]]


class Piece(NamedTuple):
    """A stretch of text, emphasised or not."""

    text: str
    bold: bool


# --- characters -----------------------------------------------------------------------------------

_INVISIBLE = {"Cc", "Cf", "Cs"}  # control; format: bidi, zero width, tags, soft hyphen; half a surrogate pair
_ALSO_INVISIBLE = "\u115f\u1160\u3164\uffa0\u2800"  # fillers that count as letters; the empty Braille pattern


def clean(words: str, *, keep_lines: bool = False) -> str:
    """Visible characters only, blanks folded."""
    if keep_lines:
        lines = (clean(line) for line in words.splitlines())
        return "\n".join(line for line in lines if line)
    return _masked("".join(_visible(words)).strip())


# Tokens of Slack and addresses of webhooks: a page that got hold of ours must not have it told on by us.
_SECRET = re.compile(r"\b(?:xox[a-z]|xapp)-[\w-]{6,}|hooks\.slack\.com/services/\S+", re.IGNORECASE)


def _masked(words: str) -> str:
    """Without secrets; as long as before, so that spans still fit."""
    return _SECRET.sub(lambda found: "•" * len(found[0]), words)


def _visible(words: str, after: str = " ") -> Iterator[str]:
    """The visible characters, blanks folded also with the character that came before."""
    for character in words:
        if character.isspace():
            if after != " ":
                after = " "
                yield after
        elif unicodedata.category(character) not in _INVISIBLE and character not in _ALSO_INVISIBLE:
            after = character
            yield character


# --- lengths --------------------------------------------------------------------------------------


def units(words: str) -> int:
    """Length in UTF-16 units: the strictest reading of limits that vendors state in characters."""
    return len(words) + sum(character > "\uffff" for character in words)


def take_units(words: str, most: int) -> str:
    """The longest beginning of at most so many units; no character is halved."""
    if units(words) <= most:
        return words
    taken = 0
    for index, character in enumerate(words):
        taken += 2 if character > "\uffff" else 1
        if taken > most:
            return words[:index]
    return words


def clip(words: str, most: int) -> str:
    return words if units(words) <= most else take_units(words, most - 1).rstrip() + ELLIPSIS


# --- emphasis -------------------------------------------------------------------------------------


def emphasised(words: str, spans: Spans, most: int = SENTENCE_UNITS) -> list[Piece]:
    """The visible text with its spans in bold; of a long one the part round the first of them."""
    parts = _without_secrets(list(_pieces(words, spans)))
    before = 0
    for part in parts:
        if part.bold:
            break
        before += units(part.text)
    total = sum(units(part.text) for part in parts)
    skip = max(0, min(before - most // 3, total - most)) if any(part.bold for part in parts) else 0
    shown = _stretch(parts, skip, most)
    ahead = [Piece(ELLIPSIS, False)] if skip else []
    behind = [Piece(ELLIPSIS, False)] if total - skip > most else []
    return [*ahead, *shown, *behind]


def _pieces(words: str, spans: Spans) -> Iterator[Piece]:
    """Spans that make no sense are ignored: rows outlive the code that wrote them."""
    at, after = 0, " "
    for start, end in [*spans[:MOST_BOLD], (len(words), len(words))]:
        if not at <= start <= end <= len(words):
            continue
        for part, bold in ((words[at:start], False), (words[start:end], True)):
            visible = "".join(_visible(part, after))
            if visible:
                after = visible[-1]
                yield Piece(visible, bold)
        at = end


def _without_secrets(parts: Sequence[Piece]) -> list[Piece]:
    masked = iter(_masked("".join(part.text for part in parts)))
    return [Piece("".join(islice(masked, len(part.text))), part.bold) for part in parts]


def _stretch(parts: Sequence[Piece], skip: int, most: int) -> list[Piece]:
    shown: list[Piece] = []
    for part in parts:
        left_out = take_units(part.text, skip)
        cut = take_units(part.text[len(left_out) :], most)
        skip -= units(left_out)
        most -= units(cut)
        if cut:
            shown.append(Piece(cut, part.bold))
        if most <= 1:
            break
    return shown


# --- addresses ------------------------------------------------------------------------------------

_HOST = r"(?:[\w-]+\.)+(?:xn--[\w-]+|[^\W\d_]{2,})"
_ADDRESS = re.compile(
    rf"[a-z][a-z0-9+.-]*://|\bwww\.|{_HOST}/|\b(?:\d{{1,3}}\.){{3}}\d{{1,3}}\b"  # anywhere
    rf"|^\W*{_HOST}(?:[/:?#]|\W*$)",  # at the beginning, or all there is
    re.IGNORECASE,
)


def address_of(link: str | None) -> str | None:
    """A link as it may stand in a message; None if it is none that a reader should follow."""
    address = urls.absolute(link) if link else None
    if address and _SECRET.search(address):
        return None
    return address and address.replace("'", "%27")  # whoever finds addresses in a text ends them at a quote


def shown_host(address: str) -> str:
    """The host as it is dialled: in ASCII, so that a look-alike of a known name looks odd."""
    return clip(urls.host(address).removeprefix("www."), NAME_UNITS)


def looks_like_address(title: str) -> bool:
    """Would a reader take these words, as a link's label, for the place the link leads to?"""
    return _ADDRESS.search(unicodedata.normalize("NFKC", title)) is not None


# --- an alarm's lines -----------------------------------------------------------------------------


def headline(told: Alarm | Item) -> str:
    return clip(clean(told.title), TITLE_UNITS) or "(no headline)"


def provenance(told: Alarm | Item) -> str:
    """Source, the host behind the link, language. The host stands by itself because a label may lie."""
    address = address_of(told.link)
    known = [told.source_name, shown_host(address) if address else None, told.language]
    shown = [clip(clean(part), NAME_UNITS) for part in known if part]
    return " · ".join(part for part in shown if part) or "unknown source"


def seen_after(alarm: Alarm) -> str:
    """How long after it was published we saw it; empty: nobody knows when that was."""
    if alarm.published is None:
        return ""
    waited = alarm.seen - alarm.published
    return "seen at once" if waited < timedelta(seconds=1) else f"seen {lasting(waited)} later"


def lasting(time: timedelta) -> str:
    """A length of time in one unit, as people say it."""
    seconds = int(time.total_seconds())
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit or seconds == unit:
            return f"{seconds // unit} {name}"
    return f"{seconds} s"


def spread(alarm: Alarm) -> str:
    """Who else has the story, and how much of that is one text; empty: nobody."""
    if not alarm.also and not alarm.copies:
        return ""
    names = [clip(clean(name), NAME_UNITS) or "unknown source" for name in alarm.also]
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    sources = counted(len(names) + 1, "source", "sources")
    languages = f", {len(alarm.languages)} languages" if len(alarm.languages) > 1 else ""
    also = f": also {', '.join(names[:MOST_NAMES])}{more}" if names else ""
    origins = counted(alarm.origins, "origin", "origins")
    texts = f" · {origins}, {counted(alarm.copies, 'copy', 'copies')}" if alarm.copies else ""
    return f"{sources}{languages}{also}{texts}"


def standing(alarm: Alarm) -> str:
    """What has become of it, and what a person did about it; empty: nothing."""
    return " · ".join(filter(None, (clean(alarm.status), clean(alarm.noted))))


def counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def follow_up_of(follow_up: FollowUp) -> str:
    """The line above a follow-up that stands outside its thread."""
    return f"Follow-up of: {clip(clean(follow_up.of), TITLE_UNITS) or '(no headline)'}"


def left_out(follow_up: FollowUp) -> str:
    """What of a follow-up is not listed; empty: nothing."""
    return f"and {counted(follow_up.left_out, 'more article', 'more articles')}" if follow_up.left_out else ""


def because(alarm: Alarm) -> str:
    """The watch, the rule that fired and its version, the words that it found in the headline."""
    watch = clip(clean(alarm.watch_name), NAME_UNITS) or alarm.watch
    rule = f"{watch}: {clip(clean(alarm.rule), NAME_UNITS)}"
    version = f"version {clip(clean(alarm.version), NAME_UNITS)}" if alarm.version else ""
    found = ", ".join(f"“{word}”" for word in _headline_words(alarm))
    headline = f"in the headline {found}" if found else ""
    look_alike = "spelled with look-alike letters" if alarm.look_alike else ""
    return " · ".join(part for part in (rule, version, headline, look_alike) if part)


def _headline_words(alarm: Alarm) -> list[str]:
    """The first few that matched, each once. The sentence shows its own in bold."""
    pieces = emphasised(alarm.title, alarm.title_spans, TITLE_UNITS)
    words = {piece.text.casefold(): clip(piece.text, NAME_UNITS // 3) for piece in pieces if piece.bold}
    return list(words.values())[:MOST_NAMES]


# --- a digest's lines -----------------------------------------------------------------------------


def aside(line: DigestLine) -> str:
    """Source, the host behind the link, and what we say of it."""
    address = address_of(line.link)
    known = [line.source_name, shown_host(address) if address else None, line.note]
    shown = [clip(clean(part), NAME_UNITS // 2) for part in known if part]
    return " · ".join(part for part in shown if part) or "unknown source"


def and_more(part: DigestPart) -> str:
    """How many of a part are not shown; nothing if all are."""
    return f"… and {part.more} more" if part.more else ""

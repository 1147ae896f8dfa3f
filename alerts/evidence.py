"""Evidence: which words made a query hold, where they stand, what they are worth, and the best sentence.

Lives here: from places in the folded text to the original's offsets. Not here: whether a query holds
(`operators`), whose evidence it is (`matching`).
"""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from alerts.notifications import Sentence
from alerts.operators import BODY, FIELD_NAMES, Found, Node, Reading, atoms
from alerts.text import Text

SENTENCE_LIMIT = 320  # characters of the best sentence; longer ones are cut around the evidence
_EVIDENCE_LIMIT = 60  # places of one match; a page that repeats a name a thousand times needs no more
# What a part found in a field is worth. Two names in the headline are more than two somewhere in the text.
_WEIGHTS = {"title": 3.0, "lead": 2.0, "body": 1.0}


class Evidence(NamedTuple):  # of which a match has up to sixty: a dataclass costs four times as much
    """One place that made a rule hold; offsets into the original title or text of the article."""

    part: str  # the set or the term
    field: str  # "title" or "body"
    start: int
    end: int
    text: str
    look_alike: bool = False  # spelled with characters of another script

    def to_json(self) -> dict[str, Any]:
        """As `tocsin why --json` and `tocsin evaluate --json` print it."""
        found = self._asdict()
        return found if self.look_alike else {k: v for k, v in found.items() if k != "look_alike"}


def shown(root: Node, evidence: Sequence[Evidence], reading: Reading) -> tuple[Sentence | None, int]:
    """The best sentence, and how many parts of the evidence stand in one."""
    text = reading.texts[BODY]
    spots = [_Spot(e.start, e.end, e.part) for e in evidence if e.field == "body"]
    start, end, together = _best_stretch(text, spots)
    if {e.part for e in evidence} != {spot.part for spot in spots}:
        # Some of it is the headline's alone: shown is what the text says of it.
        spots = _spots(root.places(reading, BODY), reading)
        start, end, _ = _best_stretch(text, spots)
    return _sentence(text.raw, start, end, spots) if spots else None, together


class _Spot(NamedTuple):
    """A place in the original text that a sentence may show."""

    start: int
    end: int
    part: str


def _spots(places: Found, reading: Reading) -> list[_Spot]:
    """Each place once, in order."""
    span = reading.texts[BODY].span
    stretches = sorted({(place.start, place.end, place.part) for place in places})
    return [_Spot(*span(start, end), part) for start, end, part in stretches]


def evidence_of(places: Found, reading: Reading) -> tuple[Evidence, ...]:
    """Each word that made the query hold once, in the order of the article."""
    words = dict.fromkeys([atom for place in places for atom in atoms(place)])
    found = []
    for field, start, end, part, look_alike, _ in sorted(words, key=_where)[:_EVIDENCE_LIMIT]:
        text = reading.texts[field]
        first, last = text.span(start, end)
        found.append(Evidence(part, FIELD_NAMES[field], first, last, text.raw[first:last], look_alike))
    return tuple(found)


_where = itemgetter(0, 1, 2)  # field, start, end


def score(evidence: Sequence[Evidence], reading: Reading, together: int) -> float:
    """Share of the best the parts found could have reached: all in the title, all in one sentence."""
    parts = {one.part for one in evidence}
    if not parts:
        return 0.0
    in_title = {one.part for one in evidence if one.field == "title"}
    if len(in_title) == len(parts):
        return 1.0
    worth = dict.fromkeys(in_title, _WEIGHTS["title"])
    body = reading.texts[BODY]
    lead_end = body.span(0, body.lead_end)[1]
    for one in evidence:
        weight = _WEIGHTS["lead" if one.start < lead_end else "body"]
        worth[one.part] = max(worth.get(one.part, 0.0), weight)
    placed = sum(worth.values()) / (_WEIGHTS["title"] * len(parts))
    return round(0.7 * placed + 0.3 * max(together, len(in_title)) / len(parts), 3)


def _best_stretch(text: Text, spots: Sequence[_Spot]) -> tuple[int, int, int]:
    """The sentence with the most distinct parts (the first of several), and how many it has."""
    best = (0, 0, 0)
    start = end = 0
    parts: set[str] = set()
    for spot in spots:
        if spot.start >= end:
            start, end = text.sentence(spot.start)
            parts = set()
        parts.add(spot.part)
        if len(parts) > best[2]:
            best = (start, end, len(parts))
    return best


def _sentence(raw: str, start: int, end: int, spots: Sequence[_Spot]) -> Sentence:
    inside = [one for one in spots if start <= one.start and one.end <= end]
    if not inside:  # a name that the cutting of sentences went through
        inside = [one for one in spots if start <= one.start < end]
        end = max([end, *(one.end for one in inside)])
    before = after = ""
    if end - start > SENTENCE_LIMIT:
        middle = (inside[0].start + min(inside[-1].end, inside[0].start + SENTENCE_LIMIT)) // 2
        new_start = max(start, min(middle - SENTENCE_LIMIT // 2, inside[0].start))
        new_end = min(end, new_start + SENTENCE_LIMIT)
        before, after = "… " if new_start > start else "", " …" if new_end < end else ""
        start, end = new_start, max(new_end, inside[0].end)
        inside = [one for one in inside if one.end <= end]
    while start < end and raw[start].isspace():
        start += 1
    text = raw[start:end].rstrip()
    shift = len(before) - start
    spans = merged((one.start + shift, one.end + shift) for one in inside)
    return Sentence(
        before + text + after, tuple(span for span in spans if span[1] <= len(before) + len(text))
    )


def merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """In order; what overlaps or touches is one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return tuple(merged)

"""Terms: words, prefixes and phrases in whatever script, and sets of them.

Lives here: where a term stands in a text, boundaries, gaps and particles included, and how one is written.
Not here: how the anchors of all terms are found at once (`alerts.matching`).
"""

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from alerts.operators.nodes import Form, Found, Needs, Node, Occurrence, Reading, Words
from alerts.text import APOSTROPHES, JOINS, KIND, Script, Text, joined, script, words_of

# Gap inside a phrase: an optional possessive, then anything that is no word, but no end of a paragraph.
_GAP = re.compile(rf"(?:[{APOSTROPHES}]s)?(?:(?!\n\s*\n)(?:[^\w]|_))+")
_GAP_LIMIT = 12  # characters; more is not one phrase any more
_PARTICLES = re.compile(
    "(?:은|는|이|가|을|를|과|와|의|에|에서|에게|께|도|만|로|으로|부터|까지|보다|처럼|같은|측|사|한테|이나|나|랑|이랑|라는"
    "|이라는|라고|이라고|이며|며|인|였|이다|및|간|발|판|식|형|표|주|들|로서|으로서|께서|마저|조차|라며|이라며|엔|에선|에겐|든|하고)"
    "{1,4}(?![가-힣])"
)


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a term."""

    text: str  # folded
    prefix: bool = False
    first: int = field(init=False, compare=False)  # the classes of its first and its last character
    last: int = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", KIND[self.text[0]])
        object.__setattr__(self, "last", KIND[self.text[-1]])


class Term(Words):
    """A word, a prefix, a phrase, or any of them in exact case."""

    def __init__(self, words: Sequence[Word], part: str, source: str, exact: str | None = None) -> None:
        self.words = tuple(words)
        self.part = part  # what its evidence is called
        self.source = source  # as it was written
        self.exact = exact  # the spelling demanded; None: case does not matter
        # A place of any of these may be the place of the term.
        self._looks = {
            word.text: (word, self.words[:at][::-1], self.words[at + 1 :])
            for at, word in enumerate(self.words)
            if not _everywhere(word.text) or word == max(self.words, key=lambda one: len(one.text))
        }
        self.anchor = max(self._looks, key=lambda one: (len(one), one))
        # A lone letter (the Spanish y) stands everywhere: looked for where somebody asks, not beforehand.
        lone = len(self.anchor) == 1 and script(self.anchor) < Script.THAI
        self.anchors = frozenset() if lone else frozenset(self._looks)  # all of them must have been seen

    def needs(self) -> Needs:
        return [frozenset({anchor}) for anchor in sorted(self.anchors, key=lambda one: one != self.anchor)]

    def look_up(self, reading: Reading, piece: int) -> Found:
        found = [place for form in reading.forms(piece) for place in self.found_in(form)]
        return found if len(found) < 2 else sorted(found)

    def found_in(self, form: Form) -> Found:
        """Its places in one form of a piece."""
        anchor, starts = self._rarest(form)
        if not starts:
            return []
        field, folded, part, look_alike = form.field, form.folded, self.part, form.look_alike
        found = []
        word, before, after = self._looks[anchor]
        for start in starts:
            end = word_end(folded, start, word)
            if end is None:
                continue
            stretch = _stretch(folded, start, end, before, after) if before or after else (start, end)
            if stretch is not None:
                found.append(Occurrence(field, stretch[0], stretch[1], part, look_alike))
        if self.exact is not None:
            found = [one for one in found if _spelled(form.text, one.start, one.end) == self.exact]
        return [one for one in found if form.differs(one.start, one.end)] if look_alike else found

    def _rarest(self, form: Form) -> tuple[str, Sequence[int]]:
        """The anchor seen least often, and where; nowhere if another was not seen at all."""
        if len(self.anchors) == 1:
            return self.anchor, form.hits.get(self.anchor, ())
        if not self.anchors:
            lone = [match.start() for match in _lone(self.anchor).finditer(form.folded)]
            return self.anchor, lone if form.end is None else lone[: bisect_left(lone, form.end)]
        if not self.anchors <= form.seen:
            return self.anchor, ()
        return min(((anchor, form.hits[anchor]) for anchor in self.anchors), key=_how_often)

    def anchored(self) -> Iterable[Word]:
        """The words that its anchors are."""
        return (self._looks[anchor][0] for anchor in self.anchors)

    def __str__(self) -> str:
        return self.source


def _everywhere(word: str) -> bool:
    """Whether a word is seen in every text: of two letters, of a script in which words are long."""
    return len(word) <= 2 and script(word[0]) < Script.HANGUL and script(word[-1]) != Script.DIGIT


@cache
def _lone(letter: str) -> re.Pattern[str]:
    """A letter that at least the most frequent letters of its script do not make part of a longer word."""
    row = {Script.LATIN: "a-z", Script.CYRILLIC: "а-я"}.get(script(letter), letter)
    return re.compile(f"{re.escape(letter)}(?![{row}])(?<![{row}].)")


def _how_often(seen: tuple[str, Sequence[int]]) -> int:
    return len(seen[1])


def _stretch(
    folded: str, start: int, end: int, before: Sequence[Word], after: Sequence[Word]
) -> tuple[int, int] | None:
    """The whole phrase around one of its words."""
    for word in after:
        gap = _GAP.match(folded, end, end + _GAP_LIMIT)
        at = gap.end() if gap else end
        behind = word_end(folded, at, word) if folded.startswith(word.text, at) else None
        if behind is None:
            return None
        end = behind
    for word in before:
        ahead = _backwards(folded, start, word)
        if ahead is None:
            return None
        start = ahead
    return start, end


def word_end(folded: str, start: int, word: Word) -> int | None:
    """Where a word that begins here ends; None if its boundaries are wrong. A prefix takes the whole word."""
    if start and JOINS[folded[start - 1]] & word.first:
        return None
    end = start + len(word.text)
    if end == len(folded) or not JOINS[folded[end]] & word.last:
        return end
    if word.prefix:
        while end < len(folded) and joined(folded[end - 1], folded[end]):
            end += 1
        return end
    if folded[end - 1] >= "\u1100" and script(folded[end - 1]) is Script.HANGUL:
        particles = _PARTICLES.match(folded, end)
        if particles and (
            particles.end() == len(folded) or not joined(folded[particles.end() - 1], folded[particles.end()])
        ):
            return end
    return None


def _backwards(folded: str, start: int, word: Word) -> int | None:
    """Where the word before this place begins, if it is this one."""
    window = folded[max(0, start - _GAP_LIMIT - 2 - len(word.text) - (30 if word.prefix else 0)) : start]
    offset = start - len(window)
    at = window.rfind(word.text)
    while at >= 0:
        end = word_end(folded, offset + at, word)
        if end is not None and end <= start:
            gap = _GAP.match(folded, end, start)
            return offset + at if end == start or (gap and gap.end() == start) else None
        at = window.rfind(word.text, 0, at)
    return None


def _spelled(text: Text, start: int, end: int) -> str:
    """How a stretch is spelled in the original, without invisible characters, words one space apart."""
    first, last = text.span(start, end)
    visible = "".join(c for c in text.raw[first:last] if unicodedata.category(c) != "Cf")
    return " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", visible)))


_WILDCARD = re.compile(r"[*?](?=\w)|\w\?\*")


def term(written: str, part: str | None = None) -> Term:
    """A term as people write it: OpenAI, openai*, {MSFT}, "Open AI", the members of sets included.

    Raises ValueError where there is no word in it, or a wildcard inside one.
    """
    if _WILDCARD.search(written):
        raise ValueError(f"{written!r} has a wildcard; there is none but a star at the end of a word")
    exact = written.startswith("{") and written.endswith("}")
    if exact and "*" in written:
        raise ValueError(f"{written!r} asks for one spelling; a star has no place in it")
    inner = written[1:-1] if exact else written.strip('"')
    words: list[Word] = []
    for piece in inner.split():
        folded = words_of(piece)
        words.extend(Word(word) for word in folded)
        if piece.endswith("*") and folded:
            words[-1] = Word(words[-1].text, prefix=True)
    if not words:
        raise ValueError(f"there is no word in {written!r}")
    spelling = " ".join(re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", inner))) if exact else None
    return Term(words, part or written.strip('"'), written, spelling)


class AnyTerm(Words):
    """A term set: any of its members; counts as one part of the evidence."""

    def __init__(self, name: str, members: Sequence[Term]) -> None:
        self.name = name
        self.members = tuple(_without_implied(members))
        self._lone = [member for member in self.members if not member.anchors]
        self._by_anchor = _by_anchor(self.members)
        self._anchors = frozenset(self._by_anchor)

    def needs(self) -> Needs:
        return [] if self._lone else [self._anchors]

    def look_up(self, reading: Reading, piece: int) -> Found:
        found: Found = []
        for form in reading.forms(piece):
            for anchor in self._anchors & form.seen:
                for member in self._by_anchor[anchor]:
                    found += member.found_in(form)
            for member in self._lone:
                found += member.found_in(form)
        return _longest(found)

    def __str__(self) -> str:
        return f"@{self.name}"


def _without_implied(members: Sequence[Term]) -> Iterable[Term]:
    """Members of one word that no prefix among the others finds as well: contract beside contract*."""
    alone = {member: member.words[0] for member in members if len(member.words) == 1 and not member.exact}
    prefixes = {word.text for word in alone.values() if word.prefix and script(word.text[-1]) < Script.HANGUL}
    for member in members:
        word = alone.get(member)
        shorter = range(1, len(word.text) + (not word.prefix)) if word else ()
        if word is None or not any(word.text[:length] in prefixes for length in shorter):
            yield member


def _by_anchor(members: Sequence[Term]) -> dict[str, list[Term]]:
    """Members by the one of their anchors that the fewest others have: in "Azure OpenAI" it is not OpenAI."""
    shared = Counter(anchor for member in members for anchor in member.anchors)
    buckets: dict[str, list[Term]] = {}
    for member in members:
        if member.anchors:
            member.anchor = min(member.anchors, key=lambda one: (shared[one], -len(one), one))
            buckets.setdefault(member.anchor, []).append(member)
    return buckets


def _longest(found: Found) -> Found:
    """In order; of occurrences that lie in each other only the longest."""
    if len(found) < 2:
        return found
    found.sort()
    kept = found[:1]
    for one in found:
        last = kept[-1]
        if one.end <= last.end:
            continue
        if one.start == last.start:
            kept.pop()
        kept.append(one)
    return kept


def terms_of(node: Node) -> Iterable[Term]:
    """All terms of a query, those of its sets included."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, AnyTerm):
        yield from node.members
    for child in node.children:
        yield from terms_of(child)

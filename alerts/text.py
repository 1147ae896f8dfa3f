"""Text: what a word is, in every script, and where it stands in the original.

Lives here: folding (NFKC, case, invisible characters, look-alikes), boundaries of words, counting of words,
and the way back from a folded offset to the original one. Not here: what is looked for (`operators`), how
all of it is found in one pass (`matching`).

Folding is done in whole-string calls because character by character it costs ten times as much as the search
itself. The way back is computed only for a text in which something was found.
"""

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from enum import IntEnum
from functools import cache, cached_property
from itertools import accumulate, islice, pairwise

LEAD_WORDS = 60  # `lead:` is the title and this many words of the text
PARAGRAPH_COST = 10  # words: the end of a paragraph parts two names as a sentence of ten words would
THAI_WORD = 4  # characters: Thai, Lao, Khmer and Burmese write no spaces; about the length of their words

# Soft hyphen, joiners, zero-width spaces, direction marks, variation selectors; and the Arabic tatweel
# and vowel signs, which decorate a word without changing it (madda and hamza make other letters).
_INVISIBLE = (
    "\u00ad\u034f\u061c\u0640\u064b-\u0652\u0656-\u065f\u180b-\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
)
# NFKC would glue these to the word before them: OpenAI™ -> OpenAITM, Microsoft² -> Microsoft2.
_TRAILERS = "\u2122\u2120\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089"
_AWKWARD = re.compile(f"[{_INVISIBLE}{_TRAILERS}]")
_STRIP = re.compile(f"[{_INVISIBLE}]+")
_SEPARATE = re.compile(f"[{_TRAILERS}]")

APOSTROPHES = "'\u2018\u2019\u201b\u02bc\u02b9\u2032\u00b4`\uff07"

# Letters, digits, and the vowel signs that belong to the letters of Indic and South-East Asian scripts.
_LETTER = (
    r"[^\W_\u3400-\u9fff\uf900-\ufaff\u3040-\u30fa\u30fc-\u30ff\u31f0-\u31ff\U00020000-\U0003ffff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
    r"|[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1-\u05c2\u05c4-\u05c5\u05c7\u0900-\u0963\u0966-\u0dff]"
)
_UNSPACED = r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30fa\u30fc-\u30ff\u31f0-\u31ff\U00020000-\U0003ffff]"
_THAI = r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]"
_WORD = re.compile(
    rf"(?:{_LETTER})(?:{_LETTER})*(?:[{APOSTROPHES}](?:{_LETTER})+)*|{_UNSPACED}{{1,2}}|{_THAI}{{1,{THAI_WORD}}}"
)
# The same for texts without unspaced scripts: half the cost on the articles that are most.
_PLAIN_WORD = re.compile(rf"[^\W_]+(?:[{APOSTROPHES}][^\W_]+)*")
_PARAGRAPH_END = re.compile(r"\n[^\S\n]*\n")
# A sentence ends with its full stop and what closes it, before white space and no small letter; with the
# full stop of scripts that put no space behind it; with the end of a line. The dot of an initial (the U.S.,
# S. Nadella; but not of the network X), of a title and of a German date (3. März) ends none.
# (All of it begins with one class of characters: `re` then leaps to the next of them.)
_SENTENCE_END = re.compile(
    r"""[.!?؟۔…。！？｡।॥།။។\n](?:(?<=\n)|(?<=[。！？｡।॥།။។])[」』”）]*|(?<=[.!?؟۔…])"""
    r"""(?<!\b[A-WYZÀ-ÞА-Я]\.)(?<!\b(?:Mr|Ms|Dr|St|vs|No|Nr)\.)(?<!\b(?:Mrs|Sen|Gov|Rep)\.)(?<!\bProf\.)"""
    r"""(?:(?<!\d\.)|(?!\s(?:Januar|Februar|März|April|Mai|Ju[nl]i|August|\w+ber)\b))"""
    rf"""["'”’»)\]{_INVISIBLE}]*(?=\s[\s{_INVISIBLE}]*[^\s{_INVISIBLE}a-zа-я]))"""
)
_ODD_SCRIPTS = re.compile(
    r"[\u0300-\u036f\u0590-\u10ff\u1780-\u17ff\u3040-\uabff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_TERM_WORD = re.compile(rf"(?:{_LETTER}|{_UNSPACED}|{_THAI})+")


class Script(IntEnum):
    """The classes between which a word ends: OpenAI inside 微软与OpenAI合作 is a word."""

    NONE = 0  # no letter at all
    DIGIT = 1  # belongs to the word of any script beside it, and so do combining marks
    LATIN = 2
    GREEK = 3
    CYRILLIC = 4
    HEBREW = 5
    ARABIC = 6
    INDIC = 7
    HANGUL = 8
    OTHER = 9
    THAI = 20  # from here on words are not parted by spaces: terms are found as substrings
    KANA = 21
    HAN = 22


_RANGES = (
    (0x0000, Script.LATIN), (0x0370, Script.GREEK), (0x0400, Script.CYRILLIC), (0x0530, Script.OTHER),
    (0x0590, Script.HEBREW), (0x0600, Script.ARABIC), (0x0780, Script.OTHER), (0x08A0, Script.ARABIC),
    (0x0900, Script.INDIC), (0x0E00, Script.THAI), (0x0F00, Script.OTHER), (0x1000, Script.THAI),
    (0x10A0, Script.OTHER), (0x1100, Script.HANGUL), (0x1200, Script.OTHER), (0x1780, Script.THAI),
    (0x1800, Script.OTHER), (0x1C80, Script.CYRILLIC), (0x1C90, Script.OTHER), (0x1E00, Script.LATIN),
    (0x1F00, Script.GREEK), (0x2000, Script.LATIN), (0x2DE0, Script.CYRILLIC), (0x2E00, Script.OTHER),
    (0x2E80, Script.HAN), (0x3040, Script.KANA), (0x3100, Script.HAN), (0x3130, Script.HANGUL),
    (0x3190, Script.HAN), (0x31F0, Script.KANA), (0x3200, Script.HAN), (0xA000, Script.OTHER),
    (0xA640, Script.CYRILLIC), (0xA6A0, Script.OTHER), (0xA720, Script.LATIN), (0xA830, Script.INDIC),
    (0xA960, Script.HANGUL), (0xA980, Script.OTHER), (0xAC00, Script.HANGUL), (0xD800, Script.OTHER),
    (0xF900, Script.HAN), (0xFB00, Script.LATIN), (0xFB1D, Script.HEBREW), (0xFB50, Script.ARABIC),
    (0xFE00, Script.OTHER), (0xFF00, Script.LATIN), (0x10000, Script.OTHER), (0x20000, Script.HAN),
)  # fmt: skip
_STARTS = [start for start, _ in _RANGES]


def script(character: str) -> Script:
    """The class of one character of a folded text."""
    category = unicodedata.category(character)
    if category[0] == "N":
        return Script.HAN if _script_of(character) is Script.HAN else Script.DIGIT
    if category[0] == "M":
        found = _script_of(character)
        return found if found in {Script.INDIC, Script.THAI, Script.KANA} else Script.DIGIT
    return _script_of(character) if category[0] == "L" else Script.NONE


def _script_of(character: str) -> Script:
    return _RANGES[bisect_right(_STARTS, ord(character)) - 1][1]


class _Kind(dict[str, int]):
    """Character → its class as one bit, remembered."""

    def __missing__(self, character: str) -> int:
        bit = self[character] = 1 << script(character)
        return bit


class _Joins(dict[str, int]):
    """Character → the classes, a bit each, that make one word with it; remembered.

    This is asked on both sides of every place where anything was found.
    """

    def __missing__(self, character: str) -> int:
        kind = script(character)
        if kind is Script.NONE or kind >= Script.THAI:
            joins = 0
        elif kind is Script.DIGIT:
            joins = (1 << Script.THAI) - (1 << Script.DIGIT)
        else:
            joins = 1 << kind | 1 << Script.DIGIT
        self[character] = joins
        return joins


KIND = _Kind()
JOINS = _Joins()


def joined(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word."""
    return JOINS[left] & KIND[right] != 0


def fold(raw: str) -> str:
    """The form in which everything is compared: NFKC, case folded, without invisible characters."""
    if raw.isascii():
        return raw.lower()
    return _plainer(_composed(raw).casefold())


def _composed(raw: str) -> str:
    if _AWKWARD.search(raw):
        raw = _STRIP.sub("", _SEPARATE.sub(" ", raw))
    return unicodedata.normalize("NFKC", raw)


def _plainer(text: str) -> str:
    """Without what NFKC leaves: the dot of a Turkish MİCROSOFT, the letter ʼ for an apostrophe."""
    if "\u0307" in text:  # which is found sooner than two characters
        text = text.replace("i\u0307", "i")
    return text.replace("\u02bc", "'")


def visible(raw: str) -> str:
    """What of it can be seen: without soft hyphens, joiners, direction marks and the like."""
    return raw if raw.isascii() else _STRIP.sub("", raw)


def words_of(raw: str) -> tuple[str, ...]:
    """The folded words of a term; whatever stands between them does not count."""
    return tuple(match.group() for match in _TERM_WORD.finditer(fold(raw)))


# ---- look-alikes

# After folding the case: В looks like B, so its small form counts as b.
_LOOKS_LIKE = str.maketrans(
    "авсеһніїјкмопрѕтухԁԛԝѵɡαβεηικμνορτυχγ\u0131\u0251\u0585\u057d\u0578\u0581",
    "abcehhiijkmonpstyxdqwvgabehikmnoptyxyiaouno",
)
_FOREIGN = re.compile(r"[\u0131\u0251\u0261\u0370-\u052f\u0561-\u0586]")
_FOREIGN_LETTERS = frozenset(filter(_FOREIGN.match, map(chr, range(0x0590))))
_LATIN_RUN = re.compile(r"[a-z]+")
_WHOLE_WORD = re.compile(r"[^\W_]+")


def _unmask(folded: str) -> str | None:
    """The text, its look-alikes in words of mixed script replaced, same length; None: there are none."""
    if not _FOREIGN.search(folded):
        return None
    padded = f" {folded} "
    mixed = any(
        padded[run.start() - 1] in _FOREIGN_LETTERS or padded[run.end()] in _FOREIGN_LETTERS
        for run in _LATIN_RUN.finditer(padded)
    )
    return _WHOLE_WORD.sub(_unmask_word, folded) if mixed else None


def _unmask_word(match: re.Match[str]) -> str:
    word = match.group()
    return word.translate(_LOOKS_LIKE) if not word.isascii() and _LATIN_RUN.search(word) else word


# ---- the way back


@cache
def _awkward_characters() -> tuple[frozenset[str], frozenset[str]]:
    """All characters that do not fold to exactly one of their own, and those that join the one before.

    Derived from Python's own Unicode tables rather than copied from a standard, so that it fits them. The
    blocks left out (ideographs, syllables, private use) fold one to one.
    """
    points = (*range(0x80, 0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0xD800), *range(0xF900, 0x10000))
    seconds = set("\u0307")
    for point in points:
        parts = unicodedata.decomposition(chr(point)).split()
        if len(parts) == 2 and parts[0][0] != "<":
            seconds.add(chr(int(parts[1], 16)))
    seconds.update(map(chr, range(0x1161, 0x1176)), map(chr, range(0x11A8, 0x11C3)))  # conjoining Hangul
    joining, expanding = set(), set()
    for character in map(chr, points):
        folded = unicodedata.normalize("NFKC", character).casefold()
        if _STRIP.match(character) or unicodedata.combining(folded[0]) or {folded[0], character} & seconds:
            joining.add(character)
        elif len(folded) != 1 and not _SEPARATE.match(character):
            expanding.add(character)
    for character in map(chr, range(0x10000, 0x20000)):
        if unicodedata.combining(character):
            joining.add(character)
        elif len(unicodedata.normalize("NFKC", character)) != 1:
            expanding.add(character)
    return frozenset(joining | expanding), frozenset(joining)


def _runs(raw: str, awkward: frozenset[str]) -> list[tuple[int, int]]:
    """Stretches of awkward characters.

    A class of two thousand characters would cost `re` a millisecond a text.
    """
    present = awkward.intersection("".join(_NOT_ASCII.findall(raw)))
    at = sorted(match.start() for one in present for match in re.finditer(re.escape(one), raw))
    runs: list[tuple[int, int]] = []
    for position in at:
        if runs and runs[-1][1] == position:
            runs[-1] = (runs[-1][0], position + 1)
        else:
            runs.append((position, position + 1))
    return runs


_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")  # no other is awkward, and in most texts they are few


class Alignment:
    """Which stretch of the original a stretch of the folded text came from."""

    def __init__(self, raw: str) -> None:
        self._folded_at = [0]  # where a piece begins in the folded text …
        self._raw_at = [0]  # … and in the original
        self._raw_end: list[int | None] = [None]  # end of a piece that folds as a whole; None: one to one
        self._end = len(raw)
        if raw.isascii():
            return
        awkward, joining = _awkward_characters()
        shift = done = 0
        for first, last in _runs(raw, awkward):
            for start, end in _clusters(raw, first, last, done, joining):
                folded = len(fold(raw[start:end]))
                self._piece(start + shift, start, start + len(raw[start:end].rstrip(_invisible_characters())))
                shift += folded - (end - start)
                self._piece(end + shift, end, None)
                done = end

    def _piece(self, folded_at: int, raw_at: int, raw_end: int | None) -> None:
        self._folded_at.append(folded_at)
        self._raw_at.append(raw_at)
        self._raw_end.append(raw_end)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """[start, end) of the original for [start, end) of the folded text; never half a character."""
        if len(self._folded_at) == 1:
            return start, end
        first = bisect_right(self._folded_at, start) - 1
        last = max(bisect_left(self._folded_at, end) - 1, 0)
        raw_start = self._raw_at[first]
        if self._raw_end[first] is None:
            raw_start += start - self._folded_at[first]
        whole = self._raw_end[last]
        raw_end = self._raw_at[last] + end - self._folded_at[last] if whole is None else whole
        return min(raw_start, self._end), min(max(raw_start, raw_end), self._end)


@cache
def _invisible_characters() -> str:
    return "".join(character for character in map(chr, range(0x80, 0xFFFF)) if _STRIP.match(character))


def _clusters(raw: str, start: int, end: int, done: int, joining: frozenset[str]) -> list[tuple[int, int]]:
    """Cut a run of awkward characters into the pieces that fold independently of each other."""
    if raw[start] in joining and start > done:
        start -= 1  # the letter the first mark sits on
    cuts = [start, *(at for at in range(start + 1, end) if raw[at] not in joining), end]
    return list(pairwise(cuts))


# ---- one field of an article


class Text:
    """One field of an article, folded once; everything dearer is computed when first asked for."""

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.folded = fold(raw)
        self.unmasked = None if self.folded.isascii() else _unmask(self.folded)
        self._starts: list[int] = []  # of words
        self._ends: list[int] = []  # of sentences, in the original

    @cached_property
    def alignment(self) -> Alignment:
        return Alignment(self.raw)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the folded text stands in the original."""
        return (start, end) if self.raw.isascii() else self.alignment.span(start, end)

    @cached_property
    def _word_pattern(self) -> re.Pattern[str]:
        ordinary = self.folded.isascii() or not _ODD_SCRIPTS.search(self.folded)
        return _PLAIN_WORD if ordinary else _WORD

    @cached_property
    def _paragraph_ends(self) -> list[int]:
        return [match.start() for match in _PARAGRAPH_END.finditer(self.folded)]

    @cached_property
    def _unread(self) -> Iterator[re.Match[str]]:
        return self._word_pattern.finditer(self.folded)

    def _words_before(self, offset: int) -> int:
        """How many words begin before an offset; the words are found no further than they are asked for."""
        starts = self._starts
        while not starts or starts[-1] < offset:
            chunk = [match.start() for match in islice(self._unread, 64)]
            if not chunk:
                break
            starts += chunk
        return bisect_left(starts, offset)

    def words_between(self, end: int, start: int) -> int:
        """How many words lie between the end of one occurrence and the start of the next; paragraphs add."""
        paragraphs = self._paragraph_ends
        ends = bisect_left(paragraphs, start) - bisect_left(paragraphs, end) if paragraphs else 0
        return self._words_before(start) - self._words_before(end) + PARAGRAPH_COST * ends

    @cached_property
    def cased(self) -> str:
        """The folded text with its capitals, which regular expressions read."""
        cased = self.raw if self.raw.isascii() else _plainer(_composed(self.raw))
        return cased.encode("utf-8", "replace").decode()  # RE2 takes no lone surrogates

    @cached_property
    def _folded_at(self) -> list[int] | None:
        """Where each character of the cased text begins in the folded one; None: at the same offset."""
        if len(self.cased) == len(self.folded):
            return None
        return list(accumulate((len(fold(character)) for character in self.cased), initial=0))

    def folded_span(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the cased text stands in the folded one."""
        at = self._folded_at
        return (start, end) if at is None else (at[start], at[end])

    @cached_property
    def _unread_ends(self) -> Iterator[re.Match[str]]:
        return _SENTENCE_END.finditer(self.raw)

    def sentence(self, offset: int) -> tuple[int, int]:
        """Which stretch of the original is the sentence around an offset; read no further than asked for."""
        ends = self._ends
        while not ends or ends[-1] <= offset:
            chunk = [match.end() for match in islice(self._unread_ends, 8)]
            if not chunk:
                break
            ends += chunk
        number = bisect_right(ends, offset)
        return ends[number - 1] if number else 0, ends[number] if number < len(ends) else len(self.raw)

    def in_one_sentence(self, end: int, start: int) -> bool:
        """Whether no sentence ends between the end of one occurrence and the start of the next."""
        last, first = self.span(end - 1, end)[0], self.span(start, start + 1)[0]
        return self.sentence(last) == self.sentence(first)

    @cached_property
    def lead_end(self) -> int:
        """Offset in the folded text behind its first sixty words."""
        last = next(islice(self._word_pattern.finditer(self.folded), LEAD_WORDS - 1, LEAD_WORDS), None)
        return len(self.folded) if last is None else last.end()

    def count_words(self, at_most: int) -> int:
        """Number of words, counted no further than `at_most`."""
        return sum(1 for _ in islice(self._word_pattern.finditer(self.folded), at_most))

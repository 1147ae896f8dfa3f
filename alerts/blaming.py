"""Blaming: which words stand behind the alerts that were marked as not relevant.

Lives here: L8 of the lint, decided on marks and what the rules find in them. Not here: the rest of the lint
(`query`), marks themselves (`marks`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from alerts.evaluation import LabelledItem, heard
from alerts.marks import Judgement, Mark
from alerts.matching import Evidence, Matcher
from alerts.text import fold

ENOUGH = 5  # unwelcome articles; of fewer any word would do
_BEFORE, _BEHIND = re.compile(r"(\w[\w’'-]*)[ -]$"), re.compile(r"[ -](\w[\w’'-]*)")


@dataclass(frozen=True, slots=True)
class Blamed:
    """A word, or a name with the word beside it, that mostly brings what nobody wants."""

    watch: str
    phrase: str  # as it is spelled in one of the articles
    inside: str | None  # the part of the query that is found inside of it; None: the phrase is a part itself
    unwelcome: int  # marked as not relevant, and heard of all the same
    of_unwelcome: int
    welcome: int
    of_welcome: int

    def __str__(self) -> str:
        said = (
            f"“{self.phrase}” stands in {self.unwelcome} of the {self.of_unwelcome} articles that match and "
            f"are marked not relevant, and in {self.welcome} of the {self.of_welcome} others; "
        )
        if self.inside:
            return f'{said}{self.inside} EXCEPT "{self.phrase}" would leave it out'
        return f"{said}leave it out (EXCEPT), or ask for it only near another word (NEAR)"


def blamed(kept: Iterable[Mark], matcher: Matcher) -> list[Blamed]:
    """Per watch at most one: the word behind most of what was marked as not relevant and still matches."""
    known = {watch for watch, _ in matcher.versions()}
    found: dict[str, list[tuple[bool, dict[str, _Spelled]]]] = {}
    for mark in kept:
        if mark.watch not in known:
            continue
        match = heard(mark.item.article(), matcher, mark.watch)
        if match:
            welcome = mark.judgement is not Judgement.NOT_RELEVANT
            found.setdefault(mark.watch, []).append((welcome, _words(mark.item, match.evidence)))
    worst = (_worst(watch, heard_of) for watch, heard_of in found.items())
    return [one for one in worst if one]


@dataclass(frozen=True, slots=True)
class _Spelled:
    phrase: str
    inside: str | None


def _words(item: LabelledItem, evidence: Sequence[Evidence]) -> dict[str, _Spelled]:
    """Folded → every word found, alone and with the word before or behind it."""
    article = item.article()
    words: dict[str, _Spelled] = {}
    for one in evidence:
        raw = article.title if one.field == "title" else article.text
        before = _BEFORE.search(raw, max(0, one.start - 40), one.start)
        behind = _BEHIND.match(raw, one.end)
        words.setdefault(fold(one.text), _Spelled(one.text, None))
        if before:
            phrase = raw[before.start() : one.end]
            words.setdefault(fold(phrase), _Spelled(phrase, one.part))
        if behind:
            phrase = raw[one.start : behind.end()]
            words.setdefault(fold(phrase), _Spelled(phrase, one.part))
    return words


def _worst(watch: str, heard_of: Sequence[tuple[bool, dict[str, _Spelled]]]) -> Blamed | None:
    """The word behind most of the unwelcome ones; in the welcome ones it must be at most half as frequent.

    Where nothing is welcome there is nothing to compare with: the name of the watch itself would be blamed.
    """
    unwelcome = [words for welcome, words in heard_of if not welcome]
    welcome = [words for welcome, words in heard_of if welcome]
    if len(unwelcome) < ENOUGH or not welcome:
        return None
    bad, good = (
        Counter(w for words in unwelcome for w in words),
        Counter(w for words in welcome for w in words),
    )
    clear = [
        word
        for word, number in bad.items()
        if 2 * number > len(unwelcome)
        and number >= ENOUGH
        and 2 * good[word] * len(unwelcome) <= number * len(welcome)
    ]
    if not clear:
        return None
    word = max(clear, key=lambda one: (bad[one], -good[one], -len(one), one))
    spelled = next(words[word] for words in unwelcome if word in words)
    return Blamed(
        watch, spelled.phrase, spelled.inside, bad[word], len(unwelcome), good[word], len(welcome)
    )  # fmt: skip

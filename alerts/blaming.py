"""Blaming: which words stand behind the alerts that were marked as not relevant.

Lives here: L8 of the lint, decided on marks and what the rules find in them. Not here: the rest of the lint
(`query`, `linting`), marks themselves (`marks`).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from alerts.evaluation import LabelledItem, heard
from alerts.evidence import Evidence
from alerts.marks import Judgement, Mark
from alerts.matching import Matcher
from alerts.text import fold

ENOUGH = 5  # unwelcome articles; of fewer any word would do
# A neighbour has four letters or more: "the" and "and" stand beside everything.
_BEFORE, _BEHIND = re.compile(r"\b\w[\w’'-]{3,}[ -]$"), re.compile(r"[ -]\w[\w’'-]{3,}")


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
            inside = f'"{self.inside}"' if " " in self.inside else self.inside
            return f'{said}{inside} EXCEPT "{self.phrase}" would leave it out'
        return f"{said}leave it out (EXCEPT), or ask for it only near another word (NEAR)"


@dataclass(frozen=True, slots=True)
class _Spelled:
    phrase: str
    inside: str | None


@dataclass(frozen=True, slots=True)
class _HeardOf:
    """The words of the marked articles that match: one mapping, folded → as spelled, for each of them."""

    unwelcome: list[dict[str, _Spelled]] = field(default_factory=list)
    welcome: list[dict[str, _Spelled]] = field(default_factory=list)


def blamed(kept: Iterable[Mark], matcher: Matcher) -> list[Blamed]:
    """Per watch at most one: the word behind most of what was marked as not relevant and still matches."""
    known = {watch for watch, _ in matcher.versions()}
    heard_of: dict[str, _HeardOf] = defaultdict(_HeardOf)
    for mark in kept:
        match = heard(mark.item.article(), matcher, mark.watch) if mark.watch in known else None
        if match:
            unwelcome = mark.judgement is Judgement.NOT_RELEVANT
            side = heard_of[mark.watch].unwelcome if unwelcome else heard_of[mark.watch].welcome
            side.append(_words(mark.item, match.evidence))
    worst = (_worst(watch, found) for watch, found in heard_of.items())
    return [one for one in worst if one]


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


def _worst(watch: str, found: _HeardOf) -> Blamed | None:
    """The word behind most of the unwelcome ones; in the welcome ones it must be at most half as frequent.

    Where nothing is welcome there is nothing to compare with: the name of the watch itself would be blamed.
    """
    unwelcome, welcome = len(found.unwelcome), len(found.welcome)
    if unwelcome < ENOUGH or not welcome:
        return None
    bad = Counter(word for words in found.unwelcome for word in words)
    good = Counter(word for words in found.welcome for word in words)
    clear = [
        word
        for word, times in bad.items()
        if times >= ENOUGH and 2 * times > unwelcome and 2 * good[word] * unwelcome <= times * welcome
    ]
    if not clear:
        return None
    word = max(clear, key=lambda one: (bad[one], -good[one], -len(one), one))
    spelled = next(words[word] for words in found.unwelcome if word in words)
    return Blamed(watch, spelled.phrase, spelled.inside, bad[word], unwelcome, good[word], welcome)

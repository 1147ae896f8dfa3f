"""Lexicon: many words, all found in a folded text in one pass.

Lives here: the automaton (the only room that knows it), and which of what it sees are whole words. Not here:
which words those are (`operators`), what follows from one that is seen (`matching`, `features`).
"""

from collections import defaultdict
from collections.abc import Iterable

from ahocorasick_rs import AhoCorasick, MatchKind

from alerts.operators import Hits, Word
from alerts.text import JOINS, KIND, Text

_SHORT = (
    400  # characters: in a longer text it costs more to look at every word than to ask when one is needed
)


class Lexicon:
    """Words, all found in one pass."""

    def __init__(self, words: Iterable[Word]) -> None:
        widest = {word.text: word for word in sorted(words, key=lambda word: word.prefix)}
        self._anchors = list(widest)
        # What must not go on before and behind it; a prefix goes on, and so does Hangul with particles.
        self._edges = [
            (word.first, 0 if word.prefix or word.last == KIND["가"] else word.last)
            for word in widest.values()
        ]
        self._automaton = AhoCorasick(self._anchors, matchkind=MatchKind.Standard) if widest else None

    def hits(self, folded: str) -> Hits:
        """Anchor → where it begins; in a long text also inside of other words."""
        hits: dict[str, list[int]] = defaultdict(list)
        anchors = self._anchors
        for number, start, _ in self._whole(folded) if len(folded) < _SHORT else self._search(folded):
            hits[anchors[number]].append(start)
        return hits

    def stands_in(self, text: Text) -> bool:
        """Whether any of them is there, in the text as it is or with its look-alikes replaced."""
        return bool(self._whole(text.folded) or (text.unmasked is not None and self._whole(text.unmasked)))

    def _search(self, folded: str) -> list[tuple[int, int, int]]:
        """(number of a word, start, end) of all that is seen, words or not; they may overlap."""
        if self._automaton is None or not folded:
            return []
        return self._automaton.find_matches_as_indexes(folded, overlapping=True)

    def _whole(self, folded: str) -> list[tuple[int, int, int]]:
        """The same without what is seen inside of other words."""
        edges, joins, padded = self._edges, JOINS, f" {folded} "
        return [
            one
            for one in self._search(folded)
            if not joins[padded[one[1]]] & edges[one[0]][0]
            and not joins[padded[one[2] + 1]] & edges[one[0]][1]
        ]

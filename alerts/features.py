"""Features: what an article offers to be known again by, in whatever language it is written.

Lives here: the model of `events.yaml`, and reading an article's traits: who takes part, which paper it goes
back to, what happens, amounts, names, words. Not here: what shared traits are worth (`likeness`),
where those of a story's articles are kept (`ledger`).

All lists are looked for in one pass, once for an article that some rule found.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from pydantic import Field, model_validator

from alerts.amounts import amounts
from alerts.lexicon import Lexicon
from alerts.matching import Match
from alerts.operators import BODY, TITLE, Form, Term, term
from alerts.text import Text
from alerts.watches import SetName
from config.reading import Keys
from crawler.articles import Article

READ = 1500  # characters of a text that count: what happened stands at the top, what else happened below it

GROUPS = ("background", "parties", "papers", "acts", "themes")

Listed = dict[SetName, tuple[str, ...] | dict[str, tuple[str, ...]]]


class EventsFile(Keys):
    """All of `events.yaml`."""

    background: Listed = Field(default_factory=dict)
    parties: Listed = Field(default_factory=dict)
    papers: Listed = Field(default_factory=dict)
    acts: Listed = Field(default_factory=dict)
    themes: Listed = Field(default_factory=dict)

    @model_validator(mode="after")
    def _every_member_is_a_term(self) -> "EventsFile":
        for group in GROUPS:
            for name, members in getattr(self, group).items():
                for written in _flat(members):
                    try:
                        term(written)
                    except ValueError as error:
                        raise ValueError(f"{group}.{name}: {error}") from error
        return self


def _flat(members: Sequence[str] | Mapping[str, Sequence[str]]) -> Iterable[str]:
    return members if not isinstance(members, Mapping) else (one for each in members.values() for one in each)


@dataclass(frozen=True, slots=True)
class Traits:
    """What is compared of two articles. Names are those of events.yaml.

    `top` is the headline, or the first sentence where there is none.
    """

    top_parties: frozenset[str] = frozenset()
    parties: frozenset[str] = frozenset()  # in the top or below it; so are the others
    papers: frozenset[str] = frozenset()
    top_acts: frozenset[str] = frozenset()
    acts: frozenset[str] = frozenset()
    themes: frozenset[str] = frozenset()
    top_amounts: frozenset[str] = frozenset()
    amounts: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()  # words written as names, and Latin ones inside another script
    words: frozenset[str] = frozenset()  # beginnings of words
    watches: frozenset[str] = frozenset()  # that would be told at once
    copy: tuple[int, ...] = field(default=(), repr=False)  # MinHash of the text: alike in copies

    def to_json(self) -> dict[str, Any]:
        """As the ledger keeps it."""
        kept = {name: getattr(self, name) for name in self.__slots__}
        return {name: sorted(v) if isinstance(v, frozenset) else v for name, v in kept.items() if v}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Traits":
        sets = {name: frozenset(value) for name, value in kept.items() if name != "copy"}
        return cls(**sets, copy=tuple(kept.get("copy", ())))


class Reader:
    """Reads the traits of articles with the lists of events.yaml; without them, with the rest."""

    def __init__(self, events: EventsFile | None = None) -> None:
        groups = events or EventsFile()
        self._terms: dict[str, list[tuple[str, str, Term]]] = {}  # by anchor
        self._listed_names: set[str] = set()
        self._commonplace: frozenset[str] = frozenset()
        for group in GROUPS:
            for name, members in getattr(groups, group).items():
                for written in _flat(members):
                    one = term(written)
                    if group in {"background", "parties", "papers"}:
                        self._listed_names.update(word.text for word in one.words)
                    if group == "background":
                        self._commonplace |= _words(" ".join(word.text for word in one.words))
                    if group != "background":
                        self._terms.setdefault(one.anchor, []).append((group, name, one))
        self._lexicon = Lexicon(
            word for listed in self._terms.values() for *_, one in listed for word in one.anchored()
        )

    def traits(self, article: Article, found: Sequence[Match] = ()) -> Traits:
        """What this article offers."""
        title, body = Text(article.title[:READ]), Text(article.text[:READ])
        head, text = self._listed(title, TITLE), self._listed(body, BODY)
        top_text = title.folded
        if not title.folded.strip():
            _, first = body.sentence(0)
            head = {key: at for key, at in text.items() if at < first}
            top_text = body.folded[:first]
        seen, both = head.keys() | text.keys(), f"{title.folded}\n{body.folded}"
        return Traits(
            top_parties=_of("parties", head),
            parties=_of("parties", seen),
            papers=_of("papers", seen),
            top_acts=_of("acts", head),
            acts=_of("acts", seen),
            themes=_of("themes", seen),
            top_amounts=amounts(top_text),
            amounts=amounts(both),
            names=_names(article.text[:READ] or article.title) - self._listed_names,
            words=_words(both) - self._commonplace,
            watches=frozenset(one.watch for one in found if one.level == "alert" and not one.shadow),
            copy=_minhash(both),
        )

    def _listed(self, text: Text, field: int) -> dict[tuple[str, str], int]:
        """(group, name) → where its first member stands."""
        form = Form(field, text, text.folded, self._lexicon.hits(text.folded))
        found: dict[tuple[str, str], int] = {}
        for anchor in form.seen & self._terms.keys():
            for group, name, one in self._terms[anchor]:
                for place in one.found_in(form):
                    found[group, name] = min(place.start, found.get((group, name), place.start))
        return found


def _of(group: str, found: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(name for of, name in found if of == group)


# ---- words

_LETTERS = re.compile(r"[^\W\d_]{2,}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u0e00-\u0eff]+")
_STEM = 5  # letters: tension, tensión, tensioni; negotiate and negociar stay apart
_LATIN = "A-Za-z\u00c0-\u024f\u0370-\u04ff0-9"  # and Greek and Cyrillic: what has capitals
_NAME = re.compile(rf"(?<![{_LATIN}])[{_LATIN}]+(?:-[{_LATIN}]+)*")
_HEADS = re.compile(
    r"(?:^|[.!?:\n]\s?|[.!?:\n]\s?[\"“„«'(])$"
)  # what stands before the first word of a sentence


def _words(folded: str) -> frozenset[str]:
    """Beginnings of the longer words without accents; pairs of characters where words are not parted."""
    bare = folded if folded.isascii() else _without_accents(folded)
    stems = {word[:_STEM] for word in _LETTERS.findall(_UNSPACED.sub(" ", bare)) if len(word) > 3}
    for run in _UNSPACED.findall(bare):
        stems.update(run[at : at + 2] for at in range(len(run) - 1))
    return frozenset(stems)


def _without_accents(text: str) -> str:
    return (
        "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
        if not _UNSPACED.search(text)
        else text
    )


def _names(raw: str) -> frozenset[str]:
    """Words such as Windsurf, Guthrie, MAI-3: with a capital, and not at the head of a sentence."""
    return frozenset(
        word.casefold()
        for found in _NAME.finditer(raw)
        if len(word := found.group()) > 2
        and word[0].isupper()
        and not _HEADS.search(raw, max(0, found.start() - 3), found.start())
    )


# ---- copies

_HASHES = 24
_SHINGLE = 4  # words, or 8 characters where words are not parted
_MIX = [(2 * n + 1) * 0x9E3779B97F4A7C15 & (1 << 64) - 1 for n in range(1, _HASHES + 1)]
_MASK = (1 << 64) - 1


def _minhash(folded: str) -> tuple[int, ...]:
    """Two texts agree in about as many of these numbers as they share shingles; () for a few words."""
    words = re.findall(r"\w+", folded)
    if len(words) < 12 and len(folded) > 60:
        dense = "".join(words)
        pieces = {dense[at : at + 8] for at in range(len(dense) - 7)}
    else:
        pieces = {" ".join(words[at : at + _SHINGLE]) for at in range(len(words) - _SHINGLE + 1)}
    if len(pieces) < 8:
        return ()
    hashed = [
        int.from_bytes(blake2b(piece.encode("utf-8", "replace"), digest_size=8).digest(), "big")
        for piece in pieces
    ]
    return tuple(min((h ^ mix) * 0xBF58476D1CE4E5B9 & _MASK for h in hashed) >> 32 for mix in _MIX)

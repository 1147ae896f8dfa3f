"""Linting: what is allowed and probably not meant, as the past and the sources show it.

Lives here: L4, L7 and L9, decided on values; docs/watches.md says what they mean. Not here: the lint that
needs nothing but a query's text (`query`), where the past lies (`crawler.archive`), how a remark is shown and
when the past is asked at all (`scheduler.checking`).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from alerts.lexicon import Lexicon
from alerts.operators import And, AnyTerm, Except, InField, Named, Needs, Node, Not, Reading, Words, terms_of
from alerts.query import Members, Sets
from alerts.text import Text
from alerts.watches import Rule, Watch, read_rule
from crawler.articles import Article

PERIOD = timedelta(days=90)  # a word that was not written for a quarter may be one that nobody writes
NEWEST = 50_000  # revisions looked at: some twenty seconds
TOO_MUCH = 0.2  # of its past matches a NOT may drop before somebody should look at it
ENOUGH_MATCHES = 10  # for a share to mean anything
ENOUGH_ARTICLES = 1_000  # fewer cannot say of a rare word that it is dead
SHOWN = 10  # dead terms named in one remark

Place = tuple[str, ...]  # ("sets", name) or ("watches", watch, "rules", rule)


@dataclass(frozen=True, slots=True)
class Remark:
    """One finding, at the set or the rule it is about."""

    code: str
    place: Place
    message: str
    severity: Literal["warning", "note"] = "warning"


# ---- the past


@dataclass(slots=True)
class _Exclusion:
    """A NOT of a rule, and the articles that are the business of the rest of the rule."""

    place: Place
    root: Node
    excluded: Not
    alike: Sequence[Node]  # the rules that tell at least as soon: what one lets through is not dropped
    matched: set[int] = field(default_factory=set)  # articles; as if the NOT were not there
    held: set[int] = field(default_factory=set)  # those of them that are told all the same
    titles: dict[int, str] = field(default_factory=dict)
    needs: Needs = field(init=False)

    def __post_init__(self) -> None:
        self.needs = self.root.needs()

    def weigh(self, reading: Reading) -> None:
        if any(group.isdisjoint(reading.seen["all"]) for group in self.needs):
            return
        number = reading.article.id
        if self.root.find(reading.supposing(self.excluded), "all") is not None:
            self.matched.add(number)
            self.titles[number] = reading.article.title
            if any(rule.find(reading, "all") is not None for rule in self.alike):
                self.held.add(number)

    def remark(self) -> Remark | None:
        """L4, if it drops too much."""
        dropped, past = self.matched - self.held, len(self.matched)
        if past < ENOUGH_MATCHES or len(dropped) <= TOO_MUCH * past:
            return None
        share = round(100 * len(dropped) / past)
        example, excluded = _short(self.titles[max(dropped)]), _short(str(self.excluded))
        (child,) = self.excluded.children
        advice = "; EXCEPT would only strike out the words" if child.has_places else ""
        return Remark(
            "L4",
            self.place,
            f"{excluded} drops {len(dropped)} of {past} past matches ({share} %), "
            f"the last of them “{example}”{advice}",
        )


def _short(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


class Hindsight:
    """What the rules would have made of the past: told article by article, the oldest first."""

    def __init__(self, watches: Sequence[Watch], sets: Mapping[str, Members]) -> None:
        read = list(_read(watches, sets))
        roots = [one.root for one in read]
        self._lexicon = Lexicon(word for root in roots for t in terms_of(root) for word in t.anchored())
        self._exclusions = [
            _Exclusion(one.place, one.root, excluded, [one.root, *_as_urgent(one, read)])
            for one in read
            for excluded in dict.fromkeys(_exclusions(one.root))
        ]
        written = {
            id(words): (place, words) for one in read for place, words in _written(one.root, one.place)
        }
        self._terms = list(written.values())
        self._unseen: dict[str, list[Words]] = defaultdict(list)  # by their tell-tales
        for _, words in self._terms:
            self._unseen[_tell_tale(words)].append(words)
        self._articles: set[int] = set()
        self._since: datetime | None = None

    def hear(self, article: Article, at: datetime) -> None:
        """One wording of an article, and when it was noticed."""
        self._since = self._since or at
        self._articles.add(article.id)
        reading = Reading(article, (Text(article.title), Text(article.text)), self._lexicon.hits)
        self._strike_out(reading)
        for exclusion in self._exclusions:
            exclusion.weigh(reading)

    def _strike_out(self, reading: Reading) -> None:
        """What is found once is not looked for any more."""
        for anchor in (reading.seen["all"] | {""}) & self._unseen.keys():
            left = [words for words in self._unseen[anchor] if not words.find(reading, "all")]
            if left:
                self._unseen[anchor] = left
            else:
                del self._unseen[anchor]

    def remarks(self, first_seen: datetime | None, now: datetime) -> Iterator[Remark]:
        """L4; and L7 if the archive reaches back far enough, which `first_seen` tells."""
        for exclusion in self._exclusions:
            remark = exclusion.remark()
            if remark:
                yield remark
        old_enough = first_seen is not None and first_seen <= now - PERIOD
        if old_enough and len(self._articles) >= ENOUGH_ARTICLES:
            yield from self._dead()

    def _dead(self) -> Iterator[Remark]:
        """L7, one for each set and each rule."""
        unseen = {id(words) for some in self._unseen.values() for words in some}
        places: dict[Place, list[Words]] = defaultdict(list)
        for place, words in self._terms:
            places[place].append(words)
        looked = f"in {len(self._articles):,} articles since {self._since:%Y-%m-%d}"
        for place, listed in places.items():
            dead = [str(words) for words in listed if id(words) in unseen]
            more = f" and {len(dead) - SHOWN} more" if len(dead) > SHOWN else ""
            message = (
                f"{len(dead)} of {len(listed)} terms found nothing {looked}: {', '.join(dead[:SHOWN])}{more}"
            )
            if dead:
                yield Remark("L7", place, message, "note" if place[0] == "sets" else "warning")


class _Read(NamedTuple):
    """A rule whose query has been read."""

    place: Place
    watch: str
    rule: Rule
    root: Node


def _read(watches: Sequence[Watch], sets: Mapping[str, Members]) -> Iterator[_Read]:
    known = Sets(sets)
    for watch in watches:
        for rule in watch.rules:
            root = read_rule(watch, rule, known).root
            yield _Read(("watches", watch.id, "rules", rule.id), watch.id, rule, root)


def _as_urgent(one: _Read, read: Sequence[_Read]) -> Iterator[Node]:
    """The other rules of its watch that tell at least as soon."""
    for other in read:
        sooner = other.rule.level in {"alert", one.rule.level} and not other.rule.shadow
        if other.watch == one.watch and other is not one and sooner:
            yield other.root


def _exclusions(node: Node, *, beside: bool = False) -> Iterator[Not]:
    """Every NOT that takes away from what stands beside it.

    Not one among alternatives, which adds; nor one inside another, or behind EXCEPT, which lets in.
    """
    if isinstance(node, Not):
        if beside:
            yield node
        return
    children = node.children[:1] if isinstance(node, Except) else node.children
    for child in children:
        yield from _exclusions(
            child, beside=isinstance(node, And) or (beside and isinstance(node, InField | Named))
        )


def _tell_tale(words: Words) -> str:
    """What has to be seen where they are found; "" if it is no single word."""
    alone = [anchor for group in words.needs() if len(group) == 1 for anchor in group]
    return alone[0] if alone else ""


def _written(node: Node, place: Place) -> Iterator[tuple[Place, Words]]:
    """The terms of a query, each with the place where it is written: a set, a named query, or the rule."""
    if isinstance(node, AnyTerm):
        for member in node.members:
            yield ("sets", node.name), member
    elif isinstance(node, Words):
        yield place, node
    else:
        inner = ("sets", node.name) if isinstance(node, Named) else place
        for child in node.children:
            yield from _written(child, inner)


# ---- the languages

# Under such a key a set lists words for all languages of a script: names look the same in most of them.
SCRIPTS: Mapping[str, frozenset[str]] = {
    script: frozenset(languages.split())
    for script, languages in {
        "latin": "af az bs ca cs cy da de en es et eu fi fil fr ga gl hr hu id is it lb lt lv ms mt nl no "
        "pl pt ro sk sl sq sr sv sw tl tr uz vi",
        "cyrillic": "be bg kk ky mk mn ru sr tg uk uz",
        "greek": "el",
        "hebrew": "he yi",
        "arabic": "ar ckb fa ps sd ug ur",
        "devanagari": "hi mr ne",
        "bengali": "as bn",
        "tamil": "ta",
        "georgian": "ka",
        "armenian": "hy",
        "thai": "th",
        "kana": "ja",
        "hangul": "ko",
        "han": "zh",
    }.items()
}
_LANGUAGES = frozenset().union(*SCRIPTS.values())
_SAME = {"nb": "no", "nn": "no", "iw": "he", "in": "id"}  # two codes for one language


def without_words(
    watches: Sequence[Watch], sets: Mapping[str, Members], languages: Iterable[str | None]
) -> Iterator[Remark]:
    """L9: the sets in use that are listed by language and leave one out; `languages`: of each source."""
    spoken: dict[str, int] = defaultdict(int)
    for language in languages:
        if language:
            spoken[_code(language)] += 1
    for name in _used(watches, sets):
        members = sets[name]
        if isinstance(members, Mapping):
            served = _served(members)
            missing = sorted(set(spoken) - served) if served else []
            if missing:
                told = ", ".join(f"{one} ({_sources(spoken[one])})" for one in missing)
                yield Remark("L9", ("sets", name), f"has no member for languages the sources speak: {told}")


def _code(language: str) -> str:
    code = language.casefold().replace("_", "-").partition("-")[0]
    return _SAME.get(code, code)


def _sources(number: int) -> str:
    return "1 source" if number == 1 else f"{number} sources"


def _served(members: Mapping[str, Sequence[str]]) -> frozenset[str]:
    """The languages a set has words for; none if a key is no language: what is under it may be for all."""
    keys = {_code(key): listed for key, listed in members.items()}
    if not keys.keys() <= _LANGUAGES | SCRIPTS.keys():
        return frozenset()
    return frozenset().union(*(SCRIPTS.get(key, {key}) for key, listed in keys.items() if listed))


def _used(watches: Sequence[Watch], sets: Mapping[str, Members]) -> Iterable[str]:
    """The sets that rules name, themselves or through other sets."""
    parts = (part for one in _read(watches, sets) for part in (one.root, *one.root.within()))
    return dict.fromkeys(part.name for part in parts if isinstance(part, AnyTerm | Named))

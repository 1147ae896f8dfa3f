"""Matching: all watches against one article in one pass; matches with evidence, explanations on request.

Lives here: the search for all terms of all watches at once, which rule holds, the evidence in the
original's offsets, the score, the best sentence. Not here: what the operators mean (`operators`), what
follows from a match (`alerting`).

The cost of an article hardly grows with the number of watches: its text is folded once, one automaton finds
the words of all rules, and only rules of which the rarest needed words were seen are evaluated.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick, MatchKind

from alerts.notifications import Sentence
from alerts.operators import (
    BODY,
    FIELD_NAMES,
    TITLE,
    And,
    AnyTerm,
    Except,
    Form,
    Found,
    Hits,
    Named,
    Needs,
    Node,
    Not,
    Or,
    Reading,
    Scope,
    Word,
    atoms,
    terms_of,
)
from alerts.query import Members, Query, Sets
from alerts.text import JOINS, KIND, Text
from alerts.watches import Rule, Watch, read_rule, version
from crawler.articles import Article

SENTENCE_LIMIT = 320  # characters of the best sentence; longer ones are cut around the evidence
TOO_SHORT = 12  # words: a summary below this tells nothing about the page behind it
_CUT_SHORT = 40  # words, for a summary that ends in an ellipsis
_SHORT = (
    400  # characters: in a longer text it costs more to look at every word than to ask when one is needed
)
_EVIDENCE_LIMIT = 60  # places of one match; a page that repeats a name a thousand times needs no more
_SILENT_SHOWN = 2  # in a terminal, levels of a tree that are shown even where nothing was found
_TREES_SHOWN = 3  # in a terminal, where no rule holds; of the others a line says what they lack
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


@dataclass(frozen=True, slots=True)
class Match:
    """A watch's query holds for an article."""

    watch: str
    rule: str
    level: str
    evidence: tuple[Evidence, ...]
    score: float  # 0 … 1; how much of what was looked for stands how far up, and in one sentence
    sentence: Sentence | None
    title_spans: tuple[tuple[int, int], ...]
    look_alike: bool
    version: str  # of the rule
    shadow: bool = False

    @property
    def rings(self) -> bool:
        """Would it be told at once?"""
        return self.level == "alert" and not self.shadow


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a rule's parse tree, and whether it held."""

    query: str
    holds: bool
    evidence: tuple[Evidence, ...]
    steps: tuple["Step", ...] = ()
    struck: tuple[Evidence, ...] | None = None  # of an exclusion: what it struck out; None: it is none

    def to_json(self) -> dict[str, Any]:
        """As `tocsin why --json` prints it."""
        struck = {} if self.struck is None else {"struck": [one.to_json() for one in self.struck]}
        return {
            "query": self.query,
            "holds": self.holds,
            "evidence": [one.to_json() for one in self.evidence],
            **struck,
            "steps": [step.to_json() for step in self.steps],
        }

    @property
    def is_silent(self) -> bool:
        """Whether nothing of it was found: there is no more to say of its parts than of itself."""
        if not self.steps:
            return not self.holds
        return not (self.evidence or self.struck) and all(step.is_silent for step in self.steps)


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """Why one rule held, or which part of it failed."""

    rule: str
    version: str
    level: str
    holds: bool
    tree: Step
    failed: str | None  # the first part that was needed and did not hold
    nearness: float = 1.0  # 0 … 1: how much of it holds
    shadow: bool = False

    def to_json(self) -> dict[str, Any]:
        """As `tocsin why --json` prints it."""
        tree = self.tree.to_json()
        return {
            "rule": self.rule,
            "version": self.version,
            "level": self.level,
            "shadow": self.shadow,
            "holds": self.holds,
            "nearness": self.nearness,
            "failed": self.failed,
            "tree": tree,
        }


@dataclass(frozen=True, slots=True)
class Explanation:
    """What one watch makes of an article, rule by rule."""

    watch: str
    match: Match | None
    rules: tuple[RuleExplanation, ...]  # in the order tried; if none holds, the nearest first

    @property
    def lacking(self) -> list[str]:
        """What each rule lacks that would tell, in the order of the rules."""
        return [f"{rule.rule} lacks {rule.failed}" for rule in self.rules if rule.failed and not rule.shadow]

    def to_json(self) -> dict[str, Any]:
        """As `tocsin why --json` prints it."""
        match = self.match
        return {
            "watch": self.watch,
            "matched": match is not None,
            "rule": match.rule if match else None,
            "level": match.level if match else None,
            "score": match.score if match else None,
            "look_alike": bool(match and match.look_alike),
            "sentence": match.sentence.text if match and match.sentence else None,
            "rules": [rule.to_json() for rule in self.rules],
        }

    def lines(self) -> list[str]:
        """For a terminal: the trees of the rule that decides and of shadows; if none does, of the nearest."""
        held = self.match.rule if self.match else None
        lines = []
        for at, rule in enumerate(self.rules):
            if held is not None and rule.rule != held and not rule.shadow:
                continue
            outcome = "holds" if rule.holds else f"does not hold: {rule.failed}"
            shadow = ", shadow" if rule.shadow else ""
            score = f", score {self.match.score}" if self.match and rule.rule == held else ""
            kind = f"{rule.level}{shadow}, version {rule.version}"
            lines.append(f"{self.watch}/{rule.rule} ({kind}) {outcome}{score}")
            if held is not None or at < _TREES_SHOWN:
                lines.extend(_tree_lines(rule.tree, 1, set()))
        if self.match and self.match.sentence:
            lines.append(f"best sentence: {self.match.sentence.text}")
        return lines


def _tree_lines(step: Step, depth: int, shown: set[Step]) -> Iterable[str]:
    """A part and its parts; what was shown before, or has nothing to show, is not taken apart again."""
    found = f"   ← {_places(step.evidence)}" if step.evidence else ""
    struck = f"   struck out: {_places(step.struck)}" if step.struck else ""
    silent = depth > _SILENT_SHOWN and step.is_silent
    left_out = "   nothing of it" if silent else "   as above" if step in shown else ""
    whole = not step.steps or not left_out
    said = f"{'✓' if step.holds else '✗'} {_shortened(step.query)}{found}{struck}"
    yield f"{'  ' * depth}{said}{'' if whole else left_out}"
    if whole:
        shown.add(step)
        for inner in step.steps:
            yield from _tree_lines(inner, depth + 1, shown)


def _places(found: Sequence[Evidence]) -> str:
    more = f" … {len(found) - 4} more" if len(found) > 4 else ""
    return ", ".join(map(_place, found[:4])) + more


def _place(one: Evidence) -> str:
    look_alike = " in look-alike letters" if one.look_alike else ""
    return f"{one.text!r} {one.field} {one.start}–{one.end}{look_alike}"


def _shortened(query: str) -> str:
    return query if len(query) <= 100 else query[:97] + "…"


@dataclass(frozen=True, slots=True)
class _Compiled:
    watch: Watch
    rule: Rule
    query: Query
    version: str


def _compiled(watch: Watch, rule: Rule, known: Sets) -> _Compiled:
    query = read_rule(watch, rule, known)
    return _Compiled(watch, rule, query, version(rule, query))


class Matcher:
    """All watches, ready to be held against articles. Raises ValueError where a rule cannot be read."""

    def __init__(self, watches: Sequence[Watch], sets: Mapping[str, Members] | None = None) -> None:
        known = Sets(sets)
        self._order = {watch.id: number for number, watch in enumerate(watches)}
        self._rules = {
            watch.id: [_compiled(watch, rule, known) for rule in watch.in_order()] for watch in watches
        }
        compiled = [one for rules in self._rules.values() for one in rules]
        self._lexicon = Lexicon(
            word for one in compiled for term in terms_of(one.query.root) for word in term.anchored()
        )
        needs = {watch: [one.query.root.needs() for one in rules] for watch, rules in self._rules.items()}
        common = Counter(
            anchor for some in needs.values() for groups in some for anchor in frozenset().union(*groups)
        )
        self._by_trigger: dict[str, list[str]] = defaultdict(list)  # anchor → watches it may make hold
        self._always: list[str] = []  # watches that may hold without any word
        for watch in watches:
            triggers = _triggers(needs[watch.id], common)
            if triggers is None:
                self._always.append(watch.id)
            for anchor in triggers or ():
                self._by_trigger[anchor].append(watch.id)
        self._anchors = frozenset(self._by_trigger)
        self._triggers = Lexicon(
            word
            for one in compiled
            for term in terms_of(one.query.root)
            for word in term.anchored()
            if word.text in self._by_trigger
        )
        telling = frozenset().union(*map(_telling, self._rules.values()))
        self._telling = {
            term for one in compiled for term in terms_of(one.query.root) if term.anchor in telling
        }
        self._telling_lexicon = Lexicon(word for term in self._telling for word in term.anchored())

    def match(self, article: Article) -> list[Match]:
        """Per watch the first rule that holds: alerts before digests, otherwise in the order written.

        Every shadow rule that holds is reported beside it, whether it stands before or behind it.
        """
        texts = Text(article.title), Text(article.text)
        if not self._always and not any(map(self._triggers.stands_in, texts)):
            return []  # most articles: they name nothing any rule needs
        reading = Reading(article, texts, self._lexicon.hits)
        found = []
        for watch in self._candidates(reading):
            decided = False
            for one in self._rules[watch]:
                if decided and not one.rule.shadow:
                    continue
                places = one.query.root.find(reading, "all")
                if places is not None:
                    found.append(_match(one, places, reading))
                    decided = decided or not one.rule.shadow
        return found

    def _candidates(self, reading: Reading) -> list[str]:
        """The watches that can still hold, in the order of the file."""
        seen = reading.seen["all"] & self._anchors
        if not seen:
            return self._always
        possible = {watch for anchor in seen for watch in self._by_trigger[anchor]}
        possible.update(self._always)
        return sorted(possible, key=self._order.__getitem__)

    def might_match(self, title: str, text: str) -> bool:
        """Whether the page behind an entry could make a rule hold.

        It does if the entry names something the rules need, or says too little to tell.
        """
        if self._always or self._tells(Text(title)):
            return True
        body = Text(text)
        if self._tells(body):
            return True
        cut = text.rstrip().endswith(("…", "...", "[…]", "[...]"))
        limit = _CUT_SHORT if cut else TOO_SHORT
        return body.count_words(limit) < limit

    def _tells(self, text: Text) -> bool:
        """Whether one of the telling terms stands in a text."""
        forms = (text.folded,) if text.unmasked is None else (text.folded, text.unmasked)
        for form in forms:
            hits = self._telling_lexicon.hits(form)
            if not hits:
                continue
            for term in self._telling:
                if term.found_in(Form(TITLE, text, form, hits)):
                    return True
        return False

    def explain(self, article: Article, watch_id: str) -> Explanation:
        """Rule by rule which part held and which did not; KeyError if there is no such watch."""
        reading = Reading(article, (Text(article.title), Text(article.text)), self._lexicon.hits)
        rules = []
        match: Match | None = None
        for one in self._rules[watch_id]:
            root = one.query.root
            places = root.find(reading, "all")
            if places is not None and match is None and not one.rule.shadow:
                match = _match(one, places, reading)
            failed = None if places is not None else _first_failure(root, reading, "all")
            rules.append(
                RuleExplanation(
                    rule=one.rule.id,
                    version=one.version,
                    level=one.rule.level,
                    holds=places is not None,
                    tree=_step(root, reading, "all"),
                    failed=failed,
                    nearness=round(_nearness(root, reading, "all"), 3),
                    shadow=one.rule.shadow,
                )
            )
        if match is None:
            rules.sort(key=lambda rule: -rule.nearness)
        return Explanation(watch_id, match, tuple(rules))

    def versions(self) -> dict[tuple[str, str], str]:
        """(watch, rule) → the version of the rule."""
        return {(one.watch.id, one.rule.id): one.version for rules in self._rules.values() for one in rules}

    def warnings(self) -> list[tuple[str, str, str, str]]:
        """(watch, rule, code, message) of everything that is allowed and probably not meant."""
        return [
            (one.watch.id, one.rule.id, warning.code, warning.message)
            for rules in self._rules.values()
            for one in rules
            for warning in one.query.warnings
        ]


def _triggers(needs: Iterable[Needs], common: Mapping[str, int]) -> frozenset[str] | None:
    """Anchors of which one is seen wherever one of the rules holds; None: a rule may hold without any.

    As few as can be, and of equally many those that the fewest rules need: in "Acme Energy" it is Acme.
    """
    triggers: frozenset[str] = frozenset()
    for groups in needs:
        if not groups:
            return None
        triggers |= min(groups, key=lambda group: (len(group - triggers), sum(common[a] for a in group)))
    return triggers


def _telling(rules: Sequence[_Compiled]) -> frozenset[str]:
    """Anchors that make a page worth reading.

    They are what every rule of a watch needs (the names), not what only some do (the words around them).
    Beside them, what they would be with a shadow in its place: a trial on less than the text it would have
    says too little.
    """
    live = [one for one in rules if not one.rule.shadow]
    trials = (
        [shadow, *(one for one in live if one.rule.id != shadow.rule.instead_of)]
        for shadow in rules
        if shadow.rule.shadow
    )
    return frozenset().union(*map(_common, [live, *trials]))


def _common(rules: Iterable[_Compiled]) -> frozenset[str]:
    """What all of these rules need; where there is no such thing, what any of them needs."""
    needed = [frozenset().union(*one.query.root.needs()) for one in rules]
    common = frozenset.intersection(*needed) if needed else frozenset()
    return common or frozenset().union(*needed)


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


# ---- from places to a match


def _match(one: _Compiled, places: Found, reading: Reading) -> Match:
    evidence = _evidence(places, reading)
    sentence, together = _shown(one, evidence, reading) if reading.texts[BODY].raw else (None, 0)
    title_spans = [(e.start, e.end) for e in evidence if e.field == "title"]
    return Match(
        watch=one.watch.id,
        rule=one.rule.id,
        level=one.rule.level,
        evidence=evidence,
        score=_score(evidence, reading, together),
        sentence=sentence,
        title_spans=_merged(title_spans),
        look_alike=any(e.look_alike for e in evidence),
        version=one.version,
        shadow=one.rule.shadow,
    )


def _shown(one: _Compiled, evidence: Sequence[Evidence], reading: Reading) -> tuple[Sentence | None, int]:
    """The best sentence, and how many parts of the evidence stand in one."""
    text = reading.texts[BODY]
    spots = [_Spot(e.start, e.end, e.part) for e in evidence if e.field == "body"]
    start, end, together = _best_stretch(text, spots)
    if {e.part for e in evidence} != {spot.part for spot in spots}:
        # Some of it is the headline's alone: shown is what the text says of it.
        spots = _spots(one.query.root.places(reading, BODY), reading)
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


def _evidence(places: Found, reading: Reading) -> tuple[Evidence, ...]:
    """Each word that made the query hold once, in the order of the article."""
    words = dict.fromkeys([atom for place in places for atom in atoms(place)])
    found = []
    for field, start, end, part, look_alike, _ in sorted(words, key=_where)[:_EVIDENCE_LIMIT]:
        text = reading.texts[field]
        first, last = text.span(start, end)
        found.append(Evidence(part, FIELD_NAMES[field], first, last, text.raw[first:last], look_alike))
    return tuple(found)


_where = itemgetter(0, 1, 2)  # field, start, end


def _score(evidence: Sequence[Evidence], reading: Reading, together: int) -> float:
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
    spans = _merged((one.start + shift, one.end + shift) for one in inside)
    return Sentence(
        before + text + after, tuple(span for span in spans if span[1] <= len(before) + len(text))
    )


def _merged(spans: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return tuple(merged)


# ---- explaining


def _step(node: Node, reading: Reading, scope: Scope) -> Step:
    places = node.find(reading, scope)
    evidence = _evidence(places or [], reading)
    inner = node.scope_of_children(scope)
    return Step(
        str(node),
        places is not None,
        evidence,
        tuple(_step(child, reading, inner) for child in node.children),
        _evidence(node.struck(reading, scope), reading) if isinstance(node, Not | Except) else None,
    )


def _nearness(node: Node, reading: Reading, scope: Scope) -> float:
    """How much of a part holds: of AND the mean of its parts, of OR the best, of a word all or nothing.

    Both words without the distance between them are nearer than one word, and still not there. What holds
    without a word to show for it, as NOT does, brings nothing nearer.
    """
    if node.find(reading, scope) is not None:
        return 1.0
    if isinstance(node, Not) or not node.children:
        return 0.0
    inner = node.scope_of_children(scope)
    wanted = [child for child in node.children if child.find(reading, inner) != []]
    parts = [_nearness(child, reading, inner) for child in wanted]
    if isinstance(node, Or | Named):
        return max(parts)
    if isinstance(node, Except):
        return 0.9 * parts[0]
    return (1.0 if isinstance(node, And) else 0.9) * sum(parts) / len(parts)


def _first_failure(node: Node, reading: Reading, scope: Scope) -> str:
    """The smallest part that was needed and did not hold."""
    inner = node.scope_of_children(scope)
    if isinstance(node, And) or (len(node.children) == 1 and not isinstance(node, AnyTerm)):
        for child in node.children:
            if child.find(reading, inner) is None:
                return _first_failure(child, reading, inner)
    within = "" if scope == "all" else f" in the {scope}"
    return f"{_shortened(str(node))}{within}"

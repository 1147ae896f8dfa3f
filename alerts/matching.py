"""Matching: all watches against one article in one pass; matches with evidence, explanations on request.

Lives here: which watches can hold at all, which rule holds, what a match and an explanation say. Not here:
what the operators mean (`operators`), the search for all words at once (`lexicon`), the evidence and the
best sentence (`evidence`), the parse tree (`trees`), what follows from a match (`alerting`).

The cost of an article hardly grows with the number of watches: its text is folded once, one automaton finds
the words of all rules, and only rules of which the rarest needed words were seen are evaluated.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.evidence import Evidence, evidence_of, merged, score, shown
from alerts.lexicon import Lexicon
from alerts.notifications import Sentence
from alerts.operators import BODY, TITLE, Form, Found, Needs, Reading, terms_of
from alerts.query import Members, Query, Sets
from alerts.text import Text
from alerts.trees import Step, first_failure, nearness, tree, tree_lines
from alerts.watches import Rule, Watch, read_rule, version
from crawler.articles import Article

TOO_SHORT = 12  # words: a summary below this tells nothing about the page behind it
_CUT_SHORT = 40  # words, for a summary that ends in an ellipsis
_TREES_SHOWN = 3  # in a terminal, where no rule holds; of the others a line says what they lack


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
                lines.extend(tree_lines(rule.tree, 1, set()))
        if self.match and self.match.sentence:
            lines.append(f"best sentence: {self.match.sentence.text}")
        return lines


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
            failed = None if places is not None else first_failure(root, reading, "all")
            rules.append(
                RuleExplanation(
                    rule=one.rule.id,
                    version=one.version,
                    level=one.rule.level,
                    holds=places is not None,
                    tree=tree(root, reading, "all"),
                    failed=failed,
                    nearness=round(nearness(root, reading, "all"), 3),
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


def _match(one: _Compiled, places: Found, reading: Reading) -> Match:
    evidence = evidence_of(places, reading)
    sentence, together = shown(one.query.root, evidence, reading) if reading.texts[BODY].raw else (None, 0)
    title_spans = [(e.start, e.end) for e in evidence if e.field == "title"]
    return Match(
        watch=one.watch.id,
        rule=one.rule.id,
        level=one.rule.level,
        evidence=evidence,
        score=score(evidence, reading, together),
        sentence=sentence,
        title_spans=merged(title_spans),
        look_alike=any(e.look_alike for e in evidence),
        version=one.version,
        shadow=one.rule.shadow,
    )

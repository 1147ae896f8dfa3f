"""Evaluation: the watches against a labelled corpus; how much is found, how much of what is told is right.

Lives here: reading the corpus, counting, the report. Not here: what matches (`matching`),
how a report is printed (`scheduler.commands.asking`).
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from alerts.matching import Match, Matcher
from crawler.articles import Article
from crawler.sources import Publisher, SourceId

Label = Literal["positive", "negative", "borderline"]
Verdict = Literal["alert", "digest", "quiet"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)  # a labelled item was seen at no particular time


class CorpusError(ValueError):
    """A line of the corpus cannot be used; says which."""


@dataclass(frozen=True, slots=True)
class LabelledItem:
    """One line of a labelled corpus."""

    id: str
    label: Label
    language: str
    title: str
    lead: str
    text: str
    url: str | None = None
    story: str | None = None
    source: str = "corpus"
    kind: Publisher = "press"
    tier: int = 2
    link: str | None = None  # None: the url
    source_name: str | None = None  # None: the source
    author: str | None = None
    tags: tuple[str, ...] = ()
    published: str = ""  # as written: a moment, a day, a month, a year

    def article(self) -> Article:
        """The item as the archive would hand it over: the lead first, unless the text begins with it."""
        text = self.text if self.text.startswith(self.lead) else f"{self.lead}\n\n{self.text}"
        return Article(
            id=0, revision=0, number=1, url=self.url, link=self.link or self.url,
            title=self.title, text=text.strip(), language=self.language, author=self.author, tags=self.tags,
            source=SourceId(self.source), source_name=self.source_name or self.source,
            publisher=self.kind, tier=self.tier, published=None, seen=_EPOCH, baseline=False,
        )  # fmt: skip


def verdict_of(match: Match | None) -> Verdict:
    """What a watch would do by the rule that holds."""
    if match is None:
        return "quiet"
    return "alert" if match.level == "alert" else "digest"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a watch made of one item."""

    item: LabelledItem
    match: Match | None

    @property
    def verdict(self) -> Verdict:
        return verdict_of(self.match)

    def to_json(self) -> dict[str, Any]:
        """One line of `decisions`."""
        match = self.match
        reason = "no rule holds" if match is None else f"rule {match.rule} holds"
        evidence = [one.to_json() for one in match.evidence] if match else []
        story = {"story": self.item.story} if self.item.story else {}
        rule = match.rule if match else None
        return {
            "id": self.item.id, "label": self.item.label, "verdict": self.verdict, "rule": rule,
            "reason": reason, "evidence": evidence, **story,
        }  # fmt: skip


@dataclass(slots=True)
class Count:
    """How often what was told and what should have been agree."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    in_digest: int = 0  # positives that are not told at once but in the digest
    borderline: int = 0
    borderline_alerted: int = 0

    def add(self, label: Label, verdict: Verdict) -> None:
        told = verdict == "alert"
        if label == "borderline":
            self.borderline += 1
            self.borderline_alerted += told
        elif label == "positive":
            self.tp += told
            self.fn += not told
            self.in_digest += verdict == "digest"
        else:
            self.fp += told
            self.tn += not told

    @property
    def precision(self) -> float | None:
        return _share(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        return _share(self.tp, self.tp + self.fn)

    def to_json(self) -> dict[str, Any]:
        """Figures as the contract names them; a share of nothing is null."""
        f1 = _share(2 * self.tp, 2 * self.tp + self.fp + self.fn)
        return {
            "tp": self.tp, "fp": self.fp, "fn": self.fn, "tn": self.tn,
            "precision": self.precision, "recall": self.recall, "f1": f1,
            "recall_with_digest": _share(self.tp + self.in_digest, self.tp + self.fn),
            "borderline_alerted": self.borderline_alerted,
        }  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


@dataclass(slots=True)
class Report:
    """What came out of an evaluation."""

    watch: str
    decisions: list[Decision] = field(default_factory=list)
    total: Count = field(default_factory=Count)
    by_language: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    stories: dict[str, Any] | None = None  # how well items are grouped; None: none says where it belongs

    def to_json(self) -> dict[str, Any]:
        """The document of `tocsin evaluate --json`."""
        languages = {language: self.by_language[language].to_json() for language in sorted(self.by_language)}
        decisions = [decision.to_json() for decision in self.decisions]
        return {"watch": self.watch, "items": len(self.decisions), **self.total.to_json(),
                "by_language": languages, "stories": self.stories, "decisions": decisions}  # fmt: skip


def read_corpus(path: Path) -> Iterator[LabelledItem]:
    """The items of a JSON Lines file; raises CorpusError naming file and line."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise CorpusError(f"{path} cannot be read: {reason}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _read(line, f"{path}, line {number}")


def _read(line: str, place: str) -> LabelledItem:
    try:
        return _item(json.loads(line))
    except (ValueError, KeyError, TypeError) as error:
        reason = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise CorpusError(f"{place}: {reason}") from error


def _item(line: Mapping[str, Any]) -> LabelledItem:
    if not isinstance(line, Mapping):
        raise TypeError("a line must be one JSON object")
    label, kind = line["label"], cast("Publisher", line.get("kind") or "press")
    if label not in get_args(Label):
        raise ValueError(f"label {label!r} is none of {', '.join(get_args(Label))}")
    if kind not in get_args(Publisher):
        raise ValueError(f"kind {kind!r} is none of {', '.join(get_args(Publisher))}")
    return LabelledItem(
        id=str(line["id"]), label=label, language=line.get("language") or "und",
        title=line.get("title") or "", lead=line.get("lead") or "", text=line.get("text") or "",
        url=line.get("url"), story=line.get("story"),
        source=line.get("source") or "corpus", kind=kind, tier=int(line.get("tier") or 2),
        source_name=_word(line.get("source_name")), author=_word(line.get("author")),
        tags=_words(line.get("tags")), published=_word(line.get("published")) or "",
    )  # fmt: skip


def _word(value: object) -> str | None:
    """What is no text is somebody else's key of the same name."""
    return value if isinstance(value, str) else None


def _words(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def heard(article: Article, matcher: Matcher, watch_id: str) -> Match | None:
    """By which rule a watch hears of an article; shadow rules have no say."""
    matches = [one for one in matcher.match(article) if one.watch == watch_id and not one.shadow]
    return matches[0] if matches else None


def evaluate(items: Iterable[LabelledItem], matcher: Matcher, watch_id: str) -> Report:
    """Every item against one watch; only the level `alert` counts as told."""
    report = Report(watch_id)
    for item in items:
        decision = Decision(item, heard(item.article(), matcher, watch_id))
        report.decisions.append(decision)
        for count in (report.total, report.by_language[item.language]):
            count.add(item.label, decision.verdict)
    return report

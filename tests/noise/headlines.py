"""A stream of ordinary tech headlines in many languages, none about what is between OpenAI and Microsoft.

Lives here: drawing items from the patterns in `patterns/`, one file per language, and writing them as a
labelled corpus. Not here: what the default watch makes of them (`test_noise`).

A pattern is a line `headline // lead`, with `[this|that]` for a choice and `{slot}` for a word out of a list.
A slot that is repeated says the same again; `{third2}` is another one than `{third}`.

    python -m tests.noise.headlines --count 12000 --seed 1 > stream.jsonl && tocsin evaluate stream.jsonl
"""

import argparse
import json
import random
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from ruamel.yaml import YAML

from alerts.evaluation import LabelledItem

PATTERNS = Path(__file__).parent / "patterns"
COMMON = "common"  # the file of the slots that every language may use

Group = Literal["both", "either", "neither"]
# What a tech feed has: about four of ten items name either, and one in twenty of those names both.
SHARES: dict[Group, float] = {"both": 0.021, "either": 0.409, "neither": 0.57}

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{([a-z]+)(\d*)\}")
_NUMBERS = {
    "n": range(3, 951),
    "v": range(2, 20),
    "pct": range(2, 69),
    "bn": range(2, 96),
    "day": range(1, 29),
    "kb": range(5030000, 5100000),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line of a file of patterns."""

    id: str  # language, group and line, as in "fr.both.7"
    language: str
    title: str
    lead: str
    needs_lead: bool  # the headline alone would be of another group
    slots: dict[str, list[str]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Headline:
    """An item of the stream, and the pattern it was drawn from."""

    item: LabelledItem
    pattern: Pattern

    def to_json(self) -> dict[str, str]:
        """A line of a labelled corpus."""
        one = self.item
        return {"id": one.id, "language": one.language, "label": one.label, "title": one.title,
                "lead": one.lead, "text": one.text}  # fmt: skip


def patterns() -> dict[Group, list[Pattern]]:
    """All patterns of all languages, by what they name."""
    files = [path for path in sorted(PATTERNS.glob("*.yaml")) if path.stem != COMMON]
    return {group: [pattern for path in files for pattern in _patterns(path, group)] for group in SHARES}


def _patterns(path: Path, group: Group) -> Iterator[Pattern]:
    file = _read(path)
    slots = {**_common()["slots"], **file.get("slots", {})}
    for number, line in enumerate(file[group].splitlines(), 1):
        title, _, lead = line.partition(" // ")
        needs_lead = group == "both" and len(meant(title)) < 2
        yield Pattern(f"{path.stem}.{group}.{number}", path.stem, title, lead, needs_lead, slots)


def named(text: str) -> set[str]:
    """Which of the two companies a text calls by name."""
    return {side for side, stems in _common()["names"].items() if any(stem in text for stem in stems)}


def meant(text: str) -> set[str]:
    """Which of the two a text names, or calls by a product or a person."""
    nicknames = _common()["nicknames"].items()
    return named(text) | {side for side, stems in nicknames if any(stem in text for stem in stems)}


def _common() -> dict[str, Any]:
    return _read(PATTERNS / f"{COMMON}.yaml")


@cache
def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = YAML(typ="safe").load(path)
    return read


def stream(count: int, seed: int) -> Iterator[Headline]:
    """That many different items, mixed; the same for the same seed."""
    chance = random.Random(seed)
    drawn = [
        headline
        for group, of_group in patterns().items()
        for headline in _draw(of_group, round(count * SHARES[group]), chance)
    ]
    chance.shuffle(drawn)
    yield from drawn


def _draw(of_group: list[Pattern], count: int, chance: random.Random) -> Iterator[Headline]:
    """The patterns in turn, so that no language and no subject is drawn more often than another."""
    seen: set[tuple[str, str]] = set()
    while len(seen) < count:
        for pattern in chance.sample(of_group, len(of_group)):
            title, lead = filled(pattern, chance)
            if len(seen) < count and (title, lead) not in seen:
                seen.add((title, lead))
                yield Headline(_item(f"{pattern.id}-{len(seen)}", pattern.language, title, lead), pattern)


def _item(name: str, language: str, title: str, lead: str) -> LabelledItem:
    return LabelledItem(id=name, label="negative", language=language, title=title, lead=lead, text=lead)


def filled(pattern: Pattern, chance: random.Random) -> tuple[str, str]:
    """A headline and the lead below it; half of the headlines that can do without a lead have none."""
    words: dict[str, str] = {}

    def word(found: re.Match[str]) -> str:
        slot, kind = found[0], found[1]
        while slot not in words:
            one = str(chance.choice(_NUMBERS.get(kind) or pattern.slots[kind]))
            if one not in words.values():
                words[slot] = one
        return words[slot]

    def fill(text: str) -> str:
        while _CHOICE.search(text):
            text = _CHOICE.sub(lambda found: chance.choice(found[1].split("|")), text)
        return _SLOT.sub(word, text)

    title = fill(pattern.title)
    return title, fill(pattern.lead) if pattern.needs_lead or chance.random() < 0.5 else ""


def main() -> None:
    """Write a stream to standard output."""
    parser = argparse.ArgumentParser(description="Ordinary tech headlines as a labelled corpus.")
    parser.add_argument("--count", type=int, default=12_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for headline in stream(asked.count, asked.seed):
        sys.stdout.write(json.dumps(headline.to_json(), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()

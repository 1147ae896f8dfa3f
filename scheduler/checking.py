"""`tocsin check`: the configuration, its rules, and what the past says of them.

Lives here: gathering problems. Not here: what is a mistake (`settings`, `alerts.query`, `alerts.linting`),
what is said of a mark (`golden`), who answers (`online`).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from alerts import ledger, linting
from alerts.channels import falls_back
from config.documents import KeyPath
from config.reading import ConfigError, Problem
from crawler import archive
from scheduler import golden, rulebooks
from scheduler.database import DatabaseUnusable, is_there, open_to_read
from scheduler.settings import Settings, load, remarks


def check(directory: Path, environ: Mapping[str, str]) -> tuple[Settings | None, list[Problem]]:
    """The settings, and mistakes as errors; what is allowed and probably not meant as warnings.

    What is not in force as notes. Without settings (None) there are errors.
    """
    try:
        settings = load(directory, environ)
        matcher = rulebooks.rulebook(settings).matcher
    except ConfigError as error:
        return None, list(error.problems)
    said = [
        linting.Remark(code, ("watches", watch, "rules", rule), message)
        for watch, rule, code, message in matcher.warnings()
    ]
    watches, sets = settings.watches.watches, settings.watches.members()
    said += linting.without_words(watches, sets, [source.language for source in settings.crawled.values()])
    return settings, [*_problems(settings, said), *remarks(settings)]


def check_past(settings: Settings, url: str, now: datetime) -> list[Problem]:
    """What the database says of the rules, if there is one; none is made, and of an unusable one is told."""
    if not is_there(url):
        return []
    try:
        engine = open_to_read(url)
    except DatabaseUnusable as error:
        note = f"the archive is not asked: {error}"
        return [settings.documents["watches.yaml"].problem((), note, "note")]
    try:
        return [*against_archive(settings, engine, now), *check_marks(settings, engine)]
    finally:
        engine.dispose()


def against_archive(settings: Settings, engine: Engine, now: datetime) -> list[Problem]:
    """What the rules would have made of the last months, where that is probably not what is meant."""
    hindsight = linting.Hindsight(settings.watches.watches, settings.watches.members())
    since = now - linting.PERIOD
    for past in archive.revisions_since(engine, settings.sources, since, newest=linting.NEWEST):
        if not past.gave_way:
            hindsight.hear(past.article, past.noticed_at)
    with engine.connect() as connection:
        first_seen = archive.first_seen(connection)
    return _problems(settings, hindsight.remarks(first_seen, now))


def check_marks(settings: Settings, engine: Engine) -> list[Problem]:
    """What the rules would make of what a person has marked."""
    with engine.connect() as connection:
        kept = ledger.list_marks(connection)
    if not kept:
        return []
    return golden.against_marks(settings, rulebooks.rulebook(settings).matcher, kept)


def _problems(settings: Settings, found: Iterable[linting.Remark]) -> list[Problem]:
    """Remarks in the order of the file."""
    return sorted((_problem(settings, one) for one in found), key=lambda problem: problem.line or 0)


def _problem(settings: Settings, remark: linting.Remark) -> Problem:
    """A remark at the line of its set or its rule."""
    at: KeyPath = remark.place
    if remark.place[0] == "watches":
        _, watch, _, rule = remark.place
        n = [known.id for known in settings.watches.watches].index(watch)
        m = [known.id for known in settings.watches.watches[n].rules].index(rule)
        at = ("watches", n, "rules", m, "query")
    document = settings.documents["watches.yaml"]
    return document.problem(at, f"{remark.code} {remark.message}", remark.severity)


def fall_backs(settings: Settings) -> list[Problem]:
    """The channels that write to the console because their secret is not set."""
    file = str(settings.directory / "channels.yaml")
    return [
        Problem("note", file, None, f"channels[{channel.id}]", "its secret is not set")
        for channel in settings.channels.channels
        if falls_back(channel)
    ]

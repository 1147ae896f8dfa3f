"""`tocsin check`: the configuration, its rules, and online whether Slack and the sources answer.

Lives here: gathering problems. Not here: what is a mistake (`settings`, `alerts.query`), what an outcome
means (`crawler.fetches`).
"""

from collections.abc import Mapping
from pathlib import Path

from alerts.channels import falls_back
from alerts.notifications import DeliveryFailed
from config.reading import ConfigError, Problem
from crawler.fetches import Outcome
from scheduler import assembly, once
from scheduler.settings import Settings, load, remarks


def check(directory: Path, environ: Mapping[str, str]) -> list[Problem]:
    """Mistakes as errors; what is allowed and probably not meant as warnings.

    What is not in force as notes.
    """
    try:
        settings = load(directory, environ)
        matcher = assembly.rulebook(settings).matcher
    except ConfigError as error:
        return list(error.problems)
    lint = [_lint(settings, *warning) for warning in matcher.warnings()]
    return [*lint, *remarks(settings)]


def _lint(settings: Settings, watch: str, rule: str, code: str, message: str) -> Problem:
    """A warning of the query language, at the line of its rule."""
    document = settings.documents["watches.yaml"]
    for n, known in enumerate(settings.watches.watches):
        for m, one in enumerate(known.rules):
            if (known.id, one.id) == (watch, rule):
                return document.problem(("watches", n, "rules", m, "query"), f"{code} {message}", "warning")
    return Problem("warning", "watches.yaml", None, f"watches[{watch}].rules[{rule}]", f"{code} {message}")


def fall_backs(settings: Settings) -> list[Problem]:
    """The channels that write to the console because their secret is not set."""
    file = str(settings.directory / "channels.yaml")
    return [
        Problem("note", file, None, f"channels[{channel.id}]", "its secret is not set")
        for channel in settings.channels.channels
        if falls_back(channel)
    ]


async def check_online(settings: Settings) -> list[Problem]:
    """Asks Slack who we are and every source for its feed, once each."""
    return [*await _channels(settings), *await _sources(settings)]


async def _channels(settings: Settings) -> list[Problem]:
    file = str(settings.directory / "channels.yaml")
    used = assembly.channels(settings)
    problems = []
    for name, notifier in assembly.notifiers(used, settings).items():
        try:
            await notifier.check()
        except DeliveryFailed as error:
            problems.append(Problem("error", file, None, f"channels[{name}]", error.reason))
    return problems


async def _sources(settings: Settings) -> list[Problem]:
    file = str(settings.directory / "sources.yaml")
    trials = await once.try_sources(settings.crawled, settings.daemon.network)
    problems = []
    for name, trial in trials.items():
        outcome = Outcome(trial.source.outcome) if trial.source.outcome else None
        if outcome is None or not outcome.succeeded:
            said = (
                f"{outcome}: {trial.source.detail}. {outcome.advice}"
                if outcome
                else "was not reached in time"
            )
            problems.append(Problem("warning", file, None, f"sources[{name}]", said))
    return problems

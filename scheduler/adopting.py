"""Adopting: a file of rules that passed becomes the watches.yaml of the configuration.

Lives here: the check before, and the exchange of the files. Not here: what a mistake is (`checking`), whether
rules are too noisy (`alerts.forecast`).
"""

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from config.reading import ConfigError, Problem
from scheduler import checking
from scheduler.settings import FILES

FILE = "watches.yaml"
KEPT = "watches.yaml.before"


def adopt(rules: Path, directory: Path, environ: Mapping[str, str], engine: Engine) -> Path:
    """Puts the rules into force for the next load. What was there stays beside them; its path is returned.

    ConfigError where the configuration would not be without mistakes, or lose what is marked. Whoever reads
    meanwhile, and whoever reads after a crash, finds the old file or the new one, whole.
    """
    _check(rules, directory, environ, engine)
    mine, kept = directory / FILE, directory / KEPT
    exchange(mine, kept)
    exchange(rules, mine)
    return kept


def _check(rules: Path, directory: Path, environ: Mapping[str, str], engine: Engine) -> None:
    """All errors that `tocsin check` finds, on a copy of the configuration that has the rules already."""
    with tempfile.TemporaryDirectory() as place:
        for name in FILES:
            given = rules if name == FILE else directory / name
            if given.exists():
                shutil.copy(given, Path(place) / name)
        settings, found = checking.check(Path(place), environ)
        if settings:
            found += checking.check_marks(settings, engine)
    mistakes = [_at_home(problem, rules, directory) for problem in found if problem.severity == "error"]
    if mistakes:
        raise ConfigError(mistakes)


def _at_home(problem: Problem, rules: Path, directory: Path) -> Problem:
    """The same of the file a person knows, not of our copy."""
    name = Path(problem.file).name
    return replace(problem, file=str(rules if name == FILE else directory / name))


def exchange(source: Path, target: Path) -> None:
    """Puts a copy of the source in the place of the target, which keeps its rights.

    The copy is on disk, whole, before it takes the place of what had its name.
    """
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=f".{target.name}.", delete=False) as fresh:
        written = Path(fresh.name)
        try:
            fresh.write(source.read_bytes())
            fresh.flush()
            os.fsync(fresh.fileno())
            written.chmod((target if target.exists() else source).stat().st_mode)
            written.replace(target)
        except BaseException:
            written.unlink(missing_ok=True)
            raise

"""The house keeps its order: each vendor has its rooms, and a decision knows none of them."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("config", "crawler", "alerts", "scheduler")

ROOMS = {  # vendor → the only modules that may know it
    "feedparser": {"crawler.feeds"},
    "trafilatura": {"crawler.pages"},
    "scrapy": {"crawler.crawl", "crawler.download", "crawler.spiders.reader", "crawler.spiders.manners"},
    "twisted": {"crawler.crawl"},
    "slack_sdk": {"alerts.notifiers.slack", "alerts.notifiers.webhook", "alerts.control.speaking"},
    "apscheduler": {"scheduler.daemon"},
    "alembic": {"scheduler.database", "scheduler.migrations.env"},
    "typer": {
        "scheduler.cli",
        "scheduler.terminal",
        "scheduler.commands.running",
        "scheduler.commands.asking",
        "scheduler.commands.queries",
        "scheduler.commands.backtests",
        "scheduler.commands.watches",
        "scheduler.commands.sources",
        "scheduler.commands.marks",
        "scheduler.commands.silences",
        "scheduler.commands.dead",
        "scheduler.commands.preview",
        "scheduler.commands.stories",
    },
    "ruamel": {"config.documents", "config.reading"},
    "ahocorasick_rs": {"alerts.lexicon"},
    "re2": {"alerts.operators.regex"},
    "jmespath": {"crawler.selecting"},
    "cssselect": {"crawler.selecting"},
}

DECISIONS = (
    "alerts.alerting",
    "alerts.matching",
    "alerts.query",
    "alerts.quiet_hours",
    "alerts.routes",
    "alerts.silences",
    "alerts.stories",
    "alerts.control.permission",
    "alerts.likeness",
    "alerts.features",
    "crawler.articles",
    "crawler.entries",
    "crawler.pacing",
    "crawler.revalidation",
    "crawler.urls",
)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("vendor", ROOMS)
def test_a_vendor_is_known_in_its_rooms_only(vendor: str) -> None:
    knowing = {
        name
        for name, tree in modules()
        if "migrations" not in name or name.endswith("env")
        if any(i == vendor or i.startswith(vendor + ".") for i in imports(tree))
    }
    assert knowing <= ROOMS[vendor]


@pytest.mark.parametrize("module", DECISIONS)
def test_a_decision_loads_no_vendor(module: str) -> None:
    """A process of its own: what other tests have loaded does not count."""
    vendors = ("scrapy", "twisted", "feedparser", "slack_sdk", "apscheduler", "trafilatura", "aiohttp")
    asked = f"import sys, {module}; print([v for v in {vendors!r} if v in sys.modules])"
    run = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "words", ["--help", "check", "status", "mark list", "sources list", "watch", "search --help"]
)
def test_a_command_loads_no_vendor_it_does_not_need(words: str, tmp_path: Path) -> None:
    """Scrapy and the vendors of the channels cost seconds: a question should not wait for them."""
    vendors = ("scrapy", "feedparser", "slack_sdk", "apscheduler", "trafilatura", "aiohttp")
    asked = (
        f"import sys, scheduler.cli\ntry: scheduler.cli.app({words.split()!r})\n"
        f"finally: print([v for v in {vendors!r} if v in sys.modules])"
    )
    environment = os.environ | {"TOCSIN_DATA": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_nobody_below_the_scheduler_reads_clock_or_environment() -> None:
    """Time, database and randomness are arguments; the environment is read at the top."""
    forbidden = ("datetime.now", "datetime.utcnow", "time.time(", "os.environ", "os.getenv")
    guilty = {
        f"{path.relative_to(ROOT)}: {word}"
        for package in ("config", "crawler", "alerts")
        for path in (ROOT / package).rglob("*.py")
        for word in forbidden
        if word in path.read_text(encoding="utf-8")
    }
    assert guilty <= {"crawler/child.py: os.environ"}  # it passes on what a child needs, by name


def test_every_module_says_what_lives_there() -> None:
    silent = [name for name, tree in modules() if "migrations" not in name and not ast.get_docstring(tree)]
    assert silent == []


def test_there_is_no_drawer() -> None:
    drawers = {"utils", "util", "helpers", "common", "types", "models", "misc", "base", "core", "manager"}
    assert not {name for name, _ in modules() if name.rsplit(".", 1)[-1] in drawers}


@pytest.mark.parametrize("notebook", ["crawler.archive", "alerts.ledger", "alerts.outbox"])
def test_a_notebook_is_one_to_the_outside(notebook: str) -> None:
    """`from crawler import archive`: how it is parted is its own affair."""
    reaching = {
        name
        for name, tree in modules()
        if not name.startswith(notebook)
        if any(i.startswith(notebook + ".") for i in imports(tree))
    }
    assert reaching == set()

"""What the documentation says of files, commands, keys and words is true.

Lives here: links, the map, commands, examples, closed lists. Not here: the manual of the query language
(`test_docs_watches`).
"""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from alerts.alerting import Reason
from alerts.channels import ChannelsFile
from alerts.control.slash import USAGES, Help
from alerts.control.slash import read as read_slash
from alerts.explanation import Answer
from alerts.features import EventsFile
from alerts.outbox import State
from alerts.watches import WatchesFile
from config.reading import read
from crawler.fetches import Outcome
from scheduler.cli import COMMANDS, command_named
from scheduler.settings import Daemon, SourcesFile, load

ROOT = Path(__file__).parents[1]
PACKAGES = ("config", "crawler", "alerts", "scheduler")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
MODELS: dict[str, type[BaseModel]] = {
    "sources.yaml": SourcesFile,
    "watches.yaml": WatchesFile,
    "channels.yaml": ChannelsFile,
    "daemon.yaml": Daemon,
    "events.yaml": EventsFile,
}


def text(page: str | Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


ARCHITECTURE = text("docs/architecture.md")


# --- links


def links() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        prose = re.sub(r"```.*?```", "", text(page), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", prose):
            if not target.startswith(("http://", "https://", "mailto:")):
                yield named(page), target


def anchors(page: Path) -> set[str]:
    """As GitHub makes them: small letters, blanks to hyphens, other signs dropped."""
    heads = re.findall(r"(?m)^#+ (.+)$", re.sub(r"```.*?```", "", text(page), flags=re.DOTALL))
    return {re.sub(r"[^\w\- ]", "", head.strip().lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize(("page", "target"), list(links()))
def test_a_link_leads_somewhere(page: str, target: str) -> None:
    path, _, anchor = target.partition("#")
    found = (ROOT / page).parent / path if path else ROOT / page
    assert found.exists()
    assert not anchor or anchor in anchors(found)


# --- the map


def listed() -> set[str]:
    """The files of the tree in docs/architecture.md."""
    section = ARCHITECTURE.partition("## The tree")[2]
    block = re.search(r"```text\n(.*?)```", section, re.DOTALL)
    assert block
    found: set[str] = set()
    open_: list[str] = []
    for line in block[1].splitlines():
        name = line.split()[0]
        depth = (len(line) - len(line.lstrip())) // 2
        open_[depth:] = [name.rstrip("/")]
        if not name.endswith("/"):
            found.add("/".join(open_))
    return found


def test_the_map_names_every_module_and_no_other() -> None:
    there = {named(file) for package in PACKAGES for file in (ROOT / package).rglob("*.py")}
    assert listed() == there


def test_every_path_the_map_names_exists() -> None:
    paths = set(re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", ARCHITECTURE))
    assert len(paths) > 40
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def test_every_function_the_map_names_exists() -> None:
    code = "\n".join(text(file) for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    names = {name.rpartition(".")[2] for name in re.findall(r"`([A-Za-z]\w*\.\w+)`", ARCHITECTURE)}
    names = {name for name in names if name not in {"py", "md", "yaml", "toml"}}
    assert len(names) > 25
    assert [
        name for name in sorted(names) if not re.search(rf"\b(def|class) {name}\b|\b{name}\b", code)
    ] == []


def test_the_map_has_the_import_order_that_is_checked() -> None:
    contracts = tomllib.loads(text("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    shown = re.sub(r" +", " ", ARCHITECTURE)
    layers = [layer for contract in contracts[1:] for layer in contract["layers"]]
    assert [layer for layer in layers if layer.replace(" | ", " · ") not in shown] == []


# --- commands

LOADED = {name: command_named(name) for name in COMMANDS}


def inside(command: Any) -> dict[str, Any]:
    """The commands of a group; none for a command."""
    return getattr(command, "commands", {})


def spoken() -> set[tuple[str, str]]:
    """Every `tocsin …` in a shell block or in backticks, and the page it is on."""
    return {(named(page), words) for page in PAGES for words in _spoken(text(page))}


def _spoken(page: str) -> Iterator[str]:
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", page, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    inline = re.findall(r"`(tocsin [^`]+)`", re.sub(r"```.*?```", "", page, flags=re.DOTALL))
    for line in [*lines, *inline]:
        found = re.search(r"(?:^\s*|bin/|docker exec tocsin )tocsin ([a-z].*)", line.partition("  #")[0])
        if found:
            yield re.sub(r"[\[\]…\\]", "", found[1]).strip()  # `[--watch ID]` → `--watch ID`


@pytest.mark.parametrize(("page", "words"), sorted(spoken()))
def test_a_command_exists_with_its_options(page: str, words: str) -> None:
    rest = shlex.split(words)
    command = LOADED[rest.pop(0)]
    while rest and rest[0] in inside(command):
        command = inside(command)[rest.pop(0)]
    assert not (inside(command) and rest), "no such command in the group"
    options = {name for parameter in command.params for name in parameter.opts}
    assert {word.partition("=")[0] for word in rest if word.startswith("-")} - {"--help", "-"} <= options


def test_there_are_commands_to_look_at() -> None:
    assert len(spoken()) > 30


def test_the_contract_names_every_command() -> None:
    contract = text("docs/contract.md").replace("[list]", "list")
    names = [f"{name} {sub}" for name, command in LOADED.items() for sub in inside(command) or [""]]
    assert len(names) > 12
    assert [name for name in names if f"`tocsin {name.strip()}" not in contract] == []


# --- examples


def examples() -> Iterator[tuple[str, str, str]]:
    marked = re.compile(r"<!-- example: (\S+) -->\n```yaml\n(.*?)```", re.DOTALL)
    for page in PAGES:
        for number, (file, body) in enumerate(marked.findall(text(page))):
            yield f"{named(page)} {number}", file, body


@pytest.mark.parametrize(("place", "file", "body"), list(examples()))
def test_an_example_of_a_file_can_be_read(place: str, file: str, body: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("xoxb-example")
    path = tmp_path / file
    path.write_text(body.replace("/etc/tocsin/slack-token", str(secret)), encoding="utf-8")
    assert read(
        path, MODELS[file], {"SLACK_BOT_TOKEN": "xoxb-example", "SLACK_WEBHOOK_URL": "https://x.example/"}
    )


def test_the_example_of_a_pack_leaves_out_what_its_comments_say(tmp_path: Path) -> None:
    body = next(body for _, _, body in examples() if body.startswith("use:"))
    path = tmp_path / "sources.yaml"
    path.write_text(body, encoding="utf-8")
    found, left_out = read(path, SourcesFile, {}).in_use()
    said = dict(re.findall(r"id: ([\w-]+) +# left out, by `(\w+)`", body))
    assert (len(found), left_out) == (3, said)


def test_there_are_examples_of_every_file() -> None:
    assert {file for _, file, _ in examples()} == set(MODELS)


# --- closed lists


@pytest.mark.parametrize("outcome", list(Outcome))
def test_operators_are_told_what_to_do_about_every_outcome(outcome: Outcome) -> None:
    assert re.search(rf"(?m)^\| (`\w+`, )*`{outcome}`[ ,]", text("docs/operations.md"))
    assert f"`{outcome}`" in text("docs/glossary.md")


@pytest.mark.parametrize("word", [*Reason, *Answer, *State])
def test_the_glossary_has_every_reason_answer_and_state(word: str) -> None:
    assert f"`{word}`" in text("docs/glossary.md")


@pytest.mark.parametrize("file", sorted(MODELS))
def test_the_contract_names_every_key(file: str) -> None:
    section = text("docs/contract.md").partition(f"### {file}")[2].partition("\n### ")[0]
    words = set(re.findall(r"\w+", section))
    assert set(keys(MODELS[file])) <= words


def keys(model: type[BaseModel]) -> Iterator[str]:
    """All keys of a model and of the models inside it, as they are written in the file."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in re.findall(r"[\w.]+", str(field.annotation)):
            known = inner.rpartition(".")[2]
            found = {sub.__name__: sub for sub in subclasses(BaseModel)}.get(known)
            if found is not None:
                yield from keys(found)


def subclasses(of: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for sub in of.__subclasses__():
        if sub.__module__.partition(".")[0] in PACKAGES:
            yield sub
        yield from subclasses(sub)


def test_the_shipped_pack_is_as_large_as_they_say() -> None:
    shipped = load(ROOT / "config", {}).sources
    languages = {source.language for source in shipped.values() if source.language}
    assert f"the {len(shipped)} sources of config/sources.yaml" in text("README.md")
    assert f"{len(shipped)} sources in {len(languages)} languages" in text("CHANGELOG.md")
    assert f"{len(shipped)} sources in {len(languages)} languages" in text("docs/sources.md")


def test_no_page_names_the_machine_it_was_written_on() -> None:
    for page in PAGES:
        assert not re.search(r"/work/|\.\./shared|/root/", text(page)), named(page)


# --- what is typed in Slack


def typed() -> set[tuple[str, str]]:
    found = {named(page): re.findall(r"`/tocsin ([^`…|]+)`", text(page)) for page in PAGES}
    return {(page, words) for page, all_words in found.items() for words in all_words}


@pytest.mark.parametrize(("page", "words"), sorted(typed()))
def test_a_slash_command_is_understood(page: str, words: str) -> None:
    asked = read_slash(words)
    assert not isinstance(asked, Help) or not asked.mistake


def test_operators_are_told_of_every_slash_command() -> None:
    shown = {words.split()[0] for page, words in typed() if page == "docs/operations.md"}
    assert shown == set(USAGES)

"""What is shipped beside the code: the configuration, the service, the container, the Makefile."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from crawler.urls import canonical
from scheduler.settings import Daemon, load, not_yet_in_force, remarks

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def shipped():
    return load(ROOT / "config", {})


# --- the configuration


def test_the_shipped_configuration_loads_without_any_environment(shipped):
    assert {"news", "ops"} == {channel.id for channel in shipped.channels.channels}
    assert shipped.channels.ops == "ops"


def test_all_there_is_to_remark_on_is_the_missing_token_and_what_is_to_come(shipped):
    found = {(remark.severity, remark.key) for remark in remarks(shipped) if "digest" not in remark.message}
    contact = {
        ("warning", f"sources[edgar-{of}].api") for of in ("microsoft", "openai")
    }  # whom the SEC may write to
    assert found == {("note", "channels[news].token"), ("note", "control.app_token"), *contact}


def test_the_shipped_comments_say_the_defaults_and_of_each_key_whether_it_is_in_force(tmp_path):
    shipped = (ROOT / "config" / "daemon.yaml").read_text(encoding="utf-8")
    there = re.sub(r"(?m)^# ( *\w+:)", r"\1", shipped)
    for name in ("sources", "watches", "channels"):
        shutil.copy(ROOT / "config" / f"{name}.yaml", tmp_path)
    (tmp_path / "daemon.yaml").write_text(there, encoding="utf-8")
    found = load(tmp_path, {})
    assert found.daemon == Daemon()
    to_come = there.split("not yet in force")[1]
    notes = [note for note in not_yet_in_force(found) if note.file.endswith("daemon.yaml")]
    assert [note.key for note in notes] == re.findall(r"(?m)^\w+", to_come)
    assert {"stories", "limits"} <= set(re.findall(r"(?m)^\w+(?=:)", there))


def test_a_token_and_a_channel_in_the_environment_are_all_that_slack_needs():
    found = load(ROOT / "config", {"SLACK_BOT_TOKEN": "xoxb-test", "SLACK_CHANNEL": "C0TEST"})
    news = found.channels.channels[0]
    assert (news.kind, news.token.reveal(), news.channel) == ("slack", "xoxb-test", "C0TEST")


def test_there_are_many_feeds_in_many_languages(shipped):
    read = list(shipped.crawled.values())
    assert len(read) >= 200
    assert len({source.language for source in read if source.language}) >= 20
    assert not shipped.left_out


def test_of_each_tier_there_are_enough(shipped):
    tiers = Counter(source.tier for source in shipped.crawled.values())
    assert set(tiers) == {1, 2, 3}
    assert min(tiers.values()) >= 25


def test_no_feed_is_listed_twice_and_every_address_is_one(shipped):
    counted = Counter(canonical(source.url) for source in shipped.sources.values())
    assert None not in counted
    assert [address for address, times in counted.items() if times > 1] == []


def test_every_source_says_who_it_is(shipped):
    for source in shipped.sources.values():
        assert source.name
        assert source.language or source.kind == "api"  # which may find articles in any
        assert {"kind", "publisher", "tier", "tags"} <= source.model_fields_set
        assert source.confidence in {"tested", "verified", "maintained", "seen", "pattern"}
        assert source.articles == "matching"


def test_the_tags_are_those_that_the_file_explains(shipped):
    text = (ROOT / "config" / "sources.yaml").read_text(encoding="utf-8")
    explained = text.partition("Those below: ")[2].partition("#   confidence")[0]
    tags = set(re.findall(r"\w+", re.sub(r"\(.*?\)", "", explained)))
    assert tags == {tag for source in shipped.sources.values() for tag in source.tags}
    assert all(source.tags for source in shipped.sources.values())


def test_the_interfaces_stand_last_and_are_few(shipped):
    kinds = [source.kind for source in shipped.sources.values()]
    others = [kind for kind in kinds if kind != "feed"]
    assert kinds[-len(others) :] == others
    assert len(others) <= 10
    presets = {source.api.preset for source in shipped.sources.values() if source.api}
    assert presets == {"edgar", "hackernews", "gdelt"}


def test_the_shipped_sections_have_one_form():
    text = (ROOT / "config" / "sources.yaml").read_text(encoding="utf-8").partition("\nsources:\n")[2]
    form = [
        "id",
        "name",
        "kind",
        "url",
        "api",
        "language",
        "publisher",
        "tier",
        "every",
        "tags",
        "confidence",
    ]
    for section in text.split("\n  - ")[1:]:
        keys = re.findall(r"(?m)^ *(\w+): ", section.partition("\n\n")[0])
        assert keys == [key for key in form if key in keys]


@pytest.mark.parametrize(
    ("host", "publisher"),
    [
        ("openai.com", "company"),
        ("blogs.microsoft.com", "company"),
        ("azure.microsoft.com", "company"),
        ("news.microsoft.com", "company"),
        ("www.microsoft.com", "company"),
        ("www.sec.gov", "filing"),
        ("www.sec.gov", "regulator"),
        ("www.ftc.gov", "regulator"),
        ("www.justice.gov", "regulator"),
        ("ec.europa.eu", "regulator"),
        ("ico.org.uk", "regulator"),
        ("www.gov.uk", "regulator"),
        ("www.courtlistener.com", "regulator"),
    ],
)
def test_the_primary_sources_are_among_them(shipped, host, publisher):
    assert [
        s
        for s in shipped.sources.values()
        if s.publisher == publisher and f"//{host}/" in s.url and s.tier == 1
    ]


def test_the_shipped_daemon_file_says_what_is_the_default(shipped):
    assert shipped.daemon == type(shipped.daemon)()


# --- the service


def keys(section: str) -> dict[str, list[str]]:
    text = (ROOT / "deploy/tocsin.service").read_text()
    part = re.search(rf"(?ms)^\[{section}\]$(.*?)(?=^\[|\Z)", text)[1]
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"(?m)^(\w+)=(.*)$", part):
        found.setdefault(key, []).append(value)
    return found


def test_the_service_restarts_for_ever_and_leaves_no_orphans():
    service = keys("Service")
    assert service["Type"] == ["notify"]
    assert service["WatchdogSec"] == ["120"]
    assert service["Restart"] == ["always"]
    assert service["KillMode"] == ["control-group"]
    assert keys("Unit")["StartLimitIntervalSec"] == ["0"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DynamicUser", "yes"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("StateDirectory", "tocsin"),
        ("CapabilityBoundingSet", ""),
        ("SystemCallFilter", "@system-service"),
        ("OOMPolicy", "continue"),
        ("MemoryMax", "2G"),
    ],
)
def test_the_service_may_do_little(key, value):
    assert value in keys("Service")[key]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_understands_the_service(tmp_path):
    text = (ROOT / "deploy/tocsin.service").read_text()
    unit = tmp_path / "tocsin.service"
    unit.write_text(re.sub(r"(?m)^ExecStart=.*$", "ExecStart=/bin/true", text))
    said = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (said.returncode, [line for line in said.stderr.splitlines() if str(unit.name) in line]) == (0, [])


# --- the container and the Makefile


def test_the_container_has_a_user_of_its_own_and_a_check():
    text = (ROOT / "deploy/Dockerfile").read_text()
    assert "\nUSER 10001\n" in text
    assert "/healthz" in text
    assert "uv sync --frozen" in text


def test_makefile_and_container_pin_the_same_uv():
    pinned = re.search(r"(?m)^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text())[1]
    assert f"uv=={pinned}\n" in (ROOT / "deploy/Dockerfile").read_text()


@pytest.mark.parametrize("target", ["run", "demo", "test", "lint", "ci", "clean", "set-up"])
def test_the_makefile_has_the_promised_targets(target):
    assert re.search(rf"(?m)^{target}:", (ROOT / "Makefile").read_text())


def test_the_check_before_a_change_can_be_run():
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(script)], timeout=30, check=False).returncode == 0

"""Every kind of message as Slack gets it, kept as JSON: whoever changes a look sees it in the diff.

    TOCSIN_SNAPSHOTS=write python -m pytest tests/alerts/test_snapshots.py    # after a look at the pictures

Lives here: the comparison, and what no message may have. Not here: the messages (`tests/messages.py`), single
lines of them (`test_slack_blocks`).
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.messages import MESSAGES, ONLY_TO_YOU
from tests.slack_stand_in import block_problems, complaints, units

KEPT = Path(__file__).parent / "snapshots"
ALL = {**MESSAGES, **ONLY_TO_YOU}


@pytest.mark.parametrize("name", ALL)
def test_a_message_looks_as_it_was_kept(name: str) -> None:
    file, said = KEPT / f"{name}.json", ALL[name]
    if os.environ.get("TOCSIN_SNAPSHOTS") == "write":
        KEPT.mkdir(exist_ok=True)
        file.write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert said == json.loads(file.read_text(encoding="utf-8"))


def test_no_other_message_is_kept() -> None:
    assert {file.stem for file in KEPT.glob("*.json")} == set(ALL)


@pytest.mark.parametrize("name", MESSAGES)
def test_no_message_is_one_that_slack_or_a_reader_would_refuse(name: str) -> None:
    said = MESSAGES[name]
    assert complaints({"channel": "C1", **said}) == []  # mentions, unfurls, markup, labels that lie
    assert block_problems(said.get("blocks", [])) == []


@pytest.mark.parametrize("name", ALL)
def test_no_message_has_what_nobody_should_send(name: str) -> None:
    said: dict[str, Any] = ALL[name]
    whole = json.dumps(said, ensure_ascii=False)
    assert not re.search(r"<[@#!](?!date\^)|@(?:here|channel|everyone)\b", whole)
    assert not re.search(r"xox[a-z]-|hooks\.slack\.com|attachments|\"mrkdwn\": true", whole)
    assert len(said.get("blocks", [])) <= 50
    assert units(json.dumps(said.get("blocks", []), ensure_ascii=False)) < 13_000
    assert units(said["text"]) <= 3000

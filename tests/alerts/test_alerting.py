"""Verdicts: a table of circumstances and what follows from them."""

from dataclasses import replace

import pytest

from alerts.alerting import TOO_OLD_AFTER, Action, Backlog, Circumstances, Reason, decide
from alerts.promotion import Addition, Promotion, Reasoned
from alerts.silences import Aim, Condition, Silence
from alerts.threads import told_of
from tests.builders import DAY, HOUR, MINUTE, NOW, article, match

PLAIN = Circumstances(
    article=article(), match=match(), now=NOW, told=False, silence=None, backlog_told=0, backlog=Backlog()
)
SILENCE = Silence(7, (Condition(Aim.SOURCE, "herald"),), NOW - HOUR, NOW + HOUR, "ann")
OLD = article(published=NOW - TOO_OLD_AFTER - MINUTE)
ADDED = told_of(article("A comment", id=2))
COMMENT, CHANGED = Addition(ADDED), Addition(ADDED, was="Another headline")
DENIAL = Addition(ADDED, (Reasoned(Promotion.CONTRADICTION, "contradicts"),))
FOLLOWING = {"told": True, "addition": COMMENT}
NIGHT = "news is quiet until 2026-03-03 07:00 UTC"
ELSEWHERE = {"told": True, "new_in": ("legal",)}
OVER = {"flood": "a lot", "over_budget": "enough"}


@pytest.mark.parametrize(
    ("changes", "action", "reason"),
    [
        pytest.param({}, Action.TELL, Reason.FIRST_OF_STORY, id="the first of its story"),
        pytest.param({"told": True}, Action.QUIET, Reason.ALREADY_TOLD, id="told before"),
        pytest.param({"match": match(level="digest")}, Action.HOLD, Reason.DIGEST_LEVEL, id="for the digest"),
        pytest.param({"silence": SILENCE}, Action.QUIET, Reason.SILENCED, id="silenced"),
        pytest.param({"match": match(shadow=True)}, Action.QUIET, Reason.SHADOW, id="in the shadow"),
        pytest.param(
            {"match": match(shadow=True), "told": True},
            Action.QUIET,
            Reason.SHADOW,
            id="shadow outranks told",
        ),
        pytest.param({"article": OLD}, Action.QUIET, Reason.TOO_OLD, id="an old article again"),
        pytest.param({"article": article(published=None)}, Action.TELL, Reason.FIRST_OF_STORY, id="no date"),
        pytest.param(
            {"article": article(baseline=True)}, Action.TELL, Reason.FIRST_OF_STORY, id="fresh baseline"
        ),
        pytest.param(
            {"article": article(baseline=True, published=NOW - DAY - MINUTE)},
            Action.QUIET,
            Reason.BASELINE,
            id="stale baseline",
        ),
        pytest.param(
            {"article": article(baseline=True, published=None)},
            Action.QUIET,
            Reason.BASELINE,
            id="baseline without date",
        ),
        pytest.param(
            {"article": article(baseline=True), "backlog_told": 3},
            Action.QUIET,
            Reason.BASELINE,
            id="baseline used up",
        ),
        pytest.param(
            {"told": True, "silence": SILENCE}, Action.QUIET, Reason.ALREADY_TOLD, id="told outranks silence"
        ),
        pytest.param(
            {"match": match(level="digest"), "silence": SILENCE},
            Action.QUIET,
            Reason.SILENCED,
            id="silence outranks digest",
        ),
        pytest.param(FOLLOWING, Action.ADD, Reason.FOLLOW_UP, id="follows up"),
        pytest.param(
            {**FOLLOWING, "match": match(level="digest")},
            Action.ADD,
            Reason.FOLLOW_UP,
            id="a digest's rule follows up too",
        ),
        pytest.param(
            {"quiet": NIGHT, **OVER}, Action.HOLD, Reason.QUIET_HOURS, id="quiet outranks the limits"
        ),
        pytest.param(
            {**FOLLOWING, "quiet": NIGHT}, Action.HOLD, Reason.QUIET_HOURS, id="follows up where it is quiet"
        ),
        pytest.param(
            {"quiet": NIGHT, "silence": SILENCE}, Action.QUIET, Reason.SILENCED, id="silenced, quiet"
        ),
        pytest.param(
            {"quiet": NIGHT, "article": OLD}, Action.QUIET, Reason.TOO_OLD, id="old where it is quiet"
        ),
        pytest.param(
            {**ELSEWHERE, "quiet": NIGHT},
            Action.HOLD,
            Reason.QUIET_HOURS,
            id="new in a channel that is quiet",
        ),
        pytest.param(ELSEWHERE, Action.ADD, Reason.NEW_IN_CHANNEL, id="a copy, new in a channel"),
        pytest.param(
            {**ELSEWHERE, "match": match(level="digest")},
            Action.HOLD,
            Reason.DIGEST_LEVEL,
            id="a copy by a digest's rule, new in a channel",
        ),
        pytest.param({**ELSEWHERE, "article": OLD}, Action.QUIET, Reason.TOO_OLD, id="old, new in a channel"),
        pytest.param(
            {**ELSEWHERE, **OVER, "flood": ""},
            Action.HOLD,
            Reason.BUDGET,
            id="new in a channel that had enough",
        ),
        pytest.param(
            {**ELSEWHERE, "addition": COMMENT},
            Action.ADD,
            Reason.FOLLOW_UP,
            id="follows up, new in a channel",
        ),
        pytest.param({"told": True, "addition": DENIAL}, Action.ADD, Reason.PROMOTED, id="promoted"),
        pytest.param({"told": True, "addition": CHANGED}, Action.ADD, Reason.RETITLED, id="retitled"),
        pytest.param(
            {**FOLLOWING, "silence": SILENCE},
            Action.QUIET,
            Reason.SILENCED,
            id="silence outranks a follow-up",
        ),
        pytest.param(
            {"told": True, "addition": CHANGED, "article": OLD},
            Action.ADD,
            Reason.RETITLED,
            id="retitled, however old",
        ),
        pytest.param(
            {**FOLLOWING, "article": OLD}, Action.QUIET, Reason.TOO_OLD, id="old news follows nothing"
        ),
        pytest.param(
            {**FOLLOWING, "over_budget": "enough"}, Action.ADD, Reason.FOLLOW_UP, id="a thread has no budget"
        ),
        pytest.param({**FOLLOWING, **OVER}, Action.ADD, Reason.FLOOD, id="a thread is not flooded"),
        pytest.param(
            {"told": True, "addition": DENIAL, "flood": "a lot"},
            Action.ADD,
            Reason.FLOOD,
            id="not even with what would be promoted",
        ),
        pytest.param(
            {"told": True, "addition": CHANGED, "flood": "a lot"},
            Action.ADD,
            Reason.RETITLED,
            id="retitled in a flood",
        ),
        pytest.param(
            {"article": OLD, "silence": SILENCE}, Action.QUIET, Reason.TOO_OLD, id="old news is not silenced"
        ),
        pytest.param(
            {"article": article(baseline=True, published=None), "silence": SILENCE},
            Action.QUIET,
            Reason.BASELINE,
            id="nor is a baseline",
        ),
        pytest.param(
            {"told": True, "addition": CHANGED, "article": OLD, "silence": SILENCE},
            Action.QUIET,
            Reason.SILENCED,
            id="silence outranks a changed headline, however old",
        ),
        pytest.param({"flood": "a lot"}, Action.HOLD, Reason.FLOOD, id="a flood"),
        pytest.param({"over_budget": "enough"}, Action.HOLD, Reason.BUDGET, id="over the budget"),
        pytest.param(OVER, Action.HOLD, Reason.FLOOD, id="flood outranks budget"),
        pytest.param(
            {**OVER, "silence": SILENCE}, Action.QUIET, Reason.SILENCED, id="silence outranks limits"
        ),
        pytest.param(
            {**OVER, "match": match(level="digest")},
            Action.HOLD,
            Reason.DIGEST_LEVEL,
            id="the digest knows no limits",
        ),
    ],
)
def test_verdicts(changes: dict[str, object], action: Action, reason: Reason) -> None:
    verdict = decide(replace(PLAIN, **changes))  # type: ignore[arg-type]
    assert (verdict.action, verdict.reason) == (action, reason)


def test_a_silence_is_named_in_the_verdict_with_who_asked_for_it_and_until_when() -> None:
    detail = decide(replace(PLAIN, silence=replace(SILENCE, comment="too loud"))).detail
    assert detail == "silence 7 on source herald by ann, until 2026-03-02 13:00 UTC (too loud)"


def test_it_is_named_with_all_that_must_hold() -> None:
    both = replace(SILENCE, conditions=(*SILENCE.conditions, Condition(Aim.TERM, "Copilot")))
    detail = decide(replace(PLAIN, silence=both)).detail
    assert detail == "silence 7 on source herald, term Copilot by ann, until 2026-03-02 13:00 UTC"

"""Floods: when one is over."""

from datetime import timedelta

import pytest

from alerts.floods import Flood
from crawler.sources import SourceId
from tests.builders import MINUTE, NOW

FLOOD = Flood(1, SourceId("herald"), NOW, NOW + 3 * MINUTE)


@pytest.mark.parametrize(
    ("after", "more", "over"),
    [
        pytest.param(4 * MINUTE, False, False, id="it may go on"),
        pytest.param(5 * MINUTE, False, True, id="calm"),
        pytest.param(5 * MINUTE, True, False, id="articles wait to be screened"),
        pytest.param(10 * MINUTE, True, True, id="nobody waits for ever"),
    ],
)
def test_a_flood_is_over_when_its_source_has_calmed(after: timedelta, more: bool, over: bool) -> None:
    assert FLOOD.is_over(2 * MINUTE, NOW + after, more=more) == over


def test_without_a_wait_it_is_over_with_its_last_article() -> None:
    assert FLOOD.is_over(timedelta(0), FLOOD.last_at, more=False)

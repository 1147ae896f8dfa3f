"""How a channel without a root of a story hears of an article: the whole table."""

from itertools import product

import pytest

from alerts.beginnings import Beginning, beginning

ROOT, BRIEF, DIGEST = Beginning.ROOT, Beginning.BRIEF, Beginning.DIGEST


@pytest.mark.parametrize(
    ("given", "how"),
    [
        pytest.param("rings digest", ROOT, id="a story that is new"),
        pytest.param("rings", ROOT, id="where no digest is sent too"),
        pytest.param("rings quiet digest", BRIEF, id="in quiet hours"),
        pytest.param("rings quiet known over_budget", BRIEF, id="in quiet hours, whatever else holds"),
        pytest.param("rings known digest", DIGEST, id="no news beside what the brief said"),
        pytest.param("rings known", ROOT, id="but where no digest is sent"),
        pytest.param("rings over_budget digest", DIGEST, id="a channel that has had enough"),
        pytest.param("digest", DIGEST, id="a rule of level digest"),
        pytest.param("quiet digest", DIGEST, id="of level digest, in quiet hours"),
    ],
)
def test_how_a_story_begins_in_a_channel(given: str, how: Beginning) -> None:
    names = ("rings", "quiet", "known", "over_budget", "digest")
    assert beginning(**{name: name in given.split() for name in names}) is how


def test_in_quiet_hours_nothing_begins_with_a_root() -> None:
    for rings, known, over_budget, digest in product((True, False), repeat=4):
        how = beginning(rings=rings, quiet=True, known=known, over_budget=over_budget, digest=digest)
        assert how is not ROOT

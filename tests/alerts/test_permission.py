"""Who may ask, and who may change things."""

import pytest

from alerts.control.permission import Membership, Refusal, may_change, may_read

OURS = {"C0NEWS", "C0OPS"}
ANN = frozenset({"U0ANN"})
NOBODY = frozenset[str]()


@pytest.mark.parametrize(
    ("actor", "place", "allow", "refusal"),
    [
        ("U0EVE", "C0NEWS", NOBODY, None),
        ("U0EVE", "C0OTHER", NOBODY, Refusal.ELSEWHERE),
        ("U0ANN", "D0ANN", ANN, None),
        ("U0EVE", "D0EVE", ANN, Refusal.ELSEWHERE),
        ("U0EVE", "C0OPS", ANN, None),
    ],
)
def test_who_may_ask(actor: str, place: str, allow: frozenset[str], refusal: Refusal | None) -> None:
    assert may_read(actor, place, allow, OURS) is refusal


@pytest.mark.parametrize(
    ("actor", "place", "allow", "membership", "refusal"),
    [
        ("U0ANN", "C0NEWS", NOBODY, Membership.MEMBER, None),
        ("U0EVE", "C0NEWS", NOBODY, Membership.STRANGER, Refusal.NOT_A_MEMBER),
        ("U0EVE", "C0NEWS", NOBODY, Membership.UNSAID, None),
        ("U0ANN", "C0NEWS", NOBODY, Membership.UNREACHED, Refusal.NOT_KNOWN),
        ("U0ANN", "C0OTHER", NOBODY, Membership.MEMBER, Refusal.ELSEWHERE),
        ("U0EVE", "C0OTHER", NOBODY, Membership.UNSAID, Refusal.ELSEWHERE),
        ("U0EVE", "C0NEWS", ANN, Membership.MEMBER, Refusal.NOT_ALLOWED),
        ("U0ANN", "D0ANN", ANN, Membership.STRANGER, None),
    ],
)
def test_who_may_change_things(
    actor: str, place: str, allow: frozenset[str], membership: Membership, refusal: Refusal | None
) -> None:
    assert may_change(actor, place, allow, OURS, membership) is refusal


def test_every_refusal_has_its_sentence() -> None:
    assert all(refusal.sentence.endswith(".") or ". " in refusal.sentence for refusal in Refusal)

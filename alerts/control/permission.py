"""May this person do this here?

Lives here: the decision, with the reason of a refusal. Pure. Not here: who is a member (`speaking` asks
Slack), that a refusal is answered and written down (`attending`, `acting`).
"""

from collections.abc import Collection
from enum import StrEnum


class Refusal(StrEnum):
    """Why not."""

    ELSEWHERE = "elsewhere"  # not one of our channels
    NOT_ALLOWED = "not_allowed"  # not on the list
    NOT_A_MEMBER = "not_a_member"
    NOT_KNOWN = "not_known"  # Slack did not answer who is a member

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Refusal.ELSEWHERE: "Tocsin only answers in the channels it tells of news.",
    Refusal.NOT_ALLOWED: "You are not on the list of those who may change this (`allow:` in channels.yaml).",
    Refusal.NOT_A_MEMBER: "Only members of the channels that Tocsin tells of news may change this.",
    Refusal.NOT_KNOWN: "Slack does not say just now who is a member of the channel. Try again in a minute.",
}


class Membership(StrEnum):
    """What Slack says of a person and our channels."""

    MEMBER = "member"
    STRANGER = "stranger"
    UNSAID = "unsaid"  # it refuses to say: our app may not ask
    UNREACHED = "unreached"  # it did not answer


def may_read(actor: str, place: str, allow: Collection[str], ours: Collection[str]) -> Refusal | None:
    """Whoever is in one of our channels may ask; elsewhere, those of the list. None: yes."""
    return None if place in ours or actor in allow else Refusal.ELSEWHERE


def may_change(
    actor: str, place: str, allow: Collection[str], ours: Collection[str], membership: Membership
) -> Refusal | None:
    """Those of the list, from anywhere; without a list the members of our channels, from within one.

    Where Slack refuses to say who is a member, whoever presses in one of our channels is taken for one.
    """
    if allow:
        return None if actor in allow else Refusal.NOT_ALLOWED
    if place not in ours:
        return Refusal.ELSEWHERE
    return {
        Membership.MEMBER: None,
        Membership.UNSAID: None,
        Membership.STRANGER: Refusal.NOT_A_MEMBER,
        Membership.UNREACHED: Refusal.NOT_KNOWN,
    }[membership]

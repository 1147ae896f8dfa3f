"""Beginning: how does a channel that has no root of a told story hear of an article?

Lives here: the choice between a root, the brief and the digest. Pure. Not here: which channels those are
(`routes`), when quiet ends (`quiet_hours`), what is written down (`telling`).
"""

from enum import StrEnum


class Beginning(StrEnum):
    """How it hears of it."""

    ROOT = "root"  # the thread begins there
    BRIEF = "brief"  # at the end of its quiet hours
    DIGEST = "digest"


def beginning(*, rings: bool, quiet: bool, known: bool, over_budget: bool, digest: bool) -> Beginning:
    """`known`: the channel read of the story in a brief or a digest, and nothing promotes this article.

    Whoever read of it in the morning is called again only for what is news beside it. `digest`: one is sent
    there; where none is, a root is better than nothing.
    """
    if not rings:
        return Beginning.DIGEST
    if quiet:
        return Beginning.BRIEF
    if digest and (known or over_budget):
        return Beginning.DIGEST
    return Beginning.ROOT

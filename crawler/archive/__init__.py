"""Notebook: what we remember of sources, and every entry, article and revision we ever saw.

    schema      the tables
    sources     what we remember of a source between two fetches; claims
    wordings    the revisions of an article
    documents   what one document leaves behind
    pages       the pages behind articles; claims
    revisits    pages of told articles, looked at again
    reading     what the alerts read: what is new, what is known, the past once more
    hosts       what a host asked of us
    standing    figures

Lives here: the SQL of the crawler's tables, and nothing but. Every entry is kept, matched or not, so that
any rule can be replayed over the past. Functions take a connection and belong to the caller's transaction
(a replay and a search take the engine, since they are long); none of them waits for the network. From
outside it is one notebook: `from crawler import archive`. Not here: when a source is due (`pacing`), what
concerns anybody (`alerts`).
"""

from crawler.archive.documents import Recorded, record_document
from crawler.archive.hosts import HostRules, host_rules, remember_host
from crawler.archive.pages import PageClaim, claim_pages, postpone_page, record_page
from crawler.archive.reading import (
    PAGE_GRACE,
    Past,
    find,
    mark_screened,
    newest_since,
    page_of,
    removal_of,
    revisions_since,
    screened_at,
    unscreened,
    unscreened_of,
    with_ids,
)
from crawler.archive.revisits import claim_revisits, look_again, postpone_revisit, record_revisit
from crawler.archive.schema import tables
from crawler.archive.sources import Claim, claim_due, end_leases, enrol, make_due, record_fetch, release
from crawler.archive.standing import (
    announced,
    counts,
    end_silent,
    entry_counts,
    first_seen,
    heard,
    heard_again,
    lately_quiet,
    latest_entries,
    mark_silent,
    mark_told,
    source_rows,
)

__all__ = [
    "PAGE_GRACE",
    "Claim",
    "HostRules",
    "PageClaim",
    "Past",
    "Recorded",
    "announced",
    "claim_due",
    "claim_pages",
    "claim_revisits",
    "counts",
    "end_leases",
    "end_silent",
    "enrol",
    "entry_counts",
    "find",
    "first_seen",
    "heard",
    "heard_again",
    "host_rules",
    "lately_quiet",
    "latest_entries",
    "look_again",
    "make_due",
    "mark_screened",
    "mark_silent",
    "mark_told",
    "newest_since",
    "page_of",
    "postpone_page",
    "postpone_revisit",
    "record_document",
    "record_fetch",
    "record_page",
    "record_revisit",
    "release",
    "remember_host",
    "removal_of",
    "revisions_since",
    "screened_at",
    "source_rows",
    "tables",
    "unscreened",
    "unscreened_of",
    "with_ids",
]

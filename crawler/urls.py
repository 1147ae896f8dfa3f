"""One page, one address: absolute links, canonical addresses, hosts and sites.

Lives here: what becomes of a link somebody wrote into a feed or a page, and when two spellings are one
page. Not here: whether an address may be dialled (`download` asks the address guard about what the name
resolves to).

Nothing in this module raises on odd input: what is not a usable http(s) address is None, or "" for its host.
"""

import ipaddress
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

MAX_LENGTH = 2083  # what Scrapy's URLLENGTH_LIMIT and old browsers agree on

_SCHEMES = ("http", "https")
_DEFAULT_PORTS = (None, 80, 443)

# Control characters, line ends and lone surrogates: no honest link has them, header and log injection do.
_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_INVISIBLE_ENDS = " \t\r\n\f\ufeff\u200b\xa0"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]{0,252}[a-z0-9_.])?")
_PORT = re.compile(r"[0-9]{0,5}")

_PATH_SAFE = "%/:@!$&'()*+,;=~"
_QUERY_SAFE = _PATH_SAFE + "?"

_DEVICE_PREFIX = re.compile(r"(?:www|m|mobile|amp)\.(?=[^.]+\.[^.])")
_AMP_PATH = re.compile(r"(?:/amp/*|\.amp)$|\.amp(?=\.html?$)", re.IGNORECASE)
_SESSION_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/;]*", re.IGNORECASE)

# Parameters that say who sent the reader, never which page is meant. A name goes in here only if no site
# we know of uses it to choose content: `id`, `p`, `page`, `ref`, `source`, `from` and the like stay.
_TRACKING_STARTS = (
    "utm_",
    "mtm_",
    "matomo_",
    "piwik_",
    "hsa_",
    "_hs",
    "guce_",
    "oly_",
    "at_custom",
    "at_link_",
)
_TRACKING = frozenset(
    """
    fbclid fb_action_ids fb_action_types fb_comment_id fb_ref fb_source gclid gclsrc dclid gbraid wbraid
    msclkid yclid ysclid twclid ttclid li_fat_id igshid igsh srsltid epik mc_cid mc_eid mkt_tok vero_id
    wickedid _openstat xtor xtref hsctatracking guccounter spm _ga _gl ga_campaign ga_content ga_medium
    ga_source ga_term ocid ncid cmpid cmp icid ito smid smtyp sr_share soc_src soc_trk wt_mc wt.mc_id wt_zmc
    trkcampaign s_cid sc_cid sc_channel rss_id ns_campaign ns_fee ns_linkname ns_mchannel ns_source
    pk_campaign pk_content pk_keyword pk_kwd pk_medium pk_source at_campaign at_campaign_type at_creation
    at_format at_medium at_variant __twitter_impression jsessionid phpsessid amp
    """.split()  # noqa: SIM905  # ninety names, one a line, would hide the rest of the module
)
# These names choose content elsewhere; only with these values do they just say "came from a feed or a
# button".
_SENDERS = {
    "emc",
    "from",
    "ref",
    "referrer",
    "referer",
    "source",
    "src",
    "via",
    "partner",
    "outputtype",
    "output",
}
_SENT_BY = {"rss", "rss2", "atom", "feed", "newsletter", "twitter", "facebook", "linkedin", "whatsapp", "amp"}


def absolute(link: str, base: str = "") -> str | None:
    """The link as a clean absolute http(s) address, odd characters percent-encoded; None if it is not usable.

    Refused: other schemes, user:password@, control characters, impossible hosts and ports, more than 2083
    characters.
    """
    link = link.strip(_INVISIBLE_ENDS)
    if not link or len(link) > MAX_LENGTH or _REFUSED.search(link):
        return None
    parts = _split(link if not base else _joined(base, link))
    if parts is None or parts.scheme not in _SCHEMES:
        return None
    netloc = _netloc(parts.netloc)
    if netloc is None:
        return None
    url = urlunsplit(
        (
            parts.scheme,
            netloc,
            _encoded(parts.path, _PATH_SAFE) or "/",
            _encoded(parts.query, _QUERY_SAFE),
            _encoded(parts.fragment, _QUERY_SAFE),
        )
    )
    return url if len(url) <= MAX_LENGTH else None


@lru_cache(maxsize=4096)
def canonical(url: str) -> str | None:
    """The one spelling under which a page is kept; None if it is no usable http(s) address. Idempotent.

    A key, not an address to fetch: the scheme is always https, `www.`, `m.`, `amp.`, default ports, the
    fragment, the trailing slash and tracking parameters are gone, the remaining parameters are sorted.
    """
    clean = absolute(url)
    if clean is None:
        return None
    try:
        parts = urlsplit(canonicalize_url(clean))
        port = parts.port
    except ValueError:
        return None
    name = _without_device(parts.hostname or "")
    netloc = f"[{name}]" if ":" in name else name
    if port not in _DEFAULT_PORTS:
        netloc += f":{port}"
    path, query = _canonical_path(parts.path), _canonical_query(parts.query)
    return absolute(urlunsplit(("https", netloc, path, query, "")))


def host(url: str) -> str:
    """The host in small letters, without port, brackets and trailing dot; "" where there is none."""
    parts = _split(url)
    if parts is None:
        return ""
    try:
        return (parts.hostname or "").rstrip(".")
    except ValueError:
        return ""


@lru_cache(maxsize=4096)
def site(url: str) -> str:
    """The registrable domain (`news.bbc.co.uk` → `bbc.co.uk`); IP addresses and single names stay whole."""
    return _site_of_host(host(url))


def without_origin(guid: str) -> str | None:
    """What of an address used as guid survives a change of scheme or host; None if the guid is no address.

    A short path such as `/?p=123` says too little without its host: in a feed that gathers many blogs it
    would make strangers one. Such a guid loses only its scheme and `www.`.
    """
    parts = _split(guid.strip(_INVISIBLE_ENDS))
    if parts is None or parts.scheme not in _SCHEMES or not parts.netloc:
        return None
    path = urlunsplit(("", "", parts.path, parts.query, parts.fragment))
    if path in ("", "/"):
        return None
    return path if len(path) >= 24 else parts.netloc.lower().removeprefix("www.") + path


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _joined(base: str, link: str) -> str:
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _netloc(netloc: str) -> str | None:
    """Host and port in ASCII; None where a person or a parser could take it for another host."""
    if "@" in netloc or "\\" in netloc:
        return None
    if netloc.startswith("["):
        name, bracket, port = netloc[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            return None
        name, port = _ipv6(name), port[1:]
    else:
        name, _, port = netloc.partition(":")
        name = _ascii_host(name)
    if not name or not _PORT.fullmatch(port) or (port and not 0 < int(port) < 65536):
        return None
    return f"{name}:{int(port)}" if port else name


def _ipv6(text: str) -> str:
    try:
        return f"[{ipaddress.IPv6Address(text).compressed}]" if "%" not in text else ""
    except ValueError:
        return ""


def _ascii_host(name: str) -> str:
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    name = name.lower()
    return name if _HOST.fullmatch(name) and ".." not in name else ""


def _encoded(part: str, safe: str) -> str:
    return quote(_STRAY_PERCENT.sub("%25", part), safe=safe)


def _without_device(name: str) -> str:
    name = name.rstrip(".")
    while prefix := _DEVICE_PREFIX.match(name):
        rest = name[prefix.end() :]
        if rest == _public_suffix(rest):
            break  # `m.co.uk` is a site of its own
        name = rest
    return name


def _canonical_path(path: str) -> str:
    path = _SESSION_PATH.sub("", path).rstrip("/;")
    while (shorter := _AMP_PATH.sub("", path).rstrip("/;")) != path:
        path = shorter
    return path or "/"


def _canonical_query(query: str) -> str:
    kept = [pair for pair in query.split("&") if pair and not _is_tracking(*pair.partition("=")[::2])]
    return "&".join(sorted(kept))


def _is_tracking(name: str, value: str) -> bool:
    name = name.lower()
    if name in _TRACKING or name.startswith(_TRACKING_STARTS):
        return True
    return name in _SENDERS and value.lower() in _SENT_BY


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _site_of_host(name: str) -> str:
    if not name or _is_address(name):
        return name
    found = _suffixes()(name)
    if found.suffix:
        return f"{found.domain}.{found.suffix}" if found.domain else name
    last = name.split(".")[-2:]  # an unknown top-level domain is a public suffix: the default rule
    return name if last[-1].isdigit() else ".".join(last)


def _public_suffix(name: str) -> str:
    return str(_suffixes()(name).suffix)


@cache
def _suffixes() -> Callable[[str], Any]:
    """The list of public suffixes that comes with the library; it never looks for a newer one on the net."""
    # Imported here because it drags in an HTTP client: 0.2 s that the parsing child need not pay at
    # its start.
    from tldextract import TLDExtract  # noqa: PLC0415

    return TLDExtract(
        cache_dir=None, suffix_list_urls=(), fallback_to_snapshot=True, include_psl_private_domains=True
    ).extract_str

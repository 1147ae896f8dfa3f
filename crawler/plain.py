"""Plain text: from foreign bytes and foreign markup to the text we keep.

Lives here: which charset a document is really in, what of its characters stays, how HTML becomes paragraphs.
Not here: where in a feed or a page the text stands (`feeds`, `pages`), what a matcher folds (`alerts.text`).

Everything is linear in its input: a title of four megabytes or fifty thousand open comments cost no more than
their length.
"""

import codecs
import html
import re
from collections.abc import Iterator

from lxml import etree
from lxml import html as lxml_html

_LAST_RESORT = "cp1252"

LONGEST_MARKUP = 1_000_000  # characters of HTML looked at; more is no article

# Python's names of the charsets a document may claim. A closed list: Python also knows "codecs" that unpack
# or run escapes (zip, unicode_escape …), and utf-7 hides `<script>` in plain letters.
_CHARSETS = {
    *("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
    *(f"cp125{n}" for n in range(9)),
    *(f"iso8859-{n}" for n in range(2, 17) if n != 12),
    *("koi8-r", "koi8-u", "cp866", "cp874", "mac-roman", "mac-cyrillic", "gb18030", "big5hkscs", "hz"),
    *("cp932", "euc_jp", "iso2022_jp", "cp949", "johab"),
}
# What is claimed, and the larger set that documents with this claim really use.
_WIDER = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift_jis_2004": "cp932",
    "euc_kr": "cp949",
}
_ALIASES = {
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "utf8mb4": "utf-8",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before utf-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHARSET_PARAMETER = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)

_FORBIDDEN = bytes([*range(9), 11, 12, *range(14, 32)])

_MAGIC = {
    b"\x89PNG": "a PNG image",
    b"GIF8": "a GIF image",
    b"\xff\xd8\xff": "a JPEG image",
    b"RIFF": "an image or a sound",
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip file",
    b"\x00\x00\x01\x00": "an icon",
    b"wOF": "a font",
}

# Invisible or direction-changing characters, controls, lone surrogates, non-characters, Hangul fillers. A
# name spelt with them looks right and matches nothing; in a log or in Slack they forge what a reader sees.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_ASCII_CONTROLS = dict.fromkeys(
    [*range(9), *range(14, 28), 127]
)  # the same, for text in ASCII: ten times faster
# Joiners belong between letters of Persian, Hindi … and inside emoji, nowhere else.
_STRAY_JOINER = re.compile(
    "(?<![\u0590-\u1fff\u2600-\U0010ffff])[\u200c\u200d]|[\u200c\u200d](?![\u0590-\u1fff\u2600-\U0010ffff])"
)
# `&#146;` means ’ to everybody who writes it, whatever the standard says about U+0092.
_C1 = re.compile("[\x80-\x9f]")
_C1_MEANT = {n: bytes([n]).decode("cp1252", "ignore") for n in range(0x80, 0xA0)}

_TERMINAL_COMMAND = re.compile("\x1b\\[[0-?]*[ -/]*[@-~]")  # ECMA-48: CSI, parameters, final byte

_LINE_END = re.compile(r"[\r\n]+")  # in HTML just a blank

_ELEMENTS = """
    a abbr acronym address article aside audio b bdi bdo big blockquote body br button canvas caption
    center cite code col dd del details dfn dir div dl dt em embed fieldset figcaption figure font footer
    form frame h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li link main
    map mark meta nav nobr noscript object ol option p param picture pre q s samp script section select
    small source span strike strong style sub summary sup svg table tbody td template textarea tfoot th
    thead time title tr tt u ul var video wbr
    """.split()  # noqa: SIM905
_TAG = re.compile(rf"<(?=[/!a-z])(?:/?(?:{'|'.join(_ELEMENTS)})(?:[\s/][^<>]*)?>|!--)", re.IGNORECASE)
_WITHOUT_TEXT = frozenset(
    (
        "script",
        "style",
        "template",
        "svg",
        "iframe",
        "object",
        "head",
        "noscript",
        "select",
        "button",
        "textarea",
    )
)
_BLOCKS = """
    address article aside blockquote caption center dd details dir div dl dt fieldset figcaption figure footer
    form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tr ul
    """.split()  # noqa: SIM905
_GAPS = {**dict.fromkeys(_BLOCKS, "\n\n"), "br": "\n", "td": " ", "th": " ", "option": " "}


def decode(body: bytes, *claims: str | None) -> str:
    """The text of a document. `claims`: charsets it or its header names, the most trusted first.

    A byte order mark wins. Then bytes that are valid UTF-8 beyond ASCII are UTF-8 whatever is claimed, for no
    other charset comes out so by chance. Then the first claim that holds, then UTF-8, then windows-1252. A
    few broken bytes become U+FFFD and do not turn the rest into garbage.
    """
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body[len(mark) :].decode(charset, "replace")
    guesses = [name for claim in claims if claim and (name := _known(claim))]
    if (sixteen := _without_mark(body)) is not None:
        guesses.insert(0, sixteen)
    elif not body.isascii():
        guesses.insert(0, "utf-8")
    guesses = list(dict.fromkeys([*guesses, "utf-8", _LAST_RESORT]))
    return next(text for charset in guesses if (text := _read(body, charset)) is not None)


def charset_of(content_type: str | None) -> str | None:
    """The charset parameter of a Content-Type header."""
    found = _CHARSET_PARAMETER.search(content_type or "")
    return found[1] if found else None


def for_parser(text: str) -> bytes:
    """The text in UTF-8 without what XML forbids: NUL in a headline is an attack or an accident."""
    data = _without_commands(text).encode("utf-8", "ignore").translate(None, _FORBIDDEN)
    return data.replace(b"\xef\xbf\xbe", b"").replace(b"\xef\xbf\xbf", b"")  # U+FFFE and U+FFFF


def is_forbidden(code: int) -> bool:
    """Whether XML has no such character, so that `&#0;` or `&#xD800;` must not become one."""
    return not (
        code in (9, 10, 13) or 32 <= code < 0xD800 or 0xDFFF < code < 0xFFFE or 0xFFFF < code < 0x110000
    )


def binary_kind(body: bytes) -> str | None:
    """What these bytes are, if they are certainly no text."""
    return next((name for magic, name in _MAGIC.items() if body.startswith(magic)), None)


def language_code(text: str) -> str | None:
    """`pt-BR` → `pt`; None for what is no language code."""
    code = re.split(r"[-_]", text.strip().lower(), maxsplit=1)[0]
    return code if re.fullmatch(r"[a-z]{2,3}", code) else None


def line(text: str) -> str:
    """The text on one line: no control, direction or invisible characters, single blanks."""
    return " ".join(_visible(text).split())


def paragraphs(text: str) -> str:
    """The text without the same characters, its paragraphs parted by one empty line."""
    text = _visible(text).replace("\r\n", "\n").replace("\r", "\n").replace("\u2029", "\n\n")
    parts: list[list[str]] = [[]]
    for row in text.split("\n"):
        if words := row.split():
            parts[-1] += words
        elif parts[-1]:
            parts.append([])
    return "\n\n".join(" ".join(words) for words in parts if words)


def without_markup(markup: str) -> str:
    """Plain paragraphs of what may be HTML, may be text, and is often escaped once too often.

    Only names of real elements count as tags: `List<String>` and `<!channel>` are words and stay.
    """
    markup = markup[:LONGEST_MARKUP]
    if "<" not in markup and "&" not in markup:
        return paragraphs(markup)
    text = _text_of_html(markup) if _TAG.search(markup) else html.unescape(markup)
    if "<" in text and _TAG.search(text):
        text = _text_of_html(text)
    return paragraphs(text)


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, cut between words where that costs little, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    blank = cut.rfind(" ", limit * 4 // 5)
    return cut[: blank if blank > 0 else None].rstrip() + "…"


def _known(claim: str) -> str | None:
    claim = claim.strip().lower()
    try:
        name = codecs.lookup(_ALIASES.get(claim, claim)).name
    except (LookupError, ValueError):
        return None
    name = _WIDER.get(name, name)
    return name if name in _CHARSETS else None


def _without_mark(body: bytes) -> str | None:
    """UTF-16 and UTF-32 give themselves away by the zeros round the first `<`."""
    if body.startswith(b"<\0\0\0"):
        return "utf-32-le"
    if body.startswith(b"\0\0\0<"):
        return "utf-32-be"
    return {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}.get(body[:2])


def _read(body: bytes, charset: str) -> str | None:
    """The text if at least half of what is beyond ASCII can be read so; None: it is another charset."""
    try:
        return body.decode(charset)
    except UnicodeError:
        text = body.decode(charset, "replace")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return text if charset == _LAST_RESORT or text.count("\ufffd") * 2 <= beyond else None


def _visible(text: str) -> str:
    text = _without_commands(text)
    if text.isascii():
        return text.translate(_ASCII_CONTROLS)
    if _C1.search(text):
        text = text.translate(_C1_MEANT)
    text = _UNSEEN.sub("", text)
    return _STRAY_JOINER.sub("", text) if "\u200c" in text or "\u200d" in text else text


def _without_commands(text: str) -> str:
    """Without a terminal's commands: of "ESC[31mOpenAI" the name shall stay, not "[31mOpenAI"."""
    return _TERMINAL_COMMAND.sub("", text) if "\x1b" in text else text


def _text_of_html(markup: str) -> str:
    try:
        root = lxml_html.document_fromstring(f"<div>{_visible(markup)}</div>", parser=_html_parser())
    except (etree.LxmlError, ValueError):
        return _TAG.sub(" ", markup)
    return "".join(_pieces(root))


def _html_parser() -> lxml_html.HTMLParser:
    return lxml_html.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=False, no_network=True)


def _pieces(root: lxml_html.HtmlElement) -> Iterator[str]:
    skipping = 0  # how deep we are inside elements whose text nobody reads
    for event, element in etree.iterwalk(root, events=("start", "end")):
        name = element.tag if isinstance(element.tag, str) else ""
        starts = event == "start"
        if name in _WITHOUT_TEXT:
            skipping += 1 if starts else -1
        if not skipping:
            if (gap := _GAPS.get(name)) and (starts or gap != "\n"):
                yield gap
            if starts and name not in _WITHOUT_TEXT and element.text:
                yield _LINE_END.sub(" ", element.text)
        if not starts and not skipping and element.tail:
            yield _LINE_END.sub(" ", element.tail)

# SPDX-License-Identifier: Apache-2.0
"""Untrusted text for every field of a log, and spellings of paths that must not be served.

The pages under test notice a call of `planted(...)`, which means that text was run as a script.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

MARKUP = (
    "<img src=x onerror=planted(1)>",
    "<script>planted(2)</script>",
    "</script><script>planted(3)</script>",
    "<svg onload=planted(4)>",
    '<svg><script href="data:text/javascript,planted(5)" /></svg>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=planted(6)>",
    '<iframe srcdoc="<script>parent.planted(7)</script>">',
    "<iframe src=javascript:planted(8)>",
    '"><img src=x onerror=planted(9)>',
    "'><svg/onload=planted(10)>",
    '" onmouseover="planted(11)" x="',
    "' autofocus onfocus='planted(12)",
    "` onclick=planted(13) `",
    "</title><img src=x onerror=planted(14)>",
    "</textarea><script>planted(15)</script>",
    "</style><script>planted(16)</script>",
    "--><script>planted(17)</script><!--",
    "]]><script>planted(18)</script><![CDATA[",
    "<body onload=planted(19)>",
    "<details open ontoggle=planted(20)>",
    "<video><source onerror=planted(21)>",
    "<input autofocus onfocus=planted(22)>",
    "<object data=javascript:planted(23)>",
    "<embed src=javascript:planted(24)>",
    "<a href=javascript:planted(25)>planted</a>",
    "<link rel=stylesheet href=//planted.invalid/x.css>",
    '<meta http-equiv=refresh content="0;url=javascript:planted(27)">',
    "<base href=//planted.invalid/>",
    '<style>@import "//planted.invalid/x.css";</style>',
    "<template shadowrootmode=open><img src=x onerror=planted(30)></template>",
    '<noscript><p title="</noscript><img src=x onerror=planted(31)>">',
    "<b>planted</b><!-- planted",
    "<?lit$planted$?><!--?lit$planted$-->",
    "<atlas-app data-planted></atlas-app>",
)
ADDRESSES = (
    "javascript:planted(40)",
    "JaVaScRiPt:planted(41)",
    "\x01javascript:planted(42)",
    "data:text/html,<script>planted(43)</script>",
    "//planted.invalid/x.js",
    "%3Cimg%20src%3Dx%20onerror%3Dplanted(45)%3E",
    *(
        "%",
        "%00",
        "%E0%A4%A",
        "a%2fb",
        "..%2f..%2fetc",
        "../../etc/passwd",
        "C:\\windows\\system32",
    ),
    *("a/b//c/", "#atlas&p.atlas.step=0", "&p.atlas.run=x", "?experiment=x", ";,+,;+;"),
)
CODE = (
    '{{constructor.constructor("planted(50)")()}}',
    "${planted(51)}",
    "<%= planted(52) %>",
    "`+planted(53)+`",
    "';planted(54);//",
    '\\";planted(55);//',
    "red;background:url(//planted.invalid)",
    "expression(planted(57))",
    "}*{display:none}",
    '"}],"steps":[{"',
    "&lt;img src=x onerror=planted(60)&gt;",
    "&#60;script&#62;planted(61)&#60;/script&#62;",
)
NAMES = (
    *("__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "__metadata__"),
    *("null", "undefined", "NaN", "true", "-1", "0", "1e999", "unknown", "class 3", "", " "),
    *("layer3 \u00b7 cat", "a \u00b7 b \u00b7 c / d", "atlas/classes", "refined/0001", "backwards"),
)
FORMULAS = ('=HYPERLINK("//planted.invalid")', "+1+1", "@SUM(1)", "-2+3", "\t=1", "\uff1d1")
UNICODE = (
    "\u202egnp.exe\u202c",
    "\u2066\u202dleft\u2067right",
    "\u200b\u200c\u200d\u2060\ufeff",
    "nul\0inside",
    "\x1b[31mred\x1b[0m\x07\x9b2J\x7f",
    "two\r\nlines\tand\x0bmore\x85",
    "line\u2028paragraph\u2029end",
    "half \ud800",
    "\udcff other half",
    "\ufffe\uffff",
    "e" + "\u0301\u0323\u0336" * 40,
    "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 12,
    "\U0001d49c" * 70,
    "\uff1cscript\uff1eplanted(70)\uff1c/script\uff1e",
    "\ufdfd" * 30,
    "\U000e0041\U000e0042\U000e007f",
    "\u0130\u0130 \ufb03 \u1e9e",
    "\u05d0\u05d1\u05d2 abc \u0627\u0628\u062a",
)
LONG = ("x" * 10_000, "word " * 2_000, "<b>" * 3_000, "\u6f22" * 10_000)

TEXTS: tuple[str, ...] = (*MARKUP, *ADDRESSES, *CODE, *NAMES, *FORMULAS, *UNICODE, *LONG)

_PRIVATE_FILES = ("plugin.py", "etc/passwd", "loader.py", "static/index.js")
_PARENT_STEPS = (
    *("../", "..\\", "%2e%2e/", "%2E%2E/", ".%2e/", "%2e./", "%252e%252e%252f", "%25252e%25252e/"),
    *("..%2f", "..%2F", "..%5c", "..%5C", "..%255c", "..%252f", "..;/", "..;x=1/", "..%3b/"),
    *("%c0%ae%c0%ae/", "%c0%ae%c0%ae%c0%af", "%e0%80%ae%e0%80%ae/", "%f0%80%80%ae/", "..%c0%af"),
    *(
        ".%00./",
        "..%00/",
        "%00../",
        "....//",
        "....\\\\",
        "..././",
        "%uff0e%uff0e/",
        "%u002e%u002e/",
    ),
    *("%ef%bc%8e%ef%bc%8e/", "..%ef%bc%8f", "./../", "./", "//", "/", "..//", "../%20", "..%09/"),
    *(
        "file:///",
        "file:%2f%2f",
        "//localhost/",
        "%2f%2f",
        "\\\\host\\share\\",
        "~/",
        "$PWD/",
        "*/",
    ),
)
_UNUSUAL_PATHS = (
    *(
        "C:/windows/win.ini",
        "C:\\windows\\win.ini",
        "C%3a/win.ini",
        "CON",
        "nul.js",
        "com1",
        "aux.js",
    ),
    *("~root", ".", "..", "...", "%2e", "%2e%2e", "index.js%00.png", "index.js%20", "index.js."),
    *("index.js::$DATA", "INDEX.JS", "Index", "INDEX", "index%00"),
    *("index.js.map", "index.html", "index.json", "*", "static/*", "__pycache__/plugin.pyc"),
    *(".git/config", ".env", "http_api.md", "__init__.py", "%69ndex.js%2f.."),
)

EQUIVALENT_PATHS = ("index.js;x=1", "index.js/", "index%2ejs%2f", "%69ndex.js")
"""Paths that TensorBoard itself normalizes to the name of a route."""


def path_traversals() -> Iterator[str]:
    """Yields encoded paths of files that are not in the route table."""
    seen: set[str] = set()
    spelled = (
        step * depth + name for step in _PARENT_STEPS for depth in (1, 3) for name in _PRIVATE_FILES
    )
    for one in itertools.chain(spelled, _UNUSUAL_PATHS):
        if one not in seen:
            seen.add(one)
            yield one


def format_name(text: str, limit: int) -> str:
    """Formats a name as the tab does if it shows up to `limit` characters; see `format.ts`."""
    units = text.encode("utf-16-le", "surrogatepass")[: 4 * limit + 4]
    line, blank = "", False
    for character in units.decode("utf-16-le", "surrogatepass"):
        if _is_blanked(character):
            line += "" if blank else " "
            blank = True
        elif character not in _REORDERING:
            line += character
            blank = False
        else:
            # The tab removes this character after it has merged blanks, so the next blank stays.
            blank = False
    return line if len(line) <= limit else line[: max(1, limit - 1)] + "\u2026"


_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _is_blanked(character: str) -> bool:
    code = ord(character)
    is_control = code < 0x20 or 0x7F <= code < 0xA0
    return is_control or code in (0x2028, 0x2029, 0xFFFE, 0xFFFF) or 0xD800 <= code < 0xE000

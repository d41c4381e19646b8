# SPDX-License-Identifier: Apache-2.0
"""Writes an HTML page that contains the Atlas tab and the responses of its requests.

Names and texts of a log are untrusted. They are only in data blocks, which browsers do not execute:
responses as base64, everything else as JSON in which `<`, `>` and `&` are escaped. The page's own
script is the only one that its content security policy allows, and the policy forbids all requests.
All but the title is ASCII, so that the script stays the same in a document of any encoding.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import resources
from typing import Any, BinaryIO, Final

import msgspec

from tensorboard_plugin_atlas._version import __version__
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.export.responses import RecordedResponse
from tensorboard_plugin_atlas.wire.response_types import ExportedPage, RecordedRequest

_GZIP_LEVEL: Final = 6
_WORTHWHILE: Final = 0.95
"""A response is stored compressed if that reduces its size below this fraction."""

_HEAD: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="tensorboard_plugin_atlas {version}">
<title>{title}</title>
"""
_BODY: Final = b"""\
</head>
<body>
<noscript>This page needs JavaScript.</noscript>
"""


@dataclass(frozen=True)
class StoredBody:
    """Body of a response as it is in the page.

    Attributes:
        text: Base64.
        gzipped: Whether the bytes are compressed.
    """

    text: bytes
    gzipped: bool


def store_body(response: RecordedResponse) -> StoredBody:
    """Returns the body of a response as base64, compressed if that makes it smaller."""
    data, gzipped = response.data, False
    if not response.is_picture:
        packed = gzip.compress(data, _GZIP_LEVEL, mtime=0)
        if len(packed) < _WORTHWHILE * len(data):
            data, gzipped = packed, True
    return StoredBody(base64.b64encode(data), gzipped)


def read_page_script() -> bytes:
    """Returns the script of an exported page.

    Raises:
        ArgumentError: if it is missing from this installation.
    """
    file = resources.files("tensorboard_plugin_atlas.export").joinpath("page.js")
    if not file.is_file():
        raise ArgumentError(
            "the script of exported pages is missing from this installation; reinstall it with "
            "pip install --force-reinstall tensorboard_plugin_atlas"
        )
    return file.read_bytes()


def measure_empty_page(info: ExportedPage) -> int:
    """Returns the size of a page without responses, in bytes."""
    with io.BytesIO() as file:
        write_page(file, info, ())
        return len(file.getvalue())


def write_page(file: BinaryIO, info: ExportedPage, responses: Iterable[RecordedResponse]) -> None:
    """Writes a page.

    Args:
        file: Where to write it.
        info: What the page says about itself; `requests` is filled in.
        responses: The responses, in any order.
    """
    script = read_page_script()
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src blob: data:; base-uri 'none'; form-action 'none'"
    )
    title = html.escape(info.title)
    head = _HEAD.format(policy=policy, version=__version__, title=title)
    file.write(head.encode("utf-8", "replace"))
    requests = []
    for number, response in enumerate(responses):
        body = store_body(response)
        requests.append(
            RecordedRequest(request=response.request, status=response.status, gzipped=body.gzipped)
        )
        file.write(b'<script type="application/octet-stream" id="atlas-%d">' % number)
        file.write(body.text)
        file.write(b"</script>\n")
    contents = msgspec.structs.replace(info, requests=tuple(requests))
    file.write(b'<script type="application/json" id="atlas-page">')
    file.write(_write_json(msgspec.to_builtins(contents)))
    # The tab replaces the content of the body, so the data is in the head.
    file.write(b"</script>\n" + _BODY + b"<script>")
    file.write(script)
    file.write(b"</script>\n</body>\n</html>\n")


def _write_json(value: Any) -> bytes:
    """Returns JSON as ASCII that cannot end a script element."""
    text = json.dumps(value, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("ascii")

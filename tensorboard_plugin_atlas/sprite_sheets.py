# SPDX-License-Identifier: Apache-2.0
"""Icons as sprite sheets: many small square pictures in a few WebP pages, and back.

Icon i of a page sits at column `i % columns`, row `i // columns`. A page holds at most
`columns * columns` icons and no side exceeds 2048 px, which every browser and software renderer
takes as one texture. Stored pages are never handed to a decoder before their declared size was
compared with what the sheet says: image decoders are where hostile files do their harm.
"""

from __future__ import annotations

import io
import math
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError

MAX_SIDE: Final = 2048
"""Pixels a page may have along each side."""

MAX_PAGES: Final = 128
"""Pages one set of icons may have: 128 pages of 2048 x 2048 px decode to 1.5 GiB at most."""

_WEBP_HEADER_BYTES: Final = 30
_WEBP_METHOD: Final = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class SpriteSheets:
    """M icons packed row by row into square-tiled WebP pages of at most 2048 px a side.

    Attributes:
        pages: Encoded pages; all but the last are full.
        tile: Side of one icon in pixels.
        columns: Icons per row of a page, and rows per full page.
        count: M.
    """

    pages: tuple[bytes, ...]
    tile: int
    columns: int
    count: int


def pack(images: NDArray[np.uint8], *, quality: int = 82, lossless: bool = False) -> SpriteSheets:
    """Packs square pictures into WebP pages.

    Args:
        images: (M, S, S, 3) uint8, 1 <= S <= 2048. M may be 0.
        quality: WebP quality, 0 to 100. Equal pictures and quality give equal bytes.
        lossless: Keep every pixel as it is; `quality` says how hard to try for few bytes then.

    Returns:
        The pages, as square as M allows.

    Raises:
        ArgumentError: if `images` has another shape or dtype, or needs more than 128 pages.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ArgumentError(
            f"pack(images={images.dtype} {images.shape}): pass uint8 pictures of shape (M, S, S, 3)"
        )
    count, side, width, _ = images.shape
    if side != width or not 1 <= side <= MAX_SIDE:
        raise ArgumentError(
            f"pack(images of {side} x {width} px): pass square pictures of at most {MAX_SIDE} px"
        )
    columns = min(MAX_SIDE // side, max(1, math.ceil(math.sqrt(count))))
    capacity = columns * columns
    if page_count(count, columns) > MAX_PAGES:
        raise ArgumentError(
            f"pack({count:,} pictures of {side} px): they need more than {MAX_PAGES} pages; "
            "pass fewer or smaller pictures"
        )
    pages = tuple(
        _encode(_tile(images[start : start + capacity], columns), quality, lossless)
        for start in range(0, count, capacity)
    )
    return SpriteSheets(pages=pages, tile=side, columns=columns, count=count)


def unpack(sheets: SpriteSheets) -> NDArray[np.uint8]:
    """Decodes the icons of `sheets`, (M, S, S, 3) uint8.

    Raises:
        DamageError: if a page is not a plain WebP picture of the size that `sheets` implies.
    """
    check_sheets(sheets)
    side, columns = sheets.tile, sheets.columns
    capacity = columns * columns
    icons = np.empty((sheets.count, side, side, 3), np.uint8)
    for number, page in enumerate(sheets.pages):
        picture = _decode(page, f"page {number}")
        rows, across = picture.shape[0] // side, picture.shape[1] // side
        tiles = picture.reshape(rows, side, across, side, 3).swapaxes(1, 2)
        first = number * capacity
        wanted = min(capacity, sheets.count - first)
        icons[first : first + wanted] = tiles.reshape(-1, side, side, 3)[:wanted]
    return icons


def page_count(count: int, columns: int) -> int:
    """Returns how many pages `count` icons take at `columns` icons a row."""
    return -(-count // (columns * columns))


def page_size(count: int, columns: int, tile: int, page: int) -> tuple[int, int]:
    """Returns width and height in pixels of page number `page`."""
    held = min(columns * columns, count - page * columns * columns)
    return min(columns, count) * tile, -(-held // columns) * tile


def check_sheets(sheets: SpriteSheets) -> None:
    """Checks every page of `sheets` without decoding any.

    Raises:
        DamageError: naming the page and the numbers that disagree.
    """
    tile, columns, count = sheets.tile, sheets.columns, sheets.count
    if not (1 <= tile <= MAX_SIDE and 1 <= columns <= MAX_SIDE // tile and count >= 0):
        raise DamageError(f"icon sheet: {count} icons of {tile} px in {columns} columns")
    pages = page_count(count, columns)
    if len(sheets.pages) != pages or pages > MAX_PAGES:
        raise DamageError(
            f"icon sheet: {len(sheets.pages)} pages, "
            f"{count:,} icons in {columns} columns take {pages}"
        )
    for number, page in enumerate(sheets.pages):
        check_page(page, page_size(count, columns, tile, number), f"page {number}")


def check_page(data: bytes, size: tuple[int, int], where: str) -> None:
    """Checks that `data` declares itself a plain WebP picture of `size` (width, height).

    Raises:
        DamageError: starting with `where`, otherwise.
    """
    declared = webp_size(data)
    if declared is None:
        raise DamageError(f"{where}: not a WebP picture")
    if declared != size:
        raise DamageError(
            f"{where}: a picture of {declared[0]} x {declared[1]} px, "
            f"its manifest says {size[0]} x {size[1]}"
        )


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Reads width and height from a WebP header (RFC 9649) without decoding.

    Returns:
        The size, or None for anything but a still picture without extensions: animation, alpha
        planes and metadata are never written here, so their decoders need not be reachable.
    """
    if len(data) < _WEBP_HEADER_BYTES or data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    if struct.unpack_from("<I", data, 4)[0] != len(data) - 8:
        return None
    if data[12:16] == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if data[12:16] == b"VP8L" and data[20] == 0x2F:
        bits = struct.unpack_from("<I", data, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _tile(images: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    """Lays at most `columns` squared pictures out on one page; unused tiles are black."""
    count, side = images.shape[:2]
    rows = -(-count // columns)
    tiles = np.zeros((rows * columns, side, side, 3), np.uint8)
    tiles[:count] = images
    page = tiles.reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    return np.ascontiguousarray(page.reshape(rows * side, columns * side, 3))


def _encode(page: NDArray[np.uint8], quality: int, lossless: bool) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    picture = Image.fromarray(page)
    picture.save(buffer, "WEBP", quality=quality, method=_WEBP_METHOD, lossless=lossless)
    return buffer.getvalue()


def _decode(page: bytes, where: str) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(page), formats=("WEBP",)) as picture:
            return np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DamageError(f"{where}: its pixels cannot be decoded") from error

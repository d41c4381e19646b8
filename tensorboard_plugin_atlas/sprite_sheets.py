# SPDX-License-Identifier: Apache-2.0
"""Sprite sheets: many small square images in a few WebP pages.

Icon i of a page is at column `i % columns`, row `i // columns`. A page holds at most
`columns * columns` icons, and its sides are at most 2048 px, which all browsers and software
renderers support as a texture. The declared size of a stored page is checked before it is decoded,
because image decoders are a common target of malicious files.
"""

from __future__ import annotations

import io
import itertools
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError

MAX_SIDE: Final = 2048
"""Largest side of a page in pixels."""

MAX_PAGES: Final = 128
"""Largest number of pages of a set of icons, which decode to at most 1.5 GiB."""

_WEBP_HEADER_BYTES: Final = 30
_WEBP_METHOD: Final = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class SpriteSheets:
    """M square icons in WebP pages, row by row; pages have sides of at most 2048 px.

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


ComputeAll: TypeAlias = Callable[[Callable[[Any], bytes], Sequence[Any]], list[bytes]]


def _compute_one_by_one(compute: Callable[[Any], bytes], items: Sequence[Any]) -> list[bytes]:
    return [compute(item) for item in items]


def pack(images: NDArray[np.uint8], *, quality: int = 82, lossless: bool = False) -> SpriteSheets:
    """Packs square images into WebP pages.

    Args:
        images: (M, S, S, 3) uint8, 1 <= S <= 2048. M may be 0.
        quality: WebP quality, 0 to 100. Equal images and quality give equal bytes.
        lossless: Whether to compress without loss; `quality` is the compression effort then.

    Returns:
        The pages, nearly square.

    Raises:
        ArgumentError: if `images` has a different shape or dtype, or needs more than 128 pages.
    """
    return pack_sets([images], quality=quality, lossless=lossless)[0]


def pack_sets(
    sets: Sequence[NDArray[np.uint8]],
    *,
    quality: int = 82,
    lossless: bool = False,
    compute_all: ComputeAll = _compute_one_by_one,
) -> list[SpriteSheets]:
    """Packs several sets of images, each as `pack`.

    Args:
        sets: The images of each set, as for `pack`.
        quality: As for `pack`.
        lossless: As for `pack`.
        compute_all: Returns the results of a function for all pages of all sets, in order.

    Raises:
        ArgumentError: as `pack`.
    """
    columns = [_choose_columns(images) for images in sets]
    pages = [
        (images[start : start + wide * wide], wide)
        for images, wide in zip(sets, columns, strict=True)
        for start in range(0, len(images), wide * wide)
    ]
    encoded = iter(compute_all(lambda page: _encode(_tile(*page), quality, lossless), pages))
    return [
        SpriteSheets(
            pages=tuple(itertools.islice(encoded, page_count(len(images), wide))),
            tile=images.shape[1],
            columns=wide,
            count=len(images),
        )
        for images, wide in zip(sets, columns, strict=True)
    ]


def _choose_columns(images: NDArray[np.uint8]) -> int:
    """Returns the number of icons in a row of a page.

    Raises:
        ArgumentError: if the images cannot be packed.
    """
    if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
        raise ArgumentError(
            f"pack(images={images.dtype} {images.shape}): pass uint8 images of shape (M, S, S, 3)"
        )
    count, side, width = map(int, images.shape[:3])
    if side != width or not 1 <= side <= MAX_SIDE:
        raise ArgumentError(
            f"pack(images of {side} x {width} px): pass square images of at most {MAX_SIDE} px"
        )
    columns = min(MAX_SIDE // side, max(1, math.ceil(math.sqrt(count))))
    if page_count(count, columns) > MAX_PAGES:
        raise ArgumentError(
            f"pack({count:,} images of {side} px): they need more than {MAX_PAGES} pages; "
            "pass fewer or smaller images"
        )
    return columns


def unpack(sheets: SpriteSheets) -> NDArray[np.uint8]:
    """Decodes the icons of `sheets`, (M, S, S, 3) uint8.

    Raises:
        DamageError: if a page is not a plain WebP image of the expected size.
    """
    check_sheets(sheets)
    side, columns = sheets.tile, sheets.columns
    capacity = columns * columns
    icons = np.empty((sheets.count, side, side, 3), np.uint8)
    for number, page in enumerate(sheets.pages):
        image = _decode(page, f"page {number}")
        rows, tile_columns = image.shape[0] // side, image.shape[1] // side
        tiles = image.reshape(rows, side, tile_columns, side, 3).swapaxes(1, 2)
        first = number * capacity
        count_on_page = min(capacity, sheets.count - first)
        icons[first : first + count_on_page] = tiles.reshape(-1, side, side, 3)[:count_on_page]
    return icons


def page_count(count: int, columns: int) -> int:
    """Returns the number of pages of `count` icons with `columns` icons per row."""
    return -(-count // (columns * columns))


def page_size(count: int, columns: int, tile: int, page: int) -> tuple[int, int]:
    """Returns width and height in pixels of a page.

    Args:
        count: Number of icons.
        columns: Icons per row.
        tile: Side of an icon in pixels.
        page: Number of the page, from 0.
    """
    on_page = min(columns * columns, count - page * columns * columns)
    return min(columns, count) * tile, -(-on_page // columns) * tile


def check_sheets(sheets: SpriteSheets) -> None:
    """Checks every page of `sheets` without decoding any.

    Raises:
        DamageError: if a size does not match; the message names the page and the numbers.
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
    """Checks that `data` has the header of a plain WebP image of `size` (width, height).

    Raises:
        DamageError: if it does not; the message starts with `where`.
    """
    declared = webp_size(data)
    if declared is None:
        raise DamageError(f"{where}: not a WebP image")
    if declared != size:
        raise DamageError(
            f"{where}: an image of {declared[0]} x {declared[1]} px, "
            f"its manifest says {size[0]} x {size[1]}"
        )


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Reads width and height from a WebP header (RFC 9649) without decoding.

    Returns:
        The size, or None for anything but a still image without extensions. Animation, alpha planes
        and metadata are never written, so their decoders must not be reachable.
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
    """Arranges at most `columns` squared images on one page; unused tiles are black."""
    count, side = images.shape[:2]
    rows = -(-count // columns)
    tiles = np.zeros((rows * columns, side, side, 3), np.uint8)
    tiles[:count] = images
    page = tiles.reshape(rows, columns, side, side, 3).swapaxes(1, 2)
    return np.ascontiguousarray(page.reshape(rows * side, columns * side, 3))


def _encode(page: NDArray[np.uint8], quality: int, lossless: bool) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    image = Image.fromarray(page)
    image.save(buffer, "WEBP", quality=quality, method=_WEBP_METHOD, lossless=lossless)
    return buffer.getvalue()


def _decode(page: bytes, where: str) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(page), formats=("WEBP",)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DamageError(f"{where}: its pixels cannot be decoded") from error

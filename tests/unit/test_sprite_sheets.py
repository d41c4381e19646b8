# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.sprite_sheets import (
    SpriteSheets,
    check_sheets,
    pack,
    page_size,
    unpack,
    webp_size,
)


def flat_icons(count: int, side: int) -> np.ndarray:
    """Icon i has a flat color, distinct for the first 27 icons."""
    levels = np.array([0, 128, 255], np.uint8)
    index = np.arange(count)
    colors = np.stack([levels[index % 3], levels[index // 3 % 3], levels[index // 9 % 3]], axis=1)
    return np.broadcast_to(colors[:, None, None], (count, side, side, 3)).copy()


@pytest.mark.parametrize(("count", "side"), [(1, 16), (2, 16), (5, 32), (27, 16), (26, 48)])
def test_unpack_returns_icons_in_order(count: int, side: int) -> None:
    icons = flat_icons(count, side)
    found = unpack(pack(icons, quality=95))
    assert found.shape == icons.shape
    inner = (slice(None), slice(4, -4), slice(4, -4))  # WebP halves the color's resolution
    difference = found[inner].astype(int) - icons[inner]
    assert np.abs(difference).max() <= 6


def test_pages_are_square_and_the_last_ends_at_its_last_row() -> None:
    sheets = pack(flat_icons(9, 1024))  # 2048 // 1024 = 2 columns, 4 a page
    assert (sheets.columns, sheets.count, len(sheets.pages)) == (2, 9, 3)
    assert [webp_size(page) for page in sheets.pages] == [(2048, 2048), (2048, 2048), (2048, 1024)]
    assert np.abs(unpack(sheets)[:, 512, 512].astype(int) - flat_icons(9, 1)[:, 0, 0]).max() <= 6


def test_a_few_icons_make_a_small_page() -> None:
    assert webp_size(pack(flat_icons(5, 64)).pages[0]) == (3 * 64, 2 * 64)


def test_page_narrower_than_its_columns_when_there_are_fewer_icons() -> None:
    assert page_size(count=3, columns=8, tile=10, page=0) == (30, 10)
    assert page_size(count=9, columns=8, tile=10, page=0) == (80, 20)


def test_no_icons_need_no_page() -> None:
    sheets = pack(np.empty((0, 32, 32, 3), np.uint8))
    assert sheets.pages == ()
    assert unpack(sheets).shape == (0, 32, 32, 3)


def test_equal_images_give_equal_bytes() -> None:
    icons = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), np.uint8)
    assert pack(icons).pages == pack(icons.copy()).pages


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 8, 8, 3), np.float32),
        np.zeros((8, 8, 3), np.uint8),
        np.zeros((2, 8, 9, 3), np.uint8),
        np.zeros((2, 8, 8, 4), np.uint8),
        np.zeros((1, 2049, 2049, 3), np.uint8),
    ],
)
def test_pack_reports_what_to_pass(images: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="pass"):
        pack(images)


def encode(picture: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", **options)
    return buffer.getvalue()


def test_webp_size_reads_what_pillow_wrote() -> None:
    picture = Image.new("RGB", (35, 70), "red")
    assert webp_size(encode(picture)) == (35, 70)
    assert webp_size(encode(picture, lossless=True)) == (35, 70)


def test_webp_size_rejects_all_but_plain_webp() -> None:
    plain = encode(Image.new("RGB", (16, 16), "red"))
    png = io.BytesIO()
    Image.new("RGB", (16, 16)).save(png, "PNG")
    extended = encode(Image.new("RGB", (16, 16)), exif=b"Exif\0\0MM\0*" + bytes(20))
    for data in (b"", plain[:29], plain[:-1], plain + b"\0", png.getvalue(), extended):
        assert webp_size(data) is None


def test_a_page_of_another_size_is_rejected_before_decoding() -> None:
    bomb = encode(Image.new("RGB", (4096, 4096)))
    sheets = SpriteSheets(pages=(bomb,), tile=32, columns=2, count=4)
    with pytest.raises(DamageError, match=r"page 0: .*4096 x 4096 px, its manifest says 64 x 64"):
        unpack(sheets)


@pytest.mark.parametrize("lossless", [False, True])
def test_truncated_pixels_are_damage(lossless: bool) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
    data = bytearray(encode(Image.fromarray(noise), lossless=lossless)[:60])
    struct.pack_into("<I", data, 4, len(data) - 8)
    assert webp_size(bytes(data)) == (32, 32)
    with pytest.raises(DamageError, match="page 0: its pixels cannot be decoded"):
        unpack(SpriteSheets(pages=(bytes(data),), tile=32, columns=1, count=1))


@pytest.mark.parametrize(
    ("tile", "columns", "count"),
    [(0, 1, 1), (32, 0, 1), (2049, 1, 1), (32, 65, 1), (32, 1, -1), (32, 1, 2), (1, 1, 10**12)],
)
def test_impossible_numbers_are_damage(tile: int, columns: int, count: int) -> None:
    page = pack(flat_icons(1, 32)).pages
    with pytest.raises(DamageError):
        check_sheets(SpriteSheets(pages=page, tile=tile, columns=columns, count=count))

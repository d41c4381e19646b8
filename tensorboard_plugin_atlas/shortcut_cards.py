# SPDX-License-Identifier: Apache-2.0
"""Shows shortcuts in a notebook: the patch, the result of its test, and its flip rates."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_PATCH_SIDE: Final = 96
"""Longest side of a patch on its card, in CSS pixels."""

_LONGEST_NAME: Final = 60
_BAR_STYLE: Final = "display: inline-block; height: 8px; width: {}px; background: {}"
_BAR_WIDTH: Final = 120


@dataclass(frozen=True, kw_only=True, eq=False)
class ShortcutCard:
    """What a card shows.

    Attributes:
        target: Name of the class.
        result: Result of the test, such as "significant beyond color".
        patch: (h, w, 3) uint8 RGB image.
        area: Fraction of the image that it covers.
        rates: Names and flip rates of the patch and its controls.
    """

    target: str
    result: str
    patch: NDArray[np.uint8]
    area: float
    rates: Sequence[tuple[str, float]]


def make_cards(cards: Iterable[ShortcutCard]) -> str:
    """Returns cards as HTML; names of classes are escaped."""
    shown = [_make_card(card) for card in cards]
    return "".join(shown) or "<p>No patch changes predictions.</p>"


def _make_card(card: ShortcutCard) -> str:
    height, width = card.patch.shape[:2]
    scale = _PATCH_SIDE / max(height, width)
    name = html.escape(card.target[:_LONGEST_NAME])
    rows = "".join(
        f"<tr><td>{label}</td><td>{_make_bar(rate, number == 0)}</td><td>{rate:.0%}</td></tr>"
        for number, (label, rate) in enumerate(card.rates)
    )
    return (
        '<div style="display: flex; gap: 16px; align-items: flex-start; margin: 12px 0">'
        f'<img alt="Patch of {height} x {width} pixels" src="{_encode_patch(card.patch)}" '
        f'width="{round(width * scale)}" height="{round(height * scale)}" '
        'style="image-rendering: pixelated">'
        f"<div><strong>{name}</strong>: {card.result}, {card.area:.1%} of the image"
        f"<table>{rows}</table></div></div>"
    )


def _make_bar(rate: float, is_patch: bool) -> str:
    color = "#c2410c" if is_patch else "#9ca3af"
    return f'<span style="{_BAR_STYLE.format(round(_BAR_WIDTH * rate), color)}"></span>'


def _encode_patch(patch: NDArray[np.uint8]) -> str:
    from PIL import Image  # reading a log needs numpy alone

    file = io.BytesIO()
    Image.fromarray(patch).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")

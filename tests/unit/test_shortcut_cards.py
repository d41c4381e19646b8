# SPDX-License-Identifier: Apache-2.0
"""Cards of shortcuts in notebooks, and what a significant patch shows."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas.shortcut_cards import ShortcutCard, make_cards
from tensorboard_plugin_atlas.shortcut_record import OBJECT_AREA, TestedPatch, describe_result

PATCH = np.random.default_rng(0).integers(0, 256, (3, 6, 3), np.uint8)


def make_tested(**changes: object) -> TestedPatch:
    values: dict[str, object] = {
        "box": (0, 0, 3, 6),
        "area": 0.01,
        "flip_rate": 0.8,
        "anywhere_flip_rate": 0.5,
        "noise_flip_rate": 0.1,
        "other_flip_rate": 0.0,
        "same_flip_rate": 0.0,
        "interval": (0.6, 0.8),
        "strength": 3.0,
        "support": 9,
        "significant": True,
    }
    return TestedPatch(**{**values, **changes})  # type: ignore[arg-type]


class Images(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("div", "img", "strong", "table", "tr", "td", "span")
        if tag == "img":
            self.found.append(dict(attrs))


class TestEvidence:
    def test_a_small_patch_that_beats_its_color(self) -> None:
        assert make_tested().evidence == "beyond color"

    def test_a_color_that_may_explain_half_of_the_effect(self) -> None:
        assert make_tested(interval=(0.4, 0.7)).evidence == "mostly color"
        assert make_tested(interval=(0.41, 0.7)).evidence == "beyond color"

    def test_a_large_patch(self) -> None:
        assert make_tested(area=OBJECT_AREA).evidence == "beyond color"
        assert make_tested(area=OBJECT_AREA + 0.001).evidence == "object-sized"

    def test_the_weaker_claim_is_made_if_both_apply(self) -> None:
        assert make_tested(area=0.2, interval=(0.0, 0.3)).evidence == "mostly color"

    def test_a_patch_that_is_not_significant_shows_nothing(self) -> None:
        found = make_tested(significant=False).evidence
        assert found is None
        assert describe_result(found) == "not significant"


def test_a_card_holds_the_pixels_of_the_patch() -> None:
    card = ShortcutCard(
        target="a" * 100,
        result="significant beyond color",
        patch=PATCH,
        area=0.0123,
        rates=(("Patch here", 0.9), ("Noise here", 0.05)),
    )
    text = make_cards([card])
    images = Images()
    images.feed(text)
    (image,) = images.found
    assert (image["width"], image["height"]) == ("96", "48")
    data = base64.b64decode(str(image["src"]).partition("base64,")[2])
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), PATCH)
    assert "a" * 60 in text
    assert "a" * 61 not in text
    assert re.findall(r"width: (\d+)px", text) == ["108", "6"]
    assert "1.2% of the image" in text


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "a & b", '"><img src=x>'])
def test_names_of_classes_are_escaped(name: str) -> None:
    card = ShortcutCard(target=name, result="", patch=PATCH, area=0.1, rates=())
    images = Images()
    images.feed(make_cards([card]))
    assert len(images.found) == 1


def test_a_record_shows_all_of_its_patches() -> None:
    record = make_shortcuts(200)
    images = Images()
    images.feed(record._repr_html_())
    assert len(images.found) == len(record.found) == 3
    assert "not significant" in record._repr_html_()
    assert "airplane" in record._repr_html_()

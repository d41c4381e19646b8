# SPDX-License-Identifier: Apache-2.0
"""Limits of the wire format: what readers accept and writers never exceed.

`schema.json` lists them all, and the front end gets them from there. A limit bounds memory before
anything is allocated, so it is raised only where the larger value is safe on both sides.
"""

from __future__ import annotations

from typing import Final

from tensorboard_plugin_atlas.sprite_sheets import MAX_PAGES, MAX_SIDE

MAX_MANIFEST_BYTES: Final = 4 << 20
MAX_MANIFEST_VALUES: Final = 200_000
"""Commas and opening brackets in a manifest; a parsed value takes up to 200 bytes in Python."""
MAX_SEQUENCE_BYTES: Final = 64 << 20
MAX_BLOBS: Final = 256
"""Blobs of a sequence behind the manifest. TensorBoard keeps a name for each blob of each step."""
MAX_ARRAY_HEADER_BYTES: Final = 1 << 16
MAX_ARRAYS: Final = 1_024
MAX_DIMENSIONS: Final = 2

MAX_SHEET_SIDE: Final = MAX_SIDE
MAX_SHEET_PAGES: Final = MAX_PAGES
MAX_IMAGE_SIDE: Final = 1 << 16

MAX_TEXT: Final = 1 << 20
MAX_SENTENCE: Final = 2_000
MAX_NAMES: Final = 1_000_000
"""Class names and notes; `MAX_MANIFEST_VALUES` is the tighter limit of all names together."""
MAX_CLASSES: Final = 1_000_000
"""Largest index of a class."""
MAX_ID: Final = 2**31 - 1
MAX_SEQUENCE_NUMBER: Final = 2**53
MIN_STEP: Final = -(2**63)
MAX_STEP: Final = 2**63 - 1

MAX_SAMPLES: Final = 1_000_000
MAX_CHANNELS: Final = 1_000_000
MAX_ACTIVATIONS: Final = 1 << 27
"""N x C: 512 MiB while the stored forms are expanded in float32."""
MAX_LABELS: Final = 1 << 24
"""N x L: 64 MiB when a table of the labels of images that have several is expanded."""
MAX_GRIDS: Final = 16
MAX_GRID_SIZE: Final = 320
MAX_SKIPPED: Final = 1_000
MAX_CONCEPTS: Final = 1_000
MAX_EVENTS: Final = 200

MAX_TILE_LEVEL: Final = 7
"""Finest level of the tiles of points, with 2^7 x 2^7 tiles."""
MAX_TILE_POINTS: Final = 2_650
"""Points of a tile: a tile has at most 32,000 bytes, and the four that cover a view 128,000."""

MAX_SHORTCUTS: Final = 40
MAX_SHORTCUT_TESTS: Final = 1_000
MAX_SHORTCUT_SAMPLES: Final = 64
MAX_SHORTCUT_EXAMPLES: Final = 12
MAX_STRENGTH: Final = 100.0

MAX_STEPS: Final = 1_000_000
"""Steps of a series in the responses of `index` and `history`."""
MAX_HISTORY_EVENTS: Final = 500
MAX_HISTORY_TEXT: Final = 400
"""Characters of the sentence of an event in the response of `history`."""
MAX_HISTORY_IDS: Final = 200
"""Concepts of an event on each side in the response of `history`."""
MAX_HISTORY_CONCEPTS: Final = 100
"""Concepts of one step in the response of `history`."""
MAX_HISTORY_NAMES: Final = 5_000
"""Named concepts, and named groups, in the response of `history`."""
MAX_HISTORY_NAME: Final = 80
"""Characters of the name of a concept or a group in the response of `history`."""


def all_limits() -> dict[str, int | float]:
    """Returns every limit by name."""
    return {
        name: value
        for name, value in globals().items()
        if name.startswith(("MAX_", "MIN_")) and name not in ("MAX_PAGES", "MAX_SIDE")
    }

# SPDX-License-Identifier: Apache-2.0
"""Directions and neighbours by cosine, for `compute`; they need numpy alone and live above it."""

from __future__ import annotations

from tensorboard_plugin_atlas.cosine import (
    distinct_directions,
    finite_rows,
    nearest,
    row_blocks,
    unit_rows,
)

__all__ = ["distinct_directions", "finite_rows", "nearest", "row_blocks", "unit_rows"]

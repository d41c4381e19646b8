# SPDX-License-Identifier: Apache-2.0
"""Names that the writer, the reader and the plugin must agree on. Knows nothing of HTTP or torch."""

from __future__ import annotations

from typing import Final

PLUGIN_NAME: Final = "atlas"
"""TensorBoard's name for us: the route prefix, the hash of the tab and the key of `--samples_per_plugin`."""

WIRE_VERSION: Final = 1
"""Version of manifests and blobs. Readers refuse a newer one and keep reading every older one."""

CHILD_RUN: Final = "atlas"
"""Atlases live in `<log_dir>/atlas`: a second event file beside the user's own would freeze their scalars."""

DEFAULT_KEPT_STEPS: Final = 200
"""Steps per layer that TensorBoard keeps unless the user asks otherwise (its own default would be 10)."""

PROBE_TAG: Final = "probe"
_LAYER_PREFIX: Final = "layer/"


def layer_tag(layer: str) -> str:
    """Returns the summary tag under which the atlases of `layer` are logged."""
    return _LAYER_PREFIX + layer


def layer_of_tag(tag: str) -> str | None:
    """Returns the layer that `tag` belongs to, or None for a tag that is not a layer's."""
    return tag[len(_LAYER_PREFIX) :] if tag.startswith(_LAYER_PREFIX) else None

# SPDX-License-Identifier: Apache-2.0
"""Names that the writer, the reader and the plugin agree on. Knows nothing of HTTP or torch."""

from __future__ import annotations

from typing import Final

PLUGIN_NAME: Final = "atlas"
"""TensorBoard's name for us: route prefix, hash of the tab, key of `--samples_per_plugin`."""

WIRE_VERSION: Final = 1
"""Version of manifests and blobs. Readers refuse a newer one and keep reading every older one."""

CHILD_RUN: Final = "atlas"
"""Atlases go to `<log_dir>/atlas`: an event file beside the user's own freezes their scalars."""

DEFAULT_KEPT_STEPS: Final = 200
"""Steps per layer that TensorBoard keeps unless told otherwise (its own default would be 10)."""

PROBE_TAG: Final = "probe"
_LAYER_PREFIX: Final = "layer/"


def layer_tag(layer: str) -> str:
    """Returns the summary tag under which the atlases of `layer` are logged."""
    return _LAYER_PREFIX + layer


def layer_of_tag(tag: str) -> str | None:
    """Returns the layer that `tag` belongs to, or None for a tag that is not a layer's."""
    return tag[len(_LAYER_PREFIX) :] if tag.startswith(_LAYER_PREFIX) else None

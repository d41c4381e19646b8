# SPDX-License-Identifier: Apache-2.0
"""Names that the writer, the reader and the plugin agree on. Knows nothing of HTTP or torch."""

from __future__ import annotations

import re
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

# TensorBoard's data server cannot read back a blob whose tag JSON would have to escape.
_UNREADABLE: Final = re.compile(r'["\\%\x00-\x1f]')
_ESCAPED: Final = re.compile("%([0-9a-f]{2})")


def layer_tag(layer: str) -> str:
    """Returns the summary tag under which the atlases of `layer` are logged."""
    return _LAYER_PREFIX + _UNREADABLE.sub(lambda found: f"%{ord(found[0]):02x}", layer)


def layer_of_tag(tag: str) -> str | None:
    """Returns the layer that `tag` belongs to, or None for a tag that is not a layer's."""
    if not tag.startswith(_LAYER_PREFIX):
        return None
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), tag[len(_LAYER_PREFIX) :])

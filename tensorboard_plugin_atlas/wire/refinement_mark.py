# SPDX-License-Identifier: Apache-2.0
"""The mark of a refined atlas, which states the logged record that it replaces.

A step is first logged without rendered icons if these take long, then in full.
`tensorboard-atlas refine` adds refined icons in a run of its own, since a second file that grows
beside the first would freeze it under TensorBoard's Python loader. A refined atlas names the record
that it replaces by the checksum of that manifest, which covers the probe's hash and the checksum of
every other blob: it can never hide an atlas of another training, or one that was logged again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

REFINES: Final = "refines"
"""Key of `Provenance.layer_info`: checksum of the manifest that a refined atlas replaces."""


def read_refined_mark(layer_info: Mapping[str, Any]) -> str | None:
    """Returns the checksum of the manifest that a refined atlas replaces, None for any other."""
    mark = layer_info.get(REFINES)
    return mark if isinstance(mark, str) else None

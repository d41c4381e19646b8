# SPDX-License-Identifier: Apache-2.0
"""Which record of a step counts: its draft, the atlas itself, or a finer one that was drawn later.

A step is logged as a draft when its icons will take long, then in full. `tensorboard-atlas refine`
adds finer icons in a run of its own, since a second file that grows beside the first would freeze
it under TensorBoard's Python loader. A refined atlas names the record that it stands for by the
checksum of that manifest, which holds the probe's hash and the checksum of every other blob: it can
never hide an atlas of another training, or one that was logged anew.
"""

from __future__ import annotations

from typing import Final

from tensorboard_plugin_atlas.atlas import Provenance

REFINES: Final = "refines"
"""Key of `Provenance.layer_info`: checksum of the manifest that a refined atlas stands for."""


def refined_mark(provenance: Provenance) -> str | None:
    """Returns the checksum of the manifest that a refined atlas stands for, None for any other."""
    mark = provenance.layer_info.get(REFINES)
    return mark if isinstance(mark, str) else None

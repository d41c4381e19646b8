# SPDX-License-Identifier: Apache-2.0
"""`AtlasWriter`, and the worker process that computes and logs the atlases.

`AtlasWriter` is imported at first use, since the worker process imports modules of this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.writer.atlas_writer import AtlasWriter

__all__ = ["AtlasWriter"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from tensorboard_plugin_atlas.writer import atlas_writer

    return getattr(atlas_writer, name)

# SPDX-License-Identifier: Apache-2.0
"""Activation atlases in TensorBoard: what an image network sees, and how that changes as it learns.

Importing this package loads nothing but the standard library; each public name is loaded at first
use, so that a viewer's machine needs no torch and TensorBoard starts no later.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorboard_plugin_atlas._version import __version__
    from tensorboard_plugin_atlas.atlas import Atlas
    from tensorboard_plugin_atlas.compute.icons.directions import RenderedIcons, render_icons
    from tensorboard_plugin_atlas.compute.meaning.patching import PatchTest, patch_test
    from tensorboard_plugin_atlas.compute.meaning.shortcut_history import (
        ShortcutHistory,
        since_step,
    )
    from tensorboard_plugin_atlas.compute.meaning.shortcuts import Shortcut, find_shortcuts
    from tensorboard_plugin_atlas.compute.pipeline import compute_atlas
    from tensorboard_plugin_atlas.config import AtlasConfig
    from tensorboard_plugin_atlas.errors import AtlasError
    from tensorboard_plugin_atlas.evolution.comparison import AtlasDiff, compare_atlases
    from tensorboard_plugin_atlas.evolution.labelling import CellLabels, cell_labels
    from tensorboard_plugin_atlas.evolution.lifelines import (
        Lifeline,
        LifelineTracer,
        rank_events,
        trace_lifelines,
    )
    from tensorboard_plugin_atlas.evolution.linking import LayerLinks, link_layers
    from tensorboard_plugin_atlas.logs.reading import read_atlases, read_shortcuts
    from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
    from tensorboard_plugin_atlas.writer import AtlasWriter

__all__ = [
    "Atlas",
    "AtlasConfig",
    "AtlasDiff",
    "AtlasError",
    "AtlasWriter",
    "CellLabels",
    "LayerLinks",
    "Lifeline",
    "LifelineTracer",
    "PatchTest",
    "RenderedIcons",
    "Shortcut",
    "ShortcutHistory",
    "ShortcutRecord",
    "__version__",
    "cell_labels",
    "compare_atlases",
    "compute_atlas",
    "find_shortcuts",
    "link_layers",
    "patch_test",
    "rank_events",
    "read_atlases",
    "read_shortcuts",
    "render_icons",
    "since_step",
    "trace_lifelines",
]

_HOMES = {
    "__version__": "_version",
    "Atlas": "atlas",
    "AtlasConfig": "config",
    "AtlasDiff": "evolution.comparison",
    "AtlasError": "errors",
    "AtlasWriter": "writer",
    "CellLabels": "evolution.labelling",
    "LayerLinks": "evolution.linking",
    "Lifeline": "evolution.lifelines",
    "LifelineTracer": "evolution.lifelines",
    "PatchTest": "compute.meaning.patching",
    "RenderedIcons": "compute.icons.directions",
    "Shortcut": "compute.meaning.shortcuts",
    "ShortcutHistory": "compute.meaning.shortcut_history",
    "ShortcutRecord": "shortcut_record",
    "cell_labels": "evolution.labelling",
    "compare_atlases": "evolution.comparison",
    "compute_atlas": "compute.pipeline",
    "find_shortcuts": "compute.meaning.shortcuts",
    "link_layers": "evolution.linking",
    "patch_test": "compute.meaning.patching",
    "rank_events": "evolution.lifelines",
    "read_atlases": "logs.reading",
    "read_shortcuts": "logs.reading",
    "render_icons": "compute.icons.directions",
    "since_step": "compute.meaning.shortcut_history",
    "trace_lifelines": "evolution.lifelines",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

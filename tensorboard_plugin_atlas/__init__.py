# SPDX-License-Identifier: Apache-2.0
"""Activation atlases in TensorBoard: what an image network sees, and how that changes as it learns.

Public names are imported at first use, so that viewing logs needs no torch and TensorBoard starts
without delay.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tensorboard_plugin_atlas._version import __version__
    from tensorboard_plugin_atlas.analysis.cell_labels import CellLabels, cell_labels
    from tensorboard_plugin_atlas.analysis.comparison import AtlasDiff, compare_atlases
    from tensorboard_plugin_atlas.analysis.concepts.concept_history import Concept
    from tensorboard_plugin_atlas.analysis.concepts.tracker import (
        ConceptTracker,
        rank_events,
        track_concepts,
    )
    from tensorboard_plugin_atlas.analysis.concepts.word_names import ConceptWords, name_concepts
    from tensorboard_plugin_atlas.analysis.layer_links import LayerLinks, link_layers
    from tensorboard_plugin_atlas.analysis.run_matrix import RunMatrix, compare_runs
    from tensorboard_plugin_atlas.atlas import Atlas, ProbeThumbnails
    from tensorboard_plugin_atlas.checkpoints.atlas_build import BuildResult, build_atlases
    from tensorboard_plugin_atlas.compute.icons.direction_icons import RenderedIcons, render_icons
    from tensorboard_plugin_atlas.compute.pipeline import compute_atlas
    from tensorboard_plugin_atlas.compute.probe.image_files import ImageFiles
    from tensorboard_plugin_atlas.compute.probe.streamed_probe import StreamedProbe
    from tensorboard_plugin_atlas.compute.shortcuts.patch_test import PatchTest, patch_test
    from tensorboard_plugin_atlas.compute.shortcuts.search import Shortcut, find_shortcuts
    from tensorboard_plugin_atlas.compute.shortcuts.shortcut_history import (
        ShortcutHistory,
        since_step,
    )
    from tensorboard_plugin_atlas.config import AtlasConfig
    from tensorboard_plugin_atlas.errors import AtlasError
    from tensorboard_plugin_atlas.export.html_export import ExportResult, export_html
    from tensorboard_plugin_atlas.export.notebook import NotebookView, show, show_comparison
    from tensorboard_plugin_atlas.logs.probe_reader import read_probe
    from tensorboard_plugin_atlas.logs.reader import read_atlases, read_shortcuts
    from tensorboard_plugin_atlas.plotting.atlas_map import plot_atlas, plot_evolution
    from tensorboard_plugin_atlas.plotting.concept_strip import plot_concept
    from tensorboard_plugin_atlas.plotting.contact_sheet import plot_contact_sheet
    from tensorboard_plugin_atlas.schedule import Schedule
    from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
    from tensorboard_plugin_atlas.writer.atlas_writer import AtlasWriter

__all__ = [
    "Atlas",
    "AtlasConfig",
    "AtlasDiff",
    "AtlasError",
    "AtlasWriter",
    "BuildResult",
    "CellLabels",
    "Concept",
    "ConceptTracker",
    "ConceptWords",
    "ExportResult",
    "ImageFiles",
    "LayerLinks",
    "NotebookView",
    "PatchTest",
    "ProbeThumbnails",
    "RenderedIcons",
    "RunMatrix",
    "Schedule",
    "Shortcut",
    "ShortcutHistory",
    "ShortcutRecord",
    "StreamedProbe",
    "__version__",
    "build_atlases",
    "cell_labels",
    "compare_atlases",
    "compare_runs",
    "compute_atlas",
    "export_html",
    "find_shortcuts",
    "link_layers",
    "name_concepts",
    "patch_test",
    "plot_atlas",
    "plot_concept",
    "plot_contact_sheet",
    "plot_evolution",
    "rank_events",
    "read_atlases",
    "read_probe",
    "read_shortcuts",
    "render_icons",
    "show",
    "show_comparison",
    "since_step",
    "track_concepts",
]

_MODULES = {
    "Atlas": "atlas",
    "AtlasConfig": "config",
    "AtlasDiff": "analysis.comparison",
    "AtlasError": "errors",
    "AtlasWriter": "writer.atlas_writer",
    "BuildResult": "checkpoints.atlas_build",
    "CellLabels": "analysis.cell_labels",
    "Concept": "analysis.concepts.concept_history",
    "ConceptTracker": "analysis.concepts.tracker",
    "ConceptWords": "analysis.concepts.word_names",
    "ExportResult": "export.html_export",
    "ImageFiles": "compute.probe.image_files",
    "LayerLinks": "analysis.layer_links",
    "NotebookView": "export.notebook",
    "PatchTest": "compute.shortcuts.patch_test",
    "ProbeThumbnails": "atlas",
    "RenderedIcons": "compute.icons.direction_icons",
    "RunMatrix": "analysis.run_matrix",
    "Schedule": "schedule",
    "Shortcut": "compute.shortcuts.search",
    "ShortcutHistory": "compute.shortcuts.shortcut_history",
    "ShortcutRecord": "shortcut_record",
    "StreamedProbe": "compute.probe.streamed_probe",
    "__version__": "_version",
    "build_atlases": "checkpoints.atlas_build",
    "cell_labels": "analysis.cell_labels",
    "compare_atlases": "analysis.comparison",
    "compare_runs": "analysis.run_matrix",
    "compute_atlas": "compute.pipeline",
    "export_html": "export.html_export",
    "find_shortcuts": "compute.shortcuts.search",
    "link_layers": "analysis.layer_links",
    "name_concepts": "analysis.concepts.word_names",
    "patch_test": "compute.shortcuts.patch_test",
    "plot_atlas": "plotting.atlas_map",
    "plot_concept": "plotting.concept_strip",
    "plot_contact_sheet": "plotting.contact_sheet",
    "plot_evolution": "plotting.atlas_map",
    "rank_events": "analysis.concepts.tracker",
    "read_atlases": "logs.reader",
    "read_probe": "logs.probe_reader",
    "read_shortcuts": "logs.reader",
    "render_icons": "compute.icons.direction_icons",
    "show": "export.notebook",
    "show_comparison": "export.notebook",
    "since_step": "compute.shortcuts.shortcut_history",
    "track_concepts": "analysis.concepts.tracker",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{module}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

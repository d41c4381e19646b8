# SPDX-License-Identifier: Apache-2.0
"""Colors of classes, the same as in the tab (`frontend/src/domain/map_colors.ts`)."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np

from tensorboard_plugin_atlas.analysis.cell_labels import cell_labels
from tensorboard_plugin_atlas.analysis.concepts.naming import format_class_name
from tensorboard_plugin_atlas.atlas import Atlas, Grid, IntArray
from tensorboard_plugin_atlas.errors import ArgumentError

ClassSource: TypeAlias = Literal["labels", "predictions"]
"""Which classes of the samples are shown."""

OKABE_ITO: Final = (
    *("#e69f00", "#56b4e9", "#009e73", "#f0e442"),
    *("#0072b2", "#d55e00", "#cc79a7", "#8c8c8c"),
)
"""For up to eight classes: the colors of Okabe and Ito (2008), with gray in place of black."""
MUTED: Final = (
    *("#cc6677", "#3d49b0", "#ddcc77", "#117733", "#88ccee"),
    *("#882255", "#44aa99", "#999933", "#aa4499", "#9a9a9a"),
)
"""For more classes: after Paul Tol's muted scheme (2021)."""
OTHER: Final = "#9a9a9a"
"""Shared by classes without a color of their own and by unknown classes."""


@dataclass(frozen=True)
class ClassColors:
    """Colors of classes.

    Attributes:
        named: Class index -> color, for classes with a color of their own, by ascending index.
    """

    named: Mapping[int, str]

    def color_of(self, index: int) -> str:
        """Returns the color of a class as #rrggbb; gray for a negative index."""
        return self.named.get(index, OTHER)


def assign_class_colors(atlases: Sequence[Atlas], source: ClassSource) -> ClassColors:
    """Assigns a color to each class, or to the most frequent classes if there are too many.

    Args:
        atlases: Atlases with the same classes; frequencies are those of all their samples.
        source: Which classes.

    Raises:
        ArgumentError: if an atlas has no such classes.
    """
    values = np.concatenate([read_classes(atlas, source).ravel() for atlas in atlases])
    counts = Counter(values[values >= 0].tolist())
    classes = atlases[0].classes
    total = len(counts) if classes is None else len(classes)
    palette = OKABE_ITO if total <= len(OKABE_ITO) else MUTED
    if classes is not None and total <= len(palette):
        chosen = list(range(total))
    else:
        own = total if total <= len(palette) else len(palette) - 1
        frequent = sorted(counts, key=lambda index: (-counts[index], index))
        chosen = sorted(frequent[:own])
    return ClassColors(dict(zip(chosen, palette, strict=False)))


def read_classes(atlas: Atlas, source: ClassSource, argument: str | None = None) -> IntArray:
    """Returns all labels of the samples, (N, L), padded with -1, or the predictions, (N, 1).

    Args:
        atlas: The atlas.
        source: Which classes.
        argument: The argument for messages; `class_colors='labels'` by default.

    Raises:
        ArgumentError: if the atlas has none.
    """
    predictions = None if atlas.predictions is None else atlas.predictions[:, None]
    known = {"labels": atlas.all_labels, "predictions": predictions}
    values = known.pop(source)
    if values is None:
        ((other, others),) = known.items()
        advice = "leave it out" if others is None else f"pass {other}, or leave it out"
        raise ArgumentError(
            f"{argument or f'class_colors={source!r}'}: the atlas of layer {atlas.layer!r} at step "
            f"{atlas.step:,} has no {source}; {advice}"
        )
    return values


def find_cell_classes(atlas: Atlas, grid: Grid, source: ClassSource) -> list[int]:
    """Returns the most common class of each of the M cells; -1 without a known class."""
    values = read_classes(atlas, source)
    labeled = atlas.replace(
        samples=dataclasses.replace(atlas.samples, labels=None, label_sets=values)
    )
    return [cell.mix[0][0] if cell.mix else -1 for cell in cell_labels(labeled, grid) or ()]


def describe_class_colors(
    shown: Sequence[int], colors: ClassColors, classes: Sequence[str] | None
) -> tuple[tuple[str, str], ...]:
    """Returns (label, color) of the classes in a figure, for its legend.

    Args:
        shown: Class of each cell; -1 for unknown.
        colors: The colors.
        classes: Class names, or None.
    """
    there = set(shown)
    entries = [
        (format_class_name(index, classes), color)
        for index, color in colors.named.items()
        if index in there
    ]
    if -1 in there:
        entries.append(("unknown", OTHER))
    others = len(there - colors.named.keys() - {-1})
    if others:
        entries.append((f"{others} other", OTHER))
    return tuple(entries)

# SPDX-License-Identifier: Apache-2.0
"""`plot_contact_sheet`: the icons of a class or a concept over real patches of its samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import check_atlas
from tensorboard_plugin_atlas.analysis.class_lookup import resolve_class
from tensorboard_plugin_atlas.analysis.concepts.naming import format_class_name
from tensorboard_plugin_atlas.analysis.directions import finite_rows
from tensorboard_plugin_atlas.analysis.patch_crop import crop_patch
from tensorboard_plugin_atlas.atlas import Atlas, Grid, ProbeThumbnails
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.plotting.axes_image import draw_tile
from tensorboard_plugin_atlas.plotting.captions import (
    describe_icons,
    describe_source,
    format_grid_size,
)
from tensorboard_plugin_atlas.plotting.cell_icons import select_grid
from tensorboard_plugin_atlas.plotting.concept_names import check_concepts, format_concept_name
from tensorboard_plugin_atlas.plotting.matplotlib_figures import (
    DEFAULT_WIDTH,
    AnyFigure,
    Canvas,
    add_panel,
    open_canvas,
)
from tensorboard_plugin_atlas.plotting.panel_layout import add_caption, fit_panels
from tensorboard_plugin_atlas.sprite_sheets import unpack

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CELLS: Final = 12
PATCHES: Final = 4
_COLUMNS: Final = 6
_GAP: Final = 0.16
"""Space between cells, in icons."""
_SEAM: Final = 0.04
"""Space between an icon and its patches, in icons."""
_COUNT: Final = 0.2
"""Height of the line of numbers, in icons."""


@dataclass(frozen=True, eq=False)
class SampleChoice:
    """Samples of a class or of a concept.

    Attributes:
        rows: (N,) bool: the samples.
        title: What they have in common, such as "label dog".
    """

    rows: NDArray[np.bool_]
    title: str


@dataclass(frozen=True, eq=False)
class Sheet:
    """Contents of a contact sheet.

    Attributes:
        atlas: The atlas.
        grid: The grid of the cells.
        choice: The samples of the class or concept.
        cells: Indices of the cells, most samples first.
    """

    atlas: Atlas
    grid: Grid
    choice: SampleChoice
    cells: tuple[int, ...]


def plot_contact_sheet(
    atlas: Atlas,
    probe: ProbeThumbnails,
    *,
    label: str | int | None = None,
    concept: int | None = None,
    figure: AnyFigure | None = None,
    grid: int | None = None,
    caption: bool = True,
    width: float = DEFAULT_WIDTH,
) -> AnyFigure:
    """Plots the icons of a class or of a concept, each over real patches of its samples.

    Shows the 12 cells with most samples of the class or concept, most first, each with up to 4
    patches, one per image: those whose activations are nearest to their mean. The numbers are those
    of its samples and of all samples of the cell.

    Args:
        atlas: The atlas.
        probe: Images of its probe: `read_probe(log_dir, atlas.run)`.
        label: Name or index of a class; samples with this label are shown.
        concept: Id of a concept, as in `Atlas.concepts`; pass either `label` or `concept`.
        figure: Empty figure or subfigure to plot into; its size is kept. None makes a new pyplot
            figure of a fitting height.
        grid: Size of the grid; None selects the middle one.
        caption: Whether to state below the sheet where it comes from.
        width: Width of a new figure in inches, from 1 to 100.

    Returns:
        The figure.

    Raises:
        ArgumentError: if there is no such class or concept, no cell has samples of it, or `probe`
            is that of another atlas.
        AtlasError: if Matplotlib is not installed.

    Examples:
        >>> probe = read_probe("runs", atlas.run)  # doctest: +SKIP
        >>> figure = plot_contact_sheet(atlas, probe, label="dog")  # doctest: +SKIP
    """
    check_atlas("atlas", atlas)
    if label is not None and concept is None:
        choice = select_label(atlas, label, "label")
    elif concept is not None and label is None:
        choice = select_concept(atlas, concept, "concept")
    else:
        raise ArgumentError(
            f"label={label!r:.80}, concept={concept!r:.80}: pass either a label or a concept"
        )
    sheet = make_sheet(atlas, probe, choice, select_grid(atlas, grid))
    canvas = open_canvas(figure, width)
    draw_sheet(canvas, sheet, probe, caption=caption)
    return canvas.figure


def make_sheet(atlas: Atlas, probe: ProbeThumbnails, choice: SampleChoice, grid: Grid) -> Sheet:
    """Selects the cells of a contact sheet.

    Raises:
        ArgumentError: if no cell has samples of the choice, or `probe` is that of another atlas.
    """
    if not isinstance(probe, ProbeThumbnails):
        raise ArgumentError(f"probe={probe!r:.80}: pass read_probe(log_dir, atlas.run)")
    if probe.digest != atlas.provenance.probe:
        raise ArgumentError(
            f"probe {probe.digest[:12]!r} is not that of the atlas, "
            f"{atlas.provenance.probe[:12]!r}; pass read_probe(log_dir, atlas.run)"
        )
    cells = grid.cell_of[choice.rows]
    counts = np.bincount(cells[cells >= 0], minlength=len(grid.rows))
    order = [int(cell) for cell in np.argsort(-counts, kind="stable")[:CELLS] if counts[cell]]
    if not order:
        raise ArgumentError(
            f"no cell of the {grid.size} x {grid.size} grid has samples with {choice.title}; pass "
            "another label or concept, or a coarser grid"
        )
    return Sheet(atlas, grid, choice, tuple(order))


def select_label(atlas: Atlas, label: str | int, argument: str) -> SampleChoice:
    """Selects the samples with a label.

    Args:
        atlas: The atlas.
        label: Name or index of the class.
        argument: Name of the argument, for messages.

    Raises:
        ArgumentError: if there is no such class, or the atlas has no labels.
    """
    labels = atlas.all_labels
    if labels is None:
        raise ArgumentError(
            f"{argument}={label!r:.80}: the atlas has no labels; pass a concept, or an atlas of a "
            "labeled probe"
        )
    count = len(atlas.classes) if atlas.classes else int(labels.max(initial=0)) + 1
    index = resolve_class(label, atlas.classes, count, argument)
    name = format_class_name(index, atlas.classes)
    return SampleChoice(np.asarray((labels == index).any(axis=1)), f"label {name}")


def select_concept(atlas: Atlas, concept: int, argument: str) -> SampleChoice:
    """Selects the samples of a concept.

    Args:
        atlas: The atlas.
        concept: Id of the concept.
        argument: Name of the argument, for messages.

    Raises:
        ArgumentError: if there is no such concept.
    """
    states = {state.id: state for state in check_concepts(atlas, f"{argument}={concept!r:.80}")}
    if concept not in states:
        largest = sorted(states, key=lambda one: (-states[one].size, one))[:5]
        raise ArgumentError(
            f"{argument}={concept!r:.80}: the atlas has no such concept; the largest are "
            f"{', '.join(map(str, largest)) or 'none'}"
        )
    rows = np.asarray(atlas.samples.concepts == concept)
    return SampleChoice(rows, f"concept {concept}, {format_concept_name(states[concept])}")


def choose_samples(sheet: Sheet, cell: int) -> list[int]:
    """Returns the samples of a cell whose patches are shown, nearest to their mean first.

    Those without activations are last.
    """
    members = sheet.grid.members(cell)
    members = members[sheet.choice.rows[members]]
    values = sheet.atlas.activations[members].astype(np.float32)
    known = finite_rows(values)
    distances = np.full(len(members), np.inf)
    if known.any():
        distances[known] = np.linalg.norm(values[known] - values[known].mean(axis=0), axis=1)
    found: dict[int, int] = {}
    for sample in members[np.argsort(distances, kind="stable")].tolist():
        found.setdefault(int(sheet.atlas.image_ids[sample]), sample)
    return list(found.values())[:PATCHES]


def draw_sheet(canvas: Canvas, sheet: Sheet, probe: ProbeThumbnails, *, caption: bool) -> None:
    """Draws a contact sheet in an empty figure."""
    ax = add_panel(canvas, "sheet")
    thumbnails = unpack(probe.sheets)
    thumbnails = thumbnails[:, : probe.thumb_size[0], : probe.thumb_size[1]]
    numbers = {image: number for number, image in enumerate(probe.image_ids.tolist())}
    patch_side = (1 - _SEAM) / 2
    height = 1 + PATCHES // 2 * (patch_side + _SEAM) + _COUNT
    for place, cell in enumerate(sheet.cells):
        row, column = divmod(place, _COLUMNS)
        left, top = column * (1 + _GAP), row * (height + _GAP)
        _draw_icon(ax, sheet, cell, left, top)
        top += 1 + _SEAM
        for number, sample in enumerate(choose_samples(sheet, cell)):
            thumbnail = numbers.get(int(sheet.atlas.image_ids[sample]))
            if thumbnail is None:
                continue
            patch = crop_patch(thumbnails[thumbnail], sheet.atlas.boxes[sample], probe.input_size)
            y, x = (one * (patch_side + _SEAM) for one in divmod(number, 2))
            draw_tile(ax, patch, left + x, top + y, patch_side)
        _draw_count(ax, sheet, cell, left + 0.5, top - 1 - _SEAM + height - _COUNT / 2)
    rows = -(-len(sheet.cells) // _COLUMNS)
    ax.set(xlim=(0.0, _COLUMNS * (1 + _GAP) - _GAP), ylim=(rows * (height + _GAP) - _GAP, 0.0))
    ax.set_axis_off()
    text = add_caption(ax, _describe(sheet)) if caption else None
    fit_panels(canvas, [ax], 1, caption=text)


def _draw_icon(ax: Axes, sheet: Sheet, cell: int, left: float, top: float) -> None:
    if sheet.grid.icons is not None:
        draw_tile(ax, sheet.grid.icons[cell], left, top, 1.0)


def _draw_count(ax: Axes, sheet: Sheet, cell: int, x: float, y: float) -> None:
    own = int(sheet.choice.rows[sheet.grid.members(cell)].sum())
    ax.text(
        x,
        y,
        f"{own:,} of {int(sheet.grid.counts[cell]):,}",
        fontsize="xx-small",
        horizontalalignment="center",
        verticalalignment="center",
    )


def _describe(sheet: Sheet) -> str:
    shown = int(sheet.choice.rows[np.isin(sheet.grid.cell_of, sheet.cells)].sum())
    size = format_grid_size(sheet.grid)
    return (
        f"Icons over patches of samples with {sheet.choice.title}. "
        f"{describe_source(sheet.atlas.layer, [sheet.atlas.step], [sheet.atlas.run])} "
        f"The {len(sheet.cells)} cells of a {size} grid with most of these samples, "
        f"{shown:,} of {int(sheet.choice.rows.sum()):,}. "
        "Numbers: these samples of all samples in the cell. "
        f"{describe_icons([sheet.grid], sheet.cells)}"
    )

# SPDX-License-Identifier: Apache-2.0
"""`plot_atlas` and `plot_evolution`: maps of icons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tensorboard_plugin_atlas.analysis.atlas_checks import check_atlas, iterate_atlases
from tensorboard_plugin_atlas.analysis.printable_text import make_printable
from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.plotting.captions import (
    describe_axes,
    describe_grid,
    describe_icons,
    describe_source,
    format_grid_size,
)
from tensorboard_plugin_atlas.plotting.cell_icons import (
    MAX_SIDE,
    compose_icons,
    find_extent,
    make_frames,
    select_grid,
)
from tensorboard_plugin_atlas.plotting.class_colors import (
    ClassSource,
    assign_class_colors,
    describe_class_colors,
    find_cell_classes,
    read_classes,
)
from tensorboard_plugin_atlas.plotting.concept_names import add_concept_names, check_concepts
from tensorboard_plugin_atlas.plotting.matplotlib_figures import (
    DEFAULT_WIDTH,
    NOT_PARSED,
    AnyFigure,
    Canvas,
    add_color_legend,
    add_panel,
    check_axes,
    open_canvas,
)
from tensorboard_plugin_atlas.plotting.panel_layout import add_caption, fit_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend
    from matplotlib.text import Annotation

MOST_PANELS: Final = 30
"""Largest number of atlases in `plot_evolution`."""
_MAX_RUN_NAME: Final = 24
_LEGEND_TITLES: Final = {
    "labels": "Most common label",
    "predictions": "Most common prediction",
}


@dataclass(frozen=True, kw_only=True)
class MapStyle:
    """What a map shows in addition to its icons.

    Attributes:
        grid: Size of the grid, or None for the middle one.
        class_colors: What the color of a cell's frame means, or None for no frames.
        concepts: Whether to write the names of concepts.
        caption: Whether to write a caption.
    """

    grid: int | None = None
    class_colors: ClassSource | None = None
    concepts: bool = False
    caption: bool = True

    def __post_init__(self) -> None:
        if self.class_colors is not None and self.class_colors not in _LEGEND_TITLES:
            raise ArgumentError(
                f"class_colors={self.class_colors!r:.80}: pass 'labels', 'predictions', or None"
            )


def plot_atlas(
    atlas: Atlas,
    *,
    ax: Axes | None = None,
    grid: int | None = None,
    class_colors: ClassSource | None = None,
    concepts: bool = False,
    caption: bool = True,
    width: float = DEFAULT_WIDTH,
) -> Axes:
    """Plots the map of an atlas: the icon of each cell at its place.

    The data coordinates are map coordinates, as in `Atlas.xy`: x from 0 to 1 to the right, y from 0
    to 1 downward. So you can add marks of your own. The limits are those of the cells.

    Args:
        atlas: The atlas.
        ax: Axes to plot into. The legend is placed to the right of it and the caption below it;
            names and caption are placed for its current size. None makes a new pyplot figure of a
            fitting height.
        grid: Size of the grid, one of the sizes in `atlas.grids`; None selects the middle one.
        class_colors: Frames each cell in the color of the most common class of its samples, with a
            legend: "labels" or "predictions". None draws no frames.
        concepts: Whether to write the names of the concepts on their cells, largest first. Names
            that would overlap are left out.
        caption: Whether to state below the map where it comes from.
        width: Width of a new figure in inches, including the legend, from 1 to 100.

    Returns:
        The Axes; its `figure` can be saved.

    Raises:
        ArgumentError: if the atlas has no such grid, labels, predictions, or concepts.
        AtlasError: if Matplotlib is not installed.

    Examples:
        >>> atlas = list(read_atlases("runs", layer="layer4"))[-1]  # doctest: +SKIP
        >>> ax = plot_atlas(atlas, class_colors="labels")  # doctest: +SKIP
        >>> ax.figure.savefig("layer4.pdf", dpi=300)  # doctest: +SKIP
    """
    check_atlas("atlas", atlas)
    style = MapStyle(grid=grid, class_colors=class_colors, concepts=concepts, caption=caption)
    check_maps([atlas], style)
    if ax is None:
        (panel,) = draw_maps(open_canvas(None, width), [atlas], style)
        return panel
    check_axes(ax)
    _draw_panels([ax], [atlas], style, columns=1)
    _add_names([ax], [atlas], style)
    return ax


def plot_evolution(
    atlases: Iterable[Atlas],
    *,
    figure: AnyFigure | None = None,
    columns: int | None = None,
    grid: int | None = None,
    class_colors: ClassSource | None = None,
    concepts: bool = False,
    caption: bool = True,
    width: float = DEFAULT_WIDTH,
) -> AnyFigure:
    """Plots the maps of several atlases of a layer next to each other, with their steps as titles.

    All panels show the same part of the plane. The layouts of one run are aligned, and those of
    runs that were written with `align_to`, so a cell has the same place in all panels.

    Args:
        atlases: At most 30 atlases of one layer, in the order of the panels.
        figure: Empty figure or subfigure to plot into; its size is kept. None makes a new pyplot
            figure of a fitting height.
        columns: Panels in a row; at most 4 by default.
        grid: As for `plot_atlas`, in all panels.
        class_colors: As for `plot_atlas`; the colors are the same in all panels.
        concepts: As for `plot_atlas`.
        caption: As for `plot_atlas`.
        width: As for `plot_atlas`.

    Returns:
        The figure. Its `axes` are the panels.

    Raises:
        ArgumentError: as for `plot_atlas`, or if there are no atlases, too many, or several layers.
        AtlasError: if Matplotlib is not installed.

    Examples:
        >>> atlases = list(read_atlases("runs", layer="layer4"))  # doctest: +SKIP
        >>> figure = plot_evolution(atlases[::5], grid=10)  # doctest: +SKIP
    """
    chosen = _collect_panels(atlases)
    style = MapStyle(grid=grid, class_colors=class_colors, concepts=concepts, caption=caption)
    check_maps(chosen, style)
    if columns is None:
        columns = min(len(chosen), 4)
    if isinstance(columns, bool) or not isinstance(columns, int) or columns < 1:
        raise ArgumentError(f"columns={columns!r:.80}: pass an integer above 0")
    canvas = open_canvas(figure, width)
    columns = min(columns, len(chosen))
    draw_maps(canvas, chosen, style, columns=columns, titles=_make_titles(chosen))
    return canvas.figure


def _collect_panels(atlases: Iterable[Atlas]) -> list[Atlas]:
    chosen: list[Atlas] = []
    for atlas in iterate_atlases("atlases", atlases):
        if len(chosen) == MOST_PANELS:
            raise ArgumentError(
                f"atlases has more than {MOST_PANELS} atlases; pass fewer, such as every tenth: "
                "list(read_atlases(log_dir, layer=...))[::10]"
            )
        chosen.append(atlas)
    if not chosen:
        raise ArgumentError("atlases is empty; pass at least one Atlas")
    layers = list(dict.fromkeys(atlas.layer for atlas in chosen))
    if len(layers) > 1:
        raise ArgumentError(
            f"atlases has the layers {layers[0]!r:.80} and {layers[1]!r:.80}, whose maps are not "
            "aligned; pass atlases of one layer, such as read_atlases(log_dir, layer=...)"
        )
    return chosen


def _make_titles(atlases: Sequence[Atlas]) -> list[str]:
    steps = [f"Step {atlas.step:,}" for atlas in atlases]
    if len({atlas.run for atlas in atlases}) == 1:
        return steps
    runs = (make_printable(atlas.run, _MAX_RUN_NAME) for atlas in atlases)
    return [f"{run}, {step[0].lower()}{step[1:]}" for run, step in zip(runs, steps, strict=True)]


def check_maps(atlases: Sequence[Atlas], style: MapStyle) -> None:
    """Checks that atlases have what a style shows.

    Raises:
        ArgumentError: if one of them does not.
    """
    if style.class_colors is not None and len({atlas.classes for atlas in atlases}) > 1:
        raise ArgumentError(
            f"class_colors={style.class_colors!r}: the atlases have different classes; pass "
            "atlases with the same classes, or class_colors=None"
        )
    for atlas in atlases:
        select_grid(atlas, style.grid)
        if style.class_colors is not None:
            read_classes(atlas, style.class_colors)
        if style.concepts:
            check_concepts(atlas, "concepts=True")


def draw_maps(
    canvas: Canvas,
    atlases: Sequence[Atlas],
    style: MapStyle,
    *,
    columns: int = 1,
    titles: Sequence[str] = (),
) -> list[Axes]:
    """Draws maps in an empty figure, `columns` in a row; returns their panels."""
    panels = [add_panel(canvas, f"map {number}") for number in range(len(atlases))]
    for panel, title in zip(panels, titles, strict=False):
        panel.set_title(title, loc="center", fontsize="small", pad=3.0, **NOT_PARSED)
    legend, caption = _draw_panels(panels, atlases, style, columns)
    fit_panels(canvas, panels, columns, legend=legend, caption=caption)
    if len(panels) > 1:  # lines that show the common extent
        for panel in panels:
            panel.spines[:].set(visible=True, color="0.85", linewidth=0.5)
    _add_names(panels, atlases, style)
    return panels


def _draw_panels(
    panels: Sequence[Axes], atlases: Sequence[Atlas], style: MapStyle, columns: int
) -> tuple[Legend | None, Annotation | None]:
    """Draws all but the names, which need the final size of the panels."""
    grids = [select_grid(atlas, style.grid) for atlas in atlases]
    legend = caption = None
    for panel, grid in zip(panels, grids, strict=True):
        _draw_icons(panel, grid, find_extent(grids), MAX_SIDE // columns)
    if style.class_colors is not None:
        colors = assign_class_colors(atlases, style.class_colors)
        shown: list[int] = []
        for panel, atlas, grid in zip(panels, atlases, grids, strict=True):
            classes = find_cell_classes(atlas, grid, style.class_colors)
            panel.add_collection(make_frames(grid, [colors.color_of(index) for index in classes]))
            shown += classes
        entries = describe_class_colors(shown, colors, atlases[0].classes)
        title = _LEGEND_TITLES[style.class_colors]
        legend = add_color_legend(panels[columns - 1], title, entries)
    if style.caption:
        first_of_last_row = panels[(len(panels) - 1) // columns * columns]
        caption = add_caption(first_of_last_row, _describe(atlases, grids, style))
    return legend, caption


def _draw_icons(ax: Axes, grid: Grid, extent: tuple[float, float, float, float], most: int) -> None:
    x0, y0, x1, y1 = extent
    ax.imshow(
        compose_icons(grid, most),
        extent=(0.0, 1.0, 1.0, 0.0),
        aspect="equal",
        origin="upper",
        interpolation="auto",
    )
    ax.set(xlim=(x0, x1), ylim=(y1, y0), xticks=[], yticks=[])
    ax.spines[:].set_visible(False)


def _add_names(panels: Sequence[Axes], atlases: Sequence[Atlas], style: MapStyle) -> None:
    if style.concepts:
        for panel, atlas in zip(panels, atlases, strict=True):
            add_concept_names(panel, atlas, select_grid(atlas, style.grid))


def _describe(atlases: Sequence[Atlas], grids: Sequence[Grid], style: MapStyle) -> str:
    steps, runs = ([getattr(atlas, name) for atlas in atlases] for name in ("step", "run"))
    parts = [describe_source(atlases[0].layer, steps, runs)]
    if len(atlases) == 1:
        parts.append(describe_grid(atlases[0], grids[0]))
    else:
        sizes = " or ".join(dict.fromkeys(format_grid_size(grid) for grid in grids))
        parts.append(f"{len(atlases[0].samples):,} samples in a {sizes} grid.")
        parts.append(describe_icons(grids))
    if style.concepts:
        parts.append("Names: concepts, largest first; names that would overlap are left out.")
    parts.append(describe_axes(atlases[0]))
    return " ".join(parts)

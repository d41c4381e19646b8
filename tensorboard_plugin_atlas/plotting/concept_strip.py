# SPDX-License-Identifier: Apache-2.0
"""`plot_concept`: the icons of a concept and its size over the steps of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import iterate_atlases
from tensorboard_plugin_atlas.atlas import Atlas, ConceptState
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.plotting.axes_image import draw_tile
from tensorboard_plugin_atlas.plotting.captions import describe_source
from tensorboard_plugin_atlas.plotting.cell_icons import select_grid
from tensorboard_plugin_atlas.plotting.concept_names import (
    check_concepts,
    format_concept_name,
    rank_cells,
)
from tensorboard_plugin_atlas.plotting.matplotlib_figures import (
    DEFAULT_WIDTH,
    AnyFigure,
    add_panel,
    open_canvas,
)
from tensorboard_plugin_atlas.plotting.panel_layout import add_caption, stack_panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_STEPS: Final = 8
"""Largest number of steps whose icons are shown."""
ICONS: Final = 3
"""Icons that are shown of each step."""
_GAP: Final = 0.06
"""Space between icons, in icons."""
_TITLE: Final = 0.3
"""Height of the row of steps, in icons."""
_PLOT_HEIGHT: Final = 1.2
"""Height of the plot of sizes in inches."""


@dataclass(frozen=True, eq=False)
class _Frame:
    """A concept at one step: its state, None where it does not exist, and up to three icons.

    It does not refer to the atlas, so that all steps of a run fit in memory.
    """

    run: str
    layer: str
    step: int
    state: ConceptState | None
    icons: tuple[NDArray[np.uint8], ...]


def plot_concept(
    atlases: Iterable[Atlas],
    concept_id: int,
    *,
    figure: AnyFigure | None = None,
    grid: int | None = None,
    caption: bool = True,
    width: float = DEFAULT_WIDTH,
) -> AnyFigure:
    """Plots one concept over the steps of a run: its icons, and below them its size.

    At most 8 steps are shown with icons, evenly spread over those at which the concept exists. The
    icons are those of the three cells that hold most of its samples, most first. The size is
    plotted for all steps.

    Args:
        atlases: Atlases of one layer of one run with concepts and rising steps; they are read one
            at a time.
        concept_id: Id of the concept, as in `Atlas.concepts`.
        figure: Empty figure or subfigure to plot into; its size is kept. None makes a new pyplot
            figure of a fitting height.
        grid: Size of the grid whose icons are shown; None selects the middle one.
        caption: Whether to state below the plot where it comes from.
        width: Width of a new figure in inches, from 1 to 100.

    Returns:
        The figure. Its first Axes holds the icons, and its second one the sizes.

    Raises:
        ArgumentError: if there is no such concept, or an atlas has no concepts or no such grid.
        AtlasError: if Matplotlib is not installed.

    Examples:
        >>> figure = plot_concept(read_atlases("runs", layer="layer4"), 1003)  # doctest: +SKIP
    """
    frames = _collect_frames(atlases, concept_id, grid)
    canvas = open_canvas(figure, width)
    living = [frame for frame in frames if frame.state is not None]
    places = np.linspace(0, len(living) - 1, min(MOST_STEPS, len(living)))
    shown = [living[place] for place in np.round(places).astype(int).tolist()]
    strip = add_panel(canvas, "icons")
    _draw_strip(strip, shown)
    sizes = add_panel(canvas, "sizes")
    _draw_sizes(sizes, frames, shown)
    text = add_caption(sizes, _describe(living, shown)) if caption else None
    stack_panels(canvas, strip, sizes, _PLOT_HEIGHT, caption=text)
    return canvas.figure


def _collect_frames(atlases: Iterable[Atlas], concept_id: int, size: int | None) -> list[_Frame]:
    frames: list[_Frame] = []
    known: dict[int, None] = {}
    for atlas in iterate_atlases("atlases", atlases):
        states = {state.id: state for state in check_concepts(atlas, "atlases")}
        known |= dict.fromkeys(states)
        _check_order(frames, atlas)
        grid = select_grid(atlas, size)
        icons: tuple[NDArray[np.uint8], ...] = ()
        if concept_id in states and grid.icons is not None:
            cells = rank_cells(atlas, grid, concept_id)[:ICONS]
            icons = tuple(grid.icons[cell].copy() for cell, _ in cells)
        state = states.get(concept_id)
        frames.append(_Frame(atlas.run, atlas.layer, atlas.step, state, icons))
    if not frames:
        raise ArgumentError("atlases is empty; pass atlases with concepts")
    if concept_id not in known:
        first = ", ".join(map(str, list(known)[:5])) or "none"
        raise ArgumentError(
            f"concept_id={concept_id!r:.80}: no atlas has this concept; pass the id of a "
            f"ConceptState, such as one of {first}"
        )
    return frames


def _check_order(frames: list[_Frame], atlas: Atlas) -> None:
    if not frames:
        return
    before = frames[-1]
    if (before.run, before.layer) != (atlas.run, atlas.layer) or before.step >= atlas.step:
        raise ArgumentError(
            f"atlases: layer {before.layer!r:.80} at step {before.step:,} of run "
            f"{before.run!r:.80} is followed by layer {atlas.layer!r:.80} at step {atlas.step:,} "
            f"of run {atlas.run!r:.80}; pass the atlases of one layer of one run with rising "
            "steps, such as read_atlases(log_dir, run=..., layer=...)"
        )


def _draw_strip(ax: Axes, shown: list[_Frame]) -> None:
    """Draws a column of icons for each step."""
    columns = max(len(shown), MOST_STEPS // 2)
    for column, frame in enumerate(shown):
        left = column * (1 + _GAP)
        ax.text(
            left + 0.5,
            _TITLE / 2,
            f"Step {frame.step:,}",
            fontsize="x-small",
            horizontalalignment="center",
            verticalalignment="center",
        )
        for row, icon in enumerate(frame.icons):
            draw_tile(ax, icon, left, _TITLE + row * (1 + _GAP), 1.0)
    rows = max((len(frame.icons) for frame in shown), default=0)
    ax.set(xlim=(0.0, columns * (1 + _GAP) - _GAP), ylim=(_TITLE + rows * (1 + _GAP), 0.0))
    ax.set_axis_off()


def _draw_sizes(ax: Axes, frames: list[_Frame], shown: list[_Frame]) -> None:
    steps = [frame.step for frame in frames]
    sizes = [0 if frame.state is None else frame.state.size for frame in frames]
    ax.plot(steps, sizes, color="0.25", linewidth=1.0)
    marked = [(one.step, one.state.size) for one in shown if one.state is not None]
    ax.plot(*zip(*marked, strict=True), "o", color="0.25", markersize=3.0)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("Step", fontsize="x-small")
    ax.set_ylabel("Samples", fontsize="x-small")
    ax.tick_params(labelsize="x-small", color="0.6")
    ax.spines[["top", "right"]].set_visible(False)


def _describe(living: list[_Frame], shown: list[_Frame]) -> str:
    state = living[-1].state
    name = "" if state is None else f"Concept {state.id}, {format_concept_name(state)}. "
    steps, runs = ([getattr(frame, name) for frame in living] for name in ("step", "run"))
    source = describe_source(living[0].layer, steps, runs)
    icons = f"Icons of the {ICONS} cells with most of its samples, at {len(shown)} steps."
    return f"{name}{source} {icons if any(frame.icons for frame in shown) else 'No icons.'}"

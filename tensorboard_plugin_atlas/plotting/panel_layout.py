# SPDX-License-Identifier: Apache-2.0
"""Layout of a figure: panels of equal size in rows, a legend to the right, a caption below."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from tensorboard_plugin_atlas.plotting.matplotlib_figures import (
    CAPTION_COLOR,
    CAPTION_SIZE,
    LEGEND_GAP,
    NOT_PARSED,
    Canvas,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend
    from matplotlib.text import Annotation, Text

_MARGIN: Final = 0.05
_GAP: Final = 0.1
"""Inches around and between panels."""
_CAPTION_OFFSET: Final = 5.0
"""Points between a panel and the caption."""
_MIN_CHARACTERS: Final = 10
"""Length to which lines of a caption are broken at most."""
_LABEL_WIDTH: Final = 0.45
_LABEL_HEIGHT: Final = 0.4
"""Inches for the labels of a plot, to its left and below it."""
_MIN_SIDE: Final = 0.2
"""Smallest width of a panel in inches, if labels take all the space."""


def add_caption(ax: Axes, text: str) -> Annotation:
    """Adds a caption below an Axes, as wide as the Axes."""
    caption = ax.annotate(
        text,
        xy=(0.0, 0.0),
        xycoords="axes fraction",
        xytext=(0.0, -_CAPTION_OFFSET),
        textcoords="offset points",
        horizontalalignment="left",
        verticalalignment="top",
        annotation_clip=False,
        color=CAPTION_COLOR,
        fontsize=CAPTION_SIZE,
        **NOT_PARSED,
    )
    wrap_text(caption, ax.get_window_extent().width)
    return caption


def wrap_text(text: Text, width: float) -> None:
    """Breaks a text into lines of at most `width` pixels, and at least 10 characters."""
    words = " ".join(text.get_text().split())
    characters = len(words)
    while True:
        text.set_text("\n".join(textwrap.wrap(words, characters)) if words else "")
        measured = text.get_window_extent().width
        if measured <= width or characters <= _MIN_CHARACTERS:
            return
        characters = max(_MIN_CHARACTERS, int(characters * width / measured))


def fit_panels(
    canvas: Canvas,
    panels: Sequence[Axes],
    columns: int,
    *,
    legend: Legend | None = None,
    caption: Annotation | None = None,
) -> None:
    """Sets the size and position of panels, so that nothing overlaps and no space is left over.

    Args:
        canvas: The figure. If it is not new, its size is kept, and the panels are made to fit.
        panels: The panels, row by row. All have the same limits, and an equal scale on both axes.
        columns: Panels in a row.
        legend: Legend of the last panel of the first row, placed to the right of it.
        caption: Caption of the first panel of the last row.
    """
    dpi = canvas.figure.dpi
    width, height = canvas.size
    rows = math.ceil(len(panels) / columns)
    aspect = measure_aspect(panels[0])
    legend_width, legend_height = _measure_legend(legend)
    free = width - 2 * _MARGIN - legend_width - (columns - 1) * _GAP
    side = max(free / columns, _MIN_SIDE)
    above = max(_measure_title(panel) for panel in panels) / dpi
    panels_height = rows * (above + side * aspect) + (rows - 1) * _GAP
    is_beside = legend_height + above <= panels_height  # so that the caption can be below both
    below = _fit_caption(caption, width - 2 * _MARGIN - (0.0 if is_beside else legend_width))
    if canvas.is_new:
        height = 2 * _MARGIN + max(panels_height + below, legend_height + above)
        canvas.set_height(height)
    else:
        fixed = 2 * _MARGIN + below + rows * above + (rows - 1) * _GAP
        side = max(min(side, (height - fixed) / (rows * aspect)), _MIN_SIDE)
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        left = _MARGIN + column * (side + _GAP)
        top = height - _MARGIN - row * (above + side * aspect + _GAP) - above
        lower = top - side * aspect
        panel.set_position((left / width, lower / height, side / width, side * aspect / height))


def _measure_legend(legend: Legend | None) -> tuple[float, float]:
    """Returns the width of a legend with its gap, and its height, in inches; 0 without one."""
    if legend is None:
        return 0.0, 0.0
    extent = legend.get_window_extent()
    dpi = cast("Figure", legend.get_figure(root=True)).dpi
    return extent.width / dpi + LEGEND_GAP, extent.height / dpi


def _fit_caption(caption: Annotation | None, width: float) -> float:
    """Breaks the lines of a caption; returns its height with its gap, in inches."""
    if caption is None:
        return 0.0
    dpi = cast("Figure", caption.get_figure(root=True)).dpi
    wrap_text(caption, width * dpi)
    return float(caption.get_window_extent().height) / dpi + _CAPTION_OFFSET / 72


def measure_aspect(panel: Axes) -> float:
    """Returns the height of a panel divided by its width, with an equal scale on both axes."""
    (left, right), (bottom, top) = panel.get_xlim(), panel.get_ylim()
    return abs(top - bottom) / abs(right - left)


def _measure_title(panel: Axes) -> float:
    """Returns the height of the title of a panel with its padding, in pixels; 0 without one."""
    if not panel.get_title():
        return 0.0
    return float(panel.title.get_window_extent().height) * 1.6


def stack_panels(
    canvas: Canvas,
    upper: Axes,
    lower: Axes,
    lower_height: float,
    *,
    caption: Annotation | None,
) -> None:
    """Sets the size and position of a panel and of a plot below it.

    Args:
        canvas: As for `fit_panels`.
        upper: Panel without labels, with an equal scale on both axes.
        lower: Plot with labels to its left and below it.
        lower_height: Height of the plot in inches.
        caption: Caption of the plot, or None.
    """
    width, height = canvas.size
    left, labels = _LABEL_WIDTH, _LABEL_HEIGHT
    panel_width = width - left - 2 * _MARGIN
    below = _fit_caption(caption, panel_width)
    if caption is not None:
        caption.set_position((0.0, -labels * 72))
    fixed = 2 * _MARGIN + below + labels + _GAP + lower_height
    if canvas.is_new:
        height = fixed + panel_width * measure_aspect(upper)
        canvas.set_height(height)
    upper_height = max(height - fixed, _MIN_SIDE)
    bottom = _MARGIN + below + labels
    x, w = (left + _MARGIN) / width, panel_width / width
    lower.set_position((x, bottom / height, w, lower_height / height))
    upper.set_position((x, (bottom + lower_height + _GAP) / height, w, upper_height / height))

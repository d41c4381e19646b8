# SPDX-License-Identifier: Apache-2.0
"""Access to Matplotlib: new figures, text that is not parsed, and legends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.legend import Legend

AnyFigure: TypeAlias = "Figure | SubFigure"

NOT_PARSED: Final[Mapping[str, Any]] = {"parse_math": False, "usetex": False}
"""Properties of text that comes from a log: neither mathtext nor TeX interprets it."""

DEFAULT_WIDTH: Final = 6.5
"""Default width of a figure in inches: the width of the text on a letter page."""

_WIDTHS: Final = (1.0, 100.0)
LEGEND_GAP: Final = 0.1
"""Inches between an Axes and its legend."""
CAPTION_COLOR: Final = "0.45"
CAPTION_SIZE: Final = "x-small"


def check_matplotlib() -> None:
    """Checks that Matplotlib can be imported.

    Raises:
        AtlasError: if it cannot; the message says how to install it.
    """
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise AtlasError(
            f"plots need Matplotlib, which cannot be imported ({error}); "
            'pip install "tensorboard_plugin_atlas[plot]"'
        ) from error


def check_width(width: float, argument: str = "width") -> None:
    """Checks the width of a figure; `argument` is its name in messages.

    Raises:
        ArgumentError: if it is not a number of inches from 1 to 100.
    """
    low, high = _WIDTHS
    is_number = isinstance(width, (int, float)) and not isinstance(width, bool)
    if not is_number or not low <= width <= high:
        raise ArgumentError(
            f"{argument}={width!r:.80}: pass a number of inches from {low:g} to {high:g}"
        )


@dataclass(frozen=True)
class Canvas:
    """A figure to draw in.

    Attributes:
        figure: The figure.
        is_new: Whether its height may be set to fit its content.
    """

    figure: AnyFigure
    is_new: bool

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches."""
        return self.figure.bbox.width / self.figure.dpi, self.figure.bbox.height / self.figure.dpi

    def set_height(self, height: float) -> None:
        """Sets the height of a new figure in inches."""
        cast("Figure", self.figure).set_size_inches(self.size[0], height)


def open_canvas(figure: AnyFigure | None, width: float) -> Canvas:
    """Returns a canvas on a figure, or on a new figure of pyplot, as a notebook expects it.

    Raises:
        ArgumentError: if `figure` is not a figure, or the width is out of range.
        AtlasError: if Matplotlib is not installed.
    """
    check_matplotlib()
    if figure is None:
        check_width(width)
        from matplotlib import pyplot

        return _make_canvas(pyplot.figure(figsize=(width, width)))
    from matplotlib.figure import FigureBase

    if not isinstance(figure, FigureBase):
        raise ArgumentError(f"figure={figure!r:.80}: pass a Matplotlib figure, or None")
    return Canvas(figure, is_new=False)


def check_axes(ax: Axes) -> None:
    """Checks that `ax` is an Axes.

    Raises:
        ArgumentError: if it is not.
        AtlasError: if Matplotlib is not installed.
    """
    check_matplotlib()
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise ArgumentError(f"ax={ax!r:.80}: pass Matplotlib Axes, or None")


def make_canvas(width: float) -> Canvas:
    """Returns a canvas on a new figure that pyplot does not manage.

    Raises:
        ArgumentError: if the width is out of range.
        AtlasError: if Matplotlib is not installed.
    """
    check_matplotlib()
    check_width(width)
    from matplotlib.figure import Figure

    return _make_canvas(Figure(figsize=(width, width)))


def _make_canvas(figure: Figure) -> Canvas:
    figure.set_layout_engine("none")  # also if the user's settings have one
    return Canvas(figure, is_new=True)


def add_panel(canvas: Canvas, name: str) -> Axes:
    """Adds an Axes that fills the figure; its position is set later."""
    return canvas.figure.add_axes((0.0, 0.0, 1.0, 1.0), label=name)


def add_color_legend(ax: Axes, title: str, entries: Sequence[tuple[str, str]]) -> Legend:
    """Adds a legend to the right of an Axes.

    Args:
        ax: The Axes.
        title: Title of the legend.
        entries: (label, color) of each entry. Labels are not parsed.
    """
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

    to_inches = cast("Figure", ax.get_figure(root=True)).dpi_scale_trans
    # Labels are set afterward: Matplotlib ignores labels that start with an underscore.
    legend = ax.legend(
        [Patch(facecolor=color) for _, color in entries],
        [" "] * len(entries),
        title=title,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        bbox_transform=ax.transAxes + ScaledTranslation(LEGEND_GAP, 0.0, to_inches),
        borderaxespad=0.0,
        borderpad=0.0,
        frameon=False,
        fontsize=CAPTION_SIZE,
        title_fontsize=CAPTION_SIZE,
        alignment="left",
        handlelength=1.0,
        handleheight=1.0,
    )
    for text, (label, _) in zip(legend.get_texts(), entries, strict=True):
        text.set(text=label, **NOT_PARSED)
    legend.get_title().set(**NOT_PARSED)
    return legend

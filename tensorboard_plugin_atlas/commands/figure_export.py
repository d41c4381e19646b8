# SPDX-License-Identifier: Apache-2.0
"""Saves an atlas of a log as a figure."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.probe_reader import read_probe
from tensorboard_plugin_atlas.logs.record_selection import select_atlas
from tensorboard_plugin_atlas.output_file import check_output_file, replace_file
from tensorboard_plugin_atlas.plotting.atlas_map import MapStyle, draw_maps
from tensorboard_plugin_atlas.plotting.cell_icons import select_grid
from tensorboard_plugin_atlas.plotting.class_colors import ClassSource, read_classes
from tensorboard_plugin_atlas.plotting.concept_names import check_concepts
from tensorboard_plugin_atlas.plotting.contact_sheet import (
    draw_sheet,
    make_sheet,
    select_concept,
    select_label,
)
from tensorboard_plugin_atlas.plotting.matplotlib_figures import Canvas, check_width, make_canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

# No dates, so that equal logs give equal files.
_METADATA: Final[dict[str, dict[str, Any]]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
_MOST_PIXELS: Final = 12_000
"""Largest width in pixels; Matplotlib fails above 65,535 and needs memory for their square."""
_NO_GLYPH: Final = "Glyph "
"""Start of Matplotlib's warning that a font lacks a character."""


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """Options of `save_picture`; the command `picture` describes them."""

    width: float
    dpi: int
    run: str | None = None
    layer: str | None = None
    step: int | None = None
    grid: int | None = None
    classes: ClassSource | None = None
    concepts: bool = False
    class_sheet: str | None = None
    concept_sheet: int | None = None
    force: bool = False


def save_picture(log_dir: str | os.PathLike[str], output: Path, options: PictureOptions) -> str:
    """Saves the map, or a contact sheet, of one atlas of a log.

    Args:
        log_dir: Log directory or URL, as passed to TensorBoard; it is only read.
        output: Where to save the figure, as PNG, SVG, or PDF by its suffix.
        options: What to show.

    Returns:
        A note for the user, or "".

    Raises:
        ArgumentError: if there is no such atlas, an option does not fit it, or `output` exists or
            cannot be written.
        DamageError: if the atlas is damaged.
        AtlasError: if Matplotlib is not installed.
    """
    _check_output(output, options)
    canvas = make_canvas(options.width)
    atlas = select_atlas(log_dir, options.run, options.layer, options.step).read_latest()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _draw(canvas, log_dir, atlas, options)
        write_figure(canvas.figure, output, options.dpi)
    missing = [one for one in caught if str(one.message).startswith(_NO_GLYPH)]
    for one in caught:
        if one not in missing:
            warnings.warn_explicit(one.message, one.category, one.filename, one.lineno)
    if not missing:
        return ""
    return (
        "the font lacks some characters of the names; set font.family in your matplotlibrc to a "
        "font that has them"
    )


def _check_output(output: Path, options: PictureOptions) -> None:
    name = f"--output {str(output)!r}"
    if output.suffix.lower() not in _METADATA:
        raise ArgumentError(f"{name}: pass a name that ends with {', '.join(_METADATA)}")
    check_output_file(output, name, options.force, "--force")
    check_width(options.width, "--width")
    if options.width * options.dpi > _MOST_PIXELS:
        raise ArgumentError(
            f"--width {options.width:g} with --dpi {options.dpi} is wider than {_MOST_PIXELS:,} "
            "pixels; pass a smaller width or resolution"
        )


def _draw(
    canvas: Canvas, log_dir: str | os.PathLike[str], atlas: Atlas, options: PictureOptions
) -> None:
    grid = select_grid(atlas, options.grid, "--grid")
    if options.class_sheet is not None:
        label = _parse_class(options.class_sheet, atlas)
        choice = select_label(atlas, label, "--class-sheet")
    elif options.concept_sheet is not None:
        choice = select_concept(atlas, options.concept_sheet, "--concept-sheet")
    else:
        _draw_map(canvas, atlas, grid, options)
        return
    for name, value in (("--classes", options.classes), ("--concepts", options.concepts)):
        if value:
            raise ArgumentError(f"{name} has no effect on a contact sheet; leave it out")
    probe = read_probe(log_dir, atlas.run)
    draw_sheet(canvas, make_sheet(atlas, probe, choice, grid), probe, caption=True)


def _draw_map(canvas: Canvas, atlas: Atlas, grid: Grid, options: PictureOptions) -> None:
    if options.classes is not None:
        read_classes(atlas, options.classes, f"--classes {options.classes}")
    if options.concepts:
        check_concepts(atlas, "--concepts")
    style = MapStyle(grid=grid.size, class_colors=options.classes, concepts=options.concepts)
    draw_maps(canvas, [atlas], style)


def _parse_class(text: str, atlas: Atlas) -> str | int:
    """Returns the index that a text states, unless a class has this name."""
    return int(text) if text.isdecimal() and text not in (atlas.classes or ()) else text


def write_figure(figure: Figure | SubFigure, output: Path, dpi: int) -> None:
    """Writes a figure to a new file beside `output`, and renames that when it is complete.

    Raises:
        ArgumentError: if it cannot be written; `output` is as before.
    """
    from matplotlib import rc_context

    suffix = output.suffix.lower()
    try:
        with (
            rc_context({"pdf.fonttype": 42, "svg.hashsalt": "tensorboard-atlas"}),
            replace_file(output) as file,
        ):
            figure.get_figure(root=True).savefig(
                file, format=suffix[1:], dpi=dpi, metadata=_METADATA[suffix]
            )
    except OSError as error:
        raise ArgumentError(
            f"--output {str(output)!r} cannot be written ({error.strerror or error}); free space, "
            "or pass another path"
        ) from error

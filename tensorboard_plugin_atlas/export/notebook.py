# SPDX-License-Identifier: Apache-2.0
"""Shows atlases in a notebook: an exported page in a frame, without a server or an extension."""

from __future__ import annotations

import html
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.export.html_export import (
    PageOptions,
    check_limit,
    check_selection,
    read_source,
    write_log_page,
)
from tensorboard_plugin_atlas.export.memory_log import list_runs

HEIGHT: Final = 700
"""Default height of the frame in CSS pixels."""

_LEAST_HEIGHT, _MOST_HEIGHT = 200, 10_000
_SANDBOX: Final = "allow-scripts allow-downloads"


@dataclass(frozen=True)
class NotebookView:
    """Atlases that a notebook displays as the last value of a cell.

    Attributes:
        page: The HTML page.
        height: Height of the frame in CSS pixels.
    """

    page: str
    height: int = HEIGHT

    def __repr__(self) -> str:
        return f"NotebookView(<{len(self.page) / 1e6:.1f} MB of HTML>, height={self.height})"

    def _repr_html_(self) -> str:
        """Returns a frame that contains the page; the page cannot reach the notebook."""
        return (
            f'<iframe srcdoc="{html.escape(self.page)}" sandbox="{_SANDBOX}" '
            f'style="width: 100%; height: {self.height}px; border: 0" '
            'title="Activation atlas" allowfullscreen></iframe>'
        )


def show(
    source: str | os.PathLike[str] | Atlas | Iterable[Atlas],
    *,
    run: str | None = None,
    layers: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    every: int = 1,
    max_megabytes: float | None = 20,
    height: int = HEIGHT,
) -> NotebookView:
    """Shows atlases in a notebook.

    The notebook stores the page with its output. So the view works without a running kernel, and
    in a notebook that is sent to others.

    Args:
        source: Log directory, as passed to TensorBoard, its URL in an object store, or atlases in
            memory.
        run: Only this run and those below it; all by default.
        layers: Only these layers; all by default.
        steps: Only these steps; all by default.
        every: Keep one of this many steps. The first and the last step are always kept.
        max_megabytes: Largest size of the page in MB, None for no limit; see `export_html`.
        height: Height of the view in CSS pixels.

    Returns:
        The view; a notebook displays it as the last value of a cell.

    Raises:
        ArgumentError: if an argument cannot be used, or the log has no such atlases.
        DamageError: if the log changes while it is read.

    Examples:
        >>> show("runs", layers=["layer3"])  # doctest: +SKIP
    """
    options = PageOptions(
        selection=check_selection(run, layers, steps, every), limit=check_limit(max_megabytes)
    )
    return _make_view(source, options, height)


def show_comparison(before: Atlas, after: Atlas, *, height: int = HEIGHT) -> NotebookView:
    """Shows the difference of two atlases in a notebook.

    Args:
        before: The atlas that is compared with.
        after: The atlas on screen.
        height: Height of the view in CSS pixels.
    """
    first, second = list_runs([before, after])
    place = f"{before.layer},{before.step},{first}"
    is_one_series = (first, before.layer) == (second, after.layer)
    values = {
        "run": second,
        "layer": after.layer,
        "step": str(after.step),
        "compare": str(before.step) if is_one_series else place,
    }
    link = "#" + "&".join(f"p.atlas.{key}={quote(value, safe='')}" for key, value in values.items())
    return _make_view([before, after], PageOptions(link=link), height)


def _make_view(source: object, options: PageOptions, height: int) -> NotebookView:
    is_whole = isinstance(height, int) and not isinstance(height, bool)
    if not is_whole or not _LEAST_HEIGHT <= height <= _MOST_HEIGHT:
        raise ArgumentError(
            f"height={height!r:.40}: pass pixels from {_LEAST_HEIGHT} to {_MOST_HEIGHT:,}"
        )
    page = io.BytesIO()
    write_log_page(page, read_source(source), options)
    return NotebookView(page.getvalue().decode("utf-8"), height)

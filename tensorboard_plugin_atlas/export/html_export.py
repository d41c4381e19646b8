# SPDX-License-Identifier: Apache-2.0
"""`export_html`: writes the atlases of a log as one HTML page."""

from __future__ import annotations

import datetime
import math
import operator
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from tensorboard_plugin_atlas.analysis.atlas_checks import iterate_atlases
from tensorboard_plugin_atlas.analysis.printable_text import shorten
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.export.event_provider import (
    ChangedFileError,
    EventProvider,
    LogContents,
    scan_log,
)
from tensorboard_plugin_atlas.export.export_selection import (
    AtlasSize,
    Omissions,
    Selection,
    fit_size,
    thin_steps,
)
from tensorboard_plugin_atlas.export.memory_log import make_log
from tensorboard_plugin_atlas.export.page import (
    measure_empty_page,
    store_body,
    write_page,
)
from tensorboard_plugin_atlas.export.responses import RecordedResponse, record_responses
from tensorboard_plugin_atlas.log_names import PROBE_TAG
from tensorboard_plugin_atlas.logs.log_files import check_directory
from tensorboard_plugin_atlas.output_file import check_output_file, replace_file
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.serving.routes import DataRoutes
from tensorboard_plugin_atlas.wire.response_types import ExportedPage

_LONGEST_TITLE: Final = 200
_OVERHEAD: Final = 200
"""Upper bound of the bytes around each response."""
_LONGEST_SENTENCES: Final = 500
"""Upper bound of the bytes of the sentences on what is left out."""


@dataclass(frozen=True, kw_only=True)
class ExportResult:
    """A page that was written.

    Attributes:
        path: The file.
        bytes: Its size.
        atlases: Number of atlases in it.
        damaged: Number of damaged records of the log, which are not in it.
        omitted: Sentences on what is left out.
    """

    path: Path
    bytes: int
    atlases: int
    damaged: int
    omitted: tuple[str, ...]


def export_html(
    source: str | os.PathLike[str] | Atlas | Iterable[Atlas],
    output: str | os.PathLike[str],
    *,
    run: str | None = None,
    layers: Sequence[str] | None = None,
    steps: Sequence[int] | None = None,
    every: int = 1,
    activations: bool = True,
    images: bool = True,
    max_megabytes: float | None = None,
    title: str | None = None,
    force: bool = False,
) -> ExportResult:
    """Writes atlases as one HTML page with the Atlas tab.

    The page needs no server and no network: open it in a browser, send it, or put it on a website.
    The log is only read. The page is written to a temporary file next to `output` first, so that a
    failure leaves no incomplete page.

    Args:
        source: Log directory, as passed to TensorBoard, its URL in an object store, or atlases in
            memory. Only a log has the images that patches are cut from, and shortcuts.
        output: The file to write, such as "atlas.html".
        run: Only this run and those below it; all by default.
        layers: Only these layers; all by default.
        steps: Only these steps; all by default.
        every: Keep one of this many steps. The first and the last step are always kept.
        activations: Whether to include the activations, which similar cells and the change of
            activations are computed from; they are about half of the page.
        images: Whether to include the thumbnails of the probe's images, which patches are cut from.
            Icons and patches of shortcuts stay; icons of the kind "examples" are real patches, too.
        max_megabytes: Largest size of the page in MB (10⁶ bytes). What does not fit is left out:
            first activations, then finer grids, then steps. The page lists what it lacks.
        title: Title of the page; by default the name of the log directory, or the layer.
        force: Whether to replace an existing file.

    Returns:
        The page's size, and what is left out.

    Raises:
        ArgumentError: if an argument cannot be used, the log has no such atlases, or `output`
            exists.
        DamageError: if the log changes while it is read.
        OSError: if the page cannot be written.
    """
    options = PageOptions(
        selection=check_selection(run, layers, steps, every),
        activations=activations,
        images=images,
        limit=check_limit(max_megabytes),
        title=_check_title(title),
    )
    target = Path(output)
    check_output_file(target, f"output={str(target)!r}", force, "force=True (--force)")
    log = read_source(source)
    with replace_file(target) as file:
        contents = write_log_page(file, log, options)
    return ExportResult(
        path=target,
        bytes=target.stat().st_size,
        atlases=contents.atlases,
        damaged=log.contents.damaged,
        omitted=contents.omitted,
    )


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """Options of a page.

    Attributes:
        selection: The atlases that the user selected.
        activations: Whether the activations are included.
        images: Whether the thumbnails of the probe's images are included.
        limit: Largest size in bytes, or None.
        title: Title, "" for that of the source.
        link: Hash of the address that the page opens with, such as "#p.atlas.step=500", or "".
    """

    selection: Selection = Selection()
    activations: bool = True
    images: bool = True
    limit: int | None = None
    title: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class PageSource:
    """What is exported.

    Attributes:
        contents: The records.
        title: Title of the page, unless the user passes one.
    """

    contents: LogContents
    title: str


@dataclass(frozen=True, kw_only=True)
class PageContents:
    """What a page contains.

    Attributes:
        atlases: Number of atlases.
        omitted: Sentences on what is left out.
    """

    atlases: int
    omitted: tuple[str, ...]


def read_source(source: Any) -> PageSource:
    """Returns the records of a log directory, or of atlases in memory.

    Raises:
        ArgumentError: if `source` is neither.
    """
    if isinstance(source, (str, os.PathLike)):
        folder = check_directory(source)
        return PageSource(contents=scan_log(folder), title=folder.resolve().name)
    given = [source] if isinstance(source, Atlas) else source
    atlases = list(iterate_atlases("source", given, more=", or pass a log directory"))
    if not atlases:
        raise ArgumentError("source=[]: pass at least one Atlas, or a log directory")
    return PageSource(contents=make_log(atlases), title=atlases[0].layer)


def write_log_page(file: BinaryIO, source: PageSource, options: PageOptions) -> PageContents:
    """Writes a page.

    Args:
        file: Where to write it.
        source: What is exported.
        options: Options of the page.

    Raises:
        ArgumentError: if the log has no such atlases, or the limit is too small.
        DamageError: if the log changes while it is read.
    """
    log = source.contents
    selected = options.selection.apply(log)
    if not options.images:
        selected = selected.filter(lambda _run, tag, _step: tag != PROBE_TAG)
    omissions = Omissions(activations=not options.activations)
    info = ExportedPage(
        title=shorten(options.title or source.title, _LONGEST_TITLE),
        exported=datetime.datetime.now().astimezone().isoformat(timespec="minutes"),
        omitted=(),
        link=options.link,
        requests=(),
    )
    try:
        if options.limit is not None:
            empty = measure_empty_page(info) + _LONGEST_SENTENCES
            omissions = _fit(selected, options.limit, omissions, empty)
        kept = thin_steps(selected, omissions.every)
        omitted = describe_omissions(log, kept, omissions)
        info = msgspec.structs.replace(info, omitted=omitted)
        write_page(file, info, _record(kept, omissions, "exporting"))
    except ChangedFileError as error:
        raise DamageError(
            f"{error.file.name} changed while it was read; export it again"
        ) from error
    return PageContents(atlases=kept.count_atlases(), omitted=omitted)


def describe_omissions(
    log: LogContents, kept: LogContents, omissions: Omissions
) -> tuple[str, ...]:
    """Returns sentences on what a page leaves out of a log."""
    found = []
    total, shown = log.count_atlases(), kept.count_atlases()
    if shown < total:
        found.append(f"{shown:,} of {total:,} atlases of the log are in this page.")
    if log.has_images() and not kept.has_images():
        found.append("Images are left out: the patches of a cell cannot be shown.")
    if omissions.activations:
        found.append(
            "Activations are left out: similar cells and changes of activations cannot be computed."
        )
    if omissions.largest_grid is not None:
        size = omissions.largest_grid
        found.append(f"Grids with more than {size} x {size} cells are left out.")
    if log.damaged:
        plural = "record of the log is" if log.damaged == 1 else "records of the log are"
        found.append(f"{log.damaged:,} damaged {plural} left out.")
    return tuple(found)


def _record(log: LogContents, omissions: Omissions, what: str) -> Iterator[RecordedResponse]:
    """Yields all responses, with a progress bar over the atlases."""
    routes = DataRoutes(EventProvider(log))
    with progress_bar(what, log.count_atlases(), unit="atlas", delay=1.0) as bar:
        for response in record_responses(routes, omissions):
            yield response
            if bar is not None and response.route == "atlas":
                bar.update()


def _fit(log: LogContents, limit: int, omissions: Omissions, fixed: int) -> Omissions:
    """Returns what has to be left out of a page of at most `limit` bytes.

    Args:
        log: The selected records.
        limit: Largest size of the page, in bytes.
        omissions: What is left out anyway.
        fixed: Size of a page without responses, in bytes.
    """
    base: dict[tuple[str, int], int] = defaultdict(int)
    activations: dict[tuple[str, int], int] = defaultdict(int)
    icons: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for response in _record(log, omissions, "measuring"):
        size, place = len(store_body(response).text) + _OVERHEAD, (response.series, response.step)
        if response.route == "sheet":
            icons[place][response.grid] = icons[place].get(response.grid, 0) + size
        elif response.route == "activations":
            activations[place] += size
        elif response.route == "atlas" or place in base:  # shortcuts are left out with their atlas
            base[place] += size
        else:
            fixed += size
    sizes = [
        AtlasSize(
            series=series,
            step=step,
            base=size,
            activations=activations[series, step],
            icons=icons[series, step],
        )
        for (series, step), size in base.items()
    ]
    return fit_size(sizes, fixed, limit, omissions)


def _check_title(title: Any) -> str:
    if title is not None and not isinstance(title, str):
        raise ArgumentError(f"title={title!r:.80}: pass text")
    return shorten(title or "", _LONGEST_TITLE)


def check_selection(run: Any, layers: Any, steps: Any, every: Any) -> Selection:
    """Returns the arguments of `export_html` as a selection; raises ArgumentError."""
    if not isinstance(every, int) or every < 1:
        raise ArgumentError(f"every={every!r:.40}: pass a whole number of at least 1")
    return Selection(
        run=run,
        layers=None if layers is None else _check_layers(layers),
        steps=None if steps is None else _check_steps(steps),
        every=every,
    )


def _check_layers(layers: Any) -> tuple[str, ...]:
    example = layers if isinstance(layers, str) else "layer3"
    is_list = isinstance(layers, Sequence) and not isinstance(layers, str)
    if not is_list or not layers or not all(isinstance(layer, str) for layer in layers):
        raise ArgumentError(
            f"layers={layers!r:.80}: pass a list of names, such as [{example!r:.60}]"
        )
    return tuple(layers)


def _check_steps(steps: Any) -> tuple[int, ...]:
    try:
        found = tuple(operator.index(step) for step in steps)
    except TypeError:
        found = ()
    if not found:
        raise ArgumentError(f"steps={steps!r:.80}: pass a list of whole numbers, such as [0, 500]")
    return found


def check_limit(megabytes: Any) -> int | None:
    """Returns `max_megabytes` in bytes; raises ArgumentError."""
    if megabytes is None:
        return None
    if not isinstance(megabytes, (int, float)) or not megabytes > 0 or math.isinf(megabytes):
        raise ArgumentError(f"max_megabytes={megabytes!r:.40}: pass a number above 0, such as 12")
    return int(megabytes * 1e6)

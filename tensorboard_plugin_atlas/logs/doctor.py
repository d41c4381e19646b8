# SPDX-License-Identifier: Apache-2.0
"""Finds out why the Atlas tab is empty or incomplete, and what to do."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.log_names import DEFAULT_KEPT_STEPS, PLUGIN_NAME, REFINED_FOLDER
from tensorboard_plugin_atlas.logs.integrity import (
    ABORT_BYTES,
    CONTENT,
    DATA,
    FRAMING,
    HUGE,
    TAIL,
    Fault,
    FileReport,
    check_file,
)
from tensorboard_plugin_atlas.logs.log_files import (
    LogPath,
    LogPathLike,
    list_event_files,
    list_folders,
    parse_log_path,
    run_directories,
)
from tensorboard_plugin_atlas.logs.reader import SHORTCUTS, LoggedAtlas, list_atlases

OK: Final = "ok"
NOTE: Final = "note"
PROBLEM: Final = "problem"

_LOADER: Final = "tensorboard_plugin_atlas.loader:AtlasLoader"
_OLDEST_TENSORBOARD: Final = (2, 21)
_SHOWN: Final = 20
"""Largest number of findings of one kind that are listed; the others are counted."""

_SLACK_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Finding:
    """One finding.

    Attributes:
        mark: "ok", "note", or "problem" (data that is not shown, or will not be).
        text: One sentence.
        advice: A command to run, or another thing to do; None if there is nothing to do.
    """

    mark: str
    text: str
    advice: str | None = None


def examine(log_dir: LogPathLike) -> list[Finding]:
    """Checks the installation and all files under a log directory. Only reads.

    Args:
        log_dir: Log directory or URL, as passed to TensorBoard.

    Returns:
        The findings, those about the installation first.

    Raises:
        ArgumentError: if the package for a URL is not installed.
    """
    findings = list(_check_installation())
    path = parse_log_path(log_dir)
    try:
        if path.is_dir():
            return [*findings, *_examine_log(path)]
        state = "is a file" if path.exists() else "does not exist"
    except OSError as error:
        state = f"cannot be read ({error.strerror or error})"
    advice = "pass the directory that was passed to AtlasWriter, or one above it"
    return [*findings, Finding(PROBLEM, f"{path} {state}", advice)]


def _examine_log(log_dir: LogPath) -> list[Finding]:
    files, unread = _check_files(log_dir)
    if not files and not unread:
        return list(_describe_empty_log(log_dir))
    entries = [entry for entry in list_atlases(log_dir) if entry.layer]
    atlases = [entry for entry in entries if entry.revision != SHORTCUTS]
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _check_atlases_exist(log_dir, files, atlases),
        lambda: _check_run_names(files),
        lambda: _check_damage(log_dir, files),
        lambda: _check_atlases(log_dir, entries),
        lambda: _check_concurrent_writers(log_dir, files),
        lambda: _check_step_order(files),
        lambda: _check_sampling(log_dir, atlases),
        lambda: _check_preliminary(atlases),
        lambda: _check_stale_refinements(log_dir, atlases),
        lambda: _check_probes(files, atlases),
        lambda: _summarize(files, atlases),
    )
    findings: list[Finding] = []
    for check in checks:
        found = list(check())
        findings += found[:_SHOWN]
        if len(found) > _SHOWN:
            findings.append(Finding(NOTE, f"… and {len(found) - _SHOWN:,} more of this kind"))
    return [*findings, *unread]


def _check_installation() -> Iterator[Finding]:
    """Checks whether the installed TensorBoard can show the tab."""
    try:
        found = version("tensorboard")
    except PackageNotFoundError:
        yield Finding(
            PROBLEM, "TensorBoard is not installed here", "pip install 'tensorboard>=2.21'"
        )
        return
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if numbers < _OLDEST_TENSORBOARD:
        yield Finding(
            PROBLEM,
            f"TensorBoard {found} is too old for the Atlas tab",
            "pip install -U 'tensorboard>=2.21'",
        )
    yield from _check_entry_points(found)


def _check_entry_points(tensorboard: str) -> Iterator[Finding]:
    points = [p for p in entry_points(group="tensorboard_plugins") if p.name == PLUGIN_NAME]
    own = [point for point in points if point.value == _LOADER]
    others = [point for point in points if point.value != _LOADER]
    if not own:
        yield Finding(
            PROBLEM,
            "TensorBoard does not find the Atlas plugin: its entry point is not installed",
            "pip install --force-reinstall tensorboard_plugin_atlas",
        )
    for point in others:
        yield Finding(
            PROBLEM,
            f"another package ({_package(point)}) also has a plugin {PLUGIN_NAME!r}: TensorBoard "
            "loads only one of the two, or exits",
            f"pip uninstall {_package(point)}",
        )
    if own and not others:
        yield Finding(OK, f"TensorBoard {tensorboard} finds the Atlas plugin")
    try:
        version("tensorboard-data-server")
    except PackageNotFoundError:
        yield Finding(
            NOTE,
            "TensorBoard's data server is not installed: the Python loader reads the logs, about "
            "100 times slower",
            "pip install tensorboard-data-server",
        )


def _package(point: EntryPoint) -> str:
    return point.value.partition(".")[0] if point.dist is None else point.dist.name


def _check_files(log_dir: LogPath) -> tuple[list[FileReport], list[Finding]]:
    """Returns a report on each event file, and findings about those that could not be read."""
    checkups, unread = [], []
    for run, directory in run_directories(log_dir):
        for path in list_event_files(directory):
            try:
                checkups.append(check_file(run, path))
            except OSError as error:
                text = f"{path} cannot be read: {error.strerror}"
                unread.append(Finding(PROBLEM, text, f"ls -l {_quote(path)}"))
    return checkups, unread


def _describe_empty_log(log_dir: LogPath) -> Iterator[Finding]:
    above = log_dir.absolute().parent
    if any(child != log_dir.name and _has_events(above / child) for child in _list_folders(above)):
        yield Finding(
            PROBLEM,
            f"no event files under {log_dir}, but some under {above}",
            f"tensorboard-atlas doctor {_quote(above)}",
        )
        return
    yield Finding(
        PROBLEM,
        f"no event files under {log_dir}: nothing was logged there, or it was logged elsewhere",
        "pass the directory that was passed to AtlasWriter, which writes at the first "
        "add_atlas(step)",
    )


def _list_folders(directory: LogPath) -> list[str]:
    try:
        return list_folders(directory)[:100]
    except OSError:
        return []


def _has_events(directory: LogPath) -> bool:
    """Returns whether a directory or its child run holds event files; searches no deeper."""
    for place in (directory, directory / PLUGIN_NAME):
        try:
            if list_event_files(place):
                return True
        except OSError:
            continue
    return False


def _check_atlases_exist(
    log_dir: LogPath, files: Sequence[FileReport], atlases: Sequence[LoggedAtlas]
) -> Iterator[Finding]:
    if atlases:
        return
    runs = sorted({file.run for file in files})
    shown = ", ".join(runs[:5]) + (", …" if len(runs) > 5 else "")
    yield Finding(
        PROBLEM,
        f"{len(files):,} event files under {log_dir} (runs: {shown}), but no atlases: another "
        "directory was passed to AtlasWriter, add_atlas(step) was never called, or it failed with "
        "a warning",
        'run AtlasWriter("<this directory>", model, probe=..., strict=True).add_atlas(step), which '
        "raises the error",
    )


def _check_run_names(files: Sequence[FileReport]) -> Iterator[Finding]:
    """Finds runs whose folder names are not valid UTF-8."""
    for run in sorted({file.run for file in files}):
        try:
            run.encode("utf-8")
        except UnicodeEncodeError:
            name = run.encode("utf-8", "backslashreplace").decode("utf-8")
            yield Finding(
                PROBLEM,
                f"run {name}: the name of its folder is not UTF-8. TensorBoard's Python loader "
                "fails at it and shows no run; the data server shows it with replaced characters",
                "rename the folder to a name in UTF-8",
            )


def _check_damage(log_dir: LogPath, files: Sequence[FileReport]) -> Iterator[Finding]:
    for file in files:
        for fault in file.faults:
            yield _describe_fault(log_dir, file, fault)
        if file.other_faults:
            name = _locate(file)
            yield Finding(
                PROBLEM, f"{name}: {file.other_faults:,} more damaged sections after these"
            )


def _describe_fault(log_dir: LogPath, file: FileReport, fault: Fault) -> Finding:
    place = f"{_locate(file)}, byte {fault.offset:,}: "
    lost = f"the {fault.records_after:,} records after it"
    output = _quote(_make_repair_path(log_dir))
    repair = f"tensorboard-atlas repair {_quote(log_dir)} --output {output}"
    if fault.kind == TAIL:
        return Finding(
            NOTE,
            f"{place}the last record is incomplete ({fault.size:,} bytes): the run is still "
            "writing or was killed; both loaders wait for the rest",
        )
    what = f" ({fault.what})" if fault.what else ""
    sentences = {
        DATA: f"damaged data{what}. The Python loader stops there and loses {lost}; the data "
        "server returns it unchecked, and the Atlas tab rejects it",
        FRAMING: f"{fault.size:,} bytes without a valid record{what}. Both loaders stop there and "
        f"lose {lost}",
        CONTENT: "a record that is not an event. The Python loader fails there, and loads neither "
        f"{lost} nor the runs after this one; the data server skips parts of this run",
        HUGE: f"a header with a length of {_format_bytes(fault.size)}. "
        + (
            "TensorBoard's data server exits at startup, and no tab shows data"
            if fault.size >= ABORT_BYTES
            else "The data server shows nothing of this run"
        )
        + f"; the Python loader loses {lost}",
    }
    return Finding(PROBLEM, place + sentences[fault.kind], repair)


def _locate(file: FileReport) -> str:
    """Returns the path of an event file, relative to the log directory."""
    return str(Path(file.run) / file.path.name)


def _make_repair_path(log_dir: LogPath) -> Path:
    """Returns a path next to the log; "." and ".." are resolved first.

    For a URL, it is a local path, since `repair` writes local files only.
    """
    if not isinstance(log_dir, Path):
        return Path(f"{log_dir.name}-repaired")
    named = log_dir if log_dir.name not in ("", "..") else log_dir.resolve()
    return named.parent / f"{named.name}-repaired"


def _check_atlases(log_dir: LogPath, atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    for entry in atlases:
        name = f"{entry.run}, layer {entry.layer}, step {entry.step:,}"
        if entry.status == "too_new":
            yield Finding(
                PROBLEM, f"{name}: {entry.reason}", "pip install -U tensorboard_plugin_atlas"
            )
        elif entry.status == "damaged" and ", byte " not in str(entry.reason):
            yield Finding(
                PROBLEM,
                f"{name}: {entry.reason}; the tab {_describe_effect(entry)}",
                f"tensorboard-atlas inspect {_quote(log_dir)}",
            )
        elif entry.samples == 0:
            yield Finding(
                PROBLEM,
                f"{name}: an atlas without samples, since its probe is empty",
                "pass a probe with at least one image to AtlasWriter",
            )


def _describe_effect(entry: LoggedAtlas) -> str:
    return "shows no shortcuts there" if entry.revision == SHORTCUTS else "rejects this step"


def _check_concurrent_writers(log_dir: LogPath, files: Sequence[FileReport]) -> Iterator[Finding]:
    """Finds folders where an older file was written to after a newer one was created."""
    for run, own in _by_run(files).items():
        if not any(file.atlases for file in own):
            continue
        for older, newer in itertools.pairwise(own):
            if newer.first and older.last > newer.first + _SLACK_SECONDS:
                yield Finding(
                    PROBLEM,
                    f"run {run}: {older.path.name} was written to after {newer.path.name} was "
                    "created. The Python loader does not show the later records of the older file, "
                    "so your scalars may stop there",
                    f"tensorboard --logdir {_quote(log_dir)} --reload_multifile=true",
                )


def _by_run(files: Sequence[FileReport]) -> dict[str, list[FileReport]]:
    found: dict[str, list[FileReport]] = defaultdict(list)
    for file in files:
        found[file.run].append(file)
    return found


def _check_step_order(files: Sequence[FileReport]) -> Iterator[Finding]:
    for run, own in _by_run(files).items():
        last: dict[str, int] = {}
        for layer, step in itertools.chain.from_iterable(file.atlases for file in own):
            if layer is None:
                # The run was resumed; the last atlas before that step is repeated on purpose.
                last.clear()
                continue
            before = last.get(layer)
            last[layer] = step
            if before is not None and step <= before:
                yield Finding(
                    PROBLEM,
                    f"run {run}, layer {layer}: step {step:,} was logged after {before:,}. The "
                    f"data server hides the earlier records of steps {step:,} to {before:,}",
                    "use a separate directory for each run, or pass purge_step to AtlasWriter to "
                    "resume a run",
                )


def _check_sampling(log_dir: LogPath, atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    steps = Counter((entry.run, entry.layer) for entry in atlases if entry.status == "ok")
    # The first step has a separate tag.
    many = {name: count for name, count in steps.items() if count > DEFAULT_KEPT_STEPS + 1}
    if many:
        (run, layer), count = max(many.items(), key=lambda item: item[1])
        yield Finding(
            NOTE,
            f"run {run}, layer {layer}: {count:,} steps were logged, and TensorBoard keeps "
            f"about {DEFAULT_KEPT_STEPS} of each layer by default",
            f"tensorboard --logdir {_quote(log_dir)} --atlas_samples={max(many.values())}",
        )


def _check_preliminary(atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    for entry in atlases:
        if (entry.revision, entry.status) == ("preliminary", "ok"):
            yield Finding(
                NOTE,
                f"run {entry.run}, layer {entry.layer}, step {entry.step:,}: "
                "the atlas shows real patches instead of icons, since the run is still rendering "
                "them or ended before",
                "to render icons from a checkpoint, see tensorboard-atlas refine --help",
            )


def _check_stale_refinements(log_dir: LogPath, atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    for entry in atlases:
        if entry.revision == "stale":
            yield Finding(
                NOTE,
                f"run {entry.run}, layer {entry.layer}, step {entry.step:,}: refined icons belong "
                "to an atlas that no longer exists; they are not shown",
                f"to free the space, delete them in {_quote(log_dir / entry.run / REFINED_FOLDER)}",
            )


def _check_probes(files: Sequence[FileReport], atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    with_pictures = {file.run for file in files if file.has_probe}
    for run in sorted({entry.run for entry in atlases} - with_pictures):
        yield Finding(
            NOTE,
            f"run {run}: no probe images, so the tab shows no real patches",
            None,
        )


def _summarize(files: Sequence[FileReport], atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    sound = [entry for entry in atlases if entry.status == "ok" and entry.revision != "stale"]
    if sound:
        runs, layers = {e.run for e in sound}, {(e.run, e.layer) for e in sound}
        yield Finding(
            OK,
            f"{len(sound):,} intact atlases of {len(layers):,} layers in {len(runs):,} runs, "
            f"{len(files):,} event files",
        )


def _format_bytes(count: int) -> str:
    value, unit = float(count), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if value < 1024 or unit == "EiB":
            break
        value /= 1024
    return f"{value:,.0f} {unit}"


def _quote(path: LogPath) -> str:
    return shlex.quote(str(path))

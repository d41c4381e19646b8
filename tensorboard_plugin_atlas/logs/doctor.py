# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas doctor`: why a tab is empty or partial, and what to type next."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.logs.event_file import event_files
from tensorboard_plugin_atlas.logs.integrity import (
    ABORT_BYTES,
    CONTENT,
    DATA,
    FRAMING,
    HUGE,
    TAIL,
    Checkup,
    Fault,
    check_file,
)
from tensorboard_plugin_atlas.logs.reader import (
    SHORTCUTS,
    LoggedAtlas,
    list_atlases,
    run_directories,
)
from tensorboard_plugin_atlas.metadata import DEFAULT_KEPT_STEPS, PLUGIN_NAME, REFINED_FOLDER

OK: Final = "ok"
NOTE: Final = "note"
PROBLEM: Final = "problem"

_LOADER: Final = "tensorboard_plugin_atlas.loader:AtlasLoader"
_OLDEST_TENSORBOARD: Final = (2, 21)
_SHOWN: Final = 20
"""Findings of one kind that are spelt out; a ruined disk would print for pages."""

_SLACK_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor has to say.

    Attributes:
        mark: "ok", "note" (worth knowing) or "problem" (something is not shown, or will not be).
        text: A sentence.
        advice: What to type or do next, or None.
    """

    mark: str
    text: str
    advice: str | None = None


def examine(log_dir: Path) -> list[Finding]:
    """Looks at the installation and at everything under a log directory.

    Args:
        log_dir: What TensorBoard would be given.

    Returns:
        The findings, those about the installation first. Nothing is ever written.
    """
    findings = list(_installation())
    if not log_dir.is_dir():
        state = "is a file" if log_dir.exists() else "does not exist"
        advice = "pass the directory that AtlasWriter was given, or one above it"
        return [*findings, Finding(PROBLEM, f"{log_dir} {state}", advice)]
    files, unread = _checkups(log_dir)
    if not files and not unread:
        return [*findings, *_empty(log_dir)]
    entries = [entry for entry in list_atlases(log_dir) if entry.layer]
    atlases = [entry for entry in entries if entry.edition != SHORTCUTS]
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _absent(log_dir, files, atlases),
        lambda: _nameless(files),
        lambda: _damage(log_dir, files),
        lambda: _unreadable_atlases(log_dir, entries),
        lambda: _two_writers(log_dir, files),
        lambda: _falling_steps(files),
        lambda: _sampled_away(log_dir, atlases),
        lambda: _unfinished(atlases),
        lambda: _stale(log_dir, atlases),
        lambda: _probes(files, atlases),
        lambda: _summary(files, atlases),
    )
    for check in checks:
        found = list(check())
        findings += found[:_SHOWN]
        if len(found) > _SHOWN:
            findings.append(Finding(NOTE, f"… and {len(found) - _SHOWN:,} more of that kind"))
    return [*findings, *unread]


def _installation() -> Iterator[Finding]:
    """Yields whether this environment's TensorBoard can show the tab at all."""
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
    yield from _entry_points(found)


def _entry_points(tensorboard: str) -> Iterator[Finding]:
    points = [p for p in entry_points(group="tensorboard_plugins") if p.name == PLUGIN_NAME]
    own = [point for point in points if point.value == _LOADER]
    others = [point for point in points if point.value != _LOADER]
    if not own:
        yield Finding(
            PROBLEM,
            "TensorBoard does not know the Atlas plugin: its entry point is not installed",
            "pip install --force-reinstall tensorboard_plugin_atlas",
        )
    for point in others:
        yield Finding(
            PROBLEM,
            f"another package ({_package(point)}) also calls its plugin {PLUGIN_NAME!r}: "
            "TensorBoard takes one of the two or ends",
            f"pip uninstall {_package(point)}",
        )
    if own and not others:
        yield Finding(OK, f"TensorBoard {tensorboard} knows the Atlas plugin")
    try:
        version("tensorboard-data-server")
    except PackageNotFoundError:
        yield Finding(
            NOTE,
            "TensorBoard's data server is not installed: logs are read by the Python loader, a "
            "hundred times slower",
            "pip install tensorboard-data-server",
        )


def _package(point: EntryPoint) -> str:
    return point.value.partition(".")[0] if point.dist is None else point.dist.name


def _checkups(log_dir: Path) -> tuple[list[Checkup], list[Finding]]:
    """Returns what each event file holds, and which could not be read."""
    checkups, unread = [], []
    for run, directory in run_directories(log_dir):
        for path in event_files(directory):
            try:
                checkups.append(check_file(run, path))
            except OSError as error:
                text = f"{path} cannot be read: {error.strerror}"
                unread.append(Finding(PROBLEM, text, f"ls -l {_quoted(path)}"))
    return checkups, unread


def _empty(log_dir: Path) -> Iterator[Finding]:
    above = log_dir.absolute().parent
    if any(child != log_dir.name and _has_events(above / child) for child in _names(above)):
        yield Finding(
            PROBLEM,
            f"no event files under {log_dir}, but there are some under {above}",
            f"tensorboard-atlas doctor {_quoted(above)}",
        )
        return
    yield Finding(
        PROBLEM,
        f"no event files under {log_dir}: nothing was logged there, or it was logged elsewhere",
        "pass the directory that AtlasWriter was given; it writes at the first add_atlas(step)",
    )


def _names(directory: Path) -> list[str]:
    try:
        return [path.name for path in directory.iterdir() if path.is_dir()][:100]
    except OSError:
        return []


def _has_events(directory: Path) -> bool:
    """Tells whether a directory or its child run holds event files; looks no deeper."""
    for place in (directory, directory / PLUGIN_NAME):
        try:
            if event_files(place):
                return True
        except OSError:
            continue
    return False


def _absent(
    log_dir: Path, files: Sequence[Checkup], atlases: Sequence[LoggedAtlas]
) -> Iterator[Finding]:
    if atlases:
        return
    runs = sorted({file.run for file in files})
    shown = ", ".join(runs[:5]) + (", …" if len(runs) > 5 else "")
    yield Finding(
        PROBLEM,
        f"{len(files):,} event files under {log_dir} (runs: {shown}), but no atlas in any: "
        "AtlasWriter was given another directory, or add_atlas(step) was never called or warned",
        'AtlasWriter("<this directory>", model, probe=..., strict=True).add_atlas(step) raises '
        "what is wrong",
    )


def _nameless(files: Sequence[Checkup]) -> Iterator[Finding]:
    """Yields runs whose folder names are bytes that UTF-8 does not know."""
    for run in sorted({file.run for file in files}):
        try:
            run.encode("utf-8")
        except UnicodeEncodeError:
            name = run.encode("utf-8", "backslashreplace").decode("utf-8")
            yield Finding(
                PROBLEM,
                f"run {name}: the name of its folder is not UTF-8. TensorBoard's Python loader "
                "ends at it and shows no run at all; the data server shows it with signs replaced",
                "give the folder a name in UTF-8",
            )


def _damage(log_dir: Path, files: Sequence[Checkup]) -> Iterator[Finding]:
    for file in files:
        for fault in file.faults:
            yield _told(log_dir, file, fault)
        if file.more_faults:
            name = file.path.relative_to(log_dir)
            yield Finding(PROBLEM, f"{name}: {file.more_faults:,} more damaged places behind these")


def _told(log_dir: Path, file: Checkup, fault: Fault) -> Finding:
    place = f"{file.path.relative_to(log_dir)}, byte {fault.offset:,}: "
    lost = f"the {fault.behind:,} records behind it"
    output = _quoted(_repaired(log_dir))
    repair = f"tensorboard-atlas repair {_quoted(log_dir)} --output {output}"
    if fault.kind == TAIL:
        return Finding(
            NOTE,
            f"{place}the last record is not complete ({fault.size:,} bytes of it): a run that is "
            "writing, or was killed; both loaders wait for the rest",
        )
    what = f" ({fault.what})" if fault.what else ""
    sentences = {
        DATA: f"damaged data{what}. The Python loader stops there and loses {lost}; the data "
        "server hands it out unchecked, and the Atlas tab refuses it",
        FRAMING: f"{fault.size:,} bytes that are no record{what}. Both loaders stop there and lose "
        f"{lost}",
        CONTENT: "a record that is no event. The Python loader fails there, and loads neither "
        f"{lost} nor the runs after this one; the data server leaves out parts of this run",
        HUGE: f"a header that claims {_bytes(fault.size)}. "
        + (
            "TensorBoard's data server ends at start-up, and no tab shows anything"
            if fault.size >= ABORT_BYTES
            else "The data server shows nothing of this run"
        )
        + f"; the Python loader loses {lost}",
    }
    return Finding(PROBLEM, place + sentences[fault.kind], repair)


def _repaired(log_dir: Path) -> Path:
    """Returns a place beside the log; "." and ".." have a name only once they are resolved."""
    named = log_dir if log_dir.name not in ("", "..") else log_dir.resolve()
    return named.parent / f"{named.name}-repaired"


def _unreadable_atlases(log_dir: Path, atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    for entry in atlases:
        name = f"{entry.run}, layer {entry.layer}, step {entry.step:,}"
        if entry.status == "too_new":
            yield Finding(
                PROBLEM, f"{name}: {entry.reason}", "pip install -U tensorboard_plugin_atlas"
            )
        elif entry.status == "damaged" and ", byte " not in str(entry.reason):
            yield Finding(
                PROBLEM,
                f"{name}: {entry.reason}; the tab {_refused(entry)}",
                f"tensorboard-atlas inspect {_quoted(log_dir)}",
            )
        elif entry.samples == 0:
            yield Finding(
                PROBLEM,
                f"{name}: an atlas without samples, since its probe was empty",
                "pass a probe with at least one image",
            )


def _refused(entry: LoggedAtlas) -> str:
    return "shows no shortcuts there" if entry.edition == SHORTCUTS else "refuses this step"


def _two_writers(log_dir: Path, files: Sequence[Checkup]) -> Iterator[Finding]:
    """Yields folders with atlases in which an older file was written to beside a newer one."""
    for run, own in _by_run(files).items():
        if not any(file.atlases for file in own):
            continue
        for older, newer in itertools.pairwise(own):
            if newer.first and older.last > newer.first + _SLACK_SECONDS:
                yield Finding(
                    PROBLEM,
                    f"run {run}: {older.path.name} was written to after {newer.path.name} had been "
                    "begun. The Python loader never shows what came later in the older one: your "
                    "scalars may stand still there",
                    f"tensorboard --logdir {_quoted(log_dir)} --reload_multifile=true",
                )


def _by_run(files: Sequence[Checkup]) -> dict[str, list[Checkup]]:
    found: dict[str, list[Checkup]] = defaultdict(list)
    for file in files:
        found[file.run].append(file)
    return found


def _falling_steps(files: Sequence[Checkup]) -> Iterator[Finding]:
    for run, own in _by_run(files).items():
        last: dict[str, int] = {}
        for layer, step in itertools.chain.from_iterable(file.atlases for file in own):
            if layer is None:
                # Taken up again; the last atlas before it is repeated on purpose.
                last.clear()
                continue
            before = last.get(layer)
            last[layer] = step
            if before is not None and step <= before:
                yield Finding(
                    PROBLEM,
                    f"run {run}, layer {layer}: step {step:,} was logged after {before:,}. The "
                    f"data server drops all steps from {step:,} to {before:,} that came before it",
                    "give each run a directory of its own, or pass purge_step to AtlasWriter when "
                    "a run is taken up again",
                )


def _sampled_away(log_dir: Path, atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    steps = Counter((entry.run, entry.layer) for entry in atlases if entry.status == "ok")
    # The first step has a tag of its own.
    many = {name: count for name, count in steps.items() if count > DEFAULT_KEPT_STEPS + 1}
    if many:
        (run, layer), count = max(many.items(), key=lambda item: item[1])
        yield Finding(
            NOTE,
            f"run {run}, layer {layer}: {count:,} steps were logged, and TensorBoard keeps "
            f"about {DEFAULT_KEPT_STEPS} of each layer by default",
            f"tensorboard --logdir {_quoted(log_dir)} --atlas_samples={max(many.values())}",
        )


def _unfinished(atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    for entry in atlases:
        if (entry.edition, entry.status) == ("draft", "ok"):
            yield Finding(
                NOTE,
                f"run {entry.run}, layer {entry.layer}, step {entry.step:,}: "
                "only a draft is there: its icons are real patches, "
                "since the run is drawing them or ended before",
                "tensorboard-atlas refine --help says how to draw them from a checkpoint",
            )


def _stale(log_dir: Path, atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    for entry in atlases:
        if entry.edition == "stale":
            yield Finding(
                NOTE,
                f"run {entry.run}, layer {entry.layer}, step {entry.step:,}: finer icons are there "
                "for an atlas that no longer is; they are not shown",
                f"delete what you do not need of {_quoted(log_dir / entry.run / REFINED_FOLDER)}",
            )


def _probes(files: Sequence[Checkup], atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    with_pictures = {file.run for file in files if file.has_probe}
    for run in sorted({entry.run for entry in atlases} - with_pictures):
        yield Finding(
            NOTE,
            f"run {run}: no pictures of the probe, so that the tab shows no real patches",
            None,
        )


def _summary(files: Sequence[Checkup], atlases: Sequence[LoggedAtlas]) -> Iterator[Finding]:
    sound = [entry for entry in atlases if entry.status == "ok" and entry.edition != "stale"]
    if sound:
        runs, layers = {e.run for e in sound}, {(e.run, e.layer) for e in sound}
        yield Finding(
            OK,
            f"{len(sound):,} sound atlases of {len(layers):,} layers in {len(runs):,} runs, "
            f"{len(files):,} event files",
        )


def _bytes(count: int) -> str:
    value, unit = float(count), "bytes"
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"):
        if value < 1024 or unit == "EiB":
            break
        value /= 1024
    return f"{value:,.0f} {unit}"


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))

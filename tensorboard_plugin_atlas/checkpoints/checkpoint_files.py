# SPDX-License-Identifier: Apache-2.0
"""Finds the checkpoints of a run, and determines the step and the wall time of each."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from torch import Tensor

from tensorboard_plugin_atlas.checkpoints.checkpoint_reader import (
    is_checkpoint_folder,
    read_checkpoint,
    read_trainer_step,
)
from tensorboard_plugin_atlas.errors import ArgumentError

PathLike: TypeAlias = str | os.PathLike[str]

_STEP_KEYS: Final = ("global_step", "step", "iteration", "iter", "num_updates")
_EPOCH_KEYS: Final = ("epoch",)
_NAMED_STEP: Final = re.compile(
    r"(?:global_?step|step|iteration|iter|checkpoint|ckpt)[=_\-]*(\d{1,18})(?!\d)", re.IGNORECASE
)
_NAMED_EPOCH: Final = re.compile(r"(?:epochs?|ep)[=_\-]*(\d{1,18})(?!\d)", re.IGNORECASE)
_LAST_NUMBER: Final = re.compile(r"(?<![\d.])(\d{1,18})(?!.*\d)")
_SUFFIX: Final = re.compile(r"\.(?:pt|pth|ckpt|bin|tar|safetensors)$", re.IGNORECASE)
_PATTERN_ADVICE: Final = (
    "--step-pattern REGEX (in Python, step_pattern=...), which finds the step in the path, such as "
    r"'step(\d+)'"
)
_LARGEST_STEP: Final = 2**63 - 1


@dataclass(frozen=True, kw_only=True)
class CheckpointFile:
    """A checkpoint of a run.

    Attributes:
        path: A file or a folder.
        step: Global step.
        wall_time: When it was last written, in seconds since the epoch.
    """

    path: Path
    step: int
    wall_time: float

    @property
    def label(self) -> str:
        """Name for messages."""
        return make_label(self.path)


def make_label(path: Path) -> str:
    """Returns the name of a checkpoint for messages."""
    return f"checkpoint {str(path)!r}"


def find_checkpoints(
    patterns: PathLike | Iterable[PathLike], step_pattern: str | None = None
) -> tuple[CheckpointFile, ...]:
    """Finds checkpoints and determines their steps.

    The steps of all checkpoints come from the same source, the first of these that all have: the
    step that a checkpoint states (`global_step`, `step`, `iteration`), the number in its name
    ("step500", "checkpoint-500", "epoch5", or else the last number), or the epoch that it states.

    Args:
        patterns: Paths of files or folders, or glob patterns such as "ckpts/*.pt".
        step_pattern: Regular expression that finds the step in the path of a checkpoint. Its first
            group is the step, or the whole match if it has no group.

    Returns:
        The checkpoints, by increasing step.

    Raises:
        ArgumentError: if a pattern matches nothing, a checkpoint cannot be read, a checkpoint has
            no step, or two have the same.
    """
    paths = _list_paths(patterns)
    steps = (
        _list_stated_or_named_steps(paths)
        if step_pattern is None
        else _list_matched_steps(paths, step_pattern)
    )
    found = sorted(
        (
            CheckpointFile(path=path, step=step, wall_time=_read_wall_time(path))
            for path, step in zip(paths, steps, strict=True)
        ),
        key=lambda one: (one.step, str(one.path)),
    )
    for one, following in itertools.pairwise(found):
        if one.step == following.step:
            raise ArgumentError(
                f"checkpoints {str(one.path)!r} and {str(following.path)!r} are both of step "
                f"{one.step:,}; leave one of them out, or pass {_PATTERN_ADVICE}"
            )
    return tuple(found)


def _list_paths(patterns: PathLike | Iterable[PathLike]) -> list[Path]:
    """Returns the paths that patterns match, each once and in order.

    Raises:
        ArgumentError: if a pattern matches nothing, or a folder that is no checkpoint.
    """
    several = [patterns] if isinstance(patterns, (str, os.PathLike)) else list(patterns)
    if not several:
        raise ArgumentError("checkpoints=[]: pass paths or patterns, such as 'ckpts/*.pt'")
    found: dict[Path, None] = {}
    for pattern in (os.fspath(one) for one in several):
        # `Path.glob` does not take absolute patterns.
        matches = glob.glob(pattern, recursive=True)  # noqa: PTH207
        here = [pattern] if Path(pattern).exists() else sorted(matches)
        if not here:
            raise ArgumentError(
                f"checkpoints={pattern!r} matches no file and no folder in {str(Path.cwd())!r}; "
                "pass paths or patterns in quotation marks, such as 'ckpts/*.pt'"
            )
        found |= dict.fromkeys(map(Path, here))
    for path in found:
        if path.is_dir() and not is_checkpoint_folder(path):
            raise ArgumentError(
                f"{make_label(path)} is a folder without model.safetensors, pytorch_model.bin, or "
                f".metadata; pass the files in it, such as {str(path / '*.pt')!r}"
            )
    return list(found)


def _list_matched_steps(paths: Sequence[Path], step_pattern: str) -> Iterator[int]:
    """Yields the step that a regular expression finds in each path.

    Raises:
        ArgumentError: if the expression is invalid, or does not find a number in a path.
    """
    try:
        compiled = re.compile(step_pattern)
    except re.error as error:
        raise ArgumentError(
            rf"--step-pattern {step_pattern!r}: {error}; pass one such as 'step(\d+)'"
        ) from error
    for path in paths:
        match = compiled.search(path.as_posix())
        text = None if match is None else match[min(1, compiled.groups)]
        if text is None or not text.isdecimal() or int(text) > _LARGEST_STEP:
            raise ArgumentError(
                f"--step-pattern {step_pattern!r} finds no step in {path.as_posix()!r}; pass a "
                r"regular expression whose first group is a number, such as 'step(\d+)'"
            )
        yield int(text)


def _list_stated_or_named_steps(paths: Sequence[Path]) -> Sequence[int]:
    """Returns the steps from the first source that all checkpoints have.

    Raises:
        ArgumentError: if there is no such source.
    """
    stated = {path: _read_numbers(path) for path in paths}
    sources: tuple[Callable[[Path], int | None], ...] = (
        lambda path: stated[path][0],
        _find_step_in_name,
        lambda path: stated[path][1],
    )
    for source in sources:
        steps = [step for path in paths if (step := source(path)) is not None]
        if len(steps) == len(paths):
            return steps
    missing = next(path for path in paths if _find_step_in_name(path) is None)
    raise ArgumentError(
        f"{make_label(missing)} states no step, and there is no number in its name; rename it, "
        f"such as to 'step500.pt', leave it out, or pass {_PATTERN_ADVICE}"
    )


def _read_numbers(path: Path) -> tuple[int | None, int | None]:
    """Returns the step and the epoch that a checkpoint states."""
    if path.is_dir():
        return read_trainer_step(path), None
    if path.suffix == ".safetensors":
        return None, None
    content = read_checkpoint(path, make_label(path), is_mapped=True)
    values = content if isinstance(content, Mapping) else {}
    return _find_number(values, _STEP_KEYS), _find_number(values, _EPOCH_KEYS)


def _find_number(values: Mapping[Any, Any], keys: Iterable[str]) -> int | None:
    """Returns the first value that is a step: an integer, or a tensor with one integer."""
    for key in keys:
        value = values.get(key)
        if isinstance(value, Tensor) and value.numel() == 1 and not value.is_floating_point():
            value = value.item()
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_STEP:
            return value
    return None


def _find_step_in_name(path: Path) -> int | None:
    """Returns the step in the name of a file, or else after "step" in the name of its folder."""
    stem = path.name
    while _SUFFIX.search(stem):
        stem = _SUFFIX.sub("", stem)
    match = _NAMED_STEP.search(stem) or _NAMED_EPOCH.search(stem) or _LAST_NUMBER.search(stem)
    match = match or _NAMED_STEP.search(path.absolute().parent.name)
    return None if match is None else int(match[1])


def _read_wall_time(path: Path) -> float:
    """Returns the time at which a file, or the newest file in a folder, was written."""
    files = [one for one in path.iterdir() if one.is_file()] if path.is_dir() else [path]
    return max(one.stat().st_mtime for one in files)

# SPDX-License-Identifier: Apache-2.0
"""Reads the files of a checkpoint without running any code in them.

Supported are files of `torch.save`, `.safetensors` files, folders of Hugging Face's `Trainer` and
`save_pretrained`, and folders of `torch.distributed.checkpoint`.
"""

from __future__ import annotations

import argparse
import json
import pickle
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from tensorboard_plugin_atlas.checkpoints.distributed_checkpoint import (
    METADATA_FILE,
    read_distributed_checkpoint,
)
from tensorboard_plugin_atlas.errors import ArgumentError, describe_error

WEIGHT_FILES: Final = ("model.safetensors", "pytorch_model.bin")
"""Files of weights in a folder of Hugging Face; with the suffix `.index.json`, lists of shards."""

_SAFE_CLASSES: Final = (argparse.Namespace,)
"""Classes that trainers store in checkpoints and that only hold values."""


def is_checkpoint_folder(path: Path) -> bool:
    """Returns whether a folder is a checkpoint that consists of several files."""
    names = (METADATA_FILE, *WEIGHT_FILES, *(f"{name}.index.json" for name in WEIGHT_FILES))
    return path.is_dir() and any((path / name).is_file() for name in names)


def read_checkpoint(path: Path, label: str, *, is_mapped: bool = False) -> object:
    """Reads a checkpoint. Only tensors and plain values are unpickled.

    Args:
        path: A file, or a folder for which `is_checkpoint_folder` is true.
        label: Names the checkpoint in messages, such as "checkpoint 'step5.pt'".
        is_mapped: Whether tensors are mapped from the file where its format permits this, so that
            their values are read at the first access.

    Returns:
        The stored object. Of a folder, the tensors by name.

    Raises:
        ArgumentError: if it cannot be read, or holds more than tensors and plain values.
    """
    try:
        if not path.is_dir():
            return _read_file(path, is_mapped)
        if (path / METADATA_FILE).is_file():
            return read_distributed_checkpoint(path)
        return _read_hugging_face_folder(path, is_mapped)
    except pickle.UnpicklingError as error:
        raise ArgumentError(
            f"{label} holds more than tensors and plain values; it is not loaded, since unpickling "
            "other objects can run code. Save only the weights: torch.save(model.state_dict(), "
            f"path) ({_shorten_unpickling_error(error)})"
        ) from error
    except Exception as error:  # torch raises many types for invalid files
        raise ArgumentError(
            f"{label} cannot be read ({describe_error(error):.200}); pass a complete file of "
            "torch.save or safetensors, or a folder of Hugging Face or torch.distributed.checkpoint"
        ) from error


def read_trainer_step(folder: Path) -> int | None:
    """Returns the step in the `trainer_state.json` of a folder; None without a valid one."""
    try:
        state = json.loads((folder / "trainer_state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    step = state.get("global_step") if isinstance(state, dict) else None
    return step if isinstance(step, int) and not isinstance(step, bool) else None


def _read_file(path: Path, is_mapped: bool) -> object:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file

        return load_file(path)
    # Files of torch before 1.6 are no zip files and cannot be mapped.
    is_mapped = is_mapped and zipfile.is_zipfile(path)
    with torch.serialization.safe_globals(list(_SAFE_CLASSES)):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=is_mapped)


def _read_hugging_face_folder(path: Path, is_mapped: bool) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name in _list_shards(path):
        content = _read_file(path / name, is_mapped)
        if not isinstance(content, Mapping):
            raise TypeError(f"{name} holds a {type(content).__name__}, not a state dict")
        found.update(content)
    return found


def _list_shards(path: Path) -> Iterable[str]:
    """Returns the names of the files of weights in a folder of Hugging Face."""
    for name in WEIGHT_FILES:
        if (path / name).is_file():
            return (name,)
    index = next(p for name in WEIGHT_FILES if (p := path / f"{name}.index.json").is_file())
    content: Any = json.loads(index.read_text("utf-8"))
    names = sorted(set(content["weight_map"].values()))
    outside = [name for name in names if Path(name).name != name]
    if outside:
        raise ValueError(f"{index.name} names a file outside of the folder: {outside[0]!r:.80}")
    return names


def _shorten_unpickling_error(error: pickle.UnpicklingError) -> str:
    """Returns the part of torch's message that names the object, without its advice."""
    text = str(error)
    _, found, rest = text.partition("Unsupported global: ")
    return (
        (found + rest if found else text).strip().partition("\n")[0].partition(" was not")[0][:120]
    )

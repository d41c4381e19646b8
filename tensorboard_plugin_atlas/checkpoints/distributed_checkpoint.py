# SPDX-License-Identifier: Apache-2.0
"""Reads folders of `torch.distributed.checkpoint` in one process, without a process group.

`FileSystemReader` unpickles the file `.metadata`, which can run code. Here, it is unpickled with a
list of allowed classes, and tensors are read with `torch.load(weights_only=True)`.
"""

from __future__ import annotations

import io
import math
import pickle
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor
from torch.distributed.checkpoint.metadata import Metadata, TensorStorageMetadata

METADATA_FILE: Final = ".metadata"
"""File that a folder of `torch.distributed.checkpoint` has."""

_METADATA_MODULE: Final = "torch.distributed.checkpoint.metadata"
_ALLOWED: Final = {
    *((_METADATA_MODULE, name) for name in ("Metadata", "MetadataIndex", "StorageMeta")),
    *((_METADATA_MODULE, f"{kind}StorageMetadata") for kind in ("Tensor", "Bytes", "Chunk")),
    *((_METADATA_MODULE, name) for name in ("TensorProperties", "_MEM_FORMAT_ENCODING")),
    ("torch.distributed.checkpoint.filesystem", "_StorageInfo"),
    *(("torch", "Size"), ("torch.serialization", "_get_layout"), ("collections", "OrderedDict")),
    *(
        (f"pathlib{private}", f"{kind}Path")
        for private in ("", "._local")
        for kind in ("", "Posix")
    ),
}
"""Module and name of everything that `.metadata` may refer to, in addition to dtypes."""

_OPTIMIZER: Final = "optim"
"""Prefix of the names of an optimizer's state, which is not read."""


class _MetadataUnpickler(pickle.Unpickler):
    """Unpickles descriptions of tensors; refuses everything else."""

    def find_class(self, module: str, name: str) -> Any:
        """Returns an allowed class.

        Raises:
            UnpicklingError: if it is not allowed.
        """
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        raise pickle.UnpicklingError(f"{METADATA_FILE}: Unsupported global: {module}.{name}")


def read_distributed_checkpoint(folder: Path) -> dict[str, Tensor]:
    """Reads all tensors of a checkpoint, except for those of optimizers.

    Args:
        folder: Folder that `torch.distributed.checkpoint.save` wrote, from any number of ranks.

    Returns:
        The tensors on the CPU, by the name in the state dict that was saved, such as
        "model.layer1.weight".

    Raises:
        UnpicklingError: if `.metadata` refers to anything but descriptions of tensors.
        ValueError: if a tensor is incomplete or larger than the files, or is stored in an unknown
            way.
        OSError: if a file cannot be read.
    """
    with (folder / METADATA_FILE).open("rb") as file:
        metadata = _MetadataUnpickler(file).load()
    if not isinstance(metadata, Metadata):
        raise ValueError(f"{METADATA_FILE} holds no metadata, but {type(metadata).__name__}")
    described = {
        name: one
        for name, one in metadata.state_dict_metadata.items()
        if isinstance(one, TensorStorageMetadata) and not name.startswith(_OPTIMIZER)
    }
    _check_sizes(folder, described.values())
    tensors = {
        name: torch.empty(tuple(one.size), dtype=one.properties.dtype)
        for name, one in described.items()
    }
    filled = dict.fromkeys(tensors, 0)
    for index, place in (metadata.storage_data or {}).items():
        if index.fqn in tensors:
            chunk = _read_chunk(folder, place)
            _insert_chunk(tensors[index.fqn], index.offset, chunk)
            filled[index.fqn] += chunk.numel()
    for name, tensor in tensors.items():
        if filled[name] != tensor.numel():
            raise ValueError(f"{filled[name]:,} of {tensor.numel():,} values of {name!r} are there")
    return tensors


def _check_sizes(folder: Path, tensors: Iterable[TensorStorageMetadata]) -> None:
    """Checks that the files can hold the tensors, before memory is allocated for them."""
    needed = sum(math.prod(one.size) * one.properties.dtype.itemsize for one in tensors)
    stored = sum(path.stat().st_size for path in folder.iterdir())
    if needed > stored:
        raise ValueError(
            f"{METADATA_FILE} describes {needed:,} bytes of tensors, but the files have {stored:,}"
        )


def _read_chunk(folder: Path, place: Any) -> Tensor:
    """Reads the part of a tensor that one rank stored.

    Args:
        folder: The checkpoint.
        place: torch's `_StorageInfo`: file, start, and length in bytes.
    """
    name = place.relative_path
    if Path(name).name != name:
        raise ValueError(f"{METADATA_FILE} names a file outside of the folder: {name!r:.80}")
    if getattr(place, "transform_descriptors", None):
        raise ValueError(f"{name} is compressed or encrypted: {place.transform_descriptors!r:.80}")
    with (folder / name).open("rb") as file:
        file.seek(place.offset)
        content = file.read(place.length)
    chunk = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    if not isinstance(chunk, Tensor):
        raise ValueError(f"{name} holds a {type(chunk).__name__} in place of a tensor")
    return chunk


def _insert_chunk(tensor: Tensor, offset: torch.Size | None, chunk: Tensor) -> None:
    """Copies a chunk into a tensor, at `offset` in each dimension; None for the start."""
    section = tensor
    for dimension, start in enumerate(offset or (0,) * tensor.dim()):
        section = section.narrow(dimension, start, chunk.shape[dimension])
    section.copy_(chunk)

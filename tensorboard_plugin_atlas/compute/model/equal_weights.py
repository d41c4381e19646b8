# SPDX-License-Identifier: Apache-2.0
"""Checks that all ranks of one atlas have the same model."""

from __future__ import annotations

import itertools
import zlib

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.sparse_buffers import get_strided_parts
from tensorboard_plugin_atlas.compute.ranks import Ranks
from tensorboard_plugin_atlas.errors import ArgumentError


def check_equal_weights(model: nn.Module, ranks: Ranks) -> None:
    """Checks that the parameters and buffers of a model are equal on all ranks.

    In data-parallel training, the running statistics of batch normalization can differ: each rank
    updates them with its own batches. An atlas of such models would be that of none of them.

    Raises:
        ArgumentError: naming the first tensor that differs from that of rank 0.
    """
    if ranks.size == 1:
        return
    different = ranks.find_difference(compute_checksums(model))
    if different is not None:
        name, rank = different
        raise ArgumentError(
            f"model: {name} of rank {rank} is not that of rank 0, and all ranks need the same "
            "model; before this call, run on all ranks: for tensor in model.state_dict().values(): "
            "torch.distributed.broadcast(tensor, 0)"
        )


def compute_checksums(model: nn.Module) -> dict[str, int]:
    """Returns a checksum of each parameter and buffer, by name."""
    tensors = itertools.chain(model.named_parameters(), model.named_buffers())
    return {name: _compute_checksum(tensor) for name, tensor in tensors}


def _compute_checksum(tensor: Tensor) -> int:
    """Returns the CRC-32 of a tensor's shape and values."""
    found = zlib.crc32(repr((tuple(tensor.shape), tensor.dtype)).encode())
    for part in get_strided_parts(tensor.detach()):
        values = part.cpu().contiguous().reshape(-1).view(torch.uint8)
        found = zlib.crc32(values.numpy().data, found)
    return found

# SPDX-License-Identifier: Apache-2.0
"""The device and the number of threads of the worker."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Final

import torch
from torch import nn

from tensorboard_plugin_atlas.errors import ArgumentError

_KINDS: Final = ("cpu", "cuda", "mps")
_MAX_THREADS: Final = 1024
_MEMORY_SHARE: Final = 0.2
"""Largest share of the memory of a GPU that the worker allocates beside the training loop."""


@dataclass(frozen=True)
class Hardware:
    """What the worker computes on.

    Attributes:
        device: Name of the device, such as "cpu" or "cuda:1".
        threads: Number of CPU threads of torch.
    """

    device: str = "cpu"
    threads: int = 1

    @property
    def kind(self) -> str:
        """Type of the device: "cpu", "cuda", or "mps"."""
        return torch.device(self.device).type

    def prepare(self) -> None:
        """Sets the number of threads and the limit on GPU memory of this process."""
        torch.set_num_threads(self.threads)
        if self.kind == "cuda":
            torch.cuda.set_per_process_memory_fraction(_MEMORY_SHARE, torch.device(self.device))

    def place(self, model: nn.Module) -> nn.Module:
        """Returns a model on the device: itself on the CPU, else a copy."""
        return model if self.kind == "cpu" else copy.deepcopy(model).to(self.device)

    def release_memory(self) -> None:
        """Returns unused GPU memory, so that the training loop can allocate it."""
        if self.kind == "cuda":
            torch.cuda.empty_cache()


def check_hardware(device: object, threads: object, worker: object) -> Hardware:
    """Returns the hardware for the arguments `device` and `threads`.

    Args:
        device: Name of a device, or a `torch.device`.
        threads: Number of CPU threads.
        worker: The argument `worker`; an inline writer uses the device of the model.

    Raises:
        ArgumentError: if an argument cannot be used.
    """
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise ArgumentError(f"threads={threads!r:.40}: pass an integer, at least 1")
    if not 1 <= threads <= _MAX_THREADS:
        raise ArgumentError(f"threads={threads}: pass an integer from 1 to {_MAX_THREADS}")
    found = _parse_device(device)
    hardware = Hardware(str(found), threads)
    if worker == "inline" and hardware != Hardware():
        raise ArgumentError(
            f"device={hardware.device!r} and threads={threads} are for worker='process'; with "
            "worker='inline', atlases are computed on the device of the model"
        )
    return hardware


def _parse_device(device: object) -> torch.device:
    advice = f"device={device!r:.40}: pass 'cpu', 'cuda', 'cuda:1', or 'mps'"
    if not isinstance(device, (str, torch.device)):
        raise ArgumentError(advice)
    try:
        found = torch.device(device)
    except RuntimeError:
        raise ArgumentError(advice) from None
    if found.type not in _KINDS:
        raise ArgumentError(advice)
    if found.type == "mps" and not torch.backends.mps.is_available():
        raise ArgumentError(f"device={str(found)!r}: there is no MPS device; pass 'cpu'")
    if found.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (found.index or 0) >= count:
            raise ArgumentError(
                f"device={str(found)!r}: this process has {count} CUDA devices; pass "
                + (f"'cuda:{count - 1}' or a lower number" if count else "'cpu'")
            )
    return found

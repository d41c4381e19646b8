# SPDX-License-Identifier: Apache-2.0
"""Copies a model's state to shared memory, where another process reads it.

The training loop waits for one copy of the state, at about memory bandwidth. On the CPU, one thread
of `_foreach_copy_` was the fastest method measured: a second thread gains nothing while the worker
uses the other core, and writing through the file takes 50 % longer. On a GPU, the copy is queued on
the current stream, so that it is ordered with the training steps.
"""

from __future__ import annotations

import contextlib
import itertools
import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.sparse_buffers import (
    SparseForm,
    get_strided_parts,
    is_sparse,
)
from tensorboard_plugin_atlas.errors import CannotSendError
from tensorboard_plugin_atlas.writer.model_contents import ModelContents, read_contents

ALIGNMENT: Final = 64
"""Alignment of tensors in bytes: a cache line, which is enough for all vector instructions."""


@dataclass(frozen=True)
class TensorSpec:
    """Describes a tensor, so that another process can allocate it and read its values.

    Attributes:
        shape: Size along each axis.
        stride: Stride along each axis in elements, as of `Tensor.stride()`.
        dtype: Element type.
        offset: Offset of its bytes in a slot.
        is_parameter: Whether it is a `Parameter`.
        requires_grad: As of the tensor.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    offset: int
    is_parameter: bool
    requires_grad: bool

    def view(self, memory: Tensor) -> Tensor:
        """Returns the tensor as a view of `memory`, the uint8 bytes of a slot."""
        elements = sum((n - 1) * s for n, s in zip(self.shape, self.stride, strict=True)) + 1
        count = 0 if 0 in self.shape else elements * self.dtype.itemsize
        flat = memory[self.offset : self.offset + count].view(self.dtype)
        return flat.as_strided(self.shape, self.stride)

    def allocate(self) -> Tensor:
        """Returns a new uninitialized tensor or parameter of this form."""
        tensor = torch.empty_strided(self.shape, self.stride, dtype=self.dtype)
        if self.is_parameter:
            return nn.Parameter(tensor, self.requires_grad)
        return tensor


@dataclass(frozen=True)
class SparseSpec:
    """Describes a sparse tensor.

    Attributes:
        form: How to assemble it from its parts.
        parts: Its indices and values.
    """

    form: SparseForm
    parts: tuple[TensorSpec, ...]

    def allocate(self) -> Tensor:
        """Returns a new uninitialized tensor or parameter of this form."""
        return self.form.assemble([part.allocate() for part in self.parts])


@dataclass(frozen=True)
class StateLayout:
    """Memory layout of a model's state in a slot.

    Attributes:
        specs: One for each tensor, in the order of `ModelState.tensors`.
        size: Size of a slot in bytes.
    """

    specs: tuple[TensorSpec | SparseSpec, ...]
    size: int

    def views(self, memory: Tensor) -> list[Tensor]:
        """Returns views of `memory`, the uint8 bytes of a slot; sparse tensors part by part."""
        parts = (s.parts if isinstance(s, SparseSpec) else (s,) for s in self.specs)
        return [part.view(memory) for part in itertools.chain.from_iterable(parts)]

    def parts(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Returns the dense tensors that correspond to `views`, given one tensor per spec."""
        if not any(isinstance(spec, SparseSpec) for spec in self.specs):
            return list(tensors)
        return list(itertools.chain.from_iterable(map(get_strided_parts, tensors)))


@dataclass(frozen=True, eq=False)
class ModelState:
    """All tensors of a model, and the other objects that it refers to.

    Attributes:
        tensors: Parameters, buffers, and other tensors of all modules, each shared tensor once.
        contents: All other objects. As long as `list_model_state` returns the same contents, only
            the values of `tensors` have changed.
    """

    tensors: list[Tensor]
    contents: ModelContents


def list_model_state(model: nn.Module, known: ModelContents | None = None) -> ModelState:
    """Lists the tensors of a model and detects other changes; fast if there are none.

    Changes since `known` are detected in everything that pickle would send: attributes of modules,
    plain containers and objects in them at any depth, hooks, and the objects that functions,
    partials, and bound methods refer to, including the globals used by functions of the running
    script. `Module.training` is ignored. Changes are not detected in globals of imported files,
    which the worker imports itself, and in state of C objects that is not pickled.

    Args:
        model: The model in its current state.
        known: `ModelState.contents` of an earlier call.

    Raises:
        CannotSendError: if the model cannot be reproduced in another process.
    """
    tensors = None if known is None else known.tensors_of(model)
    if known is not None and tensors is not None:
        return ModelState(tensors, known)
    contents, tensors = read_contents(model)
    return ModelState(tensors, contents)


def compute_state_layout(tensors: Iterable[Tensor]) -> StateLayout:
    """Returns a memory layout that holds all tensors.

    Raises:
        CannotSendError: if one of them cannot be copied byte by byte.
    """
    specs: list[TensorSpec | SparseSpec] = []
    offset = 0
    for tensor in tensors:
        _check_plain(tensor)
        placed = []
        for part in get_strided_parts(tensor):
            stride = part.stride() if _is_dense(part) else _compute_strides(part.shape)
            placed.append(
                TensorSpec(
                    tuple(part.shape),
                    stride,
                    part.dtype,
                    offset,
                    isinstance(part, nn.Parameter),
                    part.requires_grad,
                )
            )
            offset += -(-part.numel() * part.element_size() // ALIGNMENT) * ALIGNMENT
        is_whole = not is_sparse(tensor)
        specs.append(placed[0] if is_whole else SparseSpec(SparseForm.of(tensor), tuple(placed)))
    return StateLayout(tuple(specs), max(offset, ALIGNMENT))


class SharedMemory:
    """Memory that another process can map through a file descriptor.

    The file has no name, so the memory is freed with the last process that has it open, even after
    a kill. All pages are allocated at once, so that a lack of memory is an error here and not in
    the middle of a copy.

    Args:
        size: Size in bytes.
        on_disk: Whether it is a file on disk, whose pages the system can write back.

    Attributes:
        file: File descriptor to send to the other process.
        bytes: (size,) uint8, the memory itself.

    Raises:
        OSError: if there is not enough memory.
    """

    def __init__(self, size: int, *, on_disk: bool = False) -> None:
        self.file = _open_unnamed_file(on_disk=on_disk)
        self._closer = weakref.finalize(self, os.close, self.file)
        try:
            os.ftruncate(self.file, size)
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self.file, 0, size)
            self.bytes = map_memory(self.file).zero_()
        except BaseException:
            self._closer()
            raise

    def __len__(self) -> int:
        return len(self.bytes)

    def close(self) -> None:
        """Closes the descriptor; the memory is freed when it is no longer mapped."""
        self._closer()


def map_memory(file: int) -> Tensor:
    """Maps a shared memory file; returns its bytes, (size,) uint8."""
    return torch.frombuffer(mmap.mmap(file, os.fstat(file).st_size), dtype=torch.uint8)


def copy_all(targets: list[Tensor], sources: list[Tensor], *, non_blocking: bool = False) -> None:
    """Copies each source to its target in one call, which is faster than one call for each."""
    if targets:  # torch raises for an empty list
        with torch.no_grad():
            torch._foreach_copy_(targets, sources, non_blocking=non_blocking)


class StateSlot:
    """Shared memory for one snapshot of a model's state; it is reused for later snapshots.

    Args:
        layout: Memory layout of the state.
    """

    def __init__(self, layout: StateLayout) -> None:
        self.layout = layout
        self.memory = SharedMemory(layout.size)
        self._views = layout.views(self.memory.bytes)
        self._copied: list[torch.cuda.Event] = []
        self._pin()

    def take(self, tensors: Sequence[Tensor]) -> None:
        """Copies the state into the slot; copies from a GPU are asynchronous, see `wait`.

        Args:
            tensors: The tensors of the layout, in the same order.
        """
        copy_all(self._views, self.layout.parts(tensors), non_blocking=True)
        devices = {tensor.device for tensor in tensors}
        self._copied = [
            torch.cuda.current_stream(d).record_event() for d in devices if d.type == "cuda"
        ]
        if any(device.type not in ("cpu", "cuda") for device in devices):
            torch.accelerator.synchronize()

    def wait(self) -> None:
        """Waits until the copy is complete; called before another process reads the slot."""
        for event in self._copied:
            event.synchronize()

    def close(self) -> None:
        """Frees the memory."""
        self._views = []
        self.memory.close()

    def _pin(self) -> None:
        """Pins the pages for asynchronous copies from a GPU; without it they only take longer."""
        cuda: Any = torch.cuda
        if not (cuda.is_available() and cuda.is_initialized()):
            return
        runtime, address = cuda.cudart(), self.memory.bytes.data_ptr()
        with contextlib.suppress(RuntimeError):
            if int(runtime.cudaHostRegister(address, len(self.memory), 0)) == 0:
                weakref.finalize(self, runtime.cudaHostUnregister, address).atexit = False


def _open_unnamed_file(*, on_disk: bool) -> int:
    if hasattr(os, "memfd_create") and not on_disk:
        return os.memfd_create("tensorboard_plugin_atlas")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _check_plain(tensor: Tensor) -> None:
    is_plain = tensor.layout is torch.strided or is_sparse(tensor)
    if (
        type(tensor) not in (Tensor, nn.Parameter)
        or not is_plain
        or tensor.is_quantized
        or tensor.device.type == "meta"
    ):
        kind = type(tensor).__name__
        raise CannotSendError(
            f"model contains a {kind} ({tensor.layout}, on {tensor.device}), which cannot be "
            "copied to another process"
        )


def _is_dense(tensor: Tensor) -> bool:
    """Returns whether the tensor is contiguous after some permutation of its dimensions."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def _compute_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Returns the strides of a contiguous tensor."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))

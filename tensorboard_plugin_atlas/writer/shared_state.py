# SPDX-License-Identifier: Apache-2.0
"""A model's state in shared memory: one quick copy in the loop, read by another process.

The loop pays for one pass over the state, about as fast as memory goes. On the CPU a single thread
of `_foreach_copy_` was the fastest of what was measured: a second thread gains nothing while the
worker has the other core, and writing through the file costs half as much again. On a GPU the copy
is queued on the stream that trains, so it can neither see half a step nor be overtaken by the next.
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
from tensorboard_plugin_atlas.writer.model_contents import Contents, take_apart

ALIGNMENT: Final = 64
"""Bytes: a cache line, and more than any vector instruction asks for."""


@dataclass(frozen=True)
class TensorSpec:
    """What another process needs to know to make room for a tensor.

    Attributes:
        shape: Size along each axis.
        stride: Elements from one entry to the next along each axis, so that channels-last stays so.
        dtype: Element type.
        offset: Where its bytes start in a slot.
        is_parameter: Whether it is a `Parameter`.
        requires_grad: Whether it is trained.
    """

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype
    offset: int
    is_parameter: bool
    requires_grad: bool

    def view(self, memory: Tensor) -> Tensor:
        """Returns the tensor that lies in `memory`, the bytes of a slot."""
        elements = sum((n - 1) * s for n, s in zip(self.shape, self.stride, strict=True)) + 1
        count = 0 if 0 in self.shape else elements * self.dtype.itemsize
        flat = memory[self.offset : self.offset + count].view(self.dtype)
        return flat.as_strided(self.shape, self.stride)

    def allocate(self) -> Tensor:
        """Returns a tensor or parameter of its own for the state to be copied to."""
        tensor = torch.empty_strided(self.shape, self.stride, dtype=self.dtype)
        if self.is_parameter:
            return nn.Parameter(tensor, self.requires_grad)
        return tensor


@dataclass(frozen=True)
class SparseSpec:
    """The same for a sparse tensor.

    Attributes:
        form: How it is made of its parts.
        parts: Its indices and values.
    """

    form: SparseForm
    parts: tuple[TensorSpec, ...]

    def allocate(self) -> Tensor:
        """Returns a tensor or parameter of its own for the state to be copied to."""
        return self.form.assemble([part.allocate() for part in self.parts])


@dataclass(frozen=True)
class StateLayout:
    """Where each tensor of a model's state lies in a slot.

    Attributes:
        specs: One for each tensor, in the order of `Inventory.tensors`.
        size: Bytes of a slot.
    """

    specs: tuple[TensorSpec | SparseSpec, ...]
    size: int

    def views(self, memory: Tensor) -> list[Tensor]:
        """Returns what lies in `memory`, the bytes of a slot; sparse tensors part by part."""
        parts = (s.parts if isinstance(s, SparseSpec) else (s,) for s in self.specs)
        return [part.view(memory) for part in itertools.chain.from_iterable(parts)]

    def parts(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """Returns what is copied to or from `views` for `tensors`, one for each of `specs`."""
        if not any(isinstance(spec, SparseSpec) for spec in self.specs):
            return list(tensors)
        return list(itertools.chain.from_iterable(map(get_strided_parts, tensors)))


@dataclass(frozen=True, eq=False)
class Inventory:
    """What a model is made of.

    Attributes:
        tensors: The parameters, buffers and other tensors of all modules, shared ones once.
        contents: All that the model consists of beside the numbers in `tensors`. As long as
            `take_stock` returns the contents that it was given, the model is the one that was sent.
    """

    tensors: list[Tensor]
    contents: Contents


def take_stock(model: nn.Module, known: Contents | None = None) -> Inventory:
    """Lists what a model is made of; quick where it is known, since the loop waits for it.

    What changed since `known` is seen in all that pickle would send: attributes of modules, plain
    containers and objects in them at any depth, hooks, and what functions, partials and bound
    methods hold, with the globals that functions of the running script use. The mode of a module
    is left out. Not seen are globals of imported files, which the worker imports itself, and what
    objects written in C keep without pickling it.

    Args:
        model: The model as it is now.
        known: The contents of an earlier inventory.

    Raises:
        CannotSendError: if the model cannot be the same in another process.
    """
    tensors = None if known is None else known.tensors_of(model)
    if known is not None and tensors is not None:
        return Inventory(tensors, known)
    contents, tensors = take_apart(model)
    return Inventory(tensors, contents)


def lay_out_state(tensors: Iterable[Tensor]) -> StateLayout:
    """Gives each tensor its place in a slot.

    Raises:
        CannotSendError: if one is of a kind that cannot be copied byte by byte.
    """
    specs: list[TensorSpec | SparseSpec] = []
    offset = 0
    for tensor in tensors:
        _check_plain(tensor)
        placed = []
        for part in get_strided_parts(tensor):
            stride = part.stride() if _fills_its_memory(part) else _contiguous(part.shape)
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
    """Bytes that another process can map through a file descriptor, and that no kill can leak.

    Nothing has a name: the memory is gone with the last process that has it open. All pages are
    there from the start, so that a full memory shows here and not in the middle of a copy.

    Args:
        size: Bytes.

    Attributes:
        file: Descriptor to hand to the other process.
        bytes: (size,) uint8, the memory itself.

    Raises:
        OSError: if there is not enough memory.
    """

    def __init__(self, size: int) -> None:
        self.file = _nameless_file()
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
        """Closes the descriptor; the bytes stay until nobody looks at them."""
        self._closer()


def map_memory(file: int) -> Tensor:
    """Returns the uint8 bytes behind a descriptor, shared with whoever else maps them."""
    return torch.frombuffer(mmap.mmap(file, os.fstat(file).st_size), dtype=torch.uint8)


def copy_all(targets: list[Tensor], sources: list[Tensor], *, non_blocking: bool = False) -> None:
    """Copies each source to its target in one call, which spares the loop a call for each."""
    if targets:  # torch refuses an empty list
        with torch.no_grad():
            torch._foreach_copy_(targets, sources, non_blocking=non_blocking)


class StateSlot:
    """Room for one snapshot of a model's state, used again and again.

    Args:
        layout: Where each tensor goes.
    """

    def __init__(self, layout: StateLayout) -> None:
        self.layout = layout
        self.memory = SharedMemory(layout.size)
        self._views = layout.views(self.memory.bytes)
        self._copied: list[torch.cuda.Event] = []
        self._pin()

    def take(self, tensors: Sequence[Tensor]) -> None:
        """Copies the state; from a GPU the copy is only queued, and `wait` waits for it.

        Args:
            tensors: The tensors for which the layout was made, in the same order.
        """
        copy_all(self._views, self.layout.parts(tensors), non_blocking=True)
        devices = {tensor.device for tensor in tensors}
        self._copied = [
            torch.cuda.current_stream(d).record_event() for d in devices if d.type == "cuda"
        ]
        if any(device.type not in ("cpu", "cuda") for device in devices):
            torch.accelerator.synchronize()

    def wait(self) -> None:
        """Waits until the copy is complete; called before another process looks."""
        for event in self._copied:
            event.synchronize()

    def close(self) -> None:
        """Gives the memory back."""
        self._views = []
        self.memory.close()

    def _pin(self) -> None:
        """Locks the pages for the GPU's own copy engine; without it the copy just blocks longer."""
        cuda: Any = torch.cuda
        if not (cuda.is_available() and cuda.is_initialized()):
            return
        runtime, address = cuda.cudart(), self.memory.bytes.data_ptr()
        with contextlib.suppress(RuntimeError):
            if int(runtime.cudaHostRegister(address, len(self.memory), 0)) == 0:
                weakref.finalize(self, runtime.cudaHostUnregister, address).atexit = False


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):
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
            f"model holds a {kind} ({tensor.layout}, on {tensor.device}), which cannot be copied "
            "to another process"
        )


def _fills_its_memory(tensor: Tensor) -> bool:
    """Tells whether the strides are those of a permuted contiguous tensor."""
    expected = 1
    for stride, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size != 1:
            if stride != expected:
                return False
            expected *= size
    return True


def _contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))

# SPDX-License-Identifier: Apache-2.0
"""Sparse tensors as the strided ones that they are made of, which can be compared and copied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

_BY_ROW: Final = frozenset({torch.sparse_csr, torch.sparse_bsr})
_COMPRESSED: Final = _BY_ROW | {torch.sparse_csc, torch.sparse_bsc}
_SPARSE: Final = _COMPRESSED | {torch.sparse_coo}


def is_sparse(tensor: Tensor) -> bool:
    """Tells whether a tensor is sparse, in any of torch's layouts."""
    return tensor.layout in _SPARSE


def get_strided_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Returns the indices and values of a sparse tensor, which share its memory.

    A tensor of another layout is its only part.
    """
    if not is_sparse(tensor):
        return (tensor,)
    own = tensor.detach()
    if own.layout is torch.sparse_coo:  # those with an underscore are there before coalescing, too
        return own._indices(), own._values()
    if own.layout in _BY_ROW:
        return own.crow_indices(), own.col_indices(), own.values()
    return own.ccol_indices(), own.row_indices(), own.values()


def get_tensor_metadata(tensor: Tensor) -> tuple[Any, ...]:
    """Returns all about a tensor but its numbers; equal forms are copied to one place."""
    if is_sparse(tensor):
        parts = tuple(map(get_tensor_metadata, get_strided_parts(tensor)))
        return type(tensor), tensor.requires_grad, SparseForm.of(tensor), parts
    return (
        type(tensor),
        tensor.shape,
        tensor.stride(),
        tensor.dtype,
        tensor.requires_grad,
        tensor.device,
    )


def has_same_values(a: Tensor, b: Tensor) -> bool:
    """Tells whether two tensors of one layout hold the same numbers, as `torch.equal` does."""
    return all(map(torch.equal, get_strided_parts(a), get_strided_parts(b)))


def restore_values(tensor: Tensor, copy: Tensor) -> None:
    """Copies the numbers back that a tensor had, without counting up its version.

    Args:
        tensor: The tensor, in the layout of the copy; a sparse one may have other entries now.
        copy: A clone of it, made earlier.
    """
    targets, sources = get_strided_parts(tensor.data), get_strided_parts(copy)
    if [part.shape for part in targets] != [part.shape for part in sources]:
        tensor.data = copy
        return
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


@dataclass(frozen=True)
class SparseForm:
    """How a sparse tensor is made of its parts.

    Attributes:
        layout: One of torch's sparse layouts.
        shape: Size along each axis.
        is_coalesced: Whether each index is there once, in order.
        is_parameter: Whether it is a `Parameter`.
        requires_grad: Whether it is trained.
    """

    layout: torch.layout
    shape: tuple[int, ...]
    is_coalesced: bool
    is_parameter: bool
    requires_grad: bool

    @classmethod
    def of(cls, tensor: Tensor) -> SparseForm:
        """Returns the form of a sparse tensor."""
        return cls(
            tensor.layout,
            tuple(tensor.shape),
            tensor.layout is torch.sparse_coo and tensor.is_coalesced(),
            isinstance(tensor, nn.Parameter),
            tensor.requires_grad,
        )

    def assemble(self, parts: Sequence[Tensor]) -> Tensor:
        """Returns the tensor that is made of `parts` and shares their memory.

        Args:
            parts: As `get_strided_parts` gives them; their values may still be undefined.
        """
        if self.layout is torch.sparse_coo:
            indices, values = parts
            tensor = torch.sparse_coo_tensor(
                indices,
                values,
                self.shape,
                is_coalesced=self.is_coalesced,
                check_invariants=False,
            )
        else:
            compressed, plain, values = parts
            tensor = torch.sparse_compressed_tensor(
                compressed,
                plain,
                values,
                self.shape,
                layout=self.layout,
                check_invariants=False,
            )
        return nn.Parameter(tensor, self.requires_grad) if self.is_parameter else tensor

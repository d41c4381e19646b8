# SPDX-License-Identifier: Apache-2.0
"""Comparing and copying sparse tensors through their strided indices and values."""

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
    """Returns whether a tensor has one of torch's sparse layouts."""
    return tensor.layout in _SPARSE


def get_strided_parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """Returns the indices and values of a sparse tensor, without copying.

    A tensor of another layout is returned as the only part.
    """
    if not is_sparse(tensor):
        return (tensor,)
    detached = tensor.detach()
    if detached.layout is torch.sparse_coo:  # the private methods also work before coalescing
        return detached._indices(), detached._values()
    if detached.layout in _BY_ROW:
        return detached.crow_indices(), detached.col_indices(), detached.values()
    return detached.ccol_indices(), detached.row_indices(), detached.values()


def get_tensor_metadata(tensor: Tensor) -> tuple[Any, ...]:
    """Returns everything about a tensor but its values."""
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
    """Returns whether two tensors of one layout have equal values, as `torch.equal` does."""
    return all(map(torch.equal, get_strided_parts(a), get_strided_parts(b)))


def restore_values(tensor: Tensor, copy: Tensor) -> None:
    """Copies earlier values back into a tensor, without incrementing its version.

    Args:
        tensor: The tensor, in the layout of the copy; a sparse one may have other entries by now.
        copy: An earlier clone of it.
    """
    targets, sources = get_strided_parts(tensor.data), get_strided_parts(copy)
    if [part.shape for part in targets] != [part.shape for part in sources]:
        tensor.data = copy
        return
    for target, source in zip(targets, sources, strict=True):
        target.copy_(source)


@dataclass(frozen=True)
class SparseForm:
    """Everything needed to build a sparse tensor from its strided parts.

    Attributes:
        layout: One of torch's sparse layouts.
        shape: Size along each dimension.
        is_coalesced: Whether the indices are sorted and unique.
        is_parameter: Whether it is a `Parameter`.
        requires_grad: As of the tensor.
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
        """Returns the tensor with these `parts`, without copying.

        Args:
            parts: As `get_strided_parts` returns them; their values may be uninitialized.
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

# SPDX-License-Identifier: Apache-2.0
"""Preserving the global random states of Python, NumPy and torch."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator

import numpy as np
import torch


@contextlib.contextmanager
def preserve_random_state(seed: int | None = None) -> Iterator[None]:
    """Restores the random states of Python, NumPy and torch after a block, also after an error.

    Args:
        seed: Seed of all three inside the block, or None to continue from the current state.
    """
    python, legacy, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if _is_cuda_initialized() else None
    try:
        if seed is not None:
            seed_random_state(seed)
        yield
    finally:
        random.setstate(python)
        np.random.set_state(legacy)
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)


def seed_random_state(seed: int) -> None:
    """Seeds Python, NumPy and torch on the CPU, from 0 to 2**32 - 1."""
    random.seed(seed)
    np.random.seed(seed)
    # torch.manual_seed would also queue a seed for CUDA that is not initialized yet, and so change
    # the user's random numbers later.
    torch.default_generator.manual_seed(seed)


def _is_cuda_initialized() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]

# SPDX-License-Identifier: Apache-2.0
"""Random halves of a set, on which an event is tested again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

HALVES: Final = 20
"""Number of halves on which an event is tested."""

_SEED: Final = 0


def draw_halves(size: int, count: int = HALVES) -> Iterator[NDArray[np.bool_]]:
    """Yields `count` random halves of a set, always the same ones, as (size,) bool."""
    random = np.random.default_rng(_SEED)
    for _ in range(count):
        yield random.permutation(size) < size // 2

# SPDX-License-Identifier: Apache-2.0
"""Similarity of two representations of the same samples."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_MOST_ROWS: Final = 4_096
"""Rows that are used if there are as many channels: limits each product to 128 MB."""


def cka(a: NDArray[Any], b: NDArray[Any], *, seed: int = 0) -> float | None:
    """Linear centered kernel alignment (CKA) with unbiased HSIC.

    Kornblith et al. 2019, with the estimator of HSIC by Song et al. 2012.

    The biased estimate is near 1 for any two wide layers with few samples. This one is near 0 for
    unrelated layers of any width, and may be slightly negative.

    Args:
        a: (R, C), every entry finite.
        b: (R, D), the same samples.
        seed: Seed for the choice of 4,096 rows if there are more rows and more channels.

    Returns:
        1 for equal representations up to rotation and scale; None for fewer than four rows or if
        one does not vary.
    """
    if len(a) > _MOST_ROWS < max(a.shape[1], b.shape[1]):
        rows = np.random.default_rng(seed).choice(len(a), _MOST_ROWS, replace=False)
        a, b = a[rows], b[rows]
    if len(a) < 4:
        return None
    x, y = _standardize(a), _standardize(b)
    both, own_x, own_y = _hsic(x, y), _hsic(x, x), _hsic(y, y)
    # Below this fraction of the largest possible value, it is zero up to rounding.
    least = 1e-9
    if own_x <= least or own_y <= least:
        return None
    return float(min(both / np.sqrt(own_x * own_y), 1.0))


def _standardize(values: NDArray[Any]) -> NDArray[np.float64]:
    """Centers rows and scales them to a mean square length of 1; zero without variance."""
    rows = values.astype(np.float64)
    rows = rows / max(float(np.abs(rows).max()), 1e-300)
    rows = rows - rows.mean(axis=0)
    length = np.sqrt((rows**2).sum() / len(rows))
    return rows / length if length > 1e-7 else np.zeros_like(rows)


def _hsic(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Returns the unbiased estimate of HSIC from features, without forming Gram matrices."""
    n = len(x)
    lengths_x, lengths_y = (np.einsum("nc,nc->n", rows, rows) for rows in (x, y))
    if n < max(x.shape[1], y.shape[1]):
        product = float(((x @ x.T) * (y @ y.T)).sum())
    else:
        product = float(((x.T @ y) ** 2).sum())
    trace = product - float(lengths_x @ lengths_y)
    sums_x, sums_y = x @ x.sum(axis=0) - lengths_x, y @ y.sum(axis=0) - lengths_y
    corner = float(sums_x.sum() * sums_y.sum()) / ((n - 1) * (n - 2))
    return (trace + corner - 2 * float(sums_x @ sums_y) / (n - 2)) / (n * (n - 3))

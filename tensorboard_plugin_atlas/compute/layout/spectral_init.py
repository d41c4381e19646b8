# SPDX-License-Identifier: Apache-2.0
"""The two leading eigenvectors of a large symmetric matrix, the same in any process.

Block Lanczos with thick restarts (Wu and Simon 2000), from two seeded vectors. ARPACK would do but
for three things. It goes on from a random vector of its own where it finds an invariant subspace,
so that its result depends on earlier calls in the process, or on the system's entropy. It sees the
second eigenvector of a double eigenvalue only by rounding. And its sums are those of a BLAS, which
differ with the number of threads. Here two vectors span a double eigenvalue, and `np.einsum` adds
in one order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]

_WANTED: Final = 2
_MOST: Final = 60
"""Vectors of the basis: LAPACK takes one thread for a matrix of so few rows."""
_KEPT: Final = 16
"""Of them, those that a restart keeps."""
_RESTARTS: Final = 500
_DEPENDENT: Final = 1e-10
"""A vector that loses all but this share of its length to the basis lies in its span."""


class _Krylov:
    """An orthonormal basis that grows by products with the matrix.

    Attributes:
        basis: (M, N); the first `count` rows are in use.
        matrix: (M, M): the large matrix in that basis, known for the first `done` rows.
    """

    def __init__(self, start: Vector, known: Vector | None) -> None:
        size = start.shape[1]
        self.basis = np.zeros((_MOST, size))
        self.matrix = np.zeros((_MOST, _MOST))
        self.count = self.done = 0
        self._known = np.zeros((1, size)) if known is None else known[None]
        for vector in start:
            self._append(vector)

    def grow(self, product: Callable[[Vector], Vector]) -> None:
        """Multiplies one vector after the other until the basis is full or invariant."""
        while self.done < self.count < _MOST:
            column = self._append(product(self.basis[self.done]))
            self.matrix[: len(column), self.done] = column
            self.matrix[self.done, : len(column)] = column
            self.done += 1

    def ritz(self) -> tuple[Vector, Vector, Vector]:
        """Returns eigenvalues (M,), largest first, vectors (M, M) and residual norms (M,)."""
        known, left = slice(self.done), slice(self.done, self.count)
        values, shares = np.linalg.eigh(self.matrix[known, known])
        values, shares = values[::-1], np.ascontiguousarray(shares[:, ::-1])
        beyond = np.einsum("ij,jk->ik", self.matrix[left, known], shares)
        return values, shares, np.sqrt((beyond**2).sum(axis=0))

    def vectors(self, shares: Vector) -> Vector:
        """Returns (K, N): the vectors that are (M, K) `shares` of the basis."""
        combined: Vector = np.einsum("mk,mn->kn", shares, self.basis[: len(shares)])
        return combined

    def restart(self, values: Vector, shares: Vector) -> None:
        """Keeps the leading Ritz vectors, and those not multiplied yet: they are what is left."""
        kept = min(_KEPT, len(values))
        waiting = self.basis[self.done : self.count].copy()
        self.basis[:kept] = self.vectors(shares[:, :kept])
        self.matrix[:] = 0
        self.matrix[range(kept), range(kept)] = values[:kept]
        self.done, self.count = kept, kept + len(waiting)
        self.basis[kept : self.count] = waiting

    def _append(self, vector: Vector) -> Vector:
        """Adds what a vector has beyond the basis; returns its (count,) coordinates in it."""
        rest, length = vector.copy(), _length(vector)
        used = self.basis[: self.count]
        column = np.zeros(self.count)
        for _ in range(2):  # once leaves what rounding makes of large coordinates
            for rows, total in ((self._known, None), (used, column)):
                part = np.einsum("mn,n->m", rows, rest)
                rest -= np.einsum("m,mn->n", part, rows)
                if total is not None:
                    total += part
        beyond = _length(rest)
        if beyond > _DEPENDENT * length:
            self.basis[self.count] = rest / beyond
            self.count += 1
        return column


def leading_eigenpairs(
    product: Callable[[Vector], Vector], size: int, *, known: Vector | None = None, tolerance: float
) -> tuple[Vector, Vector] | None:
    """Finds the two largest eigenvalues of a symmetric matrix and their eigenvectors.

    Args:
        product: Multiplies the (N, N) matrix with an (N,) vector, with sums in a fixed order.
        size: N >= 1.
        known: (N,) eigenvector of length one that is left out, or None.
        tolerance: Largest norm of a residual, as a share of the largest eigenvalue found.

    Returns:
        Eigenvalues (2,), largest first, and eigenvectors (N, 2), each on the side of a seeded
        random vector; 0 where there are fewer. None where they do not converge.
    """
    start = np.random.RandomState(0).normal(size=(_WANTED, size))
    krylov = _Krylov(start, known)
    for _ in range(_RESTARTS):
        krylov.grow(product)
        if krylov.count == 0:
            return np.zeros(_WANTED), np.zeros((size, _WANTED))
        values, shares, residuals = krylov.ritz()
        if (residuals[:_WANTED] <= tolerance * np.abs(values[:_WANTED]).max()).all():
            return _oriented(values, krylov.vectors(shares[:, :_WANTED]), start)
        krylov.restart(values, shares)
    return None


def _oriented(values: Vector, vectors: Vector, start: Vector) -> tuple[Vector, Vector]:
    """Pads what was found to two, and turns each vector to the side of a start."""
    pair, along = np.zeros(_WANTED), np.zeros((start.shape[1], _WANTED))
    for i, vector in enumerate(vectors):
        pair[i] = values[i]
        along[:, i] = vector if np.einsum("n,n->", vector, start[i]) >= 0 else -vector
    return pair, along


def _length(vector: Vector) -> float:
    return float(np.sqrt(np.einsum("n,n->", vector, vector)))

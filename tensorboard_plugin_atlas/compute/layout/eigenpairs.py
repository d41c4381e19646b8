# SPDX-License-Identifier: Apache-2.0
"""The two leading eigenvectors of a large symmetric matrix, reproducible in any process.

Block Lanczos with thick restarts (Wu and Simon 2000) from two seeded vectors. ARPACK is not
reproducible: in an invariant subspace it continues with a random vector, which depends on earlier
calls or on the entropy of the system; it finds the second eigenvector of a double eigenvalue by
rounding errors only; and its sums depend on the number of BLAS threads. Here, two vectors span a
double eigenvalue, and `np.einsum` sums in a fixed order. Rounding errors of LAPACK, which depend on
the processor, choose the directions in the plane of a double eigenvalue; they are chosen again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vector: TypeAlias = NDArray[np.float64]

_PAIRS: Final = 2
_MAX_BASIS: Final = 60
"""Vectors of the basis: LAPACK uses one thread for a matrix of this size."""
_KEPT: Final = 16
"""Vectors that a restart keeps."""
_RESTARTS: Final = 500
_EQUAL: Final = 1e-4
"""Eigenvalues with a smaller difference, relative to the largest, count as a double eigenvalue."""
_DEPENDENT: Final = 1e-10
"""A vector with a smaller relative length outside of the basis is in its span."""


class _Krylov:
    """An orthonormal basis of a Krylov space.

    Attributes:
        basis: (M, N); the first `count` rows are in use.
        matrix: (M, M): the large matrix in this basis, known for the first `done` rows.
    """

    def __init__(self, start: Vector, known: Vector | None) -> None:
        size = start.shape[1]
        self.basis = np.zeros((_MAX_BASIS, size))
        self.matrix = np.zeros((_MAX_BASIS, _MAX_BASIS))
        self.count = self.done = 0
        self._known = np.zeros((1, size)) if known is None else known[None]
        for vector in start:
            self._append(vector)

    def grow(self, product: Callable[[Vector], Vector]) -> None:
        """Multiplies vectors with the matrix until the basis is full or invariant."""
        while self.done < self.count < _MAX_BASIS:
            column = self._append(product(self.basis[self.done]))
            self.matrix[: len(column), self.done] = column
            self.matrix[self.done, : len(column)] = column
            self.done += 1

    def ritz(self) -> tuple[Vector, Vector, Vector]:
        """Returns eigenvalues (M,), largest first, vectors (M, M) and residual norms (M,)."""
        known, left = slice(self.done), slice(self.done, self.count)
        values, coefficients = np.linalg.eigh(self.matrix[known, known])
        values, coefficients = values[::-1], np.ascontiguousarray(coefficients[:, ::-1])
        outside = np.einsum("ij,jk->ik", self.matrix[left, known], coefficients)
        return values, coefficients, np.sqrt((outside**2).sum(axis=0))

    def vectors(self, coefficients: Vector) -> Vector:
        """Returns (K, N): linear combinations of the basis with (M, K) coefficients."""
        combined: Vector = np.einsum("mk,mn->kn", coefficients, self.basis[: len(coefficients)])
        return combined

    def restart(self, values: Vector, coefficients: Vector) -> None:
        """Keeps the leading Ritz vectors, and the vectors that are not multiplied yet."""
        kept = min(_KEPT, len(values))
        pending = self.basis[self.done : self.count].copy()
        self.basis[:kept] = self.vectors(coefficients[:, :kept])
        self.matrix[:] = 0
        self.matrix[range(kept), range(kept)] = values[:kept]
        self.done, self.count = kept, kept + len(pending)
        self.basis[kept : self.count] = pending

    def _append(self, vector: Vector) -> Vector:
        """Adds the part of a vector outside the basis; returns its (count,) coordinates."""
        rest, length = vector.copy(), _length(vector)
        used = self.basis[: self.count]
        column = np.zeros(self.count)
        for _ in range(2):  # twice, because of rounding errors
            for rows, total in ((self._known, None), (used, column)):
                part = np.einsum("mn,n->m", rows, rest)
                rest -= np.einsum("m,mn->n", part, rows)
                if total is not None:
                    total += part
        outside = _length(rest)
        if outside > _DEPENDENT * length:
            self.basis[self.count] = rest / outside
            self.count += 1
        return column


def leading_eigenpairs(
    product: Callable[[Vector], Vector], size: int, *, known: Vector | None = None, tolerance: float
) -> tuple[Vector, Vector] | None:
    """Finds the two largest eigenvalues of a symmetric matrix and their eigenvectors.

    Args:
        product: Multiplies the (N, N) matrix with an (N,) vector, summing in a fixed order.
        size: N >= 1.
        known: (N,) eigenvector of length one to exclude, or None.
        tolerance: Largest norm of a residual, relative to the largest eigenvalue.

    Returns:
        Eigenvalues (2,), largest first, and eigenvectors (N, 2), with signs set by seeded random
        vectors; 0 if there are fewer than two. None without convergence.
    """
    start = np.random.RandomState(0).normal(size=(_PAIRS, size))
    krylov = _Krylov(start, known)
    for _ in range(_RESTARTS):
        krylov.grow(product)
        if krylov.count == 0:
            return np.zeros(_PAIRS), np.zeros((size, _PAIRS))
        values, coefficients, residuals = krylov.ritz()
        if (residuals[:_PAIRS] <= tolerance * np.abs(values[:_PAIRS]).max()).all():
            return _orient(values, krylov.vectors(coefficients[:, :_PAIRS]), start)
        krylov.restart(values, coefficients)
    return None


def _orient(values: Vector, vectors: Vector, start: Vector) -> tuple[Vector, Vector]:
    """Pads the pairs to two, and sets the sign of each vector by a start vector."""
    if len(vectors) == _PAIRS and values[0] - values[1] <= _EQUAL * np.abs(values).max():
        vectors = _turn(vectors, start[0])
    pair, oriented = np.zeros(_PAIRS), np.zeros((start.shape[1], _PAIRS))
    for i, vector in enumerate(vectors):
        pair[i] = values[i]
        oriented[:, i] = vector if np.einsum("n,n->", vector, start[i]) >= 0 else -vector
    return pair, oriented


def _turn(vectors: Vector, start: Vector) -> Vector:
    """Turns two orthonormal vectors in their plane, so that the first points to `start`."""
    along = np.einsum("kn,n->k", vectors, start)
    cosine, sine = along / max(_length(along), np.finfo(float).tiny)
    turned: Vector = np.einsum("jk,kn->jn", np.array([[cosine, sine], [-sine, cosine]]), vectors)
    return turned


def _length(vector: Vector) -> float:
    return float(np.sqrt(np.einsum("n,n->", vector, vector)))

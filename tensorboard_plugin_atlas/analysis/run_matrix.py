# SPDX-License-Identifier: Apache-2.0
"""Similarity of every pair of several atlases, such as the last ones of several seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.atlas_checks import iterate_atlases
from tensorboard_plugin_atlas.analysis.comparison import compare_atlases
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class RunMatrix:
    """Similarities of N atlases.

    Attributes:
        names: Run, layer and step of each atlas.
        cka: (N, N) float64: CKA of their activations (see `AtlasDiff.cka`); NaN where undefined.
        shared_concepts: (N, N) float64: fraction of the shared samples that are in both concepts of
            a match (see `ConceptDiff.agreement`); NaN where an atlas has no concepts.
    """

    names: tuple[str, ...]
    cka: NDArray[np.float64]
    shared_concepts: NDArray[np.float64]

    def __str__(self) -> str:
        """Returns both matrices as text."""
        width = max(map(len, self.names), default=0)
        lines = []
        for title, matrix in (("CKA", self.cka), ("shared concepts", self.shared_concepts)):
            lines.append(title)
            for name, row in zip(self.names, matrix, strict=True):
                lines.append(f"  {name:{width}}  " + " ".join(f"{value:5.2f}" for value in row))
        return "\n".join(lines)


def compare_runs(atlases: Iterable[Atlas]) -> RunMatrix:
    """Compares every pair of several atlases of one probe.

    Args:
        atlases: At least two atlases, such as the last one of each run. Their settings may differ.

    Returns:
        The similarities.

    Raises:
        ArgumentError: if there are fewer than two atlases, or two of them share no sample.

    Examples:
        >>> runs = (read_atlases("runs", run=f"seed{i}", layer="layer4") for i in range(5))
        ...                                                                   # doctest: +SKIP
        >>> last = [list(atlases)[-1] for atlases in runs]  # doctest: +SKIP
        >>> print(compare_runs(last))  # doctest: +SKIP
    """
    found = list(iterate_atlases("atlases", atlases))
    if len(found) < 2:
        raise ArgumentError(
            f"compare_runs(atlases) has {len(found)} atlases; pass at least two, such as the last "
            "atlas of each run"
        )
    similar = np.eye(len(found))
    shared = np.eye(len(found))
    for i, a in enumerate(found):
        for j in range(i):
            diff = compare_atlases(found[j], a, strict=False)
            similar[i, j] = similar[j, i] = np.nan if diff.cka is None else diff.cka
            agreement = np.nan if diff.concepts is None else diff.concepts.agreement
            shared[i, j] = shared[j, i] = agreement
    names = tuple(f"{one.run or '-'} {one.layer} {one.step}" for one in found)
    return RunMatrix(names=names, cka=similar, shared_concepts=shared)

# SPDX-License-Identifier: Apache-2.0
"""Which rank of a distributed run writes, known before and after the process group is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from torch import distributed

_LAUNCHERS: Final = (
    ("RANK", ("WORLD_SIZE",)),
    ("SLURM_PROCID", ("SLURM_STEP_NUM_TASKS", "SLURM_NTASKS", "SLURM_NPROCS")),
    ("OMPI_COMM_WORLD_RANK", ("OMPI_COMM_WORLD_SIZE",)),
    ("PMI_RANK", ("PMI_SIZE",)),
)
"""Each launcher's variable for the rank, and those for the number of ranks, the best one first."""


def why_silent(environment: Mapping[str, str] | None = None) -> str | None:
    """Returns why this process writes nothing, or None where it writes.

    An initialized process group decides. Without one, `RANK` with `WORLD_SIZE` decides, which are
    what `init_process_group()` will read; `RANK` alone may have been set by anybody.

    Without these, a rank above 0 that SLURM or MPI gives keeps a process silent where the
    launcher's number of ranks is above 1 as well. Rank 0 of one launcher does not yet mean that the
    process writes: all processes that `mpirun` starts in a batch job have the job script's
    `SLURM_PROCID` of 0, and MPI's own variables tell them apart.

    Args:
        environment: Variables, those of this process when left out.

    Returns:
        Such as "rank 3 of 8 (SLURM_PROCID)".
    """
    if distributed.is_available() and distributed.is_initialized():
        own = distributed.get_rank()
        return f"rank {own} of the process group" if own > 0 else None
    found = os.environ if environment is None else environment
    for name, sizes in _LAUNCHERS:
        rank, size = _number(found, name), _number(found, *sizes)
        if rank is None or size is None:
            continue
        if 0 < rank < size:
            return f"rank {rank} of {size} ({name})"
        if name == "RANK" and rank == 0:
            return None
    return None


def _number(environment: Mapping[str, str], *names: str) -> int | None:
    """Returns the first variable that holds a whole number, or None."""
    for name in names:
        text = environment.get(name, "").strip()
        if text.isascii() and text.isdecimal():
            return int(text)
    return None

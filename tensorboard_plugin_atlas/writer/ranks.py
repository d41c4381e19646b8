# SPDX-License-Identifier: Apache-2.0
"""Finds out which rank of a distributed run writes, with or without a process group."""

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
"""Variable of each launcher for the rank, and those for the number of ranks in order of trust."""


def find_silent_rank(environment: Mapping[str, str] | None = None) -> str | None:
    """Returns the rank of a process that does not write, or None if it writes.

    If a process group is initialized, its rank decides. Otherwise `RANK` and `WORLD_SIZE` decide,
    which `init_process_group()` reads; `RANK` alone is ignored, since other programs set it, too.

    Otherwise a process does not write if a variable of SLURM or MPI gives it a rank above 0 and
    the number of ranks is above 1. A rank of 0 from one launcher does not decide: all processes
    that `mpirun` starts in a batch job have the `SLURM_PROCID` 0 of the job script, and only MPI's
    variables differ.

    Args:
        environment: Environment variables; None uses those of this process.

    Returns:
        Text such as "rank 3 of 8 (SLURM_PROCID)".
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
    """Returns the value of the first variable that holds an integer, or None."""
    for name in names:
        text = environment.get(name, "").strip()
        if text.isascii() and text.isdecimal():
            return int(text)
    return None

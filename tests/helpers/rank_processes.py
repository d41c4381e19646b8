# SPDX-License-Identifier: Apache-2.0
"""Runs a function in several processes that form a process group, as `torchrun` starts them."""

from __future__ import annotations

import importlib
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

TIMEOUT = 240


def run_in_ranks(function: Callable[..., Any], sizes: Sequence[int]) -> dict[int, list[Any]]:
    """Calls a function in `size` processes, for each of some sizes.

    All processes are forks of one new process, so that libraries are imported once. If the module
    has a function `warm_up`, it is called before.

    Args:
        function: A function of a module in the path, such as a test module. It gets the process
            group, or None for one process.
        sizes: Numbers of processes.

    Returns:
        For each size, what the function returned in each rank; None in a rank that has ended.
    """
    source = sys.modules[function.__module__].__file__
    assert source is not None
    paths = [str(Path(source).parent), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    name = f"{Path(source).stem}:{function.__qualname__}"
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, __file__, name, folder, *map(str, sizes)],
            check=True,
            timeout=TIMEOUT,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, paths)),
                "OMP_NUM_THREADS": "1",
            },
        )
        return {
            size: [_read(Path(folder, f"{size}-{rank}")) for rank in range(size)] for size in sizes
        }


def find_free_port() -> int:
    """Returns a port of this machine that nothing listens to now."""
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        port: int = listener.getsockname()[1]
        return port


def _read(path: Path) -> Any:
    return pickle.loads(path.read_bytes()) if path.exists() else None


def _run_rank(name: str, path: Path, rank: int, size: int, port: int) -> None:
    from torch import distributed

    module, _, function = name.partition(":")
    group = None
    if size > 1:
        address = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(port)}
        os.environ |= {**address, "RANK": str(rank), "WORLD_SIZE": str(size)}
        distributed.init_process_group("gloo")
        group = distributed.group.WORLD
    result = getattr(importlib.import_module(module), function)(group)
    path.write_bytes(pickle.dumps(result))


def main(name: str, folder: str, *sizes: str) -> int:
    """Forks the processes of each size and waits for them; returns the exit status."""
    import torch

    torch.set_num_threads(1)
    module = importlib.import_module(name.partition(":")[0])
    getattr(module, "warm_up", lambda: None)()
    failed = 0
    for size in map(int, sizes):
        port = find_free_port()
        children = []
        for rank in range(size):
            child = os.fork()
            if not child:
                try:
                    _run_rank(name, Path(folder, f"{size}-{rank}"), rank, size, port)
                except BaseException:
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            children.append(child)
        failed += sum(os.waitpid(child, 0)[1] == 1 << 8 for child in children)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

